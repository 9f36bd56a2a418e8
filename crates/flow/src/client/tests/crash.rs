use super::world::*;
use crate::client::{Error, Payment};
use http402_core::ledger::Phase;
use std::{pin::pin, thread};

/// Drops a call after every number of polls; the next call goes on where it stood.
#[test]
fn s11_a_call_that_vanishes_at_any_step_pays_once() {
    for act in [Act::Serve, Act::ServeAndLose] {
        for restart in [false, true] {
            let mut ended = false;
            for count in 0..80 {
                let world = World::new();
                world.script(std::slice::from_ref(&act));
                let mut buyer = world.buyer();
                {
                    let mut call = pin!(buyer.pay(&world, get(URL)));
                    ended = polls(call.as_mut(), count).is_some();
                }
                if ended {
                    break;
                }
                // It may have died after its end was written down: the next one is a purchase of its own.
                let expected = 1 + usize::from(world.phases() == [Phase::Paid]);
                if restart {
                    // Another process: it waits for the lease of the one that died.
                    buyer = world.buyer();
                }
                let reply = world.pay(&buyer).unwrap();
                assert!(
                    matches!(reply.payment, Payment::Paid { .. }),
                    "{act:?} {restart} {count}"
                );
                let purchases = world.settlements();
                let closed = world.phases();
                assert_eq!(
                    closed,
                    vec![Phase::Paid; purchases],
                    "{act:?} {restart} {count}"
                );
                assert_eq!(world.signatures(), purchases, "{act:?} {restart} {count}");
                assert_eq!(world.presentations().0, purchases);
                assert_eq!(world.charged(), 1000 * purchases as u64);
                assert_eq!(purchases, expected, "{act:?} {restart} {count}");
            }
            assert!(ended, "the last round must have run to the end");
        }
    }
}

/// The same with a named purchase, which is one purchase wherever the call died.
#[test]
fn s11_a_named_purchase_that_vanishes_at_any_step_is_made_once() {
    for restart in [false, true] {
        let mut ended = false;
        for count in 0..80 {
            let world = World::new();
            let mut buyer = world.buyer();
            {
                let mut call = pin!(buyer.pay(&world, named("one")));
                ended = polls(call.as_mut(), count).is_some();
            }
            if restart {
                buyer = world.buyer();
            }
            let reply = run(buyer.pay(&world, named("one"))).unwrap();
            assert!(matches!(reply.payment, Payment::Paid { .. }));
            let counts = (world.signatures(), world.settlements(), world.charged());
            assert_eq!(counts, (1, 1, 1000), "{restart} {count}");
            if ended {
                break;
            }
        }
        assert!(ended);
    }
}

/// Every call of the ledger fails once, before it writes and after.
#[test]
fn s12_a_ledger_that_fails_at_any_step_pays_at_most_once() {
    for fail in [Fail::Before, Fail::After] {
        for at in 0..4 {
            let world = World::new();
            let buyer = world.buyer();
            world.with(|state| {
                state.ledger_fails = vec![Fail::No; at].into();
                state.ledger_fails.push_back(fail);
            });
            let first = world.pay(&buyer);
            let unrecorded = match &first {
                Ok(reply) => reply.unrecorded.is_some(),
                Err(Error::Ledger(_)) => false,
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(first.is_ok(), at >= 2, "{fail:?} {at}");
            assert_eq!(unrecorded, at == 2, "{fail:?} {at}");
            if at < 2 || (at == 2 && fail == Fail::Before) {
                world.pay(&buyer).unwrap();
            }
            let counts = (world.signatures(), world.settlements(), world.charged());
            assert_eq!(counts, (1, 1, 1000), "{fail:?} {at}");
            assert_eq!(world.phases(), [Phase::Paid]);
        }
    }
}

/// Four processes, each with many calls at once, against one budget of ten.
#[test]
fn s79_a_budget_holds_over_processes_and_threads() {
    let world = World::new();
    let mut threads = Vec::new();
    for process in 0..4 {
        let world = world.clone();
        threads.push(thread::spawn(move || {
            let buyer = world.buyer();
            let urls: Vec<String> = (0..250)
                .map(|at| format!("https://shop{}.example/{process}/{at}", at % 50))
                .collect();
            let mut calls: Vec<_> = urls
                .iter()
                .map(|url| Box::pin(buyer.pay(&world, get(url))))
                .collect();
            let mut paid = 0;
            while !calls.is_empty() {
                calls.retain_mut(|call| match polls(call.as_mut(), 1) {
                    None => true,
                    Some(Ok(_)) => {
                        paid += 1;
                        false
                    }
                    Some(Err(Error::Denied(_))) => false,
                    Some(Err(other)) => panic!("{other:?}"),
                });
            }
            paid
        }));
    }
    let paid: usize = threads.into_iter().map(|one| one.join().unwrap()).sum();
    assert_eq!(paid, 10);
    assert_eq!((world.signatures(), world.settlements()), (10, 10));
    assert_eq!(world.charged(), 10_000);
}

/// Two processes begin the same request at the same time: neither uses the other's attempt while it is at work.
#[test]
fn processes_leave_each_others_attempts_alone() {
    let world = World::new();
    let (one, other) = (world.buyer(), world.buyer());
    let mut first = pin!(one.pay(&world, get(URL)));
    while world.presentations().1 == 0 {
        assert!(polls(first.as_mut(), 1).is_none());
    }
    let mut second = pin!(other.pay(&world, get(URL)));
    assert!(polls(second.as_mut(), 10).is_none());
    assert_eq!(world.presentations().1, 1);
    polls(first, 1000).unwrap().unwrap();
    polls(second, 1000).unwrap().unwrap();
    assert_eq!((world.signatures(), world.settlements()), (2, 2));
}
