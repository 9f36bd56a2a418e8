#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod error;
mod redirect;
mod request;
mod runtime;
mod transport;

pub use client::{PayingClient, Payments, buyer};
pub use error::Error;
pub use http402_flow as flow;
pub use request::{RequestBuilder, SendPaid};
pub use reqwest;
pub use runtime::{OsEntropy, Tokio};
