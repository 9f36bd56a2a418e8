use std::time::Duration;

use alloy::providers::{Provider, ProviderBuilder};
use alloy_primitives::U256;
use http402_testkit::chain::{Chain, Endpoint, Fault, RpcError};
use serde_json::json;

use crate::scene::{dev, request, shop};

fn provider(endpoint: &Endpoint) -> impl Provider {
    ProviderBuilder::new().connect_http(endpoint.url().parse().expect("a url"))
}

/// The broadcast reaches the chain, the answer does not reach the sender.
#[tokio::test]
async fn s07_a_lost_answer_is_no_lost_transaction() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = provider(&endpoint);
    endpoint.inject(Some("eth_sendTransaction"), 1, Fault::LoseAnswer);
    let send = || {
        provider.send_transaction(
            request(dev(0), shop(), [])
                .value(U256::from(5))
                .gas_limit(21_000),
        )
    };
    assert!(send().await.is_err());
    assert_eq!(chain.balance(shop()), U256::from(5));
    assert_eq!(chain.nonce(dev(0)), 1);
    assert_eq!(provider.get_block_number().await.unwrap(), 1);
}

#[tokio::test]
async fn faults_happen_as_often_as_asked_and_to_whom() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = provider(&endpoint);
    let error = RpcError::new(-32005, "limit exceeded");
    endpoint.inject(Some("eth_blockNumber"), 2, Fault::Error(error));
    assert_eq!(provider.get_chain_id().await.unwrap(), 84532);
    for _ in 0..2 {
        let error = provider.get_block_number().await.unwrap_err();
        assert_eq!(error.as_error_resp().unwrap().code, -32005);
    }
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
    for fault in [
        Fault::Status(503),
        Fault::Garbage(b"<html>".to_vec()),
        Fault::Refuse,
    ] {
        endpoint.inject(None, 1, fault);
        assert!(provider.get_block_number().await.is_err());
    }
    endpoint.inject(None, 9, Fault::Refuse);
    endpoint.clear_faults();
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
    assert_eq!(endpoint.count("eth_blockNumber"), 7);
}

#[tokio::test]
async fn a_paused_endpoint_answers_later_and_a_hung_request_never() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = provider(&endpoint);
    endpoint.pause();
    let waiting = tokio::spawn(IntoFuture::into_future(provider.get_block_number()));
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!waiting.is_finished() && endpoint.seen().is_empty());
    endpoint.resume();
    assert_eq!(waiting.await.unwrap().unwrap(), 0);

    endpoint.inject(Some("eth_blockNumber"), 1, Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_millis(50), async {
        provider.get_block_number().await
    });
    assert!(hung.await.is_err());
    endpoint.inject(
        Some("eth_blockNumber"),
        1,
        Fault::Delay(Duration::from_millis(1)),
    );
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
}

#[tokio::test]
async fn two_endpoints_of_a_chain_fail_apart() {
    let chain = Chain::builder().build();
    let (bad, good) = (chain.serve().unwrap(), chain.serve().unwrap());
    bad.inject(None, 1, Fault::Refuse);
    assert!(provider(&bad).get_block_number().await.is_err());
    chain.mine(1);
    assert_eq!(provider(&good).get_block_number().await.unwrap(), 1);
    let url = bad.url().to_owned();
    drop(bad);
    let gone = ProviderBuilder::new().connect_http(url.parse().unwrap());
    assert!(gone.get_block_number().await.is_err());
}

#[tokio::test]
async fn batches_are_answered_in_order() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let batch = json!([
        { "jsonrpc": "2.0", "id": 7, "method": "eth_chainId" },
        { "jsonrpc": "2.0", "id": "x", "method": "nope", "params": [] },
        { "jsonrpc": "2.0", "id": 9, "method": "net_version", "params": [] },
    ]);
    let response = reqwest::Client::new()
        .post(endpoint.url())
        .body(batch.to_string())
        .send()
        .await
        .unwrap();
    let answers: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(
        answers[0],
        json!({ "jsonrpc": "2.0", "id": 7, "result": "0x14a34" })
    );
    assert_eq!(
        (&answers[1]["id"], &answers[1]["error"]["code"]),
        (&json!("x"), &json!(-32601))
    );
    assert_eq!(answers[2]["result"], json!("84532"));
    let broken = reqwest::Client::new()
        .post(endpoint.url())
        .body("{")
        .send()
        .await
        .unwrap();
    let broken: serde_json::Value = serde_json::from_str(&broken.text().await.unwrap()).unwrap();
    assert_eq!(broken["error"]["code"], json!(-32700));
}
