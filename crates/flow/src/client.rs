//! The buyer's side: what happens to a request that is answered with 402, in which order, and never paid twice.
//!
//! `Refused → Chosen → Approved → Signed → Sent → Paid | Refused | Spent, undelivered | Unknown` are types. Each owns what
//! it needs and has the one legal next step; none of them does IO.
//!
//! A [`Policy`] says what may be paid, and pays nothing until told. What is signed is charged to its budgets in the same
//! write that records the attempt, and signed bytes leave only after the ledger has them. A lost answer is asked for again
//! with the same bytes; nothing new is signed for the same request before a [`ChainView`](http402_core::seam::ChainView)
//! has proven that the first signature can no longer be used.

mod attempt;
mod budget;
mod buyer;
mod choice;
mod claims;
mod denial;
mod drive;
mod error;
mod origin;
mod policy;
mod recover;
mod state;
mod target;
#[cfg(test)]
mod tests;

pub use attempt::Attempt;
pub use buyer::{Buyer, Limits, Payment, Reply, Transport};
pub use choice::{Chosen, Denied, Refused};
pub use denial::Denial;
pub use error::{Error, Refusal};
pub use origin::Origin;
pub use policy::{Allowance, Policy};
pub use recover::Recovered;
pub use state::{After, Approved, Done, Retry, Sent, Signed};
pub use target::{IdempotencyKey, Target};
