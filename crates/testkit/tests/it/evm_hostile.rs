//! Tokens and wallets that cheat.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use alloy_primitives::{Address, Bytes, U256};
use http402_core::seam::Facilitator;
use http402_core::{Reason, Settlement, Verdict};
use http402_testkit::chain::Chain;
use http402_testkit::chain::contract::{
    HOSTILE_WALLET, TokenFault, USDC_BASE_SEPOLIA, WalletFault,
};

use crate::evm_scene::{PRICE, Scene, charge, pending, settled, verify};
use crate::scene::{PAYER, dev, payment, shop};

fn hostile(fault: TokenFault) -> Scene {
    let token = Address::repeat_byte(0x70);
    let scene = Scene::of(Chain::builder().hostile_token_at(token), token);
    scene.token.set_fault(fault);
    scene
}

/// The transaction succeeds and the transfer that was signed is not in it: never settled, and as the nonce is used, not
/// declined either.
#[tokio::test(start_paused = true)]
async fn s38_a_success_without_the_transfer_is_not_settled() {
    for fault in [
        TokenFault::Nothing,
        TokenFault::OtherEmitter,
        TokenFault::Fee,
        TokenFault::Short,
        TokenFault::Split,
    ] {
        let scene = hostile(fault);
        let settler = scene.settler();
        let claim = scene.claim(1);
        let lost = pending(&charge(&settler, &claim).await.unwrap());
        let hash = lost.transaction.as_deref().unwrap().parse().unwrap();
        assert!(scene.chain.receipt(hash).unwrap().status());
        assert_eq!(scene.transactions(), 1, "{fault:?}");
        for settler in [&settler, &scene.settler()] {
            let outcome = settler.resolve(&claim, &lost).await.unwrap();
            assert_eq!(pending(&outcome).transaction, lost.transaction, "{fault:?}");
        }
        let again = charge(&settler, &claim).await.unwrap();
        assert!(
            matches!(again, Settlement::Unknown(_)),
            "{fault:?} {again:?}"
        );
        assert_eq!(scene.transactions(), 1, "{fault:?}");
    }
}

/// Cheap for the settler: what burns gas or works only in a simulation ends within the limit.
#[tokio::test(start_paused = true)]
async fn s38_a_token_can_not_burn_more_than_the_limit() {
    for fault in [TokenFault::BurnGas, TokenFault::RevertBomb] {
        let scene = hostile(fault);
        let settler = scene.settler();
        let verdict = verify(&settler, &scene.claim(1)).await.unwrap();
        assert_eq!(verdict, Verdict::Invalid(Reason::SimulationFailed));
        let outcome = charge(&settler, &scene.claim(1)).await.unwrap();
        assert_eq!(outcome, Settlement::Declined(Reason::SimulationFailed));
        assert_eq!(scene.transactions(), 0);
    }
    let scene = hostile(TokenFault::OnlyInSimulation);
    let outcome = charge(&scene.settler(), &scene.claim(1)).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::TransactionFailed));
    assert_eq!((scene.transactions(), scene.received()), (1, U256::ZERO));
}

/// A token that takes a used nonce in silence.
#[tokio::test(start_paused = true)]
async fn s38_a_silent_replay_is_not_valid() {
    let scene = hostile(TokenFault::SilentReplay);
    let settler = scene.settler();
    let claim = scene.claim(1);
    settled(&settler, &claim).await;
    let verdict = verify(&settler, &claim).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::NonceUsed));
    let outcome = charge(&settler, &claim).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::NonceUsed));
}

#[tokio::test(start_paused = true)]
async fn s38_a_token_that_is_not_on_the_list_is_not_even_asked() {
    let scene = hostile(TokenFault::Lie);
    let known = scene
        .builder()
        .assets(http402_core::asset::Assets::known())
        .build()
        .unwrap();
    let verdict = verify(&known, &scene.claim(1)).await.unwrap();
    assert_eq!(
        verdict,
        Verdict::Invalid(Reason::Other("asset_not_allowed".into()))
    );
    assert!(scene.connection.seen().is_empty());
    let open = scene.builder().any_asset().build().unwrap();
    let verdict = verify(&open, &scene.claim(1)).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }));
}

/// A wallet's answer costs bounded gas, has a bounded size, and counts only when it is the whole word.
#[tokio::test(start_paused = true)]
async fn s37_a_hostile_wallet_is_refused() {
    let scene = Scene::of(Chain::builder(), USDC_BASE_SEPOLIA);
    let settler = scene.settler();
    for fault in [
        WalletFault::GasBomb,
        WalletFault::ReturnBomb,
        WalletFault::RevertBomb,
        WalletFault::ShortAnswer,
        WalletFault::Boolean,
    ] {
        let wallet = wallet(&scene, fault);
        let claim = scene.with(
            &payment(&scene.chain, wallet, 1),
            Bytes::from_static(b"any"),
        );
        let verdict = verify(&settler, &claim).await.unwrap();
        assert_eq!(verdict, Verdict::Invalid(Reason::Signature), "{fault:?}");
        let outcome = charge(&settler, &claim).await.unwrap();
        assert_eq!(
            outcome,
            Settlement::Declined(Reason::Signature),
            "{fault:?}"
        );
    }
    assert_eq!(scene.transactions(), 0);
    assert_eq!(scene.token.balance_of(shop()), U256::ZERO);
}

/// Whoever lets everybody pay from his wallet may; who changes his mind in the transaction pays nobody.
#[tokio::test(start_paused = true)]
async fn s37_what_a_wallet_says_in_the_transaction_decides() {
    let scene = Scene::new();
    let settler = scene.settler();
    let open = wallet(&scene, WalletFault::AlwaysTrue);
    let claim = scene.with(&payment(&scene.chain, open, 1), Bytes::from_static(b"any"));
    settled(&settler, &claim).await;
    let fickle = wallet(&scene, WalletFault::OnlyInSimulation);
    let claim = scene.with(
        &payment(&scene.chain, fickle, 1),
        Bytes::from_static(b"any"),
    );
    let verdict = verify(&settler, &claim).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }));
    let outcome = charge(&settler, &claim).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::TransactionFailed));
    assert_eq!(
        (scene.transactions(), scene.received()),
        (2, U256::from(PRICE))
    );
}

fn wallet(scene: &Scene, fault: WalletFault) -> Address {
    let mode = U256::from(fault as u8);
    let code = HOSTILE_WALLET.creation_code_with(&(mode,));
    let wallet = scene.chain.deploy(code).unwrap();
    scene.token.mint(wallet, PRICE);
    wallet
}

/// A key's signature for a payer with code is the contract's business.
#[tokio::test(start_paused = true)]
async fn s37_code_decides_even_when_the_signature_recovers_to_the_payer() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    scene
        .chain
        .set_code(dev(PAYER), HOSTILE_WALLET.runtime_code());
    scene.chain.set_storage(
        dev(PAYER),
        U256::ZERO,
        U256::from(WalletFault::Boolean as u8),
    );
    let verdict = verify(&settler, &claim).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::Signature));
}
