//! What a buyer's policy lets his wallet sign.

use crate::world::{self, CHAIN, FEES, NOW, PARTNER, challenge, order, payer, requirement};
use alloy_primitives::U256;
use http402_core::{
    Amount, Authorization, Party, Price, Reason, Requirement, Timestamp,
    authorization::{ChallengeRef, TempoTransaction},
    seam::TransactionReader,
    typed::ToSign,
};
use http402_tempo::{Charge, Order, Reader, node::Fees};

/// 800 000 gas at 31 · 10⁹.
const FEE: u128 = 800_000 * 31_000_000_000;

fn unsigned(order: &Order<'_>) -> TempoTransaction {
    let now = Timestamp::from_secs(NOW);
    order
        .transaction(payer().address(), &FEES, 800_000, now)
        .unwrap()
}

fn asked(
    reader: &Reader,
    requirement: &Requirement,
    transaction: TempoTransaction,
) -> Result<(), Reason> {
    let to_sign = ToSign::Transaction {
        bytes: transaction.signing_bytes().clone(),
        digest: transaction.signing_hash(),
    };
    let payer = Party::Evm(payer().address());
    let authorization = Authorization::TempoTransaction(transaction);
    reader.pays_only(requirement, &payer, &authorization, &to_sign)
}

#[test]
fn the_offers_payments_are_signed_and_nothing_else() {
    let reader = Reader::new(FEE);
    for sponsored in [false, true] {
        let fits = asked(&reader, &requirement(), unsigned(&order(sponsored)));
        assert_eq!(fits, Ok(()));
    }
    let mut dear = requirement();
    dear.price = Price::Exactly(Amount::from_units(U256::from(31)));
    let refused = asked(&reader, &dear, unsigned(&order(false)));
    assert_eq!(
        refused,
        Err(Reason::AmountMismatch),
        "more than is offered is less than is asked"
    );

    let other = Charge::of(&requirement(), ChallengeRef::new("shop.example", "two")).unwrap();
    let swapped = unsigned(&Order::new(other, CHAIN));
    let raw = swapped.raw().clone();
    let renamed = TempoTransaction::unsigned(challenge(), payer().address(), raw).unwrap();
    let refused = asked(&reader, &requirement(), renamed);
    assert_eq!(
        refused,
        Err(Reason::ChallengeMismatch),
        "the memo of another challenge"
    );

    let elsewhere = Order::new(order(false).charge, 1);
    let refused = asked(&reader, &requirement(), unsigned(&elsewhere));
    assert_eq!(refused, Err(Reason::NetworkMismatch));

    let signed = world::signed(&order(false), &payer());
    let refused = asked(&reader, &requirement(), signed);
    assert_eq!(refused, Err(Reason::PayloadMalformed), "signed already");
}

#[test]
fn a_fee_above_what_is_borne_or_in_another_token_is_not_signed() {
    let refused = asked(
        &Reader::new(FEE - 1),
        &requirement(),
        unsigned(&order(false)),
    );
    assert_eq!(refused, Err(Reason::LimitReached));
    // A fee that somebody else pays is his.
    assert_eq!(
        asked(&Reader::new(0), &requirement(), unsigned(&order(true))),
        Ok(())
    );
    let mut other = order(false);
    other.fee_token = Some(PARTNER);
    let refused = asked(&Reader::new(FEE), &requirement(), unsigned(&other));
    assert_eq!(refused, Err(Reason::AssetMismatch));
    let known = Reader::new(FEE).fee_token(PARTNER);
    assert_eq!(asked(&known, &requirement(), unsigned(&other)), Ok(()));
    assert!(
        Fees {
            base: 0,
            priority: 0
        } != FEES
    );
}

#[test]
fn the_wallet_is_given_what_was_read() {
    let transaction = unsigned(&order(false));
    let shown = unsigned(&order(true));
    let to_sign = ToSign::Transaction {
        bytes: shown.signing_bytes().clone(),
        digest: shown.signing_hash(),
    };
    let payer = Party::Evm(payer().address());
    let authorization = Authorization::TempoTransaction(transaction);
    let refused = Reader::new(FEE).pays_only(&requirement(), &payer, &authorization, &to_sign);
    assert_eq!(refused, Err(Reason::PayloadMalformed));
}
