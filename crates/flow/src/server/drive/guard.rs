//! What a request holds is given back when the request vanishes.

use super::*;

/// A granted claim that is given back when the request vanishes.
pub(super) struct Guard {
    pub(super) seams: Seams,
    pub(super) gate: Gate,
    pub(super) granted: Option<Granted>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(granted) = self.granted.take() {
            let now = self.seams.clock.now();
            give_back(
                &self.seams,
                granted.claim().cloned(),
                granted.vanished(&self.gate, now),
            );
        }
    }
}

/// A reserved claim on its way to the request; it is given back when nobody takes it.
pub(super) struct Handed {
    pub(super) seams: Seams,
    pub(super) gate: Gate,
    pub(super) reserved: Option<Reserved>,
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            let now = self.seams.clock.now();
            give_back(
                &self.seams,
                reserved.claim().cloned(),
                reserved.release(&self.gate, now),
            );
        }
    }
}

pub(super) fn give_back(seams: &Seams, claim: Option<Claim>, writes: Vec<Write>) {
    let (ledger, clock, events) = (
        seams.ledger.clone(),
        seams.clock.clone(),
        seams.events.clone(),
    );
    seams.spawn.spawn(Box::pin(async move {
        // What can not be given back is free again when its lease ends.
        let written = ledger.apply(clock.now(), &writes).await;
        if let Some(claim) = claim {
            match written {
                Ok(_) => events.event(&claim, &Event::Released),
                Err(error) => events.event(&claim, &Event::LedgerFailed(error.as_ref())),
            }
        }
    }));
}
