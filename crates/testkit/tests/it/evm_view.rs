//! The buyer's view, wallets of alloy, and accounts that may not be used.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use http402_core::asset::Assets;
use http402_core::authorization::Eip3009;
use http402_core::seam::{ChainView, Signer, Spent};
use http402_core::typed::ToSign;
use http402_core::{Authorization, ChainId, Claim, Party, Reason, TokenDomain, Verdict};
use http402_evm::development::{ACCOUNTS, check_account, is_development_key};
use http402_evm::{AlloySigner, BuildError, Finality, Limits, Settler, View};
use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS, Fault};
use http402_verify::{LocalKey, Verifier};

use crate::evm_chain::cancel;
use crate::evm_scene::{Scene, charge, settled, verify};
use crate::scene::{PAYER, SETTLER, dev};

fn view(scene: &Scene, finality: Finality) -> View {
    View::new(scene.clock()).chain(84_532, scene.provider(), finality)
}

async fn spent(view: &View, claim: &Claim) -> Spent {
    let requirement = &claim.requirement;
    let answer = view.spent(&requirement.chain, &requirement.asset, &claim.authorization);
    answer.await.unwrap()
}

fn nonce(claim: &Claim) -> B256 {
    match &claim.authorization {
        Authorization::Eip3009(Eip3009 { nonce, .. }) => *nonce,
        other => panic!("not EIP-3009: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn s07_executed_is_yes_with_the_transaction() {
    let scene = Scene::new();
    let claim = scene.claim(1);
    let view = view(&scene, Finality::Finalized);
    assert_eq!(spent(&view, &claim).await, Spent::Unknown);
    let hash = settled(&scene.settler(), &claim).await;
    let transaction = Some(hash.to_string().into());
    assert_eq!(spent(&view, &claim).await, Spent::Yes { transaction });
    // Also far back, in steps.
    scene.chain.mine(50);
    let mut limits = Limits::default();
    limits.search_step = 7;
    let narrow = View::new(scene.clock()).limits(limits.clone()).chain(
        84_532,
        scene.provider(),
        Finality::Finalized,
    );
    let transaction = Some(hash.to_string().into());
    assert_eq!(spent(&narrow, &claim).await, Spent::Yes { transaction });
    limits.search_blocks = 20;
    let short = View::new(scene.clock()).limits(limits).chain(
        84_532,
        scene.provider(),
        Finality::Finalized,
    );
    assert_eq!(
        spent(&short, &claim).await,
        Spent::Yes { transaction: None }
    );
}

/// Never: unused at a final block that is not before the end of the window. Nothing less is a proof.
#[tokio::test(start_paused = true)]
async fn s07_never_needs_a_final_block_after_the_window() {
    let scene = Scene::of(Chain::builder().finality(3), USDC_BASE_SEPOLIA);
    let claim = scene.claim(1);
    let view = view(&scene, Finality::Finalized);
    scene.chain.advance(599);
    scene.chain.mine(10);
    assert_eq!(spent(&view, &claim).await, Spent::Unknown);
    scene.chain.advance(1);
    scene.chain.mine(3);
    assert_eq!(spent(&view, &claim).await, Spent::Unknown);
    scene.chain.mine(1);
    assert_eq!(spent(&view, &claim).await, Spent::Never);
}

#[tokio::test(start_paused = true)]
async fn s07_a_cancelled_one_is_never_when_that_is_final() {
    let scene = Scene::of(Chain::builder().finality(2), USDC_BASE_SEPOLIA);
    let claim = scene.claim(1);
    let view = view(&scene, Finality::Finalized);
    cancel(&scene, nonce(&claim));
    assert_eq!(spent(&view, &claim).await, Spent::Unknown);
    scene.chain.mine(2);
    assert_eq!(spent(&view, &claim).await, Spent::Never);
}

#[tokio::test(start_paused = true)]
async fn a_view_that_can_not_ask_is_an_error() {
    let scene = Scene::new();
    let claim = scene.claim(1);
    let requirement = &claim.requirement;
    let ask = async |view: &View| {
        let asset = &requirement.asset;
        view.spent(&requirement.chain, asset, &claim.authorization)
            .await
    };
    assert!(ask(&View::new(scene.clock())).await.is_err());
    let other = View::new(scene.clock()).chain(84_532, scene.provider(), Finality::Depth(1));
    for fault in [Fault::Refuse, Fault::Hang, Fault::Garbage(b"{}".to_vec())] {
        scene.connection.inject(None, u32::MAX, fault);
        assert!(ask(&other).await.is_err());
        scene.connection.clear_faults();
    }
    // Another chain behind the same number proves nothing.
    let elsewhere = Scene::of(Chain::builder().chain_id(8453), USDC_BASE_SEPOLIA);
    let lost = View::new(scene.clock()).chain(84_532, elsewhere.provider(), Finality::Finalized);
    assert!(ask(&lost).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn s25_a_provider_of_another_chain_is_found_out() {
    let scene = Scene::new();
    let elsewhere = Scene::of(Chain::builder().chain_id(8453), USDC_BASE_SEPOLIA);
    let settler = scene.builder_with(elsewhere.provider()).build().unwrap();
    assert!(verify(&settler, &scene.claim(1)).await.is_err());
    assert!(charge(&settler, &scene.claim(1)).await.is_err());
    assert_eq!(elsewhere.transactions(), 0);
}

#[tokio::test]
async fn alloys_signers_sign_as_our_own_keys_do() {
    let key = DEV_ACCOUNTS[PAYER].publicly_known_key();
    let (ours, theirs) = (
        LocalKey::from_bytes(&key.0).unwrap(),
        AlloySigner::new(DEV_ACCOUNTS[PAYER].signer()),
    );
    assert_eq!(theirs.party(), ours.party());
    let scene = Scene::new();
    let claim = scene.claim(1);
    let Authorization::Eip3009(signed) = &claim.authorization else {
        panic!("it is one");
    };
    let domain = TokenDomain::new("USDC", "2");
    let document = signed.document(&domain, 84_532, scene.token.address());
    for what in [
        ToSign::typed(document),
        ToSign::Message(Bytes::from_static(b"hello")),
    ] {
        let signature = theirs.sign(&what).await.unwrap();
        assert_eq!(signature, ours.sign(&what).await.unwrap());
        assert!(signature.len() == 65 && matches!(signature[64], 27 | 28));
    }
    let what = ToSign::typed(signed.document(&domain, 84_532, scene.token.address()));
    assert_eq!(theirs.sign(&what).await.unwrap(), signed.signature);
}

#[test]
fn a_publicly_known_key_pays_no_gas_where_money_is_worth_something() {
    for account in DEV_ACCOUNTS {
        assert!(is_development_key(&account.address()));
        for chain in [31_337, 1337, 84_532, 11_155_111] {
            assert!(check_account(&ChainId::eip155(chain), &account.address()).is_ok());
        }
        for chain in [1, 10, 137, 8453, 42_161] {
            assert!(check_account(&ChainId::eip155(chain), &account.address()).is_err());
        }
    }
    let own = PrivateKeySigner::random();
    assert!(check_account(&ChainId::eip155(1), &own.address()).is_ok());

    let scene = Scene::new();
    let begin = || Settler::builder(Arc::new(Verifier::new(Assets::known())), scene.clock());
    let known = DEV_ACCOUNTS[SETTLER].signer();
    let refused = begin().chain(8453, scene.provider(), known.clone()).build();
    assert!(matches!(refused, Err(BuildError::Development(key)) if key.address() == dev(SETTLER)));
    assert_eq!(begin().build().unwrap_err(), BuildError::NoChain);
    let twice = begin()
        .chain(84_532, scene.provider(), known.clone())
        .chain(84_532, scene.provider(), known)
        .build();
    assert_eq!(twice.unwrap_err(), BuildError::ChainTwice(84_532));
    let mut limits = Limits::default();
    limits.bump_percent = 12;
    let settler = begin()
        .chain(8453, scene.provider(), own)
        .limits(limits)
        .build();
    assert!(matches!(settler, Err(BuildError::Limits(_))));
}

/// Nor is it paid there.
#[tokio::test(start_paused = true)]
async fn a_publicly_known_key_is_not_paid_where_money_is_worth_something() {
    let scene = Scene::of(Chain::builder().chain_id(8453), USDC_BASE_SEPOLIA);
    let settler = scene
        .builder_on(8453, scene.provider(), PrivateKeySigner::random())
        .any_asset()
        .build()
        .unwrap();
    let mut message = crate::scene::payment(&scene.chain, dev(PAYER), 1);
    message.to = ACCOUNTS[12];
    let mut claim = scene.signed(&message);
    claim.requirement.pay_to = Party::Evm(ACCOUNTS[12]);
    claim.requirement.chain = ChainId::eip155(8453);
    let verdict = verify(&settler, &claim).await.unwrap();
    assert_eq!(
        verdict,
        Verdict::Invalid(Reason::Other("development_key".into()))
    );
    let mut claim = scene.claim(1);
    claim.requirement.chain = ChainId::eip155(8453);
    let verdict = verify(&settler, &claim).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    assert_eq!(scene.token.balance_of(ACCOUNTS[12]), U256::ZERO);
}
