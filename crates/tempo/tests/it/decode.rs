//! Transactions as mppx 0.11.0 sent them to a development chain.

use crate::world::{self, CHAIN, NOW, PARTNER, PAYEE, TOKEN};
use alloy_primitives::{U256, address, hex};
use http402_core::{
    Amount, B256, Timestamp,
    authorization::{ChallengeRef, TempoTransaction},
};
use http402_tempo::{
    Charge, Transaction,
    transaction::{Call, EXPIRING, FeePayer, Unsigned},
};
use proptest::prelude::*;

const PULL: &str = include_str!("../fixtures/pull.hex");
const SPONSORED: &str = include_str!("../fixtures/sponsored.hex");

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.trim()).unwrap()
}

#[test]
fn recorded_transactions_are_read_to_the_last_field() {
    let pull = Transaction::decode(&bytes(PULL)).unwrap();
    assert_eq!(
        (pull.chain(), pull.gas(), pull.calls().len()),
        (CHAIN, 789_000, 1)
    );
    assert_eq!(
        (pull.max_fee(), pull.priority_fee()),
        (22_200_000_000, 1_000_000_000)
    );
    assert_eq!((pull.nonce_key(), pull.nonce()), (EXPIRING, 0));
    assert_eq!(pull.valid_before(), Some(0x6b02_8847));
    assert_eq!(
        (pull.fee_token(), pull.fee_payer()),
        (None, &FeePayer::Sender)
    );
    assert!(!pull.has_access_list() && !pull.has_authorizations() && !pull.authorizes_key());
    assert_eq!(pull.signature().len(), 65);
    let sponsored = Transaction::decode(&bytes(SPONSORED)).unwrap();
    let sender = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
    assert_eq!(sponsored.fee_payer(), &FeePayer::Awaited(Some(sender)));
}

#[test]
fn recorded_calls_pay_their_challenge_and_no_other() {
    let mut requirement = world::requirement();
    requirement.price = http402_core::Price::Exactly(Amount::from_units(U256::from(10_000)));
    requirement.splits.clear();
    let recorded = [
        (PULL, "9YI4slQZ37zjNYbhzYPnnLHGy5W8UHUcPjDgI3B39mg"),
        (SPONSORED, "WJ3yiBmpLL0uILRuOTCM__045uUQ6PrefYYEX-WevEM"),
    ];
    for (text, id) in recorded {
        let transaction = Transaction::decode(&bytes(text)).unwrap();
        for (_, other) in recorded {
            let charge = Charge::of(&requirement, ChallengeRef::new("127.0.0.1", other)).unwrap();
            assert_eq!(charge.match_calls(transaction.calls()).is_ok(), other == id);
        }
    }
}

#[test]
fn what_is_built_here_is_read_again() {
    for sponsored in [false, true] {
        let signed = world::signed(&world::order(sponsored), &world::payer());
        assert_eq!(signed.sponsored(), sponsored);
        let read = Transaction::decode(signed.raw()).unwrap();
        assert_eq!(
            (read.chain(), read.gas(), read.nonce_key()),
            (CHAIN, 800_000, EXPIRING)
        );
        assert_eq!(
            (read.max_fee(), read.priority_fee()),
            (31_000_000_000, 1_000_000_000)
        );
        assert_eq!(read.valid_before(), Some(NOW + 25));
        assert_eq!(read.fee_token(), (!sponsored).then_some(TOKEN));
        let charge = Charge::of(&world::requirement(), world::challenge()).unwrap();
        assert!(charge.match_calls(read.calls()).is_ok());
        assert_eq!(
            (charge.payee(), charge.token(), charge.total()),
            (PAYEE, TOKEN, U256::from(30))
        );
        assert_ne!(charge.payee(), PARTNER);
    }
}

#[test]
fn a_transaction_ends_with_its_challenge() {
    let build = |left: u64| {
        let mut order = world::order(false);
        order.expires = Some(Timestamp::from_secs(NOW + left));
        let now = Timestamp::from_secs(NOW);
        let built = order.transaction(PAYEE, &world::FEES, 1, now);
        built.map(|built| built.window().end().secs() - NOW)
    };
    assert_eq!(build(300), Ok(25));
    assert_eq!(build(20), Ok(20));
    assert_eq!(build(14), Err(http402_core::Reason::OfferExpired));
}

#[test]
fn the_placeholder_of_the_published_draft_is_understood() {
    // 0x76 with 0x00 in the fee payer's place, instead of 0x78 with the sender's address.
    let signed = world::signed(&world::order(true), &world::payer());
    let mut raw = signed.signing_bytes().to_vec();
    // A list of less than 65536 bytes: two bytes of length.
    let signature = &signed.raw()[signed.raw().len() - 67..];
    raw.extend_from_slice(signature);
    let length = u16::try_from(raw.len() - 4).unwrap().to_be_bytes();
    assert_eq!(raw[..2], [0x76, 0xf9]);
    raw[2..4].copy_from_slice(&length);
    let read = Transaction::decode(&raw).unwrap();
    assert_eq!(read.fee_payer(), &FeePayer::Awaited(None));
    let again = TempoTransaction::signed(world::challenge(), None, raw.into()).unwrap();
    assert_eq!(again.signing_hash(), signed.signing_hash());
}

proptest! {
    #[test]
    fn cut_or_lengthened_transactions_are_refused(cut in 1_usize..300, more in 1_usize..4) {
        let mut raw = bytes(PULL);
        let longer = [&raw[..], &vec![0x80; more]].concat();
        prop_assert!(Transaction::decode(&longer).is_err());
        raw.truncate(raw.len().saturating_sub(cut));
        prop_assert!(Transaction::decode(&raw).is_err());
    }

    /// Whatever core takes for a transaction's frame, and is read here, is of the same chain and window.
    #[test]
    fn the_frame_and_the_whole_agree(at in 1_usize..260, bit in 0_u8..8) {
        let mut raw = bytes(PULL);
        let at = at.min(raw.len() - 1);
        raw[at] ^= 1 << bit;
        let frame = TempoTransaction::signed(world::challenge(), None, raw.clone().into());
        if let (Ok(frame), Ok(whole)) = (frame, Transaction::decode(&raw)) {
            prop_assert_eq!(frame.chain(), whole.chain());
            let end = whole.valid_before().map_or(Timestamp::MAX, Timestamp::from_secs);
            prop_assert_eq!(frame.window().end(), end);
            prop_assert_eq!(frame.sponsored(), whole.fee_payer() != &FeePayer::Sender);
        }
    }
}

#[test]
fn what_is_written_before_it_is_signed_is_read_after() {
    let call = Call::new(TOKEN, vec![1, 2, 3]);
    let mut unsigned = Unsigned::new(CHAIN);
    (unsigned.priority_fee, unsigned.max_fee, unsigned.gas) = (1, 2, 3);
    unsigned.calls = vec![call.clone(), call];
    unsigned.access_list = vec![(TOKEN, vec![B256::repeat_byte(4)])];
    (unsigned.nonce_key, unsigned.nonce) = (U256::from(5), 6);
    (unsigned.valid_before, unsigned.valid_after) = (Some(8), Some(7));
    unsigned.fee_token = Some(PAYEE);
    let payer = world::payer();
    for sponsored in [false, true] {
        unsigned.sponsored = sponsored;
        let draft =
            TempoTransaction::unsigned(world::challenge(), payer.address(), unsigned.encode());
        let draft = draft.unwrap();
        let signed = draft
            .sign(&payer.sign_digest(&draft.signing_hash().0))
            .unwrap();
        let read = Transaction::decode(signed.raw()).unwrap();
        assert_eq!(read.chain(), unsigned.chain);
        assert_eq!((read.priority_fee(), read.max_fee(), read.gas()), (1, 2, 3));
        assert_eq!(read.calls(), unsigned.calls);
        assert!(read.has_access_list() && !read.has_authorizations() && !read.authorizes_key());
        assert_eq!((read.nonce_key(), read.nonce()), (U256::from(5), 6));
        assert_eq!(
            (read.valid_before(), read.valid_after()),
            (Some(8), Some(7))
        );
        assert_eq!(read.fee_token(), Some(PAYEE));
        let awaited = *read.fee_payer() == FeePayer::Awaited(Some(payer.address()));
        assert_eq!(awaited, sponsored);
    }
    unsigned.access_list.clear();
    unsigned.fee_token = None;
    let draft = TempoTransaction::unsigned(world::challenge(), payer.address(), unsigned.encode());
    let signed = draft.unwrap().sign(&[1; 65]).unwrap();
    let read = Transaction::decode(signed.raw()).unwrap();
    assert!(!read.has_access_list() && read.fee_token().is_none());
}
