use super::world::*;
use crate::client::{Error, Payment};
use http402_core::{Reason, ledger::Phase, seam::Spent};
use std::time::Duration;

#[test]
fn s07_a_lost_answer_and_a_retry_layer_above_sign_once() {
    for act in [Act::ServeAndLose, Act::Lose] {
        let world = World::new();
        let buyer = world.buyer();
        world.with(|state| state.usual = act.clone());
        for _ in 0..5 {
            let error = world.pay(&buyer).unwrap_err();
            let Error::Lost { attempt, .. } = error else {
                panic!("{error:?}");
            };
            assert!(attempt.sent && !attempt.spent);
        }
        // Each call presents four times, always the same bytes.
        assert_eq!(world.presentations(), (1, 20));
        assert_eq!((world.signatures(), world.charged()), (1, 1000));
        world.with(|state| state.usual = Act::Serve);
        let reply = world.pay(&buyer).unwrap();
        assert!(matches!(reply.payment, Payment::Paid { .. }));
        assert_eq!(world.settlements(), 1);
        assert_eq!(world.presentations(), (1, 21));
        assert_eq!(world.with(|state| state.unpaid), 1);
        assert_eq!(world.phases(), [Phase::Paid]);
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_with_growing_pauses() {
    let world = World::new();
    world.script(&[Act::ServeAndLose, Act::Lose, Act::Lose]);
    let reply = world.pay(&world.buyer()).unwrap();
    assert!(matches!(reply.payment, Payment::Paid { .. }));
    assert_eq!(world.presentations(), (1, 4));
    let pauses = [500, 1000, 2000].map(Duration::from_millis);
    assert_eq!(world.with(|state| state.sleeps.clone()), pauses);
}

#[test]
fn s06_a_passing_fault_is_asked_again_when_told() {
    let world = World::new();
    let slow: &[_] = &[("retry-after", "7"), ("x-receipt", "pending tx9")];
    let never: &[_] = &[("retry-after", "99999")];
    world.script(&[Act::Say(503, slow), Act::Say(409, never), Act::Serve]);
    let reply = world.pay(&world.buyer()).unwrap();
    assert!(matches!(reply.payment, Payment::Paid { .. }));
    assert_eq!(world.presentations(), (1, 3));
    let pauses = [7, 30].map(Duration::from_secs);
    assert_eq!(world.with(|state| state.sleeps.clone()), pauses);
}

#[test]
fn a_fault_that_stays_is_handed_over_and_names_the_transaction() {
    let world = World::new();
    let slow: &[_] = &[("x-receipt", "pending tx9")];
    world.with(|state| state.usual = Act::Say(503, slow));
    let reply = world.pay(&world.buyer()).unwrap();
    assert_eq!(reply.response.status(), 503);
    let Payment::Unknown { attempt, pending } = reply.payment else {
        panic!("{:?}", reply.payment);
    };
    assert_eq!(attempt.transaction.as_deref(), Some("tx9"));
    assert!(pending.is_some());
    assert_eq!(world.presentations(), (1, 4));
    assert_eq!(world.phases(), [Phase::Sent]);
    assert_eq!(world.charged(), 1000);
}

#[test]
fn an_answer_of_the_application_is_not_repeated() {
    for status in [400, 404, 500] {
        let world = World::new();
        world.with(|state| state.usual = Act::Say(status, &[]));
        let reply = world.pay(&world.buyer()).unwrap();
        assert_eq!(reply.response.status(), status);
        assert!(matches!(reply.payment, Payment::Unknown { .. }));
        assert_eq!(world.presentations(), (1, 1), "{status}");
    }
}

#[test]
fn s55_a_redirect_of_a_paid_request_is_handed_over() {
    let world = World::new();
    let away: &[_] = &[("location", "https://thief.example/")];
    world.with(|state| state.usual = Act::Say(307, away));
    let reply = world.pay(&world.buyer()).unwrap();
    assert_eq!(reply.response.status(), 307);
    assert_eq!(world.presentations(), (1, 1));
}

#[test]
fn s78_an_endless_402_gets_one_signature() {
    let world = World::new();
    let buyer = world.buyer();
    let no: &[_] = &[("x-receipt", "declined insufficient_funds")];
    world.with(|state| state.usual = Act::Say(402, no));
    let reply = world.pay(&buyer).unwrap();
    let Payment::Refused { reason, .. } = reply.payment else {
        panic!("{:?}", reply.payment);
    };
    assert_eq!(reason, Some(Reason::InsufficientFunds));
    // The seller holds the signature: a rotating challenge gets none besides it.
    for amount in 1..20 {
        world.with(|state| state.offers = vec![offer(amount)]);
        let reply = world.pay(&buyer).unwrap();
        assert_eq!(reply.response.status(), 402);
        assert!(matches!(reply.payment, Payment::Unknown { .. }));
    }
    assert_eq!((world.signatures(), world.charged()), (1, 1000));
    assert_eq!(world.presentations(), (1, 20));
}

#[test]
fn a_conflict_with_a_receipt_is_spent_and_stays_until_written_off() {
    for status in [409, 403, 500] {
        let world = World::new();
        let buyer = world.buyer();
        world.with(|state| state.usual = Act::SettleAndSay(status));
        for _ in 0..3 {
            let reply = world.pay(&buyer).unwrap();
            let Payment::Spent { attempt, receipt } = reply.payment else {
                panic!("{:?}", reply.payment);
            };
            assert_eq!(receipt.transaction.as_ref(), "tx");
            assert!(attempt.spent);
        }
        assert_eq!((world.signatures(), world.settlements()), (1, 1));
        let recovered = run(buyer.recover()).unwrap();
        let [attempt] = &recovered.open[..] else {
            panic!("{recovered:?}");
        };
        assert!(run(buyer.write_off(attempt)).unwrap());
        assert!(!run(buyer.write_off(attempt)).unwrap());
        assert_eq!(world.phases(), [Phase::Spent]);
        world.with(|state| state.usual = Act::Serve);
        world.pay(&buyer).unwrap();
        assert_eq!((world.signatures(), world.charged()), (2, 2000));
    }
}

#[test]
fn without_a_view_of_the_chain_nothing_new_is_signed() {
    let world = World::new();
    let buyer = world.buyer();
    let slow: &[_] = &[("x-receipt", "pending tx9"), ("retry-after", "1")];
    world.with(|state| state.usual = Act::Say(503, slow));
    world.pay(&buyer).unwrap();
    world.pass(100_000);
    world.with(|state| state.usual = Act::Say(402, &[]));
    for _ in 0..3 {
        let error = world.pay(&buyer).unwrap_err();
        let Error::Unproven(attempt) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(attempt.transaction.as_deref(), Some("tx9"));
        assert!(error.to_string().contains("tx9"));
    }
    assert_eq!((world.signatures(), world.charged()), (1, 1000));
    // The stored outcome of the seller still ends it.
    world.with(|state| state.usual = Act::Serve);
    world.pay(&buyer).unwrap();
    assert_eq!(world.phases(), [Phase::Paid]);
}

#[test]
fn proof_of_non_use_frees_the_budget_and_a_new_signature() {
    let world = World::new();
    let buyer = world.with_chain();
    world.with(|state| state.usual = Act::Lose);
    assert!(world.pay(&buyer).is_err());
    assert_eq!(world.charged(), 1000);
    world.pass(301);
    // Neither doubt nor a chain that can not be asked is proof.
    for doubt in [None, Some(Spent::Unknown)] {
        world.with(|state| state.chain = doubt);
        assert!(matches!(world.pay(&buyer), Err(Error::Lost { .. })));
        assert_eq!(world.signatures(), 1);
    }
    world.with(|state| {
        state.chain = Some(Spent::Never);
        state.usual = Act::Serve;
    });
    let reply = world.pay(&buyer).unwrap();
    assert!(matches!(reply.payment, Payment::Paid { .. }));
    assert_eq!((world.signatures(), world.settlements()), (2, 1));
    assert_eq!(world.charged(), 1000);
    let mut phases = world.phases();
    phases.sort();
    assert_eq!(phases, [Phase::Paid, Phase::Unspent]);
}

#[test]
fn a_signature_that_may_still_be_used_is_not_asked_about() {
    let world = World::new();
    let buyer = world.with_chain();
    world.with(|state| {
        state.usual = Act::Say(402, &[]);
        state.chain = Some(Spent::Never);
    });
    world.pay(&buyer).unwrap();
    world.pass(299);
    world.pay(&buyer).unwrap();
    run(buyer.recover()).unwrap();
    assert_eq!(world.signatures(), 1, "a premature \"never\" is no proof");
}

#[test]
fn what_the_chain_shows_as_spent_is_spent() {
    let world = World::new();
    let buyer = world.with_chain();
    let transaction = Some("0xabc".into());
    world.with(|state| {
        state.usual = Act::Lose;
        state.chain = Some(Spent::Yes { transaction });
    });
    let error = world.pay(&buyer).unwrap_err();
    let attempt = error.attempt().unwrap();
    assert!(attempt.spent);
    assert_eq!(attempt.transaction.as_deref(), Some("0xabc"));
    world.with(|state| state.usual = Act::Say(402, &[]));
    world.pass(301);
    let reply = world.pay(&buyer).unwrap();
    assert!(matches!(reply.payment, Payment::Spent { .. }));
    assert_eq!(world.signatures(), 1);
}

#[test]
fn recovery_takes_back_what_has_not_left_and_what_is_proven() {
    let world = World::new();
    let gone = world.buyer();
    // One attempt stops before its signature, one is lost.
    world.with(|state| state.ledger_fails = [Fail::No, Fail::Before].into());
    assert!(matches!(world.pay(&gone), Err(Error::Ledger(_))));
    world.with(|state| state.usual = Act::Lose);
    let elsewhere = get("https://other.example/");
    assert!(run(gone.pay(&world, elsewhere)).is_err());
    assert_eq!(world.charged(), 2000);

    let buyer = world.with_chain();
    world.with(|state| state.chain = Some(Spent::Never));
    world.pass(31);
    let recovered = run(buyer.recover()).unwrap();
    assert_eq!((recovered.unspent.len(), recovered.open.len()), (1, 1));
    assert!(!recovered.unspent[0].sent && recovered.open[0].sent);
    assert_eq!(world.charged(), 1000);
    world.pass(300);
    let recovered = run(buyer.recover()).unwrap();
    assert_eq!((recovered.unspent.len(), recovered.open.len()), (1, 0));
    assert_eq!(world.charged(), 0);
    assert_eq!(world.phases(), [Phase::Unspent, Phase::Unspent]);
}

#[test]
fn an_outcome_that_can_not_be_written_down_is_told() {
    let world = World::new();
    let buyer = world.buyer();
    world.with(|state| state.ledger_fails = [Fail::No, Fail::No, Fail::Before].into());
    let reply = world.pay(&buyer).unwrap();
    assert!(reply.unrecorded.is_some());
    assert!(matches!(reply.payment, Payment::Paid { .. }));
    world.pay(&buyer).unwrap();
    assert_eq!((world.signatures(), world.presentations()), (1, (1, 2)));
}
