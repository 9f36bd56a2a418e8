use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use http402_testkit::chain::{Chain, RpcError};
use serde_json::json;

use crate::scene::{dev, shop};

const GWEI: u128 = 1_000_000_000;

fn chain() -> Chain {
    Chain::builder().automine(false).build()
}

fn transfer(nonce: u64, fee: u128, tip: u128) -> TransactionRequest {
    let request = TransactionRequest::default()
        .from(dev(0))
        .to(shop())
        .value(U256::from(1));
    request
        .nonce(nonce)
        .gas_limit(21_000)
        .max_fee_per_gas(fee)
        .max_priority_fee_per_gas(tip)
}

fn message(result: Result<B256, RpcError>) -> String {
    result.expect_err("the pool refuses").message().to_owned()
}

fn pending_nonce(chain: &Chain, who: Address) -> String {
    let answer = chain
        .request("eth_getTransactionCount", json!([who, "pending"]))
        .expect("a count");
    answer.as_str().expect("a quantity").to_owned()
}

#[test]
fn a_gap_waits_for_its_filling() {
    let chain = chain();
    chain.send(transfer(1, 10 * GWEI, GWEI)).unwrap();
    chain.send(transfer(2, 10 * GWEI, GWEI)).unwrap();
    chain.mine(1);
    assert_eq!((chain.nonce(dev(0)), chain.pending().len()), (0, 2));
    assert_eq!(pending_nonce(&chain, dev(0)), "0x0");
    let status = chain.request("txpool_status", json!([])).unwrap();
    assert_eq!(status, json!({ "pending": "0x0", "queued": "0x2" }));
    chain.send(transfer(0, 10 * GWEI, GWEI)).unwrap();
    assert_eq!(pending_nonce(&chain, dev(0)), "0x3");
    chain.mine(1);
    assert_eq!((chain.nonce(dev(0)), chain.pending().len()), (3, 0));
}

#[test]
fn a_replacement_pays_ten_percent_more() {
    let chain = chain();
    let first = chain.send(transfer(0, 10 * GWEI, GWEI)).unwrap();
    assert_eq!(
        message(chain.send(transfer(0, 10 * GWEI, GWEI))),
        "already known"
    );
    let underpriced = "replacement transaction underpriced";
    assert_eq!(
        message(chain.send(transfer(0, 109 * GWEI / 10, 2 * GWEI))),
        underpriced
    );
    assert_eq!(
        message(chain.send(transfer(0, 20 * GWEI, 109 * GWEI / 100))),
        underpriced
    );
    let second = chain.send(transfer(0, 11 * GWEI, 11 * GWEI / 10)).unwrap();
    assert_eq!(chain.pending(), [second]);
    chain.mine(1);
    assert!(chain.receipt(first).is_none() && chain.receipt(second).unwrap().status());
    assert_eq!(
        message(chain.send(transfer(0, 30 * GWEI, 3 * GWEI))),
        "nonce too low: next nonce 1, tx nonce 0"
    );
}

#[test]
fn the_best_tip_goes_first_within_the_gas_of_a_block() {
    let chain = Chain::builder().automine(false).gas_limit(50_000).build();
    let from = |index: usize, tip| TransactionRequest {
        from: Some(dev(index)),
        ..transfer(0, 10 * GWEI, tip)
    };
    let low = chain.send(from(0, GWEI)).unwrap();
    let high = chain.send(from(1, 3 * GWEI)).unwrap();
    let middle = chain.send(from(2, 2 * GWEI)).unwrap();
    chain.mine(1);
    let place = |hash| {
        chain
            .receipt(hash)
            .map(|receipt| receipt.transaction_index.unwrap())
    };
    assert_eq!(
        (place(high), place(middle), place(low)),
        (Some(0), Some(1), None)
    );
    chain.mine(1);
    assert_eq!(place(low), Some(0));
}

#[test]
fn a_low_fee_is_stuck_until_it_is_bumped() {
    let chain = Chain::builder().build();
    chain.set_min_tip(2 * GWEI);
    let stuck = chain.send(transfer(0, 10 * GWEI, GWEI)).unwrap();
    assert_eq!((chain.block_number(), chain.pending()), (0, vec![stuck]));
    let bumped = chain.send(transfer(0, 11 * GWEI, 2 * GWEI)).unwrap();
    assert!(chain.receipt(bumped).is_some() && chain.pending().is_empty());

    chain.set_min_tip(0);
    chain.set_next_base_fee(50 * u64::try_from(GWEI).unwrap());
    let poor = chain.send(transfer(1, 20 * GWEI, GWEI)).unwrap();
    assert_eq!(chain.pending(), [poor]);
    chain.mine(1);
    assert!(chain.receipt(poor).is_none());
    chain.set_next_base_fee(1);
    chain.mine(1);
    assert!(chain.receipt(poor).is_some());
}

#[test]
fn a_dropped_transaction_never_happens() {
    let chain = chain();
    let hash = chain.send(transfer(0, 10 * GWEI, GWEI)).unwrap();
    assert!(chain.drop_pending(hash) && !chain.drop_pending(hash));
    chain.mine(1);
    assert!(chain.receipt(hash).is_none());
    assert_eq!(
        chain
            .request("eth_getTransactionByHash", json!([hash]))
            .unwrap(),
        json!(null)
    );
}

#[test]
fn the_door_refuses_in_the_words_of_a_node() {
    let chain = chain();
    let with = |change: fn(&mut TransactionRequest)| {
        let mut request = transfer(0, 10 * GWEI, GWEI);
        change(&mut request);
        message(chain.send(request))
    };
    let poor = "insufficient funds for gas * price + value: balance 0, tx cost 210000000000001, overshot 210000000000001";
    assert_eq!(with(|tx| tx.from = Some(Address::repeat_byte(9))), poor);
    assert_eq!(
        with(|tx| tx.gas = Some(20_999)),
        "intrinsic gas too low: gas 20999, minimum needed 21000"
    );
    assert_eq!(
        with(|tx| tx.gas = Some(30_000_001)),
        "exceeds block gas limit"
    );
    assert_eq!(
        with(|tx| tx.chain_id = Some(1)),
        "invalid chain id for signer: have 1 want 84532"
    );
    assert!(
        with(|tx| tx.max_priority_fee_per_gas = Some(11 * GWEI))
            .starts_with("max priority fee per gas higher")
    );
    assert!(chain.pending().is_empty());
}

#[test]
fn switching_automine_on_mines_what_waits() {
    let chain = chain();
    let hash = chain.send(transfer(0, 10 * GWEI, GWEI)).unwrap();
    assert!(chain.receipt(hash).is_none());
    chain.set_automine(true);
    assert!(chain.receipt(hash).is_some());
}
