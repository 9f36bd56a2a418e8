//! Documents and carriers of both versions.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

mod carrier;
mod documents;
mod hostile;
mod recorded;
mod words;
