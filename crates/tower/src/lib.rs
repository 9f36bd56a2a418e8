#![doc = include_str!("../README.md")]

mod body;
mod config;
#[cfg(feature = "getrandom")]
mod entropy;
mod price;
#[cfg(feature = "tokio")]
mod runtime;
mod service;
#[cfg(feature = "tracing")]
mod trace;

pub use body::{BoundBody, DigestBody, DigestBodyLayer};
pub use config::{Builder, ConfigError};
#[cfg(feature = "getrandom")]
pub use entropy::OsEntropy;
pub use http402_core::Paid;
pub use http402_flow::server::{Check, Event, Events, Gate, NoEvents, Recovered, Seams, recover};
pub use price::{Price, PriceError};
#[cfg(feature = "tokio")]
pub use runtime::Tokio;
pub use service::{Pay, PayFuture, PayLayer};
#[cfg(feature = "tracing")]
pub use trace::Traced;
