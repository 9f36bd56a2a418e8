//! The client against replies of all kinds, and the service over a facilitator that is scripted.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod client;
mod scene;
mod server;
mod supported;
