//! The settler where the chain itself misbehaves: congestion, reorganisations, strangers who are faster.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use std::time::Duration;

use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use http402_core::authorization::Eip3009;
use http402_core::seam::Facilitator;
use http402_core::{Authorization, Claim, Pending, Reason, Settlement, Timestamp};
use http402_testkit::chain::contract::abi::{Multicall, TestUsdc, TransferWithAuthorization};
use http402_testkit::chain::contract::{MULTICALL_ADDRESS, USDC_BASE_SEPOLIA};
use http402_testkit::chain::{Chain, Orphans};
use serde_json::json;

use crate::evm_scene::{NOW, PRICE, Scene, charge, limits, settled, transaction, until, verify};
use crate::scene::{PAYER, SETTLER, dev, payment, request, send, shop};

fn slow() -> Scene {
    Scene::of(Chain::builder().automine(false), USDC_BASE_SEPOLIA)
}

pub(crate) fn signed(claim: &Claim) -> Eip3009 {
    match &claim.authorization {
        Authorization::Eip3009(signed) => signed.clone(),
        other => panic!("not EIP-3009: {other:?}"),
    }
}

/// The calldata with which anybody can execute a claim.
pub(crate) fn execution(scene: &Scene, claim: &Claim) -> alloy_primitives::Bytes {
    let signed = signed(claim);
    let message = TransferWithAuthorization {
        from: signed.from,
        to: signed.to,
        value: signed.value,
        validAfter: signed.window.after,
        validBefore: signed.window.before,
        nonce: signed.nonce,
    };
    scene.token.settlement(&message, signed.signature)
}

fn start(settler: &http402_evm::Settler, claim: &Claim) -> tokio::task::JoinHandle<Settlement> {
    let (settler, claim) = (settler.clone(), claim.clone());
    tokio::spawn(async move { charge(&settler, &claim).await.unwrap() })
}

/// An observer executes the authorization between verification and settlement.
#[tokio::test(start_paused = true)]
async fn s09_executed_by_a_stranger_before_the_settlement_is_settled_once() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    verify(&settler, &claim).await.unwrap();
    let theirs = send(
        &scene.chain,
        dev(4),
        scene.token.address(),
        execution(&scene, &claim),
    );
    assert_eq!(settled(&settler, &claim).await, theirs.transaction_hash);
    assert_eq!(
        (scene.transactions(), scene.received()),
        (0, U256::from(PRICE))
    );
    let again = charge(&settler, &claim).await.unwrap();
    assert_eq!(again, Settlement::Declined(Reason::NonceUsed));
}

/// The observer saw it in the mempool and pays more.
#[tokio::test(start_paused = true)]
async fn s09_a_stranger_in_front_in_the_same_block_is_settled_with_his_transaction() {
    let scene = slow();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let task = start(&settler, &claim);
    scene.until_pending(1).await;
    let faster = request(dev(4), scene.token.address(), execution(&scene, &claim))
        .gas_limit(200_000)
        .max_fee_per_gas(100_000_000_000)
        .max_priority_fee_per_gas(90_000_000_000);
    let theirs = scene.chain.send(faster).unwrap();
    scene.chain.mine(1);
    assert_eq!(transaction(&task.await.unwrap()), theirs);
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );
}

/// The observer is faster by a block, and the settler's transaction stays in the mempool: the outcome is told, and the
/// nonce is taken up by a transaction that does nothing.
#[tokio::test(start_paused = true)]
async fn s09_a_stranger_a_block_ahead_leaves_no_gap() {
    let scene = slow();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let task = start(&settler, &claim);
    let ours = scene.until_pending(1).await[0];
    scene.chain.drop_pending(ours);
    let faster =
        request(dev(4), scene.token.address(), execution(&scene, &claim)).gas_limit(200_000);
    let theirs = scene.chain.send(faster).unwrap();
    scene.chain.mine(1);
    assert_eq!(transaction(&task.await.unwrap()), theirs);
    scene.until_pending(1).await;
    scene.chain.mine(1);
    until(|| settler.running() == 0).await;
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );
}

/// The payer cancels: the money did not move and never will.
#[tokio::test(start_paused = true)]
async fn s08_a_cancelled_authorization_is_a_no() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    verify(&settler, &claim).await.unwrap();
    cancel(&scene, signed(&claim).nonce);
    let outcome = charge(&settler, &claim).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::NonceUsed));
    let nothing = Pending::new(None, Timestamp::from_secs(NOW), "");
    let outcome = settler.resolve(&claim, &nothing).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::NonceUsed));
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
}

pub(crate) fn cancel(scene: &Scene, nonce: B256) {
    use alloy_sol_types::SolStruct;
    alloy_sol_types::sol! {
        struct CancelAuthorization { address authorizer; bytes32 nonce; }
    }
    let message = CancelAuthorization {
        authorizer: dev(PAYER),
        nonce,
    };
    let digest = message.eip712_signing_hash(&scene.token.domain());
    let signer = http402_testkit::chain::DEV_ACCOUNTS[PAYER].signer();
    let signature = alloy_signer::SignerSync::sign_hash_sync(&signer, &digest).unwrap();
    let call = TestUsdc::cancelAuthorization_1Call {
        authorizer: dev(PAYER),
        nonce,
        signature: signature.as_bytes().into(),
    };
    assert!(
        send(
            &scene.chain,
            dev(4),
            scene.token.address(),
            call.abi_encode()
        )
        .status()
    );
}

/// Two messages with one nonce, executed in one transaction with another payment: one Transfer can not pay twice.
#[tokio::test(start_paused = true)]
async fn s09_one_transfer_does_not_settle_two_claims() {
    let scene = Scene::new();
    let settler = scene.settler();
    let (first, second) = (scene.claim(1), scene.claim(2));
    // The same nonce as the first claim, for one unit to the payer himself.
    let mut trick = payment(&scene.chain, dev(PAYER), 1);
    (trick.to, trick.value) = (dev(PAYER), U256::from(1));
    let signer = http402_testkit::chain::DEV_ACCOUNTS[PAYER].signer();
    let signature = scene.token.authorize(&signer, &trick).as_bytes();
    let call = |input| Multicall::Call3 {
        target: scene.token.address(),
        allowFailure: false,
        callData: input,
    };
    let calls = vec![
        call(scene.token.settlement(&trick, signature)),
        call(execution(&scene, &second)),
    ];
    verify(&settler, &first).await.unwrap();
    let both = Multicall::aggregate3Call { calls }.abi_encode();
    let receipt = send(&scene.chain, dev(4), MULTICALL_ADDRESS, both);
    assert!(receipt.status() && scene.received() == U256::from(PRICE));

    let hash: Box<str> = receipt.transaction_hash.to_string().into();
    for known in [None, Some(hash)] {
        let lost = Pending::new(known, Timestamp::from_secs(NOW), "");
        let outcome = settler.resolve(&first, &lost).await.unwrap();
        assert!(!matches!(outcome, Settlement::Settled(_)), "{outcome:?}");
        let outcome = settler.resolve(&second, &lost).await.unwrap();
        assert_eq!(transaction(&outcome), receipt.transaction_hash);
    }
    let outcome = charge(&settler, &first).await.unwrap();
    assert!(!matches!(outcome, Settlement::Settled(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn fees_above_the_limit_are_not_paid() {
    let scene = Scene::of(
        Chain::builder().base_fee(600_000_000_000),
        USDC_BASE_SEPOLIA,
    );
    let settler = scene.settler();
    let outcome = charge(&settler, &scene.claim(1)).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::LimitReached));
    assert_eq!(scene.connection.count("eth_sendRawTransaction"), 0);
    // Gas as well: the estimate may not exceed its limit.
    let mut limits = limits();
    limits.gas = 30_000;
    let settler = Scene::new();
    let small = settler.builder().limits(limits).build().unwrap();
    let outcome = charge(&small, &settler.claim(1)).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::SimulationFailed));
}

/// Congestion: what does not come into a block is replaced by one that pays more, with the same nonce.
#[tokio::test(start_paused = true)]
async fn a_stuck_transaction_is_bumped() {
    let scene = slow();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let task = start(&settler, &claim);
    let first = scene.until_pending(1).await[0];
    scene.chain.set_min_tip(5_000_000_000);
    scene.chain.mine(1);
    assert_eq!(scene.chain.pending(), [first]);
    until(|| scene.chain.pending() != [first]).await;
    assert_eq!(scene.chain.pending().len(), 1);
    scene.chain.mine(1);
    let hash = transaction(&task.await.unwrap());
    assert_ne!(hash, first);
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );
}

/// Bumps end at the limits: the number of them, and the price of gas.
#[tokio::test(start_paused = true)]
async fn bumps_are_bounded() {
    let scene = slow();
    let mut limits = limits();
    (limits.max_bumps, limits.settle) = (3, Duration::from_secs(600));
    limits.abandon = Duration::from_secs(500);
    let settler = scene.builder().limits(limits.clone()).build().unwrap();
    let outcome = charge(&settler, &scene.claim(1)).await.unwrap();
    assert!(matches!(outcome, Settlement::Unknown(_)));
    let fee = |scene: &Scene| {
        let hash = scene.chain.pending()[0];
        let tx = scene
            .chain
            .request("eth_getTransactionByHash", json!([hash]))
            .unwrap();
        U256::from_str_radix(
            tx["maxFeePerGas"]
                .as_str()
                .unwrap()
                .trim_start_matches("0x"),
            16,
        )
        .unwrap()
    };
    // About 2 gwei in the beginning, three times a quarter more.
    let paid = fee(&scene);
    assert!(
        paid > U256::from(3_800_000_000u64) && paid < U256::from(4_100_000_000u64),
        "{paid}"
    );

    let scene = slow();
    limits.max_fee_per_gas = 2_600_000_000;
    limits.max_bumps = 50;
    let settler = scene.builder().limits(limits).build().unwrap();
    charge(&settler, &scene.claim(1)).await.unwrap();
    assert!(fee(&scene) <= U256::from(2_600_000_000u64));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_nodes_forgot_is_sent_again() {
    let scene = slow();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let task = start(&settler, &claim);
    let first = scene.until_pending(1).await[0];
    assert!(scene.chain.drop_pending(first));
    scene.until_pending(1).await;
    scene.chain.mine(1);
    transaction(&task.await.unwrap());
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );
}

/// The authorization ends while its transaction waits: the nonce is taken up, and the answer is no.
#[tokio::test(start_paused = true)]
async fn an_authorization_that_ends_in_the_mempool_frees_the_lane() {
    let scene = slow();
    let mut limits = limits();
    limits.settle = Duration::from_secs(600);
    let settler = scene.builder().limits(limits).build().unwrap();
    let (first, second) = (scene.claim(1), {
        let mut message = payment(&scene.chain, dev(PAYER), 2);
        message.validBefore += U256::from(3600);
        scene.signed(&message)
    });
    let task = start(&settler, &first);
    let hash = scene.until_pending(1).await[0];
    scene.chain.advance(700);
    until(|| scene.chain.pending() != [hash]).await;
    let instead = scene.chain.pending()[0];
    let other = start(&settler, &second);
    scene.until_pending(2).await;
    scene.chain.mine(1);
    // A transaction that does nothing has taken the place: cheaper than one that fails.
    assert_eq!(scene.chain.receipt(instead).unwrap().to, Some(dev(SETTLER)));
    assert_eq!(task.await.unwrap(), Settlement::Declined(Reason::Expired));
    transaction(&other.await.unwrap());
    assert_eq!(
        (scene.transactions(), scene.received()),
        (2, U256::from(PRICE))
    );
}

/// With more than one confirmation, a block that is dropped settles nothing.
#[tokio::test(start_paused = true)]
async fn s10_a_reorganisation_before_the_confirmations_settles_nothing() {
    for orphans in [Orphans::Forget, Orphans::Readmit] {
        let scene = slow();
        let mut limits = limits();
        limits.confirmations = 3;
        let settler = scene.builder().limits(limits).build().unwrap();
        let claim = scene.claim(1);
        let task = start(&settler, &claim);
        scene.until_pending(1).await;
        scene.chain.mine(2);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(!task.is_finished());
        // What is in a block is left alone.
        assert_eq!(scene.connection.count("eth_sendRawTransaction"), 1);
        scene.chain.reorg(2, orphans);
        assert_eq!(scene.received(), U256::ZERO);
        scene.until_pending(1).await;
        scene.chain.mine(2);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(!task.is_finished());
        scene.chain.mine(1);
        let hash = transaction(&task.await.unwrap());
        assert!(scene.chain.receipt(hash).unwrap().status());
        assert_eq!(
            (scene.transactions(), scene.received()),
            (1, U256::from(PRICE))
        );
    }
}

/// A settled payment is dropped with its block. The next one finds the gap and sends the old one again.
#[tokio::test(start_paused = true)]
async fn s10_what_a_reorganisation_dropped_is_sent_again_with_the_next() {
    let scene = Scene::new();
    let settler = scene.settler();
    let old = settled(&settler, &scene.claim(1)).await;
    scene.chain.reorg(1, Orphans::Forget);
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
    let nothing = Pending::new(Some(old.to_string().into()), Timestamp::from_secs(NOW), "");
    let lost = settler.resolve(&scene.claim(1), &nothing).await.unwrap();
    assert!(matches!(lost, Settlement::Unknown(_)));

    settled(&settler, &scene.claim(2)).await;
    assert_eq!(
        (scene.transactions(), scene.received()),
        (2, U256::from(2 * PRICE))
    );
    let found = settler.resolve(&scene.claim(1), &nothing).await.unwrap();
    assert_eq!(transaction(&found), old);
}

/// Somebody else sends from the account that pays the gas: slower, not wrong.
#[tokio::test(start_paused = true)]
async fn others_may_use_the_gas_account() {
    let scene = Scene::new();
    let settler = scene.settler();
    settled(&settler, &scene.claim(1)).await;
    let other = TransactionRequest::default().from(dev(SETTLER)).to(shop());
    scene.chain.send(other.clone()).unwrap();
    settled(&settler, &scene.claim(2)).await;

    // While a transaction of the lane waits, so that the lane does not ask for its nonce.
    scene.chain.set_automine(false);
    let first = start(&settler, &scene.claim(3));
    scene.until_pending(1).await;
    scene.chain.send(other).unwrap();
    let second = start(&settler, &scene.claim(4));
    scene.until_pending(3).await;
    scene.chain.mine(1);
    transaction(&first.await.unwrap());
    transaction(&second.await.unwrap());
    assert_eq!(
        (scene.transactions(), scene.received()),
        (6, U256::from(4 * PRICE))
    );
}

/// The confirmations count for a stranger's transaction, too.
#[tokio::test(start_paused = true)]
async fn s09_a_stranger_ahead_has_to_be_confirmed() {
    let scene = slow();
    let settler = scene.builder().limits(confirmed_by(3)).build().unwrap();
    let claim = scene.claim(1);
    let task = start(&settler, &claim);
    let ours = scene.until_pending(1).await[0];
    scene.chain.drop_pending(ours);
    let faster = request(dev(4), scene.token.address(), execution(&scene, &claim));
    let theirs = scene.chain.send(faster.gas_limit(200_000)).unwrap();
    scene.chain.mine(1);
    let lost = Pending::new(None, Timestamp::from_secs(NOW), "");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!task.is_finished());
    let reborn = scene.builder().limits(confirmed_by(3)).build().unwrap();
    let early = reborn.resolve(&claim, &lost).await.unwrap();
    assert!(matches!(early, Settlement::Unknown(_)), "{early:?}");
    // The transaction that takes the nonce up is in the first of these, and has to be confirmed as well.
    scene.chain.mine(3);
    assert_eq!(transaction(&task.await.unwrap()), theirs);
    let found = reborn.resolve(&claim, &lost).await.unwrap();
    assert_eq!(transaction(&found), theirs);
}

fn confirmed_by(confirmations: u64) -> http402_evm::Limits {
    let mut limits = limits();
    limits.confirmations = confirmations;
    limits
}

/// Another user of the gas account takes the nonce of a transaction that nodes forgot: a no, once that is final.
#[tokio::test(start_paused = true)]
async fn a_nonce_that_others_took_is_a_no_when_that_is_final() {
    let scene = Scene::of(
        Chain::builder().automine(false).finality(2),
        USDC_BASE_SEPOLIA,
    );
    let settler = scene.settler();
    let task = start(&settler, &scene.claim(1));
    let ours = scene.until_pending(1).await[0];
    scene.chain.drop_pending(ours);
    let other = TransactionRequest::default().from(dev(SETTLER)).to(shop());
    scene.chain.send(other).unwrap();
    scene.chain.mine(1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!task.is_finished());
    scene.chain.mine(2);
    let outcome = task.await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::TransactionFailed));
    until(|| settler.running() == 0).await;
    assert_eq!(scene.received(), U256::ZERO);
}
