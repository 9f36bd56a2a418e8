use super::world::*;
use crate::server::recover;
use http::StatusCode;
use http402_core::ledger::Versioned;
use std::pin::pin;

/// The request vanishes after so many polls; what it spawned goes on. The same credential comes again.
#[test]
fn a_client_that_vanishes_at_any_step_loses_nothing() {
    for upfront in [false, true] {
        let mut ended = false;
        for polls in 0..60 {
            let world = World::new();
            let gate = gate();
            let ask = Ask {
                upfront,
                ..paying(1, "good")
            };
            {
                let mut request = pin!(world.ask(&gate, &ask));
                ended = world.polls(request.as_mut(), polls).is_some();
            }
            while world.turn() {}
            let again = world.run(world.ask(&gate, &ask));
            assert_eq!(
                again.status(),
                StatusCode::OK,
                "upfront {upfront}, {polls} polls"
            );
            assert_eq!(again.body().as_ref(), b"goods");
            let (settled, calls) = world.with(|state| (state.settled.len(), state.settle_calls));
            assert_eq!((settled, calls), (1, 1), "upfront {upfront}, {polls} polls");
        }
        assert!(ended, "the last round must have run to the end");
    }
}

/// The process dies after so many polls: nothing that was spawned goes on. It starts again, recovers, and the same
/// credential comes again.
#[test]
fn s11_a_process_that_dies_at_any_step_loses_nothing() {
    for upfront in [false, true] {
        for polls in 0..60 {
            let world = World::new();
            let gate = gate();
            let ask = Ask {
                upfront,
                ..paying(1, "good")
            };
            {
                let mut request = pin!(world.ask(&gate, &ask));
                let _ = world.polls(request.as_mut(), polls);
                // Dead: neither the request nor a drop of it runs anything more.
                let dead = world.with(|state| std::mem::take(&mut state.tasks));
                drop(dead);
            }
            world.with(|state| state.tasks.clear());
            world.with(|state| state.now += 130);
            world.run(recover(&world.seams(), &gate, "")).unwrap();
            let again = world.run(world.ask(&gate, &ask));
            assert_eq!(
                again.status(),
                StatusCode::OK,
                "upfront {upfront}, {polls} polls"
            );
            assert_eq!(again.body().as_ref(), b"goods");
            let settled = world.with(|state| state.settled.len());
            assert_eq!(settled, 1, "upfront {upfront}, {polls} polls");
        }
    }
}

/// A try after a failed handler dies while it holds the claim. Nothing of it stays unfinished, and the failure is counted.
#[test]
fn s11_a_second_try_that_dies_is_released_and_the_first_is_counted() {
    let world = World::new();
    let gate = gate();
    let unfinished = || {
        let count = |found: &&Versioned| found.record.phase.unfinished();
        world.with(|state| state.records.values().filter(count).count())
    };
    let failing = || Ask {
        status: StatusCode::BAD_GATEWAY,
        ..paying(1, "good")
    };
    world.run(world.ask(&gate, &failing()));
    assert_eq!(
        unfinished(),
        0,
        "a failed handler leaves no more than a count"
    );
    {
        let ask = failing();
        let mut request = pin!(world.ask(&gate, &ask));
        while unfinished() == 0 {
            assert!(world.polls(request.as_mut(), 1).is_none());
        }
        let dead = world.with(|state| std::mem::take(&mut state.tasks));
        drop(dead);
    }
    world.with(|state| state.tasks.clear());
    world.with(|state| state.now += 130);
    let recovered = world.run(recover(&world.seams(), &gate, "")).unwrap();
    assert_eq!(
        (recovered.released, recovered.left, unfinished()),
        (1, 0, 0)
    );
    world.run(world.ask(&gate, &failing()));
    world.run(world.ask(&gate, &failing()));
    let exhausted = world.run(world.ask(&gate, &paying(1, "good")));
    assert_eq!(exhausted.status(), StatusCode::PAYMENT_REQUIRED);
}

/// Tries after a failed handler vanish, at any step: the same bytes run the handler as often as the gate allows, and no more
/// often because somebody hangs up.
#[test]
fn a_second_try_that_vanishes_at_any_step_does_not_forget_the_first() {
    let failing = || Ask {
        status: StatusCode::BAD_GATEWAY,
        ..paying(1, "good")
    };
    let mut ended = false;
    for polls in 0..60 {
        let world = World::new();
        let gate = gate();
        world.run(world.ask(&gate, &failing()));
        world.run(world.ask(&gate, &failing()));
        {
            let ask = failing();
            let mut request = pin!(world.ask(&gate, &ask));
            ended = world.polls(request.as_mut(), polls).is_some();
        }
        while world.turn() {}
        let third = world.run(world.ask(&gate, &failing()));
        // The one that vanished may have come to its end, and counts then.
        assert!(
            [StatusCode::BAD_GATEWAY, StatusCode::PAYMENT_REQUIRED].contains(&third.status()),
            "{polls} polls"
        );
        let exhausted = world.run(world.ask(&gate, &paying(1, "good")));
        assert_eq!(
            exhausted.status(),
            StatusCode::PAYMENT_REQUIRED,
            "{polls} polls"
        );
    }
    assert!(ended, "the last round must have run to the end");
}

/// The write of an outcome fails; before it is tried again another request takes the claim over and delivers. What it
/// writes looks the same, and is not the first one's.
#[test]
fn s01_an_outcome_that_another_has_written_is_not_delivered_again() {
    for upfront in [false, true] {
        let world = World::new();
        let gate = gate();
        let ask = Ask {
            upfront,
            keep: false,
            ..paying(1, "good")
        };
        let writes = if upfront { 3 } else { 2 };
        world.with(|state| {
            state.ledger_fails.extend(vec![Fail::No; writes]);
            state.ledger_fails.push_back(Fail::Before);
        });
        let mut slow = pin!(world.ask(&gate, &ask));
        while !world.with(|state| state.ledger_fails.is_empty()) {
            assert!(world.polls(slow.as_mut(), 1).is_none());
        }
        let asleep = world.with(|state| std::mem::take(&mut state.tasks));
        world.with(|state| state.now += 130);
        let other = world.run(world.ask(&gate, &ask));
        assert_eq!(other.status(), StatusCode::OK);
        world.with(|state| state.tasks.extend(asleep));
        let slow = world.polls(slow.as_mut(), 1_000).unwrap();
        assert_eq!(slow.status(), StatusCode::SERVICE_UNAVAILABLE, "{upfront}");
        assert_eq!(world.with(|state| state.settled.len()), 1);
    }
}
