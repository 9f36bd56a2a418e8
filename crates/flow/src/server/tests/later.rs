//! What is delivered and may be taken back (S10), and what is unsettled and may grow (S14).

use super::world::*;
use crate::server::{Gate, Recovered, recover};
use http::{Response, StatusCode, header::RETRY_AFTER};
use http402_core::{Bytes, Reason, ledger::Phase};
use std::pin::pin;

const FINALITY: u64 = 600;

fn asked(world: &World, gate: &Gate, ask: &Ask) -> Response<Bytes> {
    world.run(world.ask(gate, ask))
}

fn phases(world: &World) -> Vec<Phase> {
    let phases = |state: &mut State| {
        let found = state.records.values();
        found.map(|found| found.record.phase).collect()
    };
    world.with(phases)
}

fn recovers(world: &World, gate: &Gate) -> Recovered {
    world.run(recover(&world.seams(), gate, "")).unwrap()
}

/// A delivered payment whose time to be looked at again has come, and what the facilitator says of it then.
fn delivered(upfront: bool, became: Script) -> (World, Gate, Ask) {
    let world = World::new();
    let gate = gate().finality(FINALITY);
    let ask = Ask {
        upfront,
        ..paying(1, "good")
    };
    assert_eq!(asked(&world, &gate, &ask).status(), StatusCode::OK);
    assert_eq!(phases(&world), [Phase::Provisional]);
    let early = recovers(&world, &gate);
    assert_eq!((early.provisional, early.confirmed), (1, 0));
    assert_eq!(world.with(|state| state.resolve_calls), 0);
    world.with(|state| {
        state.now += FINALITY;
        state.settlements.push_back(became);
    });
    (world, gate, ask)
}

#[test]
fn s10_what_stays_settled_is_confirmed_once() {
    for upfront in [false, true] {
        let (world, gate, ask) = delivered(upfront, Script::Settle);
        assert_eq!(recovers(&world, &gate).confirmed, 1);
        assert_eq!(phases(&world), [Phase::Settled]);
        assert_eq!(recovers(&world, &gate), Recovered::default());
        let again = asked(&world, &gate, &ask);
        assert_eq!(again.body().as_ref(), b"goods");
        let calls = |state: &mut State| (state.handled, state.settle_calls, state.resolve_calls);
        assert_eq!(world.with(calls), (1, 1, 1));
    }
}

#[test]
fn s10_what_a_reorganisation_took_back_is_marked_and_buys_nothing() {
    for upfront in [false, true] {
        let (world, gate, ask) = delivered(upfront, Script::Decline(Reason::Expired));
        assert_eq!(recovers(&world, &gate).reversed, 1);
        assert_eq!(phases(&world), [Phase::Reversed]);
        let heard = |state: &mut State| state.events.last().cloned().unwrap_or_default();
        assert!(world.with(heard).starts_with("Reversed"));
        let again = asked(&world, &gate, &ask);
        assert_eq!(again.status(), StatusCode::CONFLICT);
        assert!(!offers(&again) && !again.headers().contains_key("x-receipt"));
        assert_eq!(world.with(|state| state.handled), 1);
    }
}

#[test]
fn s10_what_is_not_known_is_looked_at_again() {
    for became in [Script::Doubt, Script::Down] {
        let (world, gate, ask) = delivered(false, became);
        assert_eq!(recovers(&world, &gate).provisional, 1);
        assert_eq!(phases(&world), [Phase::Provisional]);
        // Whoever asks meanwhile gets what was delivered, with its receipt.
        assert_eq!(asked(&world, &gate, &ask).headers()["x-receipt"], "tx-1");
        world.with(|state| state.now += FINALITY);
        assert_eq!(recovers(&world, &gate).confirmed, 1);
    }
}

#[test]
fn s10_what_has_settled_again_is_as_young_as_it_was() {
    let (world, gate, ask) = delivered(false, Script::Elsewhere);
    assert_eq!(recovers(&world, &gate).provisional, 1);
    assert_eq!(phases(&world), [Phase::Provisional]);
    assert_eq!(
        asked(&world, &gate, &ask).headers()["x-receipt"],
        "tx-again"
    );
    world.with(|state| {
        state.now += FINALITY;
        state.settlements.push_back(Script::Elsewhere);
    });
    assert_eq!(recovers(&world, &gate).confirmed, 1);
}

#[test]
fn s14_a_payer_has_so_many_unsettled_payments_and_no_more() {
    let world = World::new();
    let gate = gate().exposure(1, 10);
    let (first, second) = (paying(1, "good"), paying(2, "good"));
    let mut waits = pin!(world.ask(&gate, &first));
    while phases(&world) != [Phase::Reserved] {
        assert!(world.polls(waits.as_mut(), 1).is_none());
    }
    let crowded = asked(&world, &gate, &second);
    assert_eq!(crowded.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(crowded.headers().contains_key(RETRY_AFTER) && !offers(&crowded));
    // Another copy of the first takes no second place; another payer has his own.
    let other = paying(3, "good-else");
    assert_eq!(asked(&world, &gate, &other).status(), StatusCode::OK);
    assert_eq!(world.run(waits).status(), StatusCode::OK);
    assert_eq!(asked(&world, &gate, &first).status(), StatusCode::OK);
    assert_eq!(asked(&world, &gate, &second).status(), StatusCode::OK);
    assert_eq!(
        world.with(|state| (state.handled, state.settle_calls)),
        (3, 3)
    );
}

#[test]
fn s14_a_gate_has_so_many_unsettled_payments_and_no_more() {
    let world = World::new();
    let gate = gate().exposure(10, 1);
    world.with(|state| state.settlements.push_back(Script::Doubt));
    let doubt = asked(&world, &gate, &paying(1, "good"));
    assert_eq!(doubt.status(), StatusCode::SERVICE_UNAVAILABLE);
    // What is in doubt is unsettled, though nobody waits for it.
    let crowded = asked(&world, &gate, &paying(2, "good-else"));
    assert_eq!(crowded.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.with(|state| state.handled), 1);
    // Until somebody finds out.
    assert_eq!(recovers(&world, &gate).settled, 1);
    let other = asked(&world, &gate, &paying(2, "good-else"));
    assert_eq!(other.status(), StatusCode::OK);
}

#[test]
fn s14_whoever_hangs_up_or_fails_leaves_his_place() {
    let world = World::new();
    let gate = gate().exposure(1, 1);
    for nonce in 1..4 {
        let ask = paying(nonce, "good");
        let mut waits = Box::pin(world.ask(&gate, &ask));
        assert!(world.polls(waits.as_mut(), usize::from(nonce)).is_none());
        drop(waits);
        while world.turn() {}
        let broken = Ask {
            status: StatusCode::BAD_GATEWAY,
            ..paying(10 + nonce, "good")
        };
        let failed = asked(&world, &gate, &broken);
        assert_eq!(failed.status(), StatusCode::BAD_GATEWAY);
    }
    world.with(|state| state.ledger_fails.push_back(Fail::Before));
    asked(&world, &gate, &paying(20, "good"));
    assert_eq!(
        asked(&world, &gate, &paying(21, "good")).status(),
        StatusCode::OK
    );
}
