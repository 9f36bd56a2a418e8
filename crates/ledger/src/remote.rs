//! What the backends on a server share: why a call failed, and connections that are made again.

mod error;
mod pool;

pub use error::{Kind, RemoteError};
pub(crate) use pool::{Pool, Server};

/// How many calls are under way or wait for a connection at most. Who comes after them is refused at once.
const QUEUE: usize = 4096;

/// How long to wait for the server, connecting included, unless the builder says otherwise.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

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
