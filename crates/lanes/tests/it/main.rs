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

/// No test is skipped where the model stands for them.
#[cfg(http402_lanes_model)]
#[test]
fn the_model_is_there_on_any_cpu() {
    assert!(Lanes::detect().is_some());
}

/// The lanes, where there are some.
pub(crate) fn lanes() -> Option<Lanes> {
    let lanes = Lanes::detect();
    if lanes.is_none() {
        println!("SKIPPED: this CPU has no AVX-512 IFMA");
    }
    lanes
}
