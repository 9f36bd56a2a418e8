//! The layer around services of several kinds, and over real sockets. Its protocol has one header.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod bank;
mod headers;
mod once;
mod serving;
mod sockets;
