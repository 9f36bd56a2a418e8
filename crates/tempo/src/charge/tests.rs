use super::*;
use crate::abi::{EXCHANGE, Exchange};
use alloy_primitives::{Log, LogData, address};
use alloy_sol_types::SolEvent;
use http402_core::{Amount, ChainId, Leg, Party};
use proptest::prelude::*;

const TOKEN: Address = address!("20c0000000000000000000000000000000000000");
const OTHER_TOKEN: Address = address!("20c0000000000000000000000000000000000001");
const PAYER: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
const PAYEE: Address = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
const PARTNER: Address = address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65");

fn challenge() -> ChallengeRef {
    ChallengeRef::new("shop.example", "one")
}

fn requirement(total: u64, splits: &[(Address, u64)]) -> Requirement {
    let mut requirement = Requirement::exactly(
        Amount::from_units(U256::from(total)),
        ChainId::eip155(42_431),
        Party::Evm(TOKEN),
        Party::Evm(PAYEE),
        None,
    );
    let leg = |&(to, amount): &(Address, u64)| Leg {
        to: Party::Evm(to),
        amount: Amount::from_units(U256::from(amount)),
    };
    requirement.splits = splits.iter().map(leg).collect();
    requirement
}

fn charge(total: u64, splits: &[(Address, u64)]) -> Charge {
    Charge::of(&requirement(total, splits), challenge()).unwrap()
}

fn due(to: Address, amount: u64) -> Due {
    Due {
        to,
        amount: U256::from(amount),
    }
}

/// The logs of one call: `transferWithMemo` writes two.
fn logs(from: Address, to: Address, amount: u64, memo: Option<B256>) -> Vec<Log> {
    let amount = U256::from(amount);
    let mut data = vec![Token::Transfer { from, to, amount }.encode_log_data()];
    if let Some(memo) = memo {
        data.push(
            Token::TransferWithMemo {
                from,
                to,
                amount,
                memo,
            }
            .encode_log_data(),
        );
    }
    let log = |data: LogData| Log {
        address: TOKEN,
        data,
    };
    data.into_iter().map(log).collect()
}

fn bound() -> B256 {
    Memo::new(&challenge(), None).bytes()
}

#[test]
fn its_own_calls_pay_it_in_any_order() {
    let charge = charge(30, &[(PARTNER, 10), (PARTNER, 5)]);
    let mut calls = charge.to_calls(Some("shop"));
    assert_eq!(calls.len(), 3);
    for _ in 0..3 {
        calls.rotate_left(1);
        let terms = charge.match_calls(&calls).unwrap();
        assert_eq!(terms.memo, Memo::new(&challenge(), Some("shop")).bytes());
        assert_eq!(terms.swap, None);
    }
}

#[test]
fn a_charge_leaves_something_for_the_payee() {
    for (total, splits) in [
        (10, vec![(PARTNER, 10)]),
        (10, vec![(PARTNER, 11)]),
        (10, vec![(PARTNER, 0)]),
        (0, vec![]),
        (100, vec![(PARTNER, 1); 11]),
    ] {
        let refused = Charge::of(&requirement(total, &splits), challenge());
        assert_eq!(
            refused,
            Err(Reason::RequirementMalformed),
            "{total} {splits:?}"
        );
    }
}

#[test]
fn s41_a_call_too_many_or_too_long_is_refused() {
    let charge = charge(30, &[(PARTNER, 10)]);
    let calls = charge.to_calls(None);
    let unauthorized = Err(unauthorized());

    let mut twice = calls.clone();
    twice.push(calls[1].clone());
    assert_eq!(
        charge.match_calls(&twice),
        unauthorized,
        "the same transfer again"
    );

    let mut foreign = calls.clone();
    foreign.push(Call::new(OTHER_TOKEN, calls[1].input.clone()));
    assert_eq!(
        charge.match_calls(&foreign),
        unauthorized,
        "another token's transfer"
    );

    let mut padded = calls.clone();
    padded[0].input = [&calls[0].input[..], &[0; 32]].concat().into();
    assert_eq!(charge.match_calls(&padded), unauthorized, "padded data");

    let mut dirty = calls.clone();
    let mut input = calls[0].input.to_vec();
    input[4] = 1;
    dirty[0].input = input.into();
    assert_eq!(charge.match_calls(&dirty), unauthorized, "dirty address");

    let mut valued = calls.clone();
    valued[0].value = U256::from(1);
    assert_eq!(charge.match_calls(&valued), unauthorized, "native value");

    // However little the others pay: what is wrong with them is not looked at.
    let strange = Charge {
        challenge: ChallengeRef::new("shop.example", "two"),
        ..charge.clone()
    };
    let mut three = strange.to_calls(None);
    assert_eq!(
        charge.match_calls(&three),
        Err(Reason::ChallengeMismatch),
        "another challenge"
    );
    three.push(three[0].clone());
    assert_eq!(
        charge.match_calls(&three),
        unauthorized,
        "a call too many for another challenge"
    );

    let mut creates = calls;
    creates[1].to = None;
    assert_eq!(
        charge.match_calls(&creates),
        unauthorized,
        "a contract is created"
    );
}

#[test]
fn another_amount_recipient_or_challenge_is_refused() {
    let own = charge(30, &[(PARTNER, 10)]);
    let refused = |other: &Charge| own.match_calls(&other.to_calls(None)).unwrap_err();
    assert_eq!(
        refused(&charge(31, &[(PARTNER, 10)])),
        Reason::AmountMismatch
    );
    assert_eq!(
        refused(&charge(30, &[(PARTNER, 9)])),
        Reason::AmountMismatch
    );
    assert_eq!(
        refused(&charge(20, &[])),
        Reason::TransferMissing,
        "no split"
    );
    let mut elsewhere = own.clone();
    elsewhere.primary.to = PAYER;
    assert_eq!(refused(&elsewhere), Reason::RecipientMismatch);
    let mut other = own.clone();
    other.challenge = ChallengeRef::new("shop.example", "two");
    assert_eq!(refused(&other), Reason::ChallengeMismatch);
    assert_eq!(own.match_calls(&[]), Err(Reason::TransferMissing));
}

#[test]
fn a_purchase_may_come_before_if_it_buys_what_is_paid() {
    let charge = charge(30, &[]);
    let with = |spender, limit: u128, sold, bought, out: u128| {
        let approve = Token::approveCall {
            spender,
            amount: U256::from(limit),
        };
        let swap = Exchange::swapExactAmountOutCall {
            tokenIn: sold,
            tokenOut: bought,
            amountOut: out,
            maxAmountIn: 40,
        };
        let mut calls = vec![
            Call::new(OTHER_TOKEN, approve.abi_encode()),
            Call::new(EXCHANGE, swap.abi_encode()),
        ];
        calls.extend(charge.to_calls(None));
        calls
    };
    let good = with(EXCHANGE, 40, OTHER_TOKEN, TOKEN, 30);
    let terms = charge.match_calls(&good).unwrap();
    let swap = terms.swap.unwrap();
    assert_eq!((swap.token, swap.at_most), (OTHER_TOKEN, U256::from(40)));
    for (why, bad) in [
        ("another spender", with(PAYEE, 40, OTHER_TOKEN, TOKEN, 30)),
        (
            "a larger allowance",
            with(EXCHANGE, 41, OTHER_TOKEN, TOKEN, 30),
        ),
        ("another token sold", with(EXCHANGE, 40, TOKEN, TOKEN, 30)),
        (
            "another token bought",
            with(EXCHANGE, 40, OTHER_TOKEN, OTHER_TOKEN, 30),
        ),
        (
            "more than is paid",
            with(EXCHANGE, 40, OTHER_TOKEN, TOKEN, 31),
        ),
        ("nothing", with(EXCHANGE, 40, OTHER_TOKEN, TOKEN, 0)),
        ("no purchase", good[..1].to_vec()),
        ("only an approval", [&good[..1], &good[2..]].concat()),
        ("twice", [&good[..2], &good[..]].concat()),
    ] {
        assert!(charge.match_calls(&bad).is_err(), "{why}");
    }
}

#[test]
fn s27_twin_logs_are_one_transfer() {
    let one = charge(10, &[]);
    let call = logs(PAYER, PAYEE, 10, Some(bound()));
    assert_eq!(one.match_logs(&call, PAYER), Ok(bound()));
    // The same transfer does not pay the split, too.
    let both = charge(20, &[(PAYEE, 10)]);
    assert_eq!(both.match_logs(&call, PAYER), Err(Reason::TransferMissing));
    let swapped: Vec<_> = call.iter().rev().cloned().collect();
    assert_eq!(
        both.match_logs(&swapped, PAYER),
        Err(Reason::TransferMissing)
    );
    // Two transfers do.
    let mut two = call;
    two.extend(logs(PAYER, PAYEE, 10, None));
    assert_eq!(both.match_logs(&two, PAYER), Ok(bound()));
}

#[test]
fn s28_a_foreign_transfer_or_memo_pays_nothing() {
    let charge = charge(10, &[]);
    let other = Memo::new(&ChallengeRef::new("shop.example", "two"), None).bytes();
    for memo in [Some(other), Some(B256::repeat_byte(1)), None] {
        let stolen = logs(PAYER, PAYEE, 10, memo);
        assert_eq!(
            charge.match_logs(&stolen, PAYER),
            Err(Reason::ChallengeMismatch)
        );
    }
    let stolen = logs(PARTNER, PAYEE, 10, Some(bound()));
    assert_eq!(
        charge.match_logs(&stolen, PAYER),
        Err(Reason::TransferMissing)
    );
    let mut counterfeit = logs(PAYER, PAYEE, 10, Some(bound()));
    for log in &mut counterfeit {
        log.address = OTHER_TOKEN;
    }
    assert_eq!(
        charge.match_logs(&counterfeit, PAYER),
        Err(Reason::TransferMissing)
    );
}

#[test]
fn s28_a_split_with_the_memo_of_another_challenge_is_not_this_ones() {
    let charge = charge(15, &[(PARTNER, 5)]);
    let other = Memo::new(&ChallengeRef::new("shop.example", "two"), None).bytes();
    let mut found = logs(PAYER, PAYEE, 10, Some(bound()));
    found.extend(logs(PAYER, PARTNER, 5, Some(other)));
    assert_eq!(
        charge.match_logs(&found, PAYER),
        Err(Reason::ChallengeMismatch)
    );
    found.extend(logs(PAYER, PARTNER, 5, Some(B256::repeat_byte(2))));
    assert_eq!(charge.match_logs(&found, PAYER), Ok(bound()));
}

#[test]
fn money_that_a_receive_policy_holds_back_is_not_paid() {
    let guard = Address::repeat_byte(0xb1);
    let held = logs(PAYER, guard, 10, Some(bound()));
    let refused = charge(10, &[]).match_logs(&held, PAYER);
    assert_eq!(refused, Err(Reason::RecipientMismatch));
}

proptest! {
    /// Whatever the transfers are, a charge is paid exactly when a naive reading says so: one transfer to the payee with
    /// the memo, and for each split another one.
    #[test]
    fn legs_are_paid_by_as_many_transfers(
        amounts in proptest::collection::vec((0_usize..2, 1_u64..4), 0..6),
        splits in proptest::collection::vec((0_usize..2, 1_u64..4), 0..4),
        reversed in any::<bool>(),
    ) {
        let parties = [PAYEE, PARTNER];
        let splits: Vec<_> = splits.iter().map(|&(to, amount)| (parties[to], amount)).collect();
        let total = 2 + splits.iter().map(|(_, amount)| amount).sum::<u64>();
        let charge = charge(total, &splits);
        let mut all = logs(PAYER, PAYEE, 2, Some(bound()));
        for &(to, amount) in &amounts {
            all.extend(logs(PAYER, parties[to], amount, (amount == 3).then_some(B256::ZERO)));
        }
        if reversed {
            all.reverse();
        }
        let mut left: Vec<_> = amounts.iter().map(|&(to, amount)| due(parties[to], amount)).collect();
        let paid = splits.iter().all(|&(to, amount)| {
            let at = left.iter().position(|found| *found == due(to, amount));
            at.map(|at| left.remove(at)).is_some()
        });
        prop_assert_eq!(charge.match_logs(&all, PAYER).is_ok(), paid);
    }

    #[test]
    fn s41_a_flipped_bit_in_a_call_is_refused(at in 0_usize..200, bit in 0_u8..8) {
        let charge = charge(30, &[(PARTNER, 10)]);
        let mut calls = charge.to_calls(None);
        let lengths = [calls[0].input.len(), calls[1].input.len()];
        let at = at % (lengths[0] + lengths[1]);
        let (call, at) = if at < lengths[0] { (0, at) } else { (1, at - lengths[0]) };
        // The client's part of the memo is the client's.
        prop_assume!(!(call == 0 && (68 + 15..68 + 25).contains(&at)));
        let mut input = calls[call].input.to_vec();
        input[at] ^= 1 << bit;
        calls[call].input = input.into();
        prop_assert!(charge.match_calls(&calls).is_err());
    }
}
