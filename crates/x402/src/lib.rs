#![doc = include_str!("../README.md")]

#[cfg(feature = "http")]
mod extension;
pub mod header;
#[cfg(feature = "http")]
pub mod http;
pub mod network;
pub mod reason;
pub mod reply;
pub mod request;
pub mod scheme;
pub mod v1;
pub mod v2;

use http402_core::ProtocolId;

/// x402 version 1.
pub const V1: ProtocolId = ProtocolId::new("x402/1");

/// x402 version 2.
pub const V2: ProtocolId = ProtocolId::new("x402/2");
