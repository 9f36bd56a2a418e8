//! What the verifier accepts and refuses.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod batch;
mod claims;
mod differential;
mod engines;
mod keys;
mod proof;
#[cfg(feature = "p256")]
mod tempo;
mod vectors;
mod voucher;
