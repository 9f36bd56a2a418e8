use super::world::*;
use crate::server::{Check, recover};
use http::{HeaderValue, Response, StatusCode};
use http402_core::{Amount, Bytes, Reason, Verdict};
use std::{future::Future, pin::Pin, task::Context, task::Poll, task::Waker, time::Duration};

#[test]
fn a_request_without_payment_gets_offers_and_no_goods() {
    let world = World::new();
    let response = world.run(world.ask(&gate(), &unpaid()));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(offers(&response));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["vary"], "x-pay");
    let exposed = "access-control-expose-headers";
    assert!(!response.headers().contains_key(exposed));
    let mut script = unpaid();
    let origin = HeaderValue::from_static("https://shop.example");
    script.headers.insert("origin", origin);
    let response = world.run(world.ask(&gate(), &script));
    assert!(offers(&response));
    assert_eq!(response.headers()["vary"], "x-pay");
    assert_eq!(response.headers()[exposed], "x-receipt");
    assert_eq!(world.with(|state| state.handled), 0);
}

#[test]
fn paid_served_settled_and_recorded() {
    let world = World::new();
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(
        (response.status(), response.body().as_ref()),
        (StatusCode::OK, b"goods".as_ref())
    );
    assert_eq!(response.headers()["x-receipt"], "tx-1");
    assert_eq!(response.headers()["cache-control"], "private");
    let events = world.with(|state| state.events.clone());
    assert_eq!(
        events,
        ["Judged", "Judged", "Reserved", "Settled", "Delivered"]
    );
}

#[test]
fn s07_what_was_paid_while_the_offer_held_is_answered_after_it_has_ended() {
    let late = |nonce| {
        let mut ask = paying(nonce, "good");
        ask.headers.insert("x-late", HeaderValue::from_static("1"));
        ask
    };
    let world = World::new();
    let gate = gate();
    world.run(world.ask(&gate, &paying(1, "good")));
    let again = world.run(world.ask(&gate, &late(1)));
    assert_eq!(
        (again.status(), again.body().as_ref(), offers(&again)),
        (StatusCode::OK, b"goods".as_ref(), false)
    );
    // What was not paid in time is refused with a new offer, and nobody is asked about it.
    let never = world.run(world.ask(&gate, &late(2)));
    assert_eq!(never.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(offers(&never));
    assert_eq!(
        world.with(|state| (state.handled, state.settle_calls)),
        (1, 1)
    );
}

#[test]
fn s29_two_credentials_are_ambiguous() {
    let world = World::new();
    let mut ask = paying(1, "good");
    ask.headers
        .append("x-pay", HeaderValue::from_static("2:good"));
    let response = world.run(world.ask(&gate(), &ask));
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!offers(&response));
}

#[test]
fn an_unreadable_credential_is_told_what_and_where() {
    let world = World::new();
    let mut ask = unpaid();
    ask.headers
        .insert("x-pay", HeaderValue::from_static("nonsense"));
    let response = world.run(world.ask(&gate(), &ask));
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!offers(&response));
    let body = std::str::from_utf8(response.body()).unwrap();
    assert!(body.contains(r#""what":"x-pay","at":8"#), "{body}");
}

#[test]
fn no_price_is_never_free() {
    let world = World::new();
    let mut ask = paying(1, "good");
    ask.free = true;
    let response = world.run(world.ask(&gate(), &ask));
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.with(|state| state.handled), 0);
}

/// Polls all of them in turn until all have ended.
pub(super) fn together<T>(
    world: &World,
    mut futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>,
) -> Vec<T> {
    let mut values: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    while values.iter().any(Option::is_none) {
        for (future, value) in futures.iter_mut().zip(&mut values) {
            if value.is_none() {
                if let Poll::Ready(ready) = future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                {
                    *value = Some(ready);
                }
            }
        }
        world.turn();
    }
    while world.turn() {}
    values.into_iter().flatten().collect()
}

#[test]
fn s01_parallel_copies_are_delivered_and_settled_once() {
    for (upfront, keep) in [(false, true), (true, true), (false, false), (true, false)] {
        let world = World::new();
        let gate = gate();
        let asks: Vec<_> = (0..64)
            .map(|_| Ask {
                upfront,
                keep,
                ..paying(1, "good")
            })
            .collect();
        let requests = asks.iter().map(|ask| {
            Box::pin(world.ask(&gate, ask)) as Pin<Box<dyn Future<Output = Response<Bytes>> + '_>>
        });
        let responses = together(&world, requests.collect());
        let (handled, settled) = world.with(|state| (state.handled, state.settle_calls));
        assert_eq!((handled, settled), (1, 1));
        let paid = responses
            .iter()
            .filter(|response| response.status() == StatusCode::OK)
            .count();
        // A kept response is given to all of them, any other to the one who was first.
        assert_eq!(paid, if keep { 64 } else { 1 });
        assert!(responses.iter().all(|response| !offers(response)));
        assert!(
            responses
                .iter()
                .all(|r| r.status() == StatusCode::OK || r.status() == StatusCode::CONFLICT)
        );
    }
}

#[test]
fn s02_a_replay_gets_the_stored_outcome_and_no_second_delivery() {
    let world = World::new();
    let gate = gate();
    world.run(world.ask(&gate, &paying(1, "good")));
    let again = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(
        (again.status(), again.body().as_ref()),
        (StatusCode::OK, b"goods".as_ref())
    );
    assert_eq!(again.headers()["x-receipt"], "tx-1");
    // After its window, too: the stored outcome lives longer than the authorization.
    world.with(|state| state.now += 3600);
    let late = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(late.status(), StatusCode::OK);
    let elsewhere = world.run(world.ask(
        &gate,
        &Ask {
            target: "/other",
            ..paying(1, "good")
        },
    ));
    assert_eq!(elsewhere.status(), StatusCode::CONFLICT);
    assert!(!offers(&elsewhere));
    assert_eq!(
        world.with(|state| (state.handled, state.settle_calls)),
        (1, 1)
    );
}

#[test]
fn s02_a_streamed_response_is_not_given_twice() {
    let world = World::new();
    let gate = gate();
    world.run(world.ask(
        &gate,
        &Ask {
            keep: false,
            ..paying(1, "good")
        },
    ));
    let again = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(again.headers()["x-receipt"], "tx-1");
    assert!(!offers(&again));
}

#[test]
fn s04_another_signature_for_the_same_authorization_gets_nothing() {
    let world = World::new();
    let gate = gate();
    world.run(world.ask(&gate, &paying(1, "good")));
    let twin = world.run(world.ask(&gate, &paying(1, "g-twin")));
    assert_eq!(twin.status(), StatusCode::CONFLICT);
    assert_ne!(twin.body().as_ref(), b"goods");
}

#[test]
fn s05_a_declined_settlement_withholds_the_goods() {
    let world = World::new();
    world.with(|state| {
        state
            .settlements
            .push_back(Script::Decline(Reason::InsufficientFunds));
    });
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(offers(&response));
    assert_eq!(
        response.headers()["x-receipt"],
        "declined insufficient_funds"
    );
    assert_ne!(response.body().as_ref(), b"goods");
}

#[test]
fn s06_a_lost_answer_is_unknown_and_the_same_bytes_bring_the_goods() {
    for (upfront, keep) in [(false, true), (true, true), (false, false), (true, false)] {
        let world = World::new();
        let gate = gate();
        world.with(|state| state.settlements.push_back(Script::LoseAnswer));
        let lost = world.run(world.ask(
            &gate,
            &Ask {
                upfront,
                keep,
                ..paying(1, "good")
            },
        ));
        assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!offers(&lost));
        assert_eq!(lost.headers()["retry-after"], "1");
        assert_eq!(lost.headers()["x-receipt"], "pending");
        let found = world.run(world.ask(
            &gate,
            &Ask {
                upfront,
                keep,
                ..paying(1, "good")
            },
        ));
        assert_eq!(
            (found.status(), found.body().as_ref()),
            (StatusCode::OK, b"goods".as_ref())
        );
        let calls =
            world.with(|state| (state.settle_calls, state.resolve_calls, state.settled.len()));
        assert_eq!(calls, (1, 1, 1));
        // By the transaction that may have moved the money.
        let about = world.with(|state| state.asked_about.clone());
        assert_eq!(about.as_deref(), Some("tx-1"));
    }
}

#[test]
fn a_facilitator_that_can_not_be_asked_is_no_refusal() {
    let world = World::new();
    let gate = gate();
    world.with(|state| state.verdicts.push_back(Err(())));
    let down = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(down.status(), StatusCode::BAD_GATEWAY);
    world.with(|state| state.verdicts.push_back(Ok(Verdict::NeedsChain)));
    let shrug = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(shrug.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(
        world.with(|state| (state.handled, state.records.len())),
        (0, 0)
    );
    world.with(|state| state.settlements.push_back(Script::Down));
    let settling = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(settling.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!offers(&down) && !offers(&shrug) && !offers(&settling));
}

#[test]
fn s12_a_ledger_that_fails_grants_nothing() {
    for fail in [Fail::Before, Fail::After] {
        let world = World::new();
        world.with(|state| state.ledger_fails.push_back(fail));
        let response = world.run(world.ask(&gate(), &paying(1, "good")));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!offers(&response));
        assert_eq!(world.with(|state| state.handled), 0);
    }
}

#[test]
fn s12_an_outcome_that_can_not_be_recorded_is_not_delivered_and_not_lost() {
    for fail in [Fail::Before, Fail::After] {
        let world = World::new();
        let gate = gate();
        // The reservation and the debt are written; the outcome is not, or its answer is lost, however often it is tried.
        world.with(|state| {
            state.ledger_fails.extend([
                Fail::No,
                Fail::No,
                fail,
                Fail::Before,
                Fail::Before,
                Fail::Before,
            ]);
        });
        let response = world.run(world.ask(&gate, &paying(1, "good")));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!offers(&response));
        world.with(|state| state.now += 200);
        let again = world.run(world.ask(&gate, &paying(1, "good")));
        assert_eq!(
            (again.status(), again.body().as_ref()),
            (StatusCode::OK, b"goods".as_ref())
        );
        assert_eq!(
            world.with(|state| (state.handled, state.settled.len())),
            (1, 1)
        );
    }
}

#[test]
fn an_outcome_whose_write_only_seemed_to_fail_is_delivered() {
    let world = World::new();
    world.with(|state| state.ledger_fails.extend([Fail::No, Fail::No, Fail::After]));
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(
        (response.status(), response.body().as_ref()),
        (StatusCode::OK, b"goods".as_ref())
    );
}

#[test]
fn s13_junk_reserves_nothing() {
    let world = World::new();
    let gate = gate();
    let junk = world.run(world.ask(&gate, &paying(1, "junk")));
    assert_eq!(junk.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(world.with(|state| state.records.len()), 0);
    world.with(|state| {
        state
            .verdicts
            .push_back(Ok(Verdict::Invalid(Reason::Signature)));
    });
    let wallet = world.run(world.ask(
        &gate,
        &Ask {
            upfront: true,
            ..paying(1, "wallet")
        },
    ));
    assert_eq!(wallet.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(world.with(|state| state.records.len()), 0);
    let victim = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(victim.status(), StatusCode::OK);
}

#[test]
fn a_failed_handler_settles_nothing_and_may_try_again_three_times() {
    let world = World::new();
    let gate = gate();
    for _ in 0..3 {
        let failed = world.run(world.ask(
            &gate,
            &Ask {
                status: StatusCode::BAD_GATEWAY,
                ..paying(1, "good")
            },
        ));
        assert_eq!(failed.status(), StatusCode::BAD_GATEWAY);
        assert!(!failed.headers().contains_key("x-receipt"));
    }
    let exhausted = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(exhausted.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(
        world.with(|state| (state.handled, state.settle_calls)),
        (3, 0)
    );
}

#[test]
fn settled_first_a_failed_handler_runs_again_without_a_settlement() {
    let world = World::new();
    let gate = gate();
    let broken = Ask {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        upfront: true,
        ..paying(1, "good")
    };
    for _ in 0..5 {
        let failed = world.run(world.ask(&gate, &broken));
        assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(failed.headers()["x-receipt"], "tx-1");
    }
    let delivered = world.run(world.ask(
        &gate,
        &Ask {
            upfront: true,
            ..paying(1, "good")
        },
    ));
    assert_eq!(
        (delivered.status(), delivered.body().as_ref()),
        (StatusCode::OK, b"goods".as_ref())
    );
    assert_eq!(world.with(|state| state.settle_calls), 1);
    let elsewhere = Ask {
        upfront: true,
        target: "/other",
        ..paying(1, "good")
    };
    assert_eq!(
        world.run(world.ask(&gate, &elsewhere)).status(),
        StatusCode::CONFLICT
    );
}

#[test]
fn small_amounts_may_be_checked_locally() {
    let world = World::new();
    world.with(|state| state.verdicts.push_back(Err(())));
    let local = gate().check(Check::LocalUpTo(Amount::from(1000)));
    assert_eq!(
        world.run(world.ask(&local, &paying(1, "good"))).status(),
        StatusCode::OK
    );
    // The facilitator, which is down, is asked for larger ones.
    let strict = gate().check(Check::LocalUpTo(Amount::from(999)));
    assert_eq!(
        world.run(world.ask(&strict, &paying(2, "good"))).status(),
        StatusCode::BAD_GATEWAY
    );
}

#[test]
fn s81_an_authorization_that_lives_too_long_is_refused() {
    let world = World::new();
    let response = world.run(world.ask(&gate().max_lifetime(299), &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(
        std::str::from_utf8(response.body())
            .unwrap()
            .contains("lifetime_too_long")
    );
    let longest = world.run(world.ask(&gate().max_lifetime(300), &paying(1, "good")));
    assert_eq!(longest.status(), StatusCode::OK);
}

/// The facilitator says that the authorization is used, and this of what became of it.
fn used(world: &World, became: Script) {
    world.with(|state| {
        let used = Ok(Verdict::Invalid(Reason::NonceUsed));
        state.verdicts.push_back(used);
        state.settlements.push_back(became);
    });
}

#[test]
fn s09_what_a_stranger_has_executed_is_delivered_once() {
    let world = World::new();
    used(&world, Script::Settle);
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-receipt"], "tx-1");
    let calls = |state: &mut State| (state.settle_calls, state.resolve_calls, state.handled);
    assert_eq!(world.with(calls), (0, 1, 1));
    let again = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(again.body(), response.body());
    assert_eq!(world.with(calls), (0, 1, 1));
}

#[test]
fn s09_what_a_stranger_may_have_executed_is_unknown_and_no_refusal() {
    let world = World::new();
    used(&world, Script::Doubt);
    let doubt = world.run(world.ask(&gate(), &paying(1, "good")));
    assert!(doubt.status().is_server_error() && !offers(&doubt));
    assert_eq!(world.with(|state| state.handled), 0);
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::OK);
    let calls = |state: &mut State| (state.settle_calls, state.resolve_calls, state.handled);
    assert_eq!(world.with(calls), (0, 2, 1));
}

#[test]
fn s09_a_stranger_does_not_hide_behind_a_handler_that_has_failed_too_often() {
    let world = World::new();
    let broken = Ask {
        status: StatusCode::BAD_GATEWAY,
        ..paying(1, "good")
    };
    let gate = gate();
    for _ in 0..3 {
        world.run(world.ask(&gate, &broken));
    }
    used(&world, Script::Settle);
    let response = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn a_nonce_that_was_used_for_something_else_is_refused_with_offers() {
    let world = World::new();
    used(&world, Script::Decline(Reason::NonceUsed));
    let response = world.run(world.ask(&gate(), &paying(1, "good")));
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(offers(&response));
    assert_eq!(world.with(|state| state.handled), 0);
}

#[test]
fn recovery_settles_doubts_and_frees_what_vanished() {
    let world = World::new();
    let gate = gate();
    world.with(|state| {
        state
            .settlements
            .extend([Script::LoseAnswer, Script::Doubt]);
    });
    world.run(world.ask(&gate, &paying(1, "good")));
    world.run(world.ask(&gate, &paying(2, "good")));
    world.with(|state| state.settlements.push_back(Script::Settle));
    world.with(|state| {
        state
            .settlements
            .push_back(Script::Decline(Reason::Expired));
    });
    let recovered = world.run(recover(&world.seams(), &gate, "")).unwrap();
    assert_eq!(
        (recovered.settled, recovered.declined, recovered.unknown),
        (1, 1, 0)
    );
    let found = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(found.body(), &Bytes::from_static(b"goods"));
    assert_eq!(world.with(|state| state.resolve_calls), 2);
}

#[test]
fn a_lease_ends_with_its_last_second_and_who_has_lost_it_settles_nothing() {
    let world = World::new();
    let gate = gate().lease(50).wait(Duration::ZERO);
    let ask = paying(1, "good");
    let mut slow = Box::pin(world.ask(&gate, &ask));
    while world.with(|state| state.records.is_empty()) {
        assert!(world.polls(slow.as_mut(), 1).is_none());
    }
    world.with(|state| state.now += 49);
    let early = world.run(world.ask(&gate, &ask));
    assert_eq!(early.status(), StatusCode::CONFLICT);
    assert!(!offers(&early));
    world.with(|state| state.now += 1);
    let taken = world.run(world.ask(&gate, &ask));
    assert_eq!(taken.body().as_ref(), b"goods");
    let lost = world.run(slow);
    assert_eq!(world.with(|state| state.settle_calls), 1);
    assert!(lost.status().is_client_error() || lost.status().is_server_error());
    assert!(!offers(&lost));
}
