//! S41: what a sponsor does not pay for.

use crate::world::{self, NOW, TOKEN, Table, claim, key, order, payer, requirement, signed};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use http402_core::{
    Authorization, Reason, Settlement, Step, Timestamp, Verdict, authorization::TempoTransaction,
    seam::Facilitator,
};
use http402_tempo::{
    AskError, Policy, Settler, Sponsor, Transaction,
    node::{Fees, Simulated},
    transaction::FeePayer,
};
use http402_verify::{
    Signature,
    engine::{Engine, K256},
};
use std::sync::Arc;

fn sponsored(table: &Table) -> Settler {
    let sponsor = Sponsor::new(Arc::new(key(9)), TOKEN);
    Settler::builder(Arc::new(world::Still))
        .sponsored(world::CHAIN, table.clone(), sponsor)
        .build()
        .unwrap()
}

/// A sponsored transaction with one field replaced.
fn altered(index: usize, field: impl Encodable) -> TempoTransaction {
    raw_altered(index, alloy_rlp::encode(field))
}

fn raw_altered(index: usize, field: Vec<u8>) -> TempoTransaction {
    let whole = signed(&order(true), &payer());
    let mut fields = fields(whole.signing_bytes());
    if index == fields.len() {
        fields.push(field);
    } else {
        fields[index] = field;
    }
    let mut payload = Vec::new();
    fields
        .iter()
        .for_each(|field| payload.extend_from_slice(field));
    let mut bytes = vec![0x76];
    alloy_rlp::Header {
        list: true,
        payload_length: payload.len(),
    }
    .encode(&mut bytes);
    bytes.extend_from_slice(&payload);
    let unsigned =
        TempoTransaction::unsigned(world::challenge(), payer().address(), bytes.into()).unwrap();
    unsigned
        .sign(&payer().sign_digest(&unsigned.signing_hash().0))
        .unwrap()
}

fn fields(signing: &Bytes) -> Vec<Vec<u8>> {
    let mut rest = &signing[1..];
    let mut payload = alloy_rlp::Header::decode_bytes(&mut rest, true).unwrap();
    let mut fields = Vec::new();
    while !payload.is_empty() {
        let mut after = payload;
        let header = alloy_rlp::Header::decode(&mut after).unwrap();
        let end = payload.len() - after.len() + header.payload_length;
        fields.push(payload[..end].to_vec());
        payload = &payload[end..];
    }
    fields
}

async fn verdict(table: &Table, transaction: TempoTransaction) -> Verdict {
    let claim = claim(Authorization::TempoTransaction(transaction));
    let settler = sponsored(table);
    let verdict = settler.verify(&claim).await.unwrap();
    if let Verdict::Invalid(reason) = &verdict {
        let step = Step::Charge(claim.amount());
        let settled = settler.settle(&claim, step).await.unwrap();
        assert_eq!(settled, Settlement::Declined(reason.clone()));
        assert_eq!(table.sent(), 0, "nothing is sent");
    }
    verdict
}

#[tokio::test]
async fn s41_a_sponsor_pays_for_a_charge_and_for_nothing_else() {
    let table = Table::new();
    let other = |text: &str| Verdict::Invalid(Reason::Other(format!("sponsor_{text}").into()));
    let cases = [
        ("gas", altered(3, 2_000_001_u64), other("gas")),
        ("fee", altered(2, 100_000_000_001_u128), other("fee")),
        (
            "priority fee",
            altered(1, 10_000_000_001_u128),
            other("priority_fee"),
        ),
        (
            "a priority above the fee",
            altered(2, 999_999_999_u128),
            other("priority_fee"),
        ),
        ("a 2D nonce", altered(6, U256::from(1)), other("nonce_key")),
        ("a counted nonce", altered(7, 1_u64), other("nonce_key")),
        (
            "an access list",
            raw_altered(5, vec![0xc1, 0xc0]),
            other("access_list"),
        ),
        (
            "an authorization",
            raw_altered(12, vec![0xc1, 0xc0]),
            other("authorization_list"),
        ),
        (
            "a key",
            raw_altered(13, vec![0xc1, 0x80]),
            other("key_authorization"),
        ),
        (
            "no end",
            altered(8, 0_u64),
            Verdict::Invalid(Reason::LifetimeTooLong),
        ),
        (
            "a late end",
            altered(8, NOW + 901),
            Verdict::Invalid(Reason::LifetimeTooLong),
        ),
        (
            "an early end",
            altered(8, NOW + 14),
            Verdict::Invalid(Reason::Expired),
        ),
        (
            "another chain",
            altered(0, 1_u64),
            Verdict::Invalid(Reason::NetworkMismatch),
        ),
    ];
    for (why, transaction, expected) in cases {
        assert_eq!(verdict(&table, transaction).await, expected, "{why}");
    }
    let good = verdict(&table, signed(&order(true), &payer())).await;
    assert!(matches!(good, Verdict::Valid { .. }));
}

#[test]
fn s41_the_total_is_bounded() {
    let whole = signed(&order(true), &payer());
    let transaction = Transaction::decode(whole.raw()).unwrap();
    let mut policy = Policy::default();
    let now = Timestamp::from_secs(NOW);
    policy.total = u128::from(transaction.gas()) * transaction.max_fee();
    assert_eq!(policy.check(&transaction, now), Ok(()));
    policy.total -= 1;
    let refused = Err(Reason::Other("sponsor_total".into()));
    assert_eq!(policy.check(&transaction, now), refused);
}

#[tokio::test]
async fn s41_who_brings_his_own_fee_token_is_not_sponsored() {
    // The sender does not sign the token; whoever passes the envelope on could put one in.
    let whole = signed(&order(true), &payer());
    let mut raw = whole.raw().to_vec();
    let at = raw.len() - 67 - 1 - 21 - 1;
    assert_eq!(raw[at], 0x80);
    raw.splice(at..=at, alloy_rlp::encode(Address::repeat_byte(5)));
    let length = u16::try_from(raw.len() - 4).unwrap().to_be_bytes();
    raw[2..4].copy_from_slice(&length);
    let altered = TempoTransaction::signed(world::challenge(), None, raw.into()).unwrap();
    let expected = Verdict::Invalid(Reason::Other("sponsor_fee_token".into()));
    assert_eq!(verdict(&Table::new(), altered).await, expected);
}

#[tokio::test]
async fn s41_the_envelope_names_its_sender_truly() {
    let whole = signed(&order(true), &payer());
    let mut raw = whole.raw().to_vec();
    // In the place of the fee payer, before the empty list and the signature.
    let at = raw.len() - 67 - 1 - 20;
    raw[at..at + 20].copy_from_slice(&[3; 20]);
    let altered = TempoTransaction::signed(world::challenge(), None, raw.into()).unwrap();
    let refused = verdict(&Table::new(), altered).await;
    assert_eq!(refused, Verdict::Invalid(Reason::Signature));
}

#[tokio::test]
async fn s41_simulation_fails_closed() {
    let table = Table::new();
    let settle = async || {
        let claim = claim(Authorization::TempoTransaction(signed(
            &order(true),
            &payer(),
        )));
        let settler = sponsored(&table);
        settler.settle(&claim, Step::Charge(claim.amount())).await
    };
    table.with(|state| state.simulated = Some(Err(AskError::new("eth_simulateV1", "time-out"))));
    assert!(settle().await.is_err(), "what could not be asked is no yes");

    let failing = |at: usize| {
        let mut done = world::done(payer().address(), 2);
        done[at].success = false;
        done
    };
    let silent = |mut done: Vec<Simulated>| {
        done.iter_mut().for_each(|call| call.logs.clear());
        done
    };
    let hungry = |mut done: Vec<Simulated>| {
        done.iter_mut().for_each(|call| call.gas = 500_000);
        done
    };
    let good = world::done(payer().address(), 2);
    for (why, done, reason) in [
        ("the first fails", failing(0), Reason::SimulationFailed),
        ("the second fails", failing(1), Reason::SimulationFailed),
        ("not all ran", good[..1].to_vec(), Reason::SimulationFailed),
        ("none ran", Vec::new(), Reason::SimulationFailed),
        (
            "nothing moved",
            silent(good.clone()),
            Reason::SimulationFailed,
        ),
        (
            "it would run out of gas",
            hungry(good),
            Reason::Other("gas_too_low".into()),
        ),
    ] {
        table.with(|state| state.simulated = Some(Ok(done)));
        assert_eq!(
            settle().await.unwrap(),
            Settlement::Declined(reason),
            "{why}"
        );
    }
    assert_eq!(table.sent(), 0);
}

#[tokio::test]
async fn what_is_sent_is_signed_by_sender_and_sponsor() {
    let table = Table::new();
    let whole = signed(&order(true), &payer());
    let claim = claim(Authorization::TempoTransaction(whole.clone()));
    let settler = sponsored(&table);
    let settled = settler.settle(&claim, Step::Charge(claim.amount()));
    assert!(matches!(settled.await.unwrap(), Settlement::Settled(_)));
    let sent = table.with(|state| state.sent[0].clone());
    let read = Transaction::decode(&sent).unwrap();
    assert_eq!(
        (read.fee_payer(), read.fee_token()),
        (&FeePayer::Signed, Some(TOKEN))
    );
    let again = TempoTransaction::signed(world::challenge(), None, sent.clone()).unwrap();
    assert_eq!(
        again.signing_hash(),
        whole.signing_hash(),
        "the sender's part is untouched"
    );

    // The sponsor's signature, out of its list, is over the envelope with token and sender.
    let list = &fields(&sent)[11];
    let mut rest = &list[..];
    let mut vrs = alloy_rlp::Header::decode_bytes(&mut rest, true).unwrap();
    let odd = <bool as alloy_rlp::Decodable>::decode(&mut vrs).unwrap();
    let mut signature = Vec::new();
    for _ in 0..2 {
        let scalar = <U256 as alloy_rlp::Decodable>::decode(&mut vrs).unwrap();
        signature.extend_from_slice(&scalar.to_be_bytes::<32>());
    }
    signature.push(27 + u8::from(odd));
    let envelope = Transaction::decode(whole.raw()).unwrap();
    let digest = keccak256(envelope.sponsored_bytes(payer().address(), TOKEN));
    let recovered = K256.recover(&digest, &Signature::parse(&signature).unwrap());
    assert_eq!(recovered, Some(key(9).address()));
}

#[tokio::test]
async fn nobody_is_sponsored_where_there_is_no_sponsor() {
    let table = Table::new();
    let claim = claim(Authorization::TempoTransaction(signed(
        &order(true),
        &payer(),
    )));
    let verdict = world::settler(&table).verify(&claim).await.unwrap();
    assert_eq!(
        verdict,
        Verdict::Invalid(Reason::Other("sponsor_none".into()))
    );
}

#[test]
fn a_fee_of_more_than_the_policy_allows_is_not_offered() {
    let fees = Fees {
        base: u128::MAX,
        priority: 1,
    };
    let now = Timestamp::from_secs(NOW);
    let built = order(true)
        .transaction(payer().address(), &fees, 1, now)
        .unwrap();
    let built = built.sign(&[1; 65]).unwrap();
    let read = Transaction::decode(built.raw()).unwrap();
    let refused = Policy::default().check(&read, now);
    assert_eq!(refused, Err(Reason::Other("sponsor_fee".into())));
    assert_eq!(requirement().splits.len(), 1);
}
