//! The transport without a socket.

use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy_primitives::U256;
use http402_testkit::chain::{Chain, Connection, DEV_ACCOUNTS, Fault, RpcError};

use crate::scene::{dev, request, shop};

fn provider(connection: &Connection) -> impl Provider + use<> {
    let wallet = EthereumWallet::from(DEV_ACCOUNTS[0].signer());
    let client = RpcClient::new(connection.clone(), true);
    ProviderBuilder::new().wallet(wallet).connect_client(client)
}

#[tokio::test]
async fn a_provider_settles_without_a_socket() {
    let chain = Chain::builder().build();
    let provider = provider(&chain.connect());
    let tx = request(dev(0), shop(), []).value(U256::from(5));
    let receipt = provider.send_transaction(tx).await.unwrap();
    let receipt = receipt.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(chain.balance(shop()), U256::from(5));
}

#[tokio::test]
async fn faults_happen_without_a_socket_too() {
    let chain = Chain::builder().build();
    let connection = chain.connect();
    let provider = provider(&connection);
    let error = RpcError::new(-32000, "no").with_data([1, 2]);
    connection.inject(None, 1, Fault::Error(error));
    let error = provider.get_block_number().await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().message, "no");
    connection.inject(None, 1, Fault::Status(503));
    assert!(provider.get_block_number().await.is_err());
    connection.inject(None, 1, Fault::Garbage(b"[1".to_vec()));
    assert!(provider.get_block_number().await.is_err());

    connection.inject(Some("eth_sendRawTransaction"), 1, Fault::LoseAnswer);
    let tx = request(dev(0), shop(), []).value(U256::from(5));
    assert!(provider.send_transaction(tx).await.is_err());
    assert_eq!(chain.balance(shop()), U256::from(5));
    assert_eq!(connection.count("eth_sendRawTransaction"), 1);

    connection.inject(Some("eth_getTransactionReceipt"), 1, Fault::Null);
    let hash = chain.send(request(dev(0), shop(), [])).unwrap();
    assert!(
        provider
            .get_transaction_receipt(hash)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        provider
            .get_transaction_receipt(hash)
            .await
            .unwrap()
            .is_some()
    );
}

/// Hours pass in no time, because nothing waits for a socket.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_runs_through_delays() {
    let connection = Chain::builder().build().connect();
    let provider = provider(&connection);
    connection.inject(None, 1, Fault::Delay(Duration::from_secs(7200)));
    let begun = tokio::time::Instant::now();
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
    assert!(begun.elapsed() >= Duration::from_secs(7200));
    connection.inject(None, 1, Fault::HangAfter);
    let hung = tokio::time::timeout(Duration::from_secs(7200), async {
        provider.get_block_number().await
    });
    assert!(hung.await.is_err());
}

/// What the stale replica says about a nonce is true of the past, and a settler who trusts it settles twice.
#[tokio::test]
async fn a_replica_can_lag_behind_what_was_sent_through_it() {
    let chain = Chain::builder().build();
    let (fresh, stale) = (chain.connect(), chain.connect());
    let hash = chain
        .send(request(dev(0), shop(), []).value(U256::from(5)))
        .unwrap();
    stale.set_lag(1);
    let (new, old) = (provider(&fresh), provider(&stale));
    assert_eq!(new.get_block_number().await.unwrap(), 1);
    assert_eq!(old.get_block_number().await.unwrap(), 0);
    assert!(old.get_transaction_receipt(hash).await.unwrap().is_none());
    assert!(old.get_block_by_number(1.into()).await.unwrap().is_none());
    assert_eq!(old.get_balance(shop()).await.unwrap(), U256::ZERO);
    assert_eq!(old.get_transaction_count(dev(0)).await.unwrap(), 0);
    assert_eq!(new.get_transaction_count(dev(0)).await.unwrap(), 1);
    chain.mine(1);
    assert!(old.get_transaction_receipt(hash).await.unwrap().is_some());
}
