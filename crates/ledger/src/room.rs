//! What all stores outside of this process are bounded by, unless their builders say otherwise.

use std::time::Duration;

/// How much a store may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl Room {
    pub(crate) const DEFAULT: Self = Self {
        records: 1_000_000,
        bytes: 4 << 30,
    };
}

/// How long to wait for the store, connecting included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How many calls are under way or wait at most. Who comes after them is refused at once.
pub(crate) const QUEUE: usize = 4096;
