#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "chain")]
pub mod chain;

#[cfg(feature = "liar")]
pub mod liar;
