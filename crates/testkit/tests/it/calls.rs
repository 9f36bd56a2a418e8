use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use http402_testkit::chain::Chain;
use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::contract::abi::TestUsdc;
use serde_json::{Value, json};

use crate::scene::{PAYER, SETTLER, dev, payment, request, send, settlement, shop, usdc};

fn ask(chain: &Chain, method: &str, params: Value) -> Value {
    let answer = chain.request(method, params);
    answer.unwrap_or_else(|error| panic!("{method}: {error}"))
}

fn number(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    u64::from_str_radix(digits.expect("a quantity"), 16).expect("a quantity")
}

#[test]
fn unknown_methods_and_bad_parameters_have_the_standard_codes() {
    let chain = Chain::builder().build();
    let code = |method, params| chain.request(method, params).unwrap_err().code();
    assert_eq!(code("eth_fooBar", json!([])), -32601);
    assert_eq!(code("eth_getBalance", json!([])), -32602);
    assert_eq!(code("eth_getBalance", json!(["0x12"])), -32602);
    assert_eq!(code("eth_getBalance", json!({ "a": 1 })), -32602);
    assert_eq!(code("eth_sendRawTransaction", json!(["0x02c0"])), -32000);
    let beyond = chain
        .request("eth_getBalance", json!([dev(0), "0x99"]))
        .unwrap_err();
    assert_eq!(beyond.message(), "header not found");
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let input = settlement(&token, &payment(&chain, dev(PAYER), 1));
    let call = json!({ "from": dev(SETTLER), "to": token.address(), "data": input });
    let estimate = number(&ask(&chain, "eth_estimateGas", json!([call])));
    let request = request(dev(SETTLER), token.address(), input).gas_limit(estimate);
    let receipt = chain.receipt(chain.send(request).unwrap()).unwrap();
    assert!(receipt.status());
    assert!(
        estimate >= receipt.gas_used && estimate < receipt.gas_used * 11 / 10,
        "{estimate} {}",
        receipt.gas_used
    );

    let plain = json!({ "from": dev(0), "to": shop(), "value": "0x1" });
    assert_eq!(
        number(&ask(&chain, "eth_estimateGas", json!([plain]))),
        21_000
    );
    let revert = json!({ "from": dev(0), "to": token.address(), "data": "0x12345678" });
    assert_eq!(
        chain
            .request("eth_estimateGas", json!([revert]))
            .unwrap_err()
            .code(),
        3
    );
}

#[test]
fn a_revert_carries_its_bytes() {
    let chain = Chain::builder().build();
    let to = USDC_BASE_SEPOLIA;
    let input = TestUsdc::transferCall {
        to: shop(),
        value: U256::MAX,
    }
    .abi_encode();
    let error = chain.call(&request(dev(0), to, input)).unwrap_err();
    assert_eq!((error.code(), error.is_revert()), (3, true));
    assert_eq!(
        error.message(),
        "execution reverted: ERC20: transfer amount exceeds balance"
    );
    assert!(error.data().unwrap().starts_with(&hex!("08c379a0")));
}

/// ERC-6492 validators run as the creation code of a contract that is never made.
#[test]
fn a_call_without_a_recipient_returns_what_its_code_returns() {
    let chain = Chain::builder().build();
    // PUSH1 2a PUSH0 MSTORE PUSH1 20 PUSH0 RETURN
    let answer = ask(
        &chain,
        "eth_call",
        json!([{ "data": "0x602a5f5260205ff3" }, "latest"]),
    );
    assert_eq!(answer, json!(B256::from(U256::from(42))));
}

#[test]
fn overrides_last_for_one_call() {
    let chain = Chain::builder().build();
    let nobody = Address::repeat_byte(0x77);
    // TIMESTAMP PUSH0 MSTORE PUSH1 20 PUSH0 RETURN
    let code = Bytes::from(hex!("425f5260205ff3"));
    let params = json!([{ "to": nobody }, "latest", { nobody.to_string(): { "code": code } }, { "time": "0x7b" }]);
    assert_eq!(
        ask(&chain, "eth_call", params),
        json!(B256::from(U256::from(123)))
    );
    assert_eq!(
        ask(&chain, "eth_getCode", json!([nobody, "latest"])),
        json!("0x")
    );

    // PUSH0 SLOAD PUSH0 MSTORE PUSH1 20 PUSH0 RETURN
    let reader = json!({ "code": "0x5f545f5260205ff3", "stateDiff": { B256::ZERO.to_string(): B256::repeat_byte(9) } });
    let params = json!([{ "to": nobody }, "latest", { nobody.to_string(): reader }]);
    assert_eq!(ask(&chain, "eth_call", params), json!(B256::repeat_byte(9)));
    assert_eq!(chain.storage(nobody, U256::ZERO), U256::ZERO);
}

#[test]
fn the_past_can_be_read() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    chain.mine(1);
    let input = settlement(&token, &payment(&chain, dev(PAYER), 1));
    send(&chain, dev(SETTLER), token.address(), input);
    chain.mine(1);
    let balance = |block: Value| {
        let input = Bytes::from(TestUsdc::balanceOfCall { account: shop() }.abi_encode());
        let answer = ask(
            &chain,
            "eth_call",
            json!([{ "to": token.address(), "data": input }, block]),
        );
        serde_json::from_value::<U256>(answer).unwrap()
    };
    assert_eq!(balance(json!("0x1")), U256::ZERO);
    assert_eq!(balance(json!("0x2")), U256::from(1000));
    assert_eq!(balance(json!("latest")), U256::from(1000));
    let hash = ask(&chain, "eth_getBlockByNumber", json!(["0x1", false]))["hash"].clone();
    assert_eq!(balance(json!({ "blockHash": hash })), U256::ZERO);
    let count = |block| {
        number(&ask(
            &chain,
            "eth_getTransactionCount",
            json!([dev(SETTLER), block]),
        ))
    };
    assert_eq!((count("0x1"), count("0x2"), count("latest")), (0, 1, 1));
}

#[test]
fn logs_are_found_by_address_topic_and_range() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    for nonce in 1..=3 {
        let input = settlement(&token, &payment(&chain, dev(PAYER), nonce));
        send(&chain, dev(SETTLER), token.address(), input);
    }
    let found = |filter: Value| {
        ask(&chain, "eth_getLogs", json!([filter]))
            .as_array()
            .unwrap()
            .len()
    };
    use alloy_sol_types::SolEvent;
    let transfer = TestUsdc::Transfer::SIGNATURE_HASH;
    let all = json!({ "fromBlock": "0x0", "address": token.address() });
    assert_eq!(found(all), 6);
    assert_eq!(
        found(json!({ "fromBlock": "0x0", "topics": [transfer] })),
        3
    );
    assert_eq!(
        found(json!({ "fromBlock": "0x0", "topics": [transfer, null, shop().into_word()] })),
        3
    );
    assert_eq!(
        found(json!({ "fromBlock": "0x0", "topics": [transfer, shop().into_word()] })),
        0
    );
    assert_eq!(
        found(json!({ "fromBlock": "0x2", "toBlock": "0x2", "topics": [[transfer]] })),
        1
    );
    assert_eq!(found(json!({ "fromBlock": "0x0", "address": shop() })), 0);
    let log = &ask(
        &chain,
        "eth_getLogs",
        json!([{ "fromBlock": "0x3", "topics": [transfer] }]),
    )[0];
    assert_eq!(
        (number(&log["blockNumber"]), number(&log["logIndex"])),
        (3, 1)
    );
    assert_eq!(log["removed"], json!(false));
}

#[test]
fn blocks_name_their_parents_and_fees_follow_the_gas() {
    let chain = Chain::builder().build();
    chain.mine(3);
    let block = |number: u64| {
        ask(
            &chain,
            "eth_getBlockByNumber",
            json!([format!("{number:#x}"), true]),
        )
    };
    assert_eq!(block(3)["parentHash"], block(2)["hash"]);
    let fee = |number| crate::calls::number(&block(number)["baseFeePerGas"]);
    assert_eq!(
        (fee(0), fee(1), fee(2)),
        (1_000_000_000, 875_000_000, 765_625_000)
    );
    assert_eq!(block(9), Value::Null);
    let history = ask(&chain, "eth_feeHistory", json!(["0x2", "latest", [50.0]]));
    assert_eq!(number(&history["oldestBlock"]), 2);
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["reward"], json!([["0x0"], ["0x0"]]));
    let pending = ask(&chain, "eth_getBlockByNumber", json!(["pending", false]));
    assert_eq!(
        (number(&pending["number"]), &pending["hash"]),
        (4, &Value::Null)
    );
}

#[test]
fn a_pruned_node_has_forgotten_the_past() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let input = settlement(&token, &payment(&chain, dev(PAYER), 1));
    let old = send(&chain, dev(SETTLER), token.address(), input);
    chain.mine(2);
    let new = send(&chain, dev(SETTLER), shop(), []);
    chain.prune(2);
    assert!(chain.receipt(old.transaction_hash).is_none());
    assert!(chain.receipt(new.transaction_hash).is_some());
    let receipts = |block| ask(&chain, "eth_getBlockReceipts", json!([block]));
    assert_eq!((receipts("0x1"), receipts("0x3")), (Value::Null, json!([])));
    let refused = |method, params| chain.request(method, params).unwrap_err();
    assert_eq!(
        refused("eth_getLogs", json!([{ "fromBlock": "0x1" }])).code(),
        4444
    );
    let error = refused("eth_getBalance", json!([shop(), "0x1"]));
    assert!(error.message().starts_with("historical state"), "{error}");
    assert_eq!(refused("eth_call", json!([{ "to": shop() }, "0x1"])), error);
    assert_eq!(
        ask(&chain, "eth_getLogs", json!([{ "fromBlock": "0x3" }])),
        json!([])
    );
    assert_eq!(token.balance_of(shop()), U256::from(1000));
    assert_ne!(
        ask(&chain, "eth_getBlockByNumber", json!(["0x1", false])),
        Value::Null
    );
}
