//! Every backend, held to the contract.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod broken;
mod crash;
mod faults;
mod history;
mod memory;
mod postgres;
mod proxy;
mod redis;
mod seal;
mod servers;
mod sqlite;
