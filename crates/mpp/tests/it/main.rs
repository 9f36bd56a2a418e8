//! The scheme on the wire.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod accept;
mod binding;
mod carrier;
mod discovery;
mod documents;
mod hostile;
mod mcp;
mod methods;
mod naive;
mod params;
mod push;
mod recorded;
mod route;
mod shop;
mod stripe;
