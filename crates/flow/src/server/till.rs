//! What a route is paid with.

use crate::server::{events::Events, gate::Gate};
use http402_core::{
    ledger::Ledger,
    seam::{Clock, Facilitator, Judge, Spawn},
};
use std::{fmt, sync::Arc};

/// What `main` joins: everything a seller needs that is not a protocol.
#[derive(Clone)]
pub struct Seams {
    /// Judges what bytes and time can show.
    pub judge: Arc<dyn Judge>,
    /// Settles.
    pub facilitator: Arc<dyn Facilitator>,
    /// Remembers. Replicas of a seller share one.
    pub ledger: Arc<dyn Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Runs what must survive the request.
    pub spawn: Arc<dyn Spawn>,
    /// Hears what happens.
    pub events: Arc<dyn Events>,
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams").finish_non_exhaustive()
    }
}

/// What a route is paid with: the seams, and its terms. Made once, shared by every request, and by the steps that go on when
/// their request has vanished.
#[derive(Debug)]
pub struct Till {
    pub(crate) seams: Seams,
    pub(crate) gate: Gate,
}

impl Till {
    /// A till of these seams and terms.
    pub fn new(seams: Seams, gate: Gate) -> Arc<Self> {
        Arc::new(Self { seams, gate })
    }

    /// The seams.
    pub fn seams(&self) -> &Seams {
        &self.seams
    }

    /// The terms.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}
