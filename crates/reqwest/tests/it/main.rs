//! The paying client against a scripted seller on a loopback socket.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod coin;
mod paying;
mod redirects;
mod seller;
