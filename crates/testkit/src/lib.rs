#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "attacks")]
pub mod attacks;

#[cfg(feature = "chain")]
pub mod chain;

#[cfg(feature = "liar")]
pub mod liar;

#[cfg(feature = "world")]
pub mod world;

/// The first page of the repository: what it shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FirstPage;
