#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod config;
mod error;
mod remote;
#[cfg(feature = "server")]
pub mod server;
mod supported;
mod transport;

pub use config::{Builder, ConfigError};
pub use error::RemoteError;
pub use remote::{Call, Remote};
#[cfg(feature = "reqwest")]
pub use transport::Reqwest;
pub use transport::{Failed, Transport};
