#![doc = include_str!("../README.md")]

pub mod accept;
pub mod base64url;
pub mod binding;
pub mod challenge;
pub mod credential;
pub mod digest;
pub mod discovery;
#[cfg(feature = "http")]
pub mod http;
pub mod jcs;
pub mod mcp;
pub mod memo;
pub mod method;
pub mod param;
pub mod problem;
pub mod receipt;
pub mod rfc3339;
pub mod route;
pub mod scope;

pub use accept::AcceptPayment;
pub use binding::KeyRing;
pub use challenge::{Carrier, Challenge, SCHEME};
pub use credential::Credential;
pub use problem::Problem;
pub use receipt::Receipt;
pub use route::Route;

use http402_core::ProtocolId;

/// The `Payment` scheme.
pub const MPP: ProtocolId = ProtocolId::new("mpp/1");
