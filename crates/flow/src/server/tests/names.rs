//! S16: what a payer names is paid for once, whatever he signs.

use super::{order::together, world::*};
use crate::server::recover;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http402_core::{B256, Bytes, Reason, Verdict};
use std::{future::Future, pin::Pin};

fn named(nonce: u8, signature: &str, name: &'static str) -> Ask {
    let mut ask = paying(nonce, signature);
    ask.headers.insert(
        HeaderName::from_static("idempotency-key"),
        HeaderValue::from_static(name),
    );
    ask
}

fn settled(world: &World) -> Vec<u8> {
    world.with(|state| state.settled.iter().map(|nonce: &B256| nonce[0]).collect())
}

#[test]
fn s16_a_second_payment_under_a_name_gets_the_first_ones_response() {
    for upfront in [false, true] {
        let world = World::new();
        for (nonce, name) in [
            (1, "\"a-1\""),
            (2, "\"a-1\""),
            (3, "a-1"),
            (1, "a-1"),
            (1, "other"),
        ] {
            let mut ask = named(nonce, "good", name);
            ask.upfront = upfront;
            let response = world.run(world.ask(&gate(), &ask));
            assert_eq!(response.status(), StatusCode::OK, "{nonce} {name}");
            assert_eq!(response.body().as_ref(), b"goods");
            assert_eq!(
                response.headers()["x-receipt"],
                "tx-1",
                "the receipt of the first"
            );
        }
        assert_eq!(settled(&world), [1]);
        assert_eq!(world.with(|state| state.handled), 1);
    }
}

#[test]
fn s16_a_name_is_for_one_request() {
    let world = World::new();
    world.run(world.ask(&gate(), &named(1, "good", "a")));
    let mut ask = named(2, "good", "a");
    ask.target = "/other";
    let response = world.run(world.ask(&gate(), &ask));
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(!offers(&response));
    assert_eq!(settled(&world), [1]);
    // The payment that was not taken is good for another name.
    let mut ask = named(2, "good", "b");
    ask.target = "/other";
    assert_eq!(world.run(world.ask(&gate(), &ask)).status(), StatusCode::OK);
    assert_eq!(settled(&world), [1, 2]);
}

#[test]
fn s16_names_of_other_payers_are_others() {
    let world = World::new();
    for (nonce, signature) in [(1, "good"), (2, "good-else")] {
        let response = world.run(world.ask(&gate(), &named(nonce, signature, "a")));
        assert_eq!(response.headers()["x-receipt"], format!("tx-{nonce}"));
    }
    assert_eq!(settled(&world), [1, 2]);
    // Who only says that he is the payer is told nothing of what the payer has named.
    world.with(|state| {
        state
            .verdicts
            .push_back(Ok(Verdict::Invalid(Reason::Signature)));
    });
    let response = world.run(world.ask(&gate(), &named(3, "wrapped", "a")));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    // Once the chain has shown that he is, he is told.
    let response = world.run(world.ask(&gate(), &named(3, "wrapped", "a")));
    assert_eq!(
        (response.status(), &response.headers()["x-receipt"]),
        (StatusCode::OK, &HeaderValue::from_static("tx-1"))
    );
    assert_eq!(settled(&world), [1, 2]);
}

#[test]
fn s16_at_the_same_time_the_second_waits_for_the_first() {
    for upfront in [false, true] {
        let world = World::new();
        let gate = gate();
        let asks: Vec<_> = (1..=8)
            .map(|nonce| {
                let mut ask = named(nonce, "good", "a");
                ask.upfront = upfront;
                ask
            })
            .collect();
        let futures: Vec<Pin<Box<dyn Future<Output = Response<Bytes>> + '_>>> = asks
            .iter()
            .map(|ask| Box::pin(world.ask(&gate, ask)) as _)
            .collect();
        for response in together(&world, futures) {
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.body().as_ref(), b"goods");
        }
        assert_eq!(settled(&world).len(), 1);
        assert_eq!(world.with(|state| state.handled), 1);
    }
}

#[test]
fn s16_a_doubt_under_a_name_is_resolved_and_not_paid_anew() {
    let world = World::new();
    world.with(|state| state.settlements.push_back(Script::LoseAnswer));
    let response = world.run(world.ask(&gate(), &named(1, "good", "a")));
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let response = world.run(world.ask(&gate(), &named(2, "good", "a")));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-receipt"], "tx-1");
    assert_eq!(settled(&world), [1]);
    let recovered = world.run(recover(&world.seams(), &gate(), "")).unwrap();
    assert_eq!(
        recovered,
        crate::server::Recovered::default(),
        "nothing is left open"
    );
}

#[test]
fn a_name_whose_payment_was_declined_is_free() {
    let world = World::new();
    let funds = Reason::from_code("insufficient_funds");
    world.with(|state| state.settlements.push_back(Script::Decline(funds)));
    let response = world.run(world.ask(&gate(), &named(1, "good", "a")));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    let response = world.run(world.ask(&gate(), &named(2, "good", "a")));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(settled(&world), [2]);
}

#[test]
fn a_name_that_is_none_is_refused_and_names_can_be_off() {
    let world = World::new();
    for bad in ["", "\"\""] {
        let response = world.run(world.ask(&gate(), &named(1, "good", bad)));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(!offers(&response));
    }
    let off = gate().names(false);
    for nonce in [1, 2] {
        let response = world.run(world.ask(&off, &named(nonce, "good", "a")));
        assert_eq!(response.headers()["x-receipt"], format!("tx-{nonce}"));
    }
    assert_eq!(settled(&world), [1, 2]);
}
