//! The lanes against big-integer models and another keccak.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
#![allow(
    clippy::print_stdout,
    reason = "it has to be told that nothing was tested"
)]

mod hash;
mod quotients;
mod ring;
mod sums;

use http402_lanes::Lanes;

/// The lanes, where there are some.
pub(crate) fn lanes() -> Option<Lanes> {
    let lanes = Lanes::detect();
    if lanes.is_none() {
        println!("SKIPPED: this CPU has no AVX-512 IFMA");
    }
    lanes
}
