//! What must hold when everything has come to rest.

use super::{
    buyer::Fate,
    executor::lock,
    oracle::{Id, Matter, has_moved, was_undone},
    scenario::{Route, Scenario},
    shared::{Shared, State, everything},
};
use http402_core::ledger::Phase;

/// Checks the books of a world that is at rest.
pub(crate) fn check(world: &Shared) {
    world.advance();
    let mut wrong = Vec::new();
    shop(world, &mut wrong);
    purses(world, &mut wrong);
    wishes(world, &mut wrong);
    let mut state = lock(&world.state);
    let State { chain, oracle, .. } = &mut *state;
    oracle.balance(chain, world.scenario.finality.is_some());
    for what in wrong {
        oracle.violated(what);
    }
}

/// Whether somebody other than buyer and seller has to answer for what became of it.
fn excused(nonce: Id, matter: &Matter, state: &State) -> bool {
    matter.lied_settled
        || matter.lied_declined
        || matter.lied_genuine
        || matter.late
        || was_undone(nonce, &state.chain)
}

/// Nothing that can be known is left unfinished at the shop.
fn shop(world: &Shared, wrong: &mut Vec<String>) {
    let now = world.now(Scenario::NATURE);
    for (key, found) in everything(world.shop.as_ref(), now, "") {
        let record = &found.record;
        let text = key.as_str().rsplit(':').next().unwrap_or_default();
        let short = &text[..text.len().min(8)];
        match record.phase {
            Phase::Owed | Phase::Unknown => {
                wrong.push(format!(
                    "{short} is {:?} at the shop for ever",
                    record.phase
                ));
            }
            Phase::Reserved if record.lease.is_some() => {
                wrong.push(format!("{short} stays reserved at the shop"));
            }
            _ => {}
        }
    }
}

/// Nothing that can be known is left unfinished at the buyers, and nothing that is proven unused is charged.
fn purses(world: &Shared, wrong: &mut Vec<String>) {
    let now = world.now(Scenario::NATURE);
    let state = lock(&world.state);
    for (at, purse) in world.purses.iter().enumerate() {
        let sees_chain = world.scenario.accounts[at].sees_chain;
        for (_, found) in everything(purse.as_ref(), now, "attempt:") {
            let body = &found.record.body;
            let holds = |nonce: &Id| body.windows(32).any(|part| part == nonce.0.as_slice());
            let mut matters = state.oracle.matters.iter();
            let matter = matters.find(|(nonce, _)| holds(nonce));
            match (found.record.phase, matter) {
                (Phase::Approved, _) => {
                    wrong.push(format!("buyer {} has an attempt that never left", at + 1));
                }
                (_, Some((nonce, matter))) if sees_chain => {
                    let signed = matter.signed.as_ref().map(|(_, signed)| signed);
                    let never = signed.is_some_and(|signed| state.chain.never(signed));
                    if never && !excused(*nonce, matter, &state) {
                        wrong.push(format!("{nonce} can not be used and is still charged"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether a buyer's ledger says that this payment may have been made and that nothing was got for it.
fn is_open(world: &Shared, nonce: Id) -> bool {
    let now = world.now(Scenario::NATURE);
    world.purses.iter().any(|purse| {
        let attempts = everything(purse.as_ref(), now, "attempt:");
        attempts.iter().any(|(_, found)| {
            let mut parts = found.record.body.windows(32);
            parts.any(|part| part == nonce.0.as_slice())
        })
    })
}

/// Who has paid has his goods, unless somebody else has to answer for it.
fn wishes(world: &Shared, wrong: &mut Vec<String>) {
    let state = lock(&world.state);
    for (nonce, matter) in &state.oracle.matters {
        let signed = matter.signed.as_ref().map(|(_, signed)| signed);
        let moved = signed.is_some_and(|signed| has_moved(signed, &state.chain));
        // A response that was streamed can not be given again: it may have died with its replica.
        let mut routes = world.scenario.routes.iter();
        let price = |route: &Route| route.requirement.price.ceiling().units();
        let streamed = routes
            .any(|route| !route.whole && signed.is_some_and(|signed| signed.value == price(route)));
        // Whoever wants no more does not ask for it again; that he could is on record.
        if moved && matter.left.is_empty() && is_open(world, *nonce) {
            continue;
        }
        if moved && matter.left.is_empty() && !streamed && !excused(*nonce, matter, &state) {
            wrong.push(format!("{nonce} was paid and never delivered"));
        }
    }
    drop(state);
    fates(world, wrong);
}

/// Who wanted something has it, or somebody has to answer for it.
fn fates(world: &Shared, wrong: &mut Vec<String>) {
    let state = lock(&world.state);
    let faultless = lock(&world.faults).struck.is_empty();
    for (at, fate) in state.fates.iter().enumerate() {
        if !world.wanted(at) {
            continue;
        }
        let wish = world.scenario.wishes[at];
        let account = world.scenario.processes[wish.process];
        let mine = || {
            let matters = state.oracle.matters.iter();
            matters.filter(move |(_, matter)| matter.wishes.contains(&at))
        };
        let moved = mine().filter(|(_, matter)| {
            let signed = matter.signed.as_ref().map(|(_, signed)| signed);
            signed.is_some_and(|signed| has_moved(signed, &state.chain))
        });
        if wish.named && moved.count() > 1 {
            wrong.push(format!("wish {} was paid for twice", at + 1));
        }
        let route = &world.scenario.routes[wish.route];
        let answered = mine().any(|(nonce, matter)| {
            let left = !matter.left.is_empty() || !route.whole;
            let lost = left && *fate == Fate::Spent;
            lost || excused(*nonce, matter, &state)
        });
        let blind = !world.scenario.accounts[account].sees_chain;
        let fulfilled = match fate {
            Fate::Fulfilled | Fate::Denied => true,
            _ => !faultless && (answered || blind),
        };
        if !fulfilled {
            wrong.push(format!("wish {} stays {fate:?}", at + 1));
        }
    }
}
