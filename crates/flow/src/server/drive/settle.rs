//! Settling and recording, which go on when nobody waits for them.

use super::*;

/// How the facilitator is asked.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// For the first time.
    Settle,
    /// What became of it.
    Resolve,
}

/// What a settlement came to, once it is on record.
pub(crate) enum Done {
    /// Settled; the response may leave.
    Delivered(Box<Entry>),
    /// Settled; the handler may run.
    Granted(Granted),
    /// Definitely not settled.
    Declined(Arc<Claim>, Reason),
    /// Not known, or not recorded.
    Unknown(Option<Arc<Claim>>, Pending),
    /// Somebody else has taken the claim over.
    Lost,
    /// The ledger could not be asked before anything was sent.
    LedgerFailed,
}

/// Settles and records. It runs to its end whoever waits for it.
pub(crate) async fn settle(seams: &Seams, gate: &Gate, next: Next<Owed>, ask: Ask) -> Done {
    let applied = match seams.ledger.apply(seams.clock.now(), &next.writes).await {
        Ok(applied) => applied,
        Err(_) => return Done::LedgerFailed,
    };
    let Ok(owed) = next.applied(applied) else {
        return Done::Lost;
    };
    let Some(claim) = owed.claim().cloned() else {
        return Done::LedgerFailed;
    };
    let asked = match (ask, owed.pending()) {
        (Ask::Resolve, Some(pending)) => seams.facilitator.resolve(&claim, pending).await,
        _ => seams.facilitator.settle(&claim, owed.step()).await,
    };
    let settlement = asked.unwrap_or_else(|error| {
        seams
            .events
            .event(&claim, &Event::FacilitatorFailed(error.as_ref()));
        let known = owed.pending().cloned();
        Settlement::Unknown(
            known.unwrap_or_else(|| Pending::new(None, seams.clock.now(), error.to_string())),
        )
    });
    match &settlement {
        Settlement::Settled(receipt) => seams.events.event(&claim, &Event::Settled(receipt)),
        Settlement::Declined(reason) => seams.events.event(&claim, &Event::Declined(reason)),
        Settlement::Unknown(pending) => seams.events.event(&claim, &Event::Unknown(pending)),
        _ => {}
    }
    let after = owed.settled(&claim, settlement, gate, seams.clock.now());
    let recorded = record(seams, Some(&claim), after.writes()).await;
    match (after, recorded) {
        // The record of the settlement that had begun says the same, should this one not be written.
        (After::Unknown(_, claim, pending), _) => Done::Unknown(Some(claim), pending),
        (_, None) => Done::Unknown(
            Some(claim),
            Pending::new(None, seams.clock.now(), "the outcome could not be recorded"),
        ),
        (After::Deliver(_, settled), Some(Applied::Done(_))) => Done::Delivered(settled.entry),
        (After::Deliver(..), Some(Applied::Conflict { .. })) => Done::Lost,
        (After::Grant(next), Some(applied)) => {
            next.applied(applied).map_or(Done::Lost, Done::Granted)
        }
        (After::Declined(_, declined), Some(_)) => Done::Declined(declined.claim, declined.reason),
    }
}

/// Writes what has happened, several times if it must: `None` when the ledger can not be reached.
pub(super) async fn record(
    seams: &Seams,
    claim: Option<&Claim>,
    writes: &[Write],
) -> Option<Applied> {
    let mut pause = Duration::from_millis(50);
    for attempt in 1..=RECORDING_TRIES {
        match seams.ledger.apply(seams.clock.now(), writes).await {
            Ok(Applied::Conflict { index, found }) if attempt > 1 => {
                let conflict = Applied::Conflict { index, found };
                let written = written(seams, writes).await;
                return Some(written.map_or(conflict, Applied::Done));
            }
            Ok(applied) => return Some(applied),
            Err(error) => {
                if let Some(claim) = claim {
                    seams
                        .events
                        .event(claim, &Event::LedgerFailed(error.as_ref()));
                }
                if attempt < RECORDING_TRIES {
                    seams.clock.sleep(pause).await;
                    pause *= 4;
                }
            }
        }
    }
    None
}

/// The versions of a write whose answer was an error, when it had been made after all: the records are then those that
/// were to be written, to the byte, which nobody else writes.
async fn written(seams: &Seams, writes: &[Write]) -> Option<Vec<u64>> {
    let mut versions = Vec::with_capacity(writes.len());
    for write in writes {
        let found = seams.ledger.get(seams.clock.now(), &write.key).await;
        let found = found.ok().flatten();
        if found.as_ref().map(|found| &found.record) != write.put.as_ref() {
            return None;
        }
        versions.push(found.map_or(0, |found| found.version));
    }
    Some(versions)
}
