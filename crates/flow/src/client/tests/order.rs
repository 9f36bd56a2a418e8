use super::world::*;
use crate::client::{Error, Payment};
use http::StatusCode;
use http402_core::ledger::Phase;
use std::pin::pin;

#[test]
fn a_free_answer_costs_nothing() {
    let world = World::new();
    let buyer = world.buyer();
    // The seller of this world always asks: a credential of another protocol is none to this buyer.
    world.with(|state| state.offers.clear());
    let error = world.pay(&buyer).unwrap_err();
    assert!(matches!(&error, Error::Denied(refusal) if refusal.denied.is_empty()));
    assert_eq!((world.signatures(), world.charged()), (0, 0));
    assert!(world.phases().is_empty());
}

#[test]
fn a_purchase_is_charged_recorded_and_closed() {
    let world = World::new();
    let buyer = world.buyer();
    let reply = world.pay(&buyer).unwrap();
    assert_eq!(reply.response.status(), StatusCode::OK);
    assert_eq!(reply.response.body().as_ref(), b"goods");
    assert!(reply.unrecorded.is_none());
    let Payment::Paid { attempt, receipt } = reply.payment else {
        panic!("{:?}", reply.payment);
    };
    assert_eq!(receipt.unwrap().transaction.as_ref(), "tx");
    assert_eq!(attempt.url.as_ref(), URL);
    assert_eq!(world.phases(), [Phase::Paid]);
    assert_eq!(world.charged(), 1000);
    assert_eq!(world.presentations(), (1, 1));
    // The next call for the same thing is a purchase of its own.
    world.pay(&buyer).unwrap();
    assert_eq!((world.signatures(), world.charged()), (2, 2000));
    assert_eq!(world.settlements(), 2);
}

#[test]
fn s29_a_request_that_carries_a_payment_is_not_sent() {
    let world = World::new();
    let mut request = get(URL);
    let value = http::HeaderValue::from_static("mine");
    request.headers_mut().insert("x-pay", value);
    let buyer = world.buyer();
    let error = run(buyer.pay(&world, request)).unwrap_err();
    assert!(matches!(error, Error::Carried));
    assert_eq!(world.with(|state| state.unpaid + state.presented.len()), 0);
}

#[test]
fn a_relative_url_is_refused() {
    let world = World::new();
    let buyer = world.buyer();
    for url in ["/r", "ftp://seller.example/r"] {
        let error = run(buyer.pay(&world, get(url))).unwrap_err();
        assert!(matches!(error, Error::Url(_)), "{url}");
    }
}

#[test]
fn a_wallet_that_fails_costs_nothing() {
    let world = World::new();
    let buyer = world.buyer();
    world.with(|state| state.wallet_fails = true);
    let error = world.pay(&buyer).unwrap_err();
    assert!(matches!(error, Error::Signer(_)));
    assert_eq!(world.charged(), 0);
    assert_eq!(world.phases(), [Phase::Unspent]);
    assert_eq!(world.presentations(), (0, 0));
}

#[test]
fn s39_what_a_slow_wallet_signed_too_late_does_not_leave() {
    let world = World::new();
    let buyer = world.buyer();
    world.with(|state| state.wallet_takes = 295);
    let error = world.pay(&buyer).unwrap_err();
    assert!(matches!(error, Error::Late));
    assert_eq!((world.charged(), world.presentations().1), (0, 0));
    world.with(|state| state.wallet_takes = 294);
    assert!(world.pay(&buyer).is_ok());
}

#[test]
fn two_calls_at_once_are_two_purchases() {
    let world = World::new();
    let buyer = world.buyer();
    let mut first = pin!(buyer.pay(&world, get(URL)));
    // The first one has signed and waits for its answer.
    let mut count = 0;
    while world.presentations().1 == 0 {
        assert!(polls(first.as_mut(), 1).is_none());
        count += 1;
        assert!(count < 100);
    }
    world.pay(&buyer).unwrap();
    polls(first, 1000).unwrap().unwrap();
    assert_eq!((world.signatures(), world.settlements()), (2, 2));
}

#[test]
fn a_named_purchase_is_made_once() {
    let world = World::new();
    let buyer = world.buyer();
    for _ in 0..3 {
        let reply = run(buyer.pay(&world, named("one"))).unwrap();
        assert!(matches!(reply.payment, Payment::Paid { .. }));
    }
    assert_eq!(world.signatures(), 1);
    assert_eq!(world.presentations(), (1, 3));
    // The seller no longer delivers: the purchase is still the one that was paid.
    world.with(|state| state.usual = Act::SettleAndSay(409));
    let reply = run(buyer.pay(&world, named("one"))).unwrap();
    assert!(matches!(reply.payment, Payment::Spent { .. }));
    assert_eq!(world.phases(), [Phase::Paid]);
    world.with(|state| state.usual = Act::Serve);
    run(buyer.pay(&world, named("two"))).unwrap();
    assert_eq!((world.signatures(), world.charged()), (2, 2000));
}

#[test]
fn a_named_purchase_waits_for_the_call_that_makes_it() {
    let world = World::new();
    let (one, other) = (world.buyer(), world.buyer());
    let mut first = pin!(one.pay(&world, named("one")));
    while world.presentations().1 == 0 {
        assert!(polls(first.as_mut(), 1).is_none());
    }
    // Of the same process and of another one.
    for buyer in [&one, &other] {
        let mut second = pin!(buyer.pay(&world, named("one")));
        assert!(polls(second.as_mut(), 10).is_none());
        assert_eq!(world.presentations().1, 1);
    }
    polls(first, 1000).unwrap().unwrap();
    run(other.pay(&world, named("one"))).unwrap();
    assert_eq!((world.signatures(), world.charged()), (1, 1000));
}

#[test]
fn s84_nothing_prints_a_credential() {
    let world = World::new();
    let buyer = world.buyer();
    world.with(|state| state.usual = Act::Lose);
    let error = world.pay(&buyer).unwrap_err();
    let mut printed = format!("{error:?} {error} {buyer:?} {:?}", error.attempt());
    world.with(|state| {
        assert_eq!(state.presented.len(), 4);
        printed += &format!("{:?}", state.records);
    });
    let found = world.with(|state| state.records.clone());
    for (key, found) in found {
        if key.as_str().starts_with("attempt:") {
            let protocols = &buyer.protocols;
            let now = http402_core::Timestamp::from_secs(START);
            let resumed = super::super::state::resume(protocols, &buyer.policy, &key, &found, now);
            let super::super::state::Resumed::Sent(sent) = resumed.unwrap() else {
                panic!("signed bytes have left");
            };
            printed += &format!("{sent:?}");
        }
    }
    assert!(printed.contains("attempt:"));
    assert!(!printed.contains("5a5a"), "{printed}");
}
