//! The scheme on the wire.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
