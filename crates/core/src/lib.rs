#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(test, feature = "http"))]
extern crate std;

mod amount;
pub mod asset;
pub mod authorization;
pub mod base64;
mod chain;
mod claim;
pub mod development;
mod error;
pub mod hex;
pub mod json;
mod keccak;
pub mod ledger;
mod party;
mod reason;
mod requirement;
pub mod seam;
mod settlement;
mod time;
pub mod typed;

#[cfg(feature = "http")]
pub mod protocol;

pub use alloy_primitives::{Address, B256, Bytes, U256};
pub use amount::{Amount, Rounding};
pub use authorization::Authorization;
pub use chain::ChainId;
pub use claim::{
    Claim, Encoded, Paid, ProtocolId, RequestDigest, Requested, SpendKey, Verdict, Wire,
};
pub use error::ParseError;
pub use keccak::keccak256;
pub use party::Party;
pub use reason::Reason;
pub use requirement::{Flow, Leg, Price, Requirement, Resource, Step, TokenDomain, TransferMethod};
pub use settlement::{Pending, Receipt, Settlement};
pub use time::{Timestamp, Window};
