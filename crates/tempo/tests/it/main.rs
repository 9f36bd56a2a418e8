//! Charges on Tempo.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod decode;
mod reader;
mod settle;
mod sponsor;
mod view;
mod world;
