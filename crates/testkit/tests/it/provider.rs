//! The chain as alloy's provider sees it.

use alloy::eips::eip7702::Authorization;
use alloy::network::{EthereumWallet, TransactionBuilder, TransactionBuilder7702};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy_primitives::{Address, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolEvent;
use http402_testkit::chain::contract::WALLET_1271;
use http402_testkit::chain::contract::abi::{TestUsdc, Wallet1271};
use http402_testkit::chain::{Chain, DEV_ACCOUNTS, Endpoint};

use crate::scene::{PAYER, SETTLER, dev, payment, request, settlement, shop, usdc};

fn wallet(endpoint: &Endpoint, index: usize) -> impl Provider + use<> {
    let wallet = EthereumWallet::from(DEV_ACCOUNTS[index].signer());
    ProviderBuilder::new()
        .wallet(wallet)
        .connect_http(endpoint.url().parse().expect("a url"))
}

#[tokio::test]
async fn a_filled_and_signed_1559_transaction_settles() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = wallet(&endpoint, SETTLER);
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 1);
    let tx = TransactionRequest::default()
        .with_to(token.address())
        .with_input(settlement(&token, &message));
    let pending = provider.send_transaction(tx).await.unwrap();
    let receipt = pending.get_receipt().await.unwrap();
    assert!(receipt.status() && receipt.transaction_type() as u8 == 2);
    assert_eq!(
        (receipt.from, receipt.to),
        (dev(SETTLER), Some(token.address()))
    );
    assert_eq!(token.balance_of(shop()), U256::from(1000));

    let tx = provider
        .get_transaction_by_hash(receipt.transaction_hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tx.block_hash, receipt.block_hash);
    assert_eq!(tx.effective_gas_price, Some(receipt.effective_gas_price));
    let block = provider
        .get_block_by_number(1.into())
        .full()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.header.hash, receipt.block_hash.unwrap());
    assert_eq!(block.header.hash, block.header.inner.hash_slow());
    assert_eq!(block.transactions.len(), 1);
    assert_eq!(block.header.gas_used, receipt.gas_used);

    let filter = Filter::new()
        .address(token.address())
        .event_signature(TestUsdc::Transfer::SIGNATURE_HASH)
        .from_block(0);
    let logs = provider.get_logs(&filter).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].transaction_hash, Some(receipt.transaction_hash));
    assert_eq!(logs, receipt.logs()[1..]);
    let spent = U256::from(receipt.effective_gas_price) * U256::from(receipt.gas_used);
    let ether = U256::from(10_000) * U256::from(10).pow(U256::from(18));
    assert_eq!(
        provider.get_balance(dev(SETTLER)).await.unwrap(),
        ether - spent
    );
}

#[tokio::test]
async fn a_legacy_transaction_and_a_deployment_work() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = wallet(&endpoint, 3);
    let price = provider.get_gas_price().await.unwrap();
    let tx = TransactionRequest::default()
        .with_to(shop())
        .with_value(U256::from(9))
        .with_gas_price(price);
    let receipt = provider
        .send_transaction(tx)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status() && receipt.transaction_type() as u8 == 0);
    assert_eq!(provider.get_balance(shop()).await.unwrap(), U256::from(9));

    let code = WALLET_1271.creation_code_with(&(dev(3),));
    let receipt = provider
        .send_transaction(TransactionRequest::default().with_deploy_code(code))
        .await
        .unwrap();
    let receipt = receipt.get_receipt().await.unwrap();
    let at = receipt.contract_address.unwrap();
    assert_eq!(at, dev(3).create(1));
    assert_eq!(
        provider.get_code_at(at).await.unwrap(),
        WALLET_1271.runtime_code()
    );
}

#[tokio::test]
async fn a_revert_reaches_the_caller_with_its_data() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = wallet(&endpoint, SETTLER);
    let token = usdc(&chain);
    let message = payment(&chain, dev(5), 1);
    let call = request(dev(SETTLER), token.address(), settlement(&token, &message));
    let error = provider.call(call).await.unwrap_err();
    let payload = error.as_error_resp().unwrap();
    assert_eq!(payload.code, 3);
    assert_eq!(
        payload.message,
        "execution reverted: FiatTokenV2: invalid signature"
    );
    assert!(payload.as_revert_data().is_some());
}

/// An account that delegates is asked by ERC-1271, and still pays with its own key's signature when the delegate
/// says so.
#[tokio::test]
async fn a_7702_account_pays_through_its_delegate() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().unwrap();
    let provider = wallet(&endpoint, SETTLER);
    let token = usdc(&chain);
    let delegate = chain
        .deploy(WALLET_1271.creation_code_with(&(Address::ZERO,)))
        .unwrap();
    let authorization = Authorization {
        chain_id: U256::from(84532),
        address: delegate,
        nonce: 0,
    };
    let signature = DEV_ACCOUNTS[PAYER]
        .signer()
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let tx = TransactionRequest::default()
        .with_to(dev(PAYER))
        .with_authorization_list(vec![authorization.into_signed(signature)]);
    let receipt = provider
        .send_transaction(tx)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status() && receipt.transaction_type() as u8 == 4);
    let code = provider.get_code_at(dev(PAYER)).await.unwrap();
    assert_eq!(code, [&[0xef, 0x01, 0x00], delegate.as_slice()].concat());
    assert_eq!(chain.nonce(dev(PAYER)), 1);
    assert_eq!(
        chain.read(dev(PAYER), &Wallet1271::ownerCall {}).unwrap(),
        dev(PAYER)
    );

    let message = payment(&chain, dev(PAYER), 1);
    let tx = TransactionRequest::default()
        .with_to(token.address())
        .with_input(settlement(&token, &message));
    assert!(
        provider
            .send_transaction(tx)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap()
            .status()
    );
    assert_eq!(token.balance_of(shop()), U256::from(1000));

    // The delegated account may still send transactions of its own.
    let own = wallet(&endpoint, PAYER);
    let tx = TransactionRequest::default()
        .with_to(shop())
        .with_value(U256::from(3));
    assert!(
        own.send_transaction(tx)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap()
            .status()
    );
}

#[tokio::test]
async fn many_chains_live_side_by_side() {
    let chains: Vec<Chain> = (1..=8)
        .map(|id| Chain::builder().chain_id(id).build())
        .collect();
    let endpoints: Vec<Endpoint> = chains.iter().map(|chain| chain.serve().unwrap()).collect();
    for (id, endpoint) in (1..).zip(&endpoints) {
        assert_eq!(wallet(endpoint, 0).get_chain_id().await.unwrap(), id);
    }
}
