//! The seller's side: what happens to a request for something that has a price, in which order, and exactly once.
//!
//! `Gate → Presented → Judged → Reserved → Granted → Owed → Paid` are types. Each owns what it needs, and its methods are the
//! only legal next steps; none of them does IO. [`drive()`] is the one function that walks them over the seams of
//! `http402-core`, and everything that serves paid requests (the tower adapter, MCP, the gate) calls it.
//!
//! | flow | order |
//! |---|---|
//! | served first (`authorization`) | judge, ask the facilitator, reserve, handler, settle and record, response |
//! | settled first (`upfront`) | judge, reserve, settle and record, handler, record, response |

mod answer;
mod drive;
mod entry;
mod events;
mod exposure;
mod facilitators;
mod gate;
mod recover;
mod state;
#[cfg(test)]
mod tests;
mod till;

pub use answer::Problem;
pub use drive::{Arrival, Handled, Outcome, drive, refuse};
pub use events::{Event, Events, NoEvents};
pub use exposure::Crowded;
pub use facilitators::Facilitators;
pub use gate::{Check, Gate, GateError};
pub use recover::{Recovered, recover};
pub use state::{Declined, Granted, Holds, Judged, Judging, Owed, Presented, Reserved, Reserving};
pub use till::{Seams, Till};
