//! The methods of development nodes over JSON-RPC.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};
use serde_json::{Value, json};

use crate::scene::{dev, request, shop};

fn ask(chain: &Chain, method: &str, params: Value) -> Value {
    let answer = chain.request(method, params);
    answer.unwrap_or_else(|error| panic!("{method}: {error}"))
}

fn transfer(nonce: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: 84532,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(shop()),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = DEV_ACCOUNTS[0]
        .signer()
        .sign_hash_sync(&tx.signature_hash());
    let tx = TxEnvelope::from(tx.into_signed(signature.expect("a signature")));
    tx.encoded_2718().into()
}

#[test]
fn accounts_can_be_rewritten() {
    let chain = Chain::builder().build();
    let who = Address::repeat_byte(0x44);
    ask(&chain, "anvil_setBalance", json!([who, "0x64"]));
    ask(&chain, "anvil_setNonce", json!([who, "0x7"]));
    ask(&chain, "anvil_setCode", json!([who, "0x00"]));
    ask(
        &chain,
        "anvil_setStorageAt",
        json!([who, "0x1", B256::repeat_byte(3)]),
    );
    assert_eq!(
        ask(&chain, "eth_getBalance", json!([who, "latest"])),
        "0x64"
    );
    assert_eq!(
        ask(&chain, "eth_getTransactionCount", json!([who, "latest"])),
        "0x7"
    );
    assert_eq!(ask(&chain, "eth_getCode", json!([who, "latest"])), "0x00");
    let slot = ask(&chain, "eth_getStorageAt", json!([who, "0x1", "latest"]));
    assert_eq!(slot, json!(B256::repeat_byte(3)));
    chain.mine(1);
    assert_eq!(chain.balance(who), U256::from(100));
}

#[test]
fn blocks_and_snapshots_can_be_ordered() {
    let chain = Chain::builder().standing_clock(1_900_000_000).build();
    ask(&chain, "anvil_mine", json!(["0x3", "0xa"]));
    assert_eq!(
        (chain.block_number(), chain.timestamp()),
        (3, 1_900_000_020)
    );
    let id = ask(&chain, "evm_snapshot", json!([]));
    ask(&chain, "eth_sendRawTransaction", json!([transfer(0)]));
    assert_eq!(
        (chain.block_number(), chain.balance(shop())),
        (4, U256::from(1))
    );
    let old = chain.block_hash();
    ask(&chain, "anvil_reorg", json!([1]));
    assert_eq!(
        (chain.block_number(), chain.balance(shop())),
        (4, U256::ZERO)
    );
    assert_ne!(chain.block_hash(), old);
    assert_eq!(ask(&chain, "evm_revert", json!([id])), true);
    assert_eq!(chain.block_number(), 3);
    assert_eq!(ask(&chain, "evm_revert", json!([id])), false);

    ask(&chain, "anvil_setNextBlockBaseFeePerGas", json!(["0x5"]));
    assert_eq!(chain.base_fee(), 5);
    ask(&chain, "evm_setAutomine", json!([false]));
    let hash = ask(&chain, "eth_sendRawTransaction", json!([transfer(0)]));
    assert_eq!(
        ask(&chain, "eth_getTransactionByHash", json!([hash]))["blockHash"],
        Value::Null
    );
    assert_eq!(ask(&chain, "anvil_dropTransaction", json!([hash])), hash);
    assert!(chain.pending().is_empty());
}

#[test]
fn a_transaction_sent_and_waited_for_answers_with_its_receipt() {
    let chain = Chain::builder().build();
    let receipt = ask(&chain, "eth_sendRawTransactionSync", json!([transfer(0)]));
    assert_eq!(
        (&receipt["status"], &receipt["blockNumber"]),
        (&json!("0x1"), &json!("0x1"))
    );
    let all = ask(&chain, "eth_getBlockReceipts", json!(["latest"]));
    assert_eq!(all, json!([receipt]));
    assert_eq!(
        ask(
            &chain,
            "eth_getBlockTransactionCountByNumber",
            json!(["latest"])
        ),
        "0x1"
    );
    chain.set_automine(false);
    let late = chain.request("eth_sendRawTransactionSync", json!([transfer(1)]));
    assert_eq!(late.unwrap_err().code(), 4);
    assert_eq!(chain.pending().len(), 1);
}

#[test]
fn only_the_development_accounts_are_signed_for() {
    let chain = Chain::builder().build();
    let accounts = ask(&chain, "eth_accounts", json!([]));
    assert_eq!(accounts.as_array().map(Vec::len), Some(10));
    let tx = json!([{ "from": dev(0), "to": shop(), "value": "0x1" }]);
    let hash: B256 = serde_json::from_value(ask(&chain, "eth_sendTransaction", tx)).unwrap();
    assert!(chain.receipt(hash).unwrap().status());
    let foreign = chain.request(
        "eth_sendTransaction",
        json!([{ "from": shop(), "to": shop() }]),
    );
    assert_eq!(foreign.unwrap_err().message(), "unknown account");
}

/// In the process anybody can be impersonated, and the sender is what the receipt says.
#[test]
fn anybody_can_be_impersonated_in_the_process() {
    let who = Address::repeat_byte(0x55);
    let chain = Chain::builder().fund(who).build();
    let hash = chain
        .send(request(who, shop(), []).value(U256::from(2)))
        .unwrap();
    let receipt = chain.receipt(hash).unwrap();
    assert_eq!(
        (receipt.status(), receipt.from, chain.nonce(who)),
        (true, who, 1)
    );
    assert_eq!(chain.balance(shop()), U256::from(2));
}

#[test]
fn undecodable_and_foreign_transactions_are_refused() {
    let chain = Chain::builder().chain_id(1).build();
    let error = chain.send_raw(&transfer(0)).unwrap_err();
    assert_eq!(
        error.message(),
        "invalid chain id for signer: have 84532 want 1"
    );
    let chain = Chain::builder().build();
    let mut long = transfer(0).to_vec();
    long.push(0);
    assert_eq!(
        chain.send_raw(&long).unwrap_err().message(),
        "rlp: trailing bytes"
    );
    assert!(chain.send_raw(&long[..long.len() - 2]).is_err());
    assert!(chain.send_raw(&[]).is_err());
    assert!(chain.send_raw(&transfer(0)).is_ok());
    assert_eq!(
        chain.send_raw(&transfer(0)).unwrap_err().message(),
        "nonce too low: next nonce 1, tx nonce 0"
    );
}

/// Whatever is asked, there is an answer, and the chain goes on.
#[test]
fn no_request_ends_the_chain() {
    let methods = [
        "eth_call",
        "eth_estimateGas",
        "eth_getBalance",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getTransactionCount",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByNumber",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getLogs",
        "eth_feeHistory",
        "eth_sendRawTransaction",
        "eth_sendRawTransactionSync",
        "eth_sendTransaction",
        "evm_mine",
        "anvil_mine",
        "evm_setAutomine",
        "evm_increaseTime",
        "evm_setNextBlockTimestamp",
        "anvil_setTime",
        "anvil_setNextBlockBaseFeePerGas",
        "evm_snapshot",
        "evm_revert",
        "anvil_reorg",
        "anvil_dropTransaction",
        "anvil_setBalance",
        "anvil_setNonce",
        "anvil_setCode",
        "anvil_setStorageAt",
    ];
    let most = format!("{:#x}", u64::MAX);
    let word = B256::repeat_byte(0xff);
    let oddities = [
        json!(null),
        json!({}),
        json!([]),
        json!([null, null, null]),
        json!([-1, 1.5, true]),
        json!(["", "0x", "0xzz"]),
        json!([most, most, [0.0, 1e308, -5.0]]),
        json!([u64::MAX, u64::MAX, u64::MAX]),
        json!([dev(0), most, most]),
        json!([dev(0), word, word]),
        json!([word, word]),
        json!([0x8000_0000_0000_0000u64]),
        json!([{}, "latest", {}, {}]),
        json!([{ "to": dev(0), "gas": most, "gasPrice": most, "value": word }, "pending"]),
        json!([{ "from": dev(0), "gas": "0x0", "maxFeePerGas": "0x0", "maxPriorityFeePerGas": most }]),
        json!([{ "from": dev(0), "data": "0xfe", "authorizationList": [] }, "earliest"]),
        json!([{ "fromBlock": most, "toBlock": "0x0" }]),
        json!([{ "fromBlock": "0x0", "toBlock": most, "topics": [null, [], null, null] }]),
        json!([{ "blockHash": word }]),
    ];
    for (method, params) in methods
        .iter()
        .flat_map(|method| oddities.iter().map(move |odd| (*method, odd)))
    {
        // A chain for each: some of this is allowed, and leaves the clock at the end of time.
        let chain = Chain::builder().build();
        let _ = chain.request(method, params.clone());
        let _ = chain.request("evm_mine", json!([]));
        assert!(
            chain.request("eth_blockNumber", json!([])).is_ok(),
            "{method} {params}"
        );
    }
}
