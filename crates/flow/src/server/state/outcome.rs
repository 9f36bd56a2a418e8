//! What a settlement came to.

use super::*;

/// What a settlement leads to.
pub(crate) enum After {
    /// Settled, and the handler has answered well before: its response may leave.
    Deliver(Vec<Write>, Settled),
    /// Settled, and the handler may run now.
    Grant(Next<Granted>),
    /// Definitely not settled.
    Declined(Vec<Write>, Declined),
    /// Not known.
    Unknown(Vec<Write>, Arc<Claim>, Pending),
}

impl After {
    /// What is to be recorded of it.
    pub(crate) fn writes(&self) -> &[Write] {
        match self {
            Self::Deliver(writes, _) | Self::Declined(writes, _) | Self::Unknown(writes, ..) => {
                writes
            }
            Self::Grant(next) => &next.writes,
        }
    }
}

impl Owed {
    /// The claim that is being settled.
    pub fn claim(&self) -> Option<&Arc<Claim>> {
        self.entry.claim.as_ref()
    }

    /// The settlement in doubt, when this is not the first try.
    pub fn pending(&self) -> Option<&Pending> {
        self.entry.pending.as_ref()
    }

    /// What the facilitator is asked for.
    pub(crate) fn step(&self) -> Step {
        Step::Charge(
            self.entry
                .claim
                .as_ref()
                .map_or(Amount::ZERO, |claim| claim.amount()),
        )
    }

    /// The step after a settlement.
    pub(crate) fn settled(
        mut self,
        claim: &Arc<Claim>,
        settlement: Settlement,
        gate: &Gate,
        now: Timestamp,
    ) -> After {
        let keep = gate.keep_until(claim, now);
        match settlement {
            Settlement::Settled(receipt) => {
                let deliverable = match &self.entry.response {
                    // The request that made it is still there to send it, or it was kept whole.
                    Some(kept) => kept.body.is_some() || !self.entry.recovered(),
                    None => false,
                };
                self.entry.pending = None;
                self.entry.receipt = Some(receipt);
                self.leave(gate);
                if deliverable {
                    let writes = self.holds.delivered(&mut self.entry, gate, now);
                    After::Deliver(writes, Settled { entry: self.entry })
                } else {
                    self.entry.response = None;
                    let lease = Some(now.plus(gate.lease));
                    let writes = self
                        .holds
                        .writes(&self.entry, Phase::Undelivered, lease, keep);
                    After::Grant(Next {
                        writes,
                        then: Granted {
                            entry: self.entry,
                            holds: self.holds,
                        },
                    })
                }
            }
            Settlement::Declined(reason) => {
                self.leave(gate);
                self.entry.pending = None;
                self.entry.response = None;
                self.entry.reason = Some(reason.clone());
                let writes = self.holds.writes(&self.entry, Phase::Declined, None, keep);
                let claim = claim.clone();
                After::Declined(writes, Declined { claim, reason })
            }
            Settlement::Unknown(pending) => self.unknown(claim.clone(), pending, gate, now),
            // `Settlement` may grow: what is not understood may have happened.
            _ => self.unknown(
                claim.clone(),
                Pending::new(None, now, "an outcome of an unknown kind"),
                gate,
                now,
            ),
        }
    }

    /// Settled or not, it is no longer in doubt.
    fn leave(&mut self, gate: &Gate) {
        let ticket = self.holds.ticket.take();
        // With a ticket the place is given back; without one, perhaps another request has left it in doubt.
        if let (None, Some(key)) = (&ticket, self.holds.keys.first()) {
            gate.exposure.leave(key);
        }
    }

    fn unknown(
        mut self,
        claim: Arc<Claim>,
        pending: Pending,
        gate: &Gate,
        now: Timestamp,
    ) -> After {
        if let Some(key) = claim.spends.first() {
            let ticket = self.holds.ticket.take();
            let until = unsettled_until(&claim, gate, now);
            gate.exposure.stay(ticket, key, &self.entry.payer, until);
        }
        self.entry.pending = Some(pending.clone());
        let writes = self
            .holds
            .writes(&self.entry, Phase::Unknown, None, Timestamp::MAX);
        After::Unknown(writes, claim, pending)
    }
}
