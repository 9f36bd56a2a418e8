use alloy_primitives::U256;
use http402_testkit::chain::{Chain, Orphans};
use serde_json::json;

use crate::scene::{PAYER, SETTLER, dev, payment, request, send, settlement, shop, usdc};

const START: u64 = 1_900_000_000;

#[test]
fn equal_histories_have_equal_hashes() {
    let run = || {
        let chain = Chain::builder().standing_clock(START).build();
        let token = usdc(&chain);
        let input = settlement(&token, &payment(&chain, dev(PAYER), 1));
        send(&chain, dev(SETTLER), token.address(), input);
        chain.advance(12);
        chain.mine(2);
        assert_eq!((chain.timestamp(), chain.block_number()), (START + 12, 3));
        chain.block_hash()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_call_sees_the_present_and_an_old_block_its_own_time() {
    let chain = Chain::builder().standing_clock(START).build();
    chain.advance(100);
    // TIMESTAMP PUSH0 MSTORE PUSH1 20 PUSH0 RETURN
    let at = |block| {
        let call = json!([{ "data": "0x425f5260205ff3" }, block]);
        let answer = chain.request("eth_call", call).unwrap();
        serde_json::from_value::<U256>(answer).unwrap().to::<u64>()
    };
    assert_eq!(
        (at("latest"), at("pending"), at("0x0")),
        (START + 100, START + 100, START)
    );
}

#[test]
fn an_authorization_expires_with_the_clock() {
    let chain = Chain::builder().standing_clock(START).build();
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 1);
    let call = request(dev(SETTLER), token.address(), settlement(&token, &message));
    chain.advance(599);
    assert!(chain.call(&call).is_ok());
    chain.advance(1);
    let error = chain.call(&call).unwrap_err();
    assert_eq!(
        error.message(),
        "execution reverted: FiatTokenV2: authorization is expired"
    );
}

#[test]
fn time_can_be_set_over_rpc_but_not_back() {
    let chain = Chain::builder().standing_clock(START).build();
    chain
        .request("evm_setNextBlockTimestamp", json!([START + 50]))
        .unwrap();
    chain.mine(1);
    assert_eq!(chain.timestamp(), START + 50);
    assert!(
        chain
            .request("evm_setNextBlockTimestamp", json!([START]))
            .is_err()
    );
    chain.request("evm_increaseTime", json!(["0xa"])).unwrap();
    chain.request("evm_mine", json!([])).unwrap();
    assert_eq!(chain.timestamp(), START + 60);
    chain.set_time(START);
    chain.mine(1);
    assert_eq!(chain.timestamp(), START + 60);
}

#[test]
fn finalized_trails_by_the_chosen_depth() {
    let chain = Chain::builder().finality(4).build();
    let number = |tag| {
        let block = chain
            .request("eth_getBlockByNumber", json!([tag, false]))
            .unwrap();
        block["number"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (number("finalized"), number("safe")),
        ("0x0".into(), "0x0".into())
    );
    chain.mine(10);
    assert_eq!(
        (number("finalized"), number("safe"), number("latest")),
        ("0x6".into(), "0x8".into(), "0xa".into())
    );
}

#[test]
fn s10_a_reorg_takes_the_payment_back() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    chain.mine(2);
    let message = payment(&chain, dev(PAYER), 1);
    let receipt = send(
        &chain,
        dev(SETTLER),
        token.address(),
        settlement(&token, &message),
    );
    chain.mine(1);
    let old = chain.block_hash();

    let orphans = chain.reorg(2, Orphans::Readmit);
    assert_eq!(orphans, [receipt.transaction_hash]);
    assert_eq!(
        (chain.block_number(), token.balance_of(shop())),
        (2, U256::ZERO)
    );
    assert!(!token.authorization_used(dev(PAYER), message.nonce));
    assert!(chain.receipt(receipt.transaction_hash).is_none());
    assert_eq!(chain.pending(), orphans);

    chain.mine(2);
    assert_ne!(chain.block_hash(), old);
    assert_eq!(token.balance_of(shop()), U256::from(1000));
    let again = chain.receipt(receipt.transaction_hash).unwrap();
    assert_eq!(again.block_number, receipt.block_number);
    assert_ne!(again.block_hash, receipt.block_hash);

    chain.reorg(2, Orphans::Forget);
    chain.mine(2);
    assert_eq!(
        (token.balance_of(shop()), chain.pending().len()),
        (U256::ZERO, 0)
    );
    assert_eq!(chain.nonce(dev(SETTLER)), 0);
}

#[test]
fn a_snapshot_brings_everything_back_once() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let snapshot = chain.snapshot();
    token.mint(shop(), 5);
    send(
        &chain,
        dev(SETTLER),
        token.address(),
        settlement(&token, &payment(&chain, dev(PAYER), 1)),
    );
    assert_eq!(token.balance_of(shop()), U256::from(1005));
    assert!(chain.revert(snapshot));
    assert_eq!(
        (token.balance_of(shop()), chain.block_number()),
        (U256::ZERO, 0)
    );
    assert!(!chain.revert(snapshot));
}

#[test]
fn blocks_come_by_themselves_when_asked_for() {
    let chain = Chain::builder().automine(false).build();
    chain
        .set_block_time(Some(std::time::Duration::from_millis(2)))
        .unwrap();
    let transfer = request(dev(0), shop(), []).value(U256::from(7));
    let hash = chain.send(transfer).unwrap();
    while chain.receipt(hash).is_none() {
        std::thread::yield_now();
    }
    chain.set_block_time(None).unwrap();
    assert_eq!(chain.balance(shop()), U256::from(7));
}
