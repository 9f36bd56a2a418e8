//! The vectors of the CPU, and the instructions of its lanes that are used here: those there are, or, with
//! `--cfg http402_lanes_model`, functions that do the same on any CPU.

#[cfg(not(http402_lanes_model))]
mod avx512;
#[cfg(any(http402_lanes_model, test))]
mod model;
#[cfg(test)]
mod tests;

#[cfg(not(http402_lanes_model))]
pub(crate) use avx512::*;
#[cfg(http402_lanes_model)]
pub(crate) use model::*;
