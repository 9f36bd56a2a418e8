//! A small world in which everything goes wrong: buyers, a shop of several replicas, facilitators and a chain, joined in
//! memory, with virtual time and one seed for each history.
//!
//! Buyers run `http402-flow`'s client with a real policy and x402, replicas run its `drive` and `recover` over one ledger.
//! Everything they reach through a seam is simulated: wires that lose, delay and repeat, stores that are slow, full or
//! silent after a write, facilitators that lie, blocks that are replaced, clocks that are wrong, and processes that die
//! between any two polls. Then the faults end, recovery runs, and the books are checked, claim by claim.
//!
//! ```
//! use http402_testkit::world::{Options, simulate};
//!
//! let history = simulate(402, &Options::default());
//! assert_eq!(history.violation, None);
//! ```

mod buyer;
mod campaign;
mod chain;
mod dice;
mod executor;
mod facilitator;
mod fault;
mod history;
mod line;
mod net;
mod oracle;
mod plant;
mod scenario;
mod seller;
mod shared;
mod shrink;
mod stage;
mod store;
mod verdict;
mod wallet;

pub use campaign::{Campaign, Failure, Summary};
pub use fault::{Fault, Strike};
pub use history::{History, Options, Outcomes, simulate};
pub use plant::{Plant, UnknownPlant};
pub use shrink::{Shrunk, shrink};

pub(crate) use shared::Shared;

/// By how much a clock may be wrong, in seconds.
pub(crate) const SKEW: u64 = 8;
