//! What goes on, or is given back, when the request vanishes.

use super::*;
use crate::step::step;

impl Walk<'_> {
    /// Takes a step that goes on to its end, whoever waits for it.
    pub(super) async fn step<T: Send + 'static>(&self, work: Boxed<'static, T>) -> Option<T> {
        step(&*self.seams.spawn, work).await
    }
}

/// A granted claim that is given back when the request vanishes.
pub(super) struct Guard {
    pub(super) till: Arc<Till>,
    pub(super) granted: Option<Granted>,
}

impl Guard {
    pub(super) fn new(till: Arc<Till>, granted: Granted) -> Self {
        Self {
            till,
            granted: Some(granted),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(granted) = self.granted.take() {
            let Till { seams, gate } = &*self.till;
            let writes = granted.vanished(gate, seams.clock.now());
            give_back(seams, granted.claim().cloned(), writes);
        }
    }
}

/// A reserved claim on its way to the request; it is given back when nobody takes it.
pub(super) struct Handed {
    pub(super) till: Arc<Till>,
    pub(super) reserved: Option<Reserved>,
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            let Till { seams, gate } = &*self.till;
            let writes = reserved.release(gate, seams.clock.now());
            give_back(seams, reserved.claim().cloned(), writes);
        }
    }
}

pub(super) fn give_back(seams: &Seams, claim: Option<Arc<Claim>>, writes: Vec<Write>) {
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
