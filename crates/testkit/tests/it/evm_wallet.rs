//! Payers that are contracts, delegate to one, or will be one.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolValue};
use http402_core::{Reason, Settlement, Verdict};
use http402_testkit::chain::DEV_ACCOUNTS;
use http402_testkit::chain::contract::abi::{TransferWithAuthorization, WalletFactory};
use http402_testkit::chain::contract::{HOSTILE_WALLET, WALLET_1271, WALLET_FACTORY};

use crate::evm_scene::{PRICE, Scene, charge, settled, verify};
use crate::scene::{PAYER, dev, payment};

fn signature(scene: &Scene, index: usize, message: &TransferWithAuthorization) -> Bytes {
    let signed = scene
        .token
        .authorize(&DEV_ACCOUNTS[index].signer(), message);
    Bytes::copy_from_slice(&signed.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_contract_wallet_pays_by_its_owners_signature() {
    let scene = Scene::new();
    let settler = scene.settler();
    let code = WALLET_1271.creation_code_with(&(dev(6),));
    let wallet = scene.chain.deploy(code).unwrap();
    scene.token.mint(wallet, PRICE);
    let message = payment(&scene.chain, wallet, 1);
    let wrong = scene.with(&message, signature(&scene, 5, &message));
    let verdict = verify(&settler, &wrong).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::Signature));
    let right = scene.with(&message, signature(&scene, 6, &message));
    let payer = wallet.into();
    assert_eq!(
        verify(&settler, &right).await.unwrap(),
        Verdict::Valid { payer }
    );
    settled(&settler, &right).await;
    assert_eq!(scene.token.balance_of(wallet), U256::ZERO);
}

/// Sets the delegate of the payer's account, as a transaction of type 4 does.
fn delegate(scene: &Scene, to: Address) {
    let authorization = Authorization {
        chain_id: U256::from(84_532),
        address: to,
        nonce: scene.chain.nonce(dev(PAYER)),
    };
    let signer = DEV_ACCOUNTS[PAYER].signer();
    let signature = signer
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let mut tx = TransactionRequest::default()
        .from(dev(4))
        .to(dev(PAYER))
        .gas_limit(500_000);
    tx.authorization_list = Some(vec![authorization.into_signed(signature)]);
    scene.chain.send(tx).unwrap();
    let expected = [&[0xef, 0x01, 0x00], to.as_slice()].concat();
    assert_eq!(scene.chain.code(dev(PAYER)), expected);
}

/// The delegate decides: one that asks for the account's own key accepts it, one that says nothing useful does not.
#[tokio::test(start_paused = true)]
async fn s37_an_account_that_delegates_pays_by_what_its_delegate_accepts() {
    let scene = Scene::new();
    let settler = scene.settler();
    let wallet = WALLET_1271.creation_code_with(&(Address::ZERO,));
    delegate(&scene, scene.chain.deploy(wallet).unwrap());
    settled(&settler, &scene.claim(1)).await;

    let stranger = scene.signed_by(
        &DEV_ACCOUNTS[5].signer(),
        &payment(&scene.chain, dev(PAYER), 2),
    );
    let verdict = verify(&settler, &stranger).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::Signature));

    // A delegate without ERC-1271: the token would refuse the account's own signature, and so does the settler.
    let mute = Address::repeat_byte(0x33);
    scene.chain.set_code(mute, Bytes::from_static(&[0x00]));
    delegate(&scene, mute);
    let verdict = verify(&settler, &scene.claim(2)).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::Signature));
    let open = HOSTILE_WALLET.creation_code_with(&(U256::ZERO,));
    delegate(&scene, scene.chain.deploy(open).unwrap());
    settled(&settler, &scene.claim(2)).await;
    assert_eq!(scene.received(), U256::from(2 * PRICE));
}

struct Counterfactual {
    factory: Address,
    wallet: Address,
    deploy: Bytes,
}

fn counterfactual(scene: &Scene) -> Counterfactual {
    let factory = scene.chain.deploy(WALLET_FACTORY.creation_code()).unwrap();
    let (owner, salt) = (dev(6), B256::repeat_byte(3));
    let call = WalletFactory::addressOfCall { owner, salt };
    let wallet = scene.chain.read(factory, &call).unwrap();
    scene.token.mint(wallet, 10 * PRICE);
    let deploy = WalletFactory::deployCall { owner, salt }
        .abi_encode()
        .into();
    Counterfactual {
        factory,
        wallet,
        deploy,
    }
}

fn wrap(factory: Address, calldata: &Bytes, inner: &Bytes) -> Bytes {
    let mut bytes = (factory, calldata.clone(), inner.clone()).abi_encode_params();
    bytes.extend([0x64, 0x92].repeat(16));
    bytes.into()
}

#[tokio::test(start_paused = true)]
async fn s36_a_wallet_that_is_not_deployed_yet_needs_an_allowed_factory() {
    let scene = Scene::new();
    let at = counterfactual(&scene);
    let message = payment(&scene.chain, at.wallet, 1);
    let inner = signature(&scene, 6, &message);
    let claim = scene.with(&message, wrap(at.factory, &at.deploy, &inner));
    let closed = scene.settler();
    let verdict = verify(&closed, &claim).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::FactoryNotAllowed));
    let outcome = charge(&closed, &claim).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::FactoryNotAllowed));
    assert_eq!(scene.transactions(), 0);

    let settler = scene.builder().allow_factory(at.factory).build().unwrap();
    let payer = at.wallet.into();
    assert_eq!(
        verify(&settler, &claim).await.unwrap(),
        Verdict::Valid { payer }
    );
    assert!(scene.chain.code(at.wallet).is_empty());
    settled(&settler, &claim).await;
    assert!(!scene.chain.code(at.wallet).is_empty());
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );

    // Deployed now: the wrapper is taken off, and no factory is called, allowed or not.
    let message = payment(&scene.chain, at.wallet, 2);
    let inner = signature(&scene, 6, &message);
    let claim = scene.with(&message, wrap(dev(9), &at.deploy, &inner));
    settled(&closed, &claim).await;
    assert_eq!(scene.received(), U256::from(2 * PRICE));
}

#[tokio::test(start_paused = true)]
async fn s36_a_wrapper_that_does_not_deploy_or_does_not_sign_is_refused() {
    let scene = Scene::new();
    let at = counterfactual(&scene);
    let other = dev(8);
    let settler = scene
        .builder()
        .allow_factory(at.factory)
        .allow_factory(other)
        .build()
        .unwrap();
    let message = payment(&scene.chain, at.wallet, 1);
    let (right, wrong) = (
        signature(&scene, 6, &message),
        signature(&scene, 5, &message),
    );
    let broken = {
        let whole = wrap(at.factory, &at.deploy, &right);
        Bytes::copy_from_slice(&whole[whole.len() - 40..])
    };
    for (signature, reason) in [
        (wrap(at.factory, &at.deploy, &wrong), Reason::Signature),
        (
            wrap(at.factory, &Bytes::from_static(b"no such"), &right),
            Reason::DeploymentFailed,
        ),
        // An allowed "factory" that deploys nothing.
        (wrap(other, &at.deploy, &right), Reason::Signature),
        (broken, Reason::Signature),
    ] {
        let claim = scene.with(&message, signature);
        let verdict = verify(&settler, &claim).await.unwrap();
        assert_eq!(verdict, Verdict::Invalid(reason.clone()));
        let outcome = charge(&settler, &claim).await.unwrap();
        assert_eq!(outcome, Settlement::Declined(reason));
    }
    assert_eq!(scene.transactions(), 0);
}

/// The factory is never called by the account that pays the gas: its call may be anything.
#[tokio::test(start_paused = true)]
async fn s36_the_factory_is_not_called_by_the_account_that_pays_the_gas() {
    let scene = Scene::new();
    let at = counterfactual(&scene);
    let settler = scene.builder().allow_factory(at.factory).build().unwrap();
    let message = payment(&scene.chain, at.wallet, 1);
    let inner = signature(&scene, 6, &message);
    let claim = scene.with(&message, wrap(at.factory, &at.deploy, &inner));
    let hash = settled(&settler, &claim).await;
    let to = scene.chain.receipt(hash).unwrap().to;
    assert_eq!(
        to,
        Some(http402_testkit::chain::contract::MULTICALL_ADDRESS)
    );
}
