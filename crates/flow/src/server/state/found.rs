//! What a record of an earlier request says.

use super::*;

/// A record that another request left behind.
#[derive(Debug)]
pub(crate) enum Found {
    /// Released, or never settled: it may be reserved again.
    Free,
    /// As [`Found::Free`], and as often tried as is allowed.
    Exhausted(Reason),
    /// Its settlement was declined, and its offer was good for that one.
    Spent,
    /// Somebody is at it.
    InFlight,
    /// A settlement whose outcome nobody knows.
    Doubt(Box<Taking<Owed>>),
    /// Settled, and no handler has succeeded.
    Undelivered(Box<Taking<Granted>>),
    /// Settled and delivered.
    Done,
}

/// A state of another request that this one may take over.
#[derive(Debug)]
pub(crate) struct Taking<T> {
    state: T,
    phase: Phase,
    keep_until: Timestamp,
}

impl Found {
    pub(crate) fn read(
        keys: &[Key],
        found: &[Versioned],
        entry: &Entry,
        gate: &Gate,
        now: Timestamp,
    ) -> Self {
        let Some(first) = found.first() else {
            return Self::Free;
        };
        if first.record.phase == Phase::Provisional {
            // Its lease says when somebody looks again.
            return Self::Done;
        }
        if first.record.lease.is_some_and(|lease| lease > now) {
            return Self::InFlight;
        }
        let versions = || found.iter().map(|found| found.version).collect();
        let holds = || Holds::new(keys.to_vec(), versions());
        let keep_until = first.record.keep_until;
        let phase = first.record.phase;
        match phase {
            Phase::Reserved => Self::Free,
            Phase::Declined if spent(entry, gate) => Self::Spent,
            Phase::Declined if entry.failures >= gate.tries => {
                Self::Exhausted(entry.reason.clone().unwrap_or(Reason::LimitReached))
            }
            Phase::Declined => Self::Free,
            Phase::Owed | Phase::Unknown => {
                let mut entry = Box::new(entry.clone());
                entry.recover(now);
                Self::Doubt(Box::new(Taking {
                    state: Owed {
                        entry,
                        holds: holds(),
                    },
                    phase: Phase::Unknown,
                    keep_until,
                }))
            }
            Phase::Undelivered => {
                let state = Granted {
                    entry: Box::new(entry.clone()),
                    holds: holds(),
                };
                Self::Undelivered(Box::new(Taking {
                    state,
                    phase,
                    keep_until,
                }))
            }
            _ => Self::Done,
        }
    }
}

/// Whether a settlement was declined, of an offer that is good for one. A handler's failure leaves no reason, or no claim.
fn spent(entry: &Entry, gate: &Gate) -> bool {
    let claim = entry.claim.as_ref().filter(|_| entry.reason.is_some());
    let protocol = claim.and_then(|claim| gate.protocol(claim.wire.protocol));
    protocol.is_some_and(|protocol| protocol.once())
}

impl<T: Holding> Taking<T> {
    /// Takes the lease.
    pub(crate) fn take(self, gate: &Gate, now: Timestamp) -> Next<T> {
        let lease = Some(now.plus(gate.lease));
        let writes =
            self.state
                .holds()
                .writes(self.state.entry(), self.phase, lease, self.keep_until);
        Next {
            writes,
            then: self.state,
        }
    }
}
