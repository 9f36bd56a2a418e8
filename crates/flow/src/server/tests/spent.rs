//! What an answer is worth after its settlement was declined, and after its handler failed.

use super::world::*;
use crate::server::{Gate, entry::Entry, recover};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http402_core::{Bytes, Reason, ledger::Versioned};
use std::pin::pin;

fn decline(world: &World) {
    let declined = Script::Decline(Reason::InsufficientFunds);
    world.with(|state| state.settlements.push_back(declined));
}

fn asked(world: &World, gate: &Gate, ask: &Ask) -> Response<Bytes> {
    world.run(world.ask(gate, ask))
}

fn body(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[test]
fn s05_an_answer_to_a_one_time_offer_is_not_settled_again_once_it_was_declined() {
    for upfront in [false, true] {
        let world = World::new();
        let gate = gate_once();
        let ask = |nonce, signature| Ask {
            upfront,
            ..paying(nonce, signature)
        };
        decline(&world);
        let declined = asked(&world, &gate, &ask(1, "good"));
        assert_eq!(declined.status(), StatusCode::PAYMENT_REQUIRED);
        assert_eq!(
            declined.headers()["x-receipt"],
            "declined insufficient_funds"
        );
        let handled = world.with(|state| state.handled);
        // The same bytes, another signature for the same, and the same for another request.
        let elsewhere = Ask {
            target: "/other",
            ..ask(1, "good")
        };
        for again in [ask(1, "good"), ask(1, "good-too"), elsewhere] {
            let refused = asked(&world, &gate, &again);
            assert_eq!(refused.status(), StatusCode::PAYMENT_REQUIRED);
            assert!(offers(&refused));
            assert!(!refused.headers().contains_key("x-receipt"));
            assert_eq!(body(&refused), r#"{"error":"offer_spent"}"#);
        }
        // What is not the payer's is told nothing of it.
        let junk = asked(&world, &gate, &ask(1, "bad"));
        assert_eq!(body(&junk), r#"{"error":"signature"}"#);
        assert_eq!(
            world.with(|state| (state.handled, state.settle_calls)),
            (handled, 1)
        );
        // A fresh one is good.
        let fresh = asked(&world, &gate, &ask(2, "good"));
        assert_eq!(fresh.status(), StatusCode::OK);
        assert_eq!(world.with(|state| state.settled.len()), 1);
    }
}

#[test]
fn s05_an_offer_that_is_good_for_longer_may_be_settled_again() {
    for upfront in [false, true] {
        let world = World::new();
        let gate = gate();
        let ask = || Ask {
            upfront,
            ..paying(1, "good")
        };
        decline(&world);
        let declined = asked(&world, &gate, &ask());
        assert!(offers(&declined));
        let again = asked(&world, &gate, &ask());
        assert_eq!(again.status(), StatusCode::OK);
        assert_eq!(world.with(|state| state.settle_calls), 2);
    }
}

#[test]
fn a_failed_handler_spends_no_one_time_offer() {
    let world = World::new();
    let gate = gate_once();
    for _ in 0..2 {
        let failing = Ask {
            status: StatusCode::BAD_GATEWAY,
            ..paying(1, "good")
        };
        let failed = asked(&world, &gate, &failing);
        assert_eq!(failed.status(), StatusCode::BAD_GATEWAY);
    }
    // A process that dies while it holds the claim leaves the count of failures, and frees the rest.
    let unfinished = || {
        let count = |found: &&Versioned| found.record.phase.unfinished();
        world.with(|state| state.records.values().filter(count).count())
    };
    {
        let ask = paying(1, "good");
        let mut request = pin!(world.ask(&gate, &ask));
        while unfinished() == 0 {
            assert!(world.polls(request.as_mut(), 1).is_none());
        }
        let dead = world.with(|state| std::mem::take(&mut state.tasks));
        drop(dead);
    }
    world.with(|state| {
        state.tasks.clear();
        state.now += 200;
    });
    let recovered = world.run(recover(&world.seams(), &gate, "")).unwrap();
    assert_eq!(recovered.released, 1);
    let served = asked(&world, &gate, &paying(1, "good"));
    assert_eq!(
        (served.status(), served.body().as_ref()),
        (StatusCode::OK, b"goods".as_ref())
    );
    assert_eq!(world.with(|state| state.settle_calls), 1);
}

#[test]
fn s11_a_settlement_that_turns_out_declined_spends_a_one_time_offer() {
    let world = World::new();
    let gate = gate_once();
    world.with(|state| state.settlements.push_back(Script::Doubt));
    let doubt = asked(&world, &gate, &paying(1, "good"));
    assert_eq!(doubt.status(), StatusCode::SERVICE_UNAVAILABLE);
    world.with(|state| state.now += 200);
    decline(&world);
    let recovered = world.run(recover(&world.seams(), &gate, "")).unwrap();
    assert_eq!(recovered.declined, 1);
    let refused = asked(&world, &gate, &paying(1, "good"));
    assert_eq!(body(&refused), r#"{"error":"offer_spent"}"#);
    assert_eq!(
        world.with(|state| (state.settle_calls, state.resolve_calls)),
        (1, 1)
    );
}

#[test]
fn s16_a_name_whose_payment_was_declined_takes_another_payment() {
    let world = World::new();
    let gate = gate_once();
    let named = |nonce| {
        let mut ask = paying(nonce, "good");
        let name = HeaderName::from_static("idempotency-key");
        ask.headers.insert(name, HeaderValue::from_static("a"));
        ask
    };
    decline(&world);
    asked(&world, &gate, &named(1));
    assert_eq!(
        body(&asked(&world, &gate, &named(1))),
        r#"{"error":"offer_spent"}"#
    );
    assert_eq!(asked(&world, &gate, &named(2)).status(), StatusCode::OK);
    // The first stays spent, under its name and without it; under the name is now the second one's response.
    assert_eq!(
        body(&asked(&world, &gate, &paying(1, "good"))),
        r#"{"error":"offer_spent"}"#
    );
    assert_eq!(
        asked(&world, &gate, &named(1)).headers()["x-receipt"],
        "tx-2"
    );
    assert_eq!(world.with(|state| state.settle_calls), 2);
}

#[test]
fn what_is_left_of_a_payment_that_was_not_taken() {
    let entries = |world: &World| -> Vec<Entry> {
        let records: Vec<_> = world.with(|state| state.records.values().cloned().collect());
        let entries = records.iter().map(|found| Entry::decode(&found.record));
        entries.map(Result::unwrap).collect()
    };
    let world = World::new();
    let gate = gate().tries(2);
    // Whoever hangs up before the handler has answered leaves nothing in the ledger.
    let ask = paying(1, "good");
    let mut waits = Box::pin(world.ask(&gate, &ask));
    while entries(&world).is_empty() {
        assert!(world.polls(waits.as_mut(), 1).is_none());
    }
    drop(waits);
    while world.turn() {}
    assert!(entries(&world).is_empty());
    // A handler that fails leaves the count; when it may not try again, the authorization is not kept any longer.
    let broken = Ask {
        status: StatusCode::BAD_GATEWAY,
        ..paying(1, "good")
    };
    for (failures, kept, reason) in [(1, true, None), (2, false, Some(Reason::LimitReached))] {
        asked(&world, &gate, &broken);
        let [entry] = &entries(&world)[..] else {
            panic!("one record");
        };
        let left = (entry.failures, entry.claim.is_some(), entry.reason.clone());
        assert_eq!(left, (failures, kept, reason));
    }
}
