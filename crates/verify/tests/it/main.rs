//! What the verifier accepts and refuses.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod batch;
mod claims;
mod differential;
mod engines;
mod gather;
mod keys;
#[cfg(feature = "p256")]
mod p256;
mod proof;
mod vectors;
mod voucher;
