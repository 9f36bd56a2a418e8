//! One history, from its seed to its verdict.

use super::{
    Plant,
    buyer::Fate,
    executor::lock,
    fault::Strike,
    oracle::{has_moved, was_undone},
    shared::{Shared, State},
    verdict,
};
use std::{collections::BTreeSet, fmt};

/// How long faults strike, in milliseconds of virtual time.
const ACTIVE: u64 = 600_000;
/// Longer than any lease, window and finality, in milliseconds.
const LONG: u64 = 450_000;

/// How a history is run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// A bug to be found.
    pub plant: Option<Plant>,
    /// Only these of the seed's faults.
    pub only: Option<BTreeSet<Strike>>,
    /// Only these of the seed's purchases, by number.
    pub wishes: Option<BTreeSet<usize>>,
    /// Real signatures and the real verifier instead of marks.
    pub curve: bool,
    /// Writes down what happens.
    pub trace: bool,
}

/// What became of the claims and purchases of a history, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcomes {
    /// Authorizations that were signed.
    pub signed: u64,
    /// Those that were executed.
    pub settled: u64,
    /// Those for which goods left a seller.
    pub delivered: u64,
    /// Goods that a liar gave away: it said "settled" of what never was.
    pub given_away: u64,
    /// Payments that a liar took: it said "declined" of what was settled.
    pub taken: u64,
    /// Payments that somebody else had executed before the seller asked, and which were refused.
    pub preempted: u64,
    /// Goods for which a reorganisation took the money back for good.
    pub reversed: u64,
    /// Of those, the ones that the shop has found and marked.
    pub marked: u64,
    /// Purchases that were wanted.
    pub wished: u64,
    /// Those that brought the goods.
    pub fulfilled: u64,
    /// Those that no budget was left for.
    pub denied: u64,
}

/// A history that is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// What does not hold; `None` when everything does.
    pub violation: Option<String>,
    /// The faults that struck, in their order.
    pub struck: Vec<Strike>,
    /// What became of it.
    pub outcomes: Outcomes,
    /// What happened, a line each, when that was wanted.
    pub trace: Vec<String>,
    /// How often a task was polled.
    pub polls: u64,
    /// How long it took, in milliseconds of virtual time.
    pub millis: u64,
    /// How many purchases the seed has.
    pub wishes: usize,
}

/// Runs the history of a seed. The same seed and options give the same history, on every machine.
pub fn simulate(seed: u64, options: &Options) -> History {
    let world = Shared::new(seed, options.clone());
    let mut polls = 0;
    world.begin();
    world.run(&mut polls, ACTIVE);
    for asks in [true, true, true, false] {
        if lock(&world.state).oracle.violation.is_some() || world.is_at_rest() {
            break;
        }
        world.calm(asks);
        world.run(&mut polls, 0);
        world.pass(LONG);
        world.run(&mut polls, 0);
    }
    if lock(&world.state).oracle.violation.is_none() {
        verdict::check(&world);
    }
    world.end(polls)
}

impl History {
    pub(crate) fn of(
        state: &mut State,
        struck: Vec<Strike>,
        trace: Vec<String>,
        polls: u64,
        millis: u64,
    ) -> Self {
        let mut outcomes = Outcomes {
            wished: state.fates.len() as u64,
            ..Outcomes::default()
        };
        for fate in &state.fates {
            match fate {
                Fate::Fulfilled => outcomes.fulfilled += 1,
                Fate::Denied => outcomes.denied += 1,
                _ => {}
            }
        }
        for (nonce, matter) in &state.oracle.matters {
            let Some((_, signed)) = &matter.signed else {
                continue;
            };
            let moved = has_moved(signed, &state.chain);
            let left = !matter.left.is_empty();
            outcomes.signed += 1;
            outcomes.settled += u64::from(moved);
            outcomes.delivered += u64::from(left);
            outcomes.given_away += u64::from(left && !moved && matter.lied_settled);
            outcomes.taken += u64::from(moved && !left && matter.lied_declined);
            outcomes.preempted += u64::from(moved && !left && matter.preempted);
            let undone = was_undone(*nonce, &state.chain);
            outcomes.reversed += u64::from(left && !moved && !matter.lied_settled && undone);
            outcomes.marked += u64::from(matter.reversed);
        }
        Self {
            violation: state.oracle.violation.take(),
            struck,
            outcomes,
            trace,
            polls,
            millis,
            wishes: state.fates.len(),
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        match &self.violation {
            Some(what) => write!(f, "violated: {what}"),
            None => f.write_str("the books are balanced"),
        }
    }
}
