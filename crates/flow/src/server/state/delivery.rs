//! What is settled and delivered, until the chain can no longer take it back.

use super::*;

/// A delivered claim whose settlement is not final.
#[derive(Debug)]
pub(crate) struct Provisional {
    entry: Entry,
    holds: Holds,
}

/// What looking again at a delivered claim leads to.
pub(crate) enum Seen {
    /// It is settled for good.
    Final,
    /// The chain has taken it back, and it will not settle any more.
    Reversed(Reason),
    /// Not known: it is looked at again.
    Unknown,
}

impl Holds {
    /// The writes for what is settled and delivered.
    pub(super) fn delivered(&self, entry: &mut Entry, gate: &Gate, now: Timestamp) -> Vec<Write> {
        let Some(after) = gate.finality else {
            let keep = keep_of(entry, gate, now);
            entry.claim = None;
            return self.writes(entry, Phase::Settled, None, keep);
        };
        // Nothing may forget it before somebody has looked again.
        let due = Some(now.plus(after));
        self.writes(entry, Phase::Provisional, due, Timestamp::MAX)
    }
}

impl Provisional {
    /// What the records under `keys` say; `None` when its time to be looked at has not come.
    pub(crate) fn due(
        entry: Entry,
        keys: Vec<Key>,
        found: &[Versioned],
        now: Timestamp,
    ) -> Option<Self> {
        let lease = found.first()?.record.lease;
        let versions = found.iter().map(|found| found.version).collect();
        let holds = Holds::new(keys, versions);
        lease
            .is_none_or(|due| due <= now)
            .then_some(Self { entry, holds })
    }

    pub(crate) fn claim(&self) -> Option<&Arc<Claim>> {
        self.entry.claim.as_ref()
    }

    /// What the facilitator is asked about.
    pub(crate) fn pending(&self, now: Timestamp) -> Pending {
        let receipt = self.entry.receipt.as_ref();
        let transaction = receipt.map(|receipt| receipt.transaction.clone());
        Pending::new(transaction, now, "delivered before it was final")
    }

    /// The writes after a second look, and what was seen.
    pub(crate) fn seen(
        mut self,
        settlement: Settlement,
        gate: &Gate,
        now: Timestamp,
    ) -> (Vec<Write>, Seen) {
        let keep = keep_of(&self.entry, gate, now);
        match settlement {
            Settlement::Settled(receipt) => {
                let known = self.entry.receipt.as_ref();
                if known.is_none_or(|known| known.transaction != receipt.transaction) {
                    // It was taken back and has settled again, in a transaction that is as young as the first one was.
                    self.entry.receipt = Some(receipt);
                    return self.unsure(gate, now);
                }
                self.entry.claim = None;
                let writes = self.holds.writes(&self.entry, Phase::Settled, None, keep);
                (writes, Seen::Final)
            }
            Settlement::Declined(reason) => {
                // Nothing is told of it any more as of something paid, and the credential buys nothing else.
                self.entry.receipt = None;
                self.entry.response = None;
                self.entry.claim = None;
                self.entry.reason = Some(reason.clone());
                let writes = self.holds.writes(&self.entry, Phase::Reversed, None, keep);
                (writes, Seen::Reversed(reason))
            }
            // `Settlement` may grow: what is not understood is looked at again.
            _ => self.unsure(gate, now),
        }
    }

    fn unsure(&self, gate: &Gate, now: Timestamp) -> (Vec<Write>, Seen) {
        let due = Some(now.plus(gate.finality.unwrap_or(gate.lease)));
        let writes = self
            .holds
            .writes(&self.entry, Phase::Provisional, due, Timestamp::MAX);
        (writes, Seen::Unknown)
    }
}
