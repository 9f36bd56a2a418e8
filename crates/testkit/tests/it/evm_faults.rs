//! The settler where the provider fails.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use std::time::Duration;

use alloy_primitives::{B256, U256};
use http402_core::seam::Facilitator;
use http402_core::{Pending, Reason, Settlement, Step, Timestamp};
use http402_evm::Finality;
use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::{Chain, Fault, RpcError};

use crate::evm_scene::{NOW, PRICE, Scene, charge, pending, settled, transaction, until, verify};

fn slow() -> Scene {
    Scene::of(Chain::builder().automine(false), USDC_BASE_SEPOLIA)
}

/// "Could not ask" is no "no".
#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_an_error_and_not_a_refusal() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    for fault in [
        Fault::Refuse,
        Fault::Status(503),
        Fault::Garbage(b"<html>".to_vec()),
        Fault::Error(RpcError::new(-32005, "limit exceeded")),
        Fault::Hang,
    ] {
        scene.connection.inject(None, u32::MAX, fault);
        assert!(verify(&settler, &claim).await.is_err());
        assert!(charge(&settler, &claim).await.is_err());
        let lost = Pending::new(None, Timestamp::from_secs(NOW), "");
        assert!(settler.resolve(&claim, &lost).await.is_err());
        scene.connection.clear_faults();
    }
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
    settled(&settler, &claim).await;
}

/// Each single question of a settlement fails once: nothing becomes a refusal, and nothing is paid twice.
#[tokio::test(start_paused = true)]
async fn every_question_may_fail_once() {
    for method in [
        "eth_chainId",
        "eth_getCode",
        "eth_call",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_getTransactionCount",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
    ] {
        for fault in [
            Fault::Refuse,
            Fault::LoseAnswer,
            Fault::Hang,
            Fault::Status(502),
        ] {
            let scene = Scene::new();
            let settler = scene.settler();
            let claim = scene.claim(1);
            scene.connection.inject(Some(method), 1, fault.clone());
            match charge(&settler, &claim).await {
                Ok(Settlement::Settled(_)) => {}
                Ok(other) => panic!("{method} {fault:?}: {other:?}"),
                Err(_) => {
                    assert_eq!(scene.transactions(), 0, "{method}");
                    settled(&settler, &claim).await;
                }
            }
            assert_eq!(scene.received(), U256::from(PRICE), "{method} {fault:?}");
            assert_eq!(scene.transactions(), 1, "{method} {fault:?}");
        }
    }
}

/// The broadcast reaches the chain, its answer does not come back: the receipt tells.
#[tokio::test(start_paused = true)]
async fn s07_a_lost_answer_of_the_broadcast_settles_all_the_same() {
    let scene = Scene::new();
    let broadcast = Some("eth_sendRawTransaction");
    scene.connection.inject(broadcast, 1, Fault::LoseAnswer);
    settled(&scene.settler(), &scene.claim(1)).await;
    assert_eq!(scene.transactions(), 1);
}

/// The broadcast is lost, and the receipts with it.
#[tokio::test(start_paused = true)]
async fn s06_a_lost_outcome_is_unknown_and_resolves_to_settled() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let broadcast = Some("eth_sendRawTransaction");
    scene.connection.inject(broadcast, 1, Fault::LoseAnswer);
    scene
        .connection
        .inject(Some("eth_getTransactionReceipt"), u32::MAX, Fault::Refuse);
    let lost = pending(&charge(&settler, &claim).await.unwrap());
    let hash: B256 = lost.transaction.as_deref().unwrap().parse().unwrap();
    assert!(scene.chain.receipt(hash).is_some());
    // Who asks again joins the same settlement.
    let again = pending(&charge(&settler, &claim).await.unwrap());
    assert_eq!(again.transaction, lost.transaction);

    // After a crash, with the hash and without: by the receipt, and by the token's logs.
    scene.connection.clear_faults();
    let reborn = scene.settler();
    assert_eq!(
        transaction(&reborn.resolve(&claim, &lost).await.unwrap()),
        hash
    );
    let nothing = Pending::new(None, Timestamp::from_secs(NOW), "");
    let found = reborn.resolve(&claim, &nothing).await.unwrap();
    assert_eq!(transaction(&found), hash);
    until(|| settler.running() == 0).await;
    let found = settler.resolve(&claim, &lost).await.unwrap();
    assert_eq!(transaction(&found), hash);
    assert_eq!(
        (scene.transactions(), scene.received()),
        (1, U256::from(PRICE))
    );
}

/// The node answers the first copy of a transaction too late, and the second with "already known" or "nonce too low".
#[tokio::test(start_paused = true)]
async fn already_known_is_success() {
    let scene = Scene::new();
    let settler = scene.settler();
    let error = RpcError::new(-32000, "already known");
    scene
        .connection
        .inject(Some("eth_sendRawTransaction"), 1, Fault::Error(error));
    // The node that says so has it not: it is sent again.
    settled(&settler, &scene.claim(1)).await;
    assert_eq!(scene.transactions(), 1);
}

/// What the node certainly refuses frees the nonce: the next transaction has it.
#[tokio::test(start_paused = true)]
async fn a_refused_transaction_leaves_no_gap() {
    let scene = Scene::new();
    let settler = scene.settler();
    let error = RpcError::new(-32000, "insufficient funds for gas * price + value");
    scene
        .connection
        .inject(Some("eth_sendRawTransaction"), 1, Fault::Error(error));
    let (first, second) = (scene.claim(1), scene.claim(2));
    assert!(charge(&settler, &first).await.is_err());
    settled(&settler, &second).await;
    settled(&settler, &first).await;
    assert_eq!(scene.transactions(), 2);
}

/// The caller goes away; the settlement does not, and the next one finds no gap.
#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_leaves_nothing_behind() {
    let scene = slow();
    let settler = scene.settler();
    let claim = scene.claim(1);
    for steps in [1, 50] {
        let limit = Duration::from_millis(steps);
        let gone = tokio::time::timeout(limit, charge(&settler, &claim)).await;
        assert!(gone.is_err());
    }
    let sent = scene.until_pending(1).await;
    scene.chain.mine(1);
    until(|| settler.running() == 0).await;
    assert_eq!(scene.received(), U256::from(PRICE));
    let nothing = Pending::new(None, Timestamp::from_secs(NOW), "");
    let found = settler.resolve(&claim, &nothing).await.unwrap();
    assert_eq!(transaction(&found), sent[0]);
    scene.chain.set_automine(true);
    settled(&settler, &scene.claim(2)).await;
    assert_eq!(scene.transactions(), 2);
}

/// A replica that lags behind knows no receipts and old nonces; no wrong no comes out of it.
#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_behind_makes_no_refusal() {
    let scene = Scene::new();
    let settler = scene.settler();
    settled(&settler, &scene.claim(1)).await;
    scene.connection.set_lag(1);
    let task = tokio::spawn({
        let (settler, claim) = (settler.clone(), scene.claim(2));
        async move { charge(&settler, &claim).await.unwrap() }
    });
    until(|| scene.received() == U256::from(2 * PRICE)).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!task.is_finished());
    scene.connection.set_lag(0);
    transaction(&task.await.unwrap());
    assert_eq!(scene.transactions(), 2);
}

/// Nothing was executed, and the window is over in a final block: only then "no" is the answer.
#[tokio::test(start_paused = true)]
async fn s07_resolve_says_no_only_when_it_can_not_happen_any_more() {
    let scene = Scene::of(Chain::builder().finality(2), USDC_BASE_SEPOLIA);
    let settler = scene.settler();
    let claim = scene.claim(1);
    let lost = Pending::new(
        Some(B256::ZERO.to_string().into()),
        Timestamp::from_secs(NOW),
        "lost",
    );
    let still = async || pending(&settler.resolve(&claim, &lost).await.unwrap());
    assert_eq!(still().await, lost);
    scene.chain.advance(600);
    assert_eq!(still().await, lost);
    scene.chain.mine(2);
    assert_eq!(still().await, lost);
    scene.chain.mine(1);
    let outcome = settler.resolve(&claim, &lost).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::Expired));

    // By depth, for chains without the tag.
    let deep = scene
        .builder()
        .finality(Finality::Depth(9))
        .build()
        .unwrap();
    assert!(matches!(
        deep.resolve(&claim, &lost).await.unwrap(),
        Settlement::Unknown(_)
    ));
    scene.chain.mine(7);
    let outcome = deep.resolve(&claim, &lost).await.unwrap();
    assert_eq!(outcome, Settlement::Declined(Reason::Expired));
}

/// An error names neither the provider nor what was signed.
#[tokio::test]
async fn s60_errors_hold_no_addresses_and_no_signatures() {
    use alloy::providers::{Provider, ProviderBuilder};
    let scene = Scene::new();
    let endpoint = scene.chain.serve().unwrap();
    let url = format!("{}/v3/secret-key", endpoint.url());
    let provider = ProviderBuilder::new()
        .connect_http(url.parse().unwrap())
        .erased();
    drop(endpoint);
    let settler = scene.builder_with(provider).build().unwrap();
    let claim = scene.claim(1);
    let error = settler
        .settle(&claim, Step::Charge(claim.amount()))
        .await
        .unwrap_err();
    let text = format!("{error} {error:?} {settler:?}");
    assert!(text.contains("no answer"), "{text}");
    assert!(
        !text.contains("secret") && !text.contains("127.0.0.1"),
        "{text}"
    );
}
