#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub mod remote;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod room;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(all(test, feature = "postgres", feature = "redis"))]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the other tests use the rest, and one that can not go on may panic"
)]
#[path = "../tests/it/servers.rs"]
mod servers;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use memory::Memory;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "redis")]
pub use redis::Redis;
#[cfg(feature = "seal")]
pub use seal::Sealed;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

use http402_core::{
    ledger::{Key, Write},
    seam::SeamError,
};

/// Refuses writes that no backend can make: a key that is too long, or not one line of printable text, or named twice.
fn check(writes: &[Write]) -> Result<(), SeamError> {
    for (at, write) in writes.iter().enumerate() {
        if !possible(&write.key) {
            return Err("a key is one line of 1 to 512 bytes".into());
        }
        if writes[..at].iter().any(|other| other.key == write.key) {
            return Err("two writes of one call have the same key".into());
        }
    }
    Ok(())
}

/// Whether a record can have this key.
fn possible(key: &Key) -> bool {
    let text = key.as_str();
    // Without a way out of the loop, so that many bytes are compared at once.
    let strange = |any, byte: u8| any | !matches!(byte, b' '..=b'~');
    !text.is_empty()
        && text.len() <= Key::MAX_LEN
        && (!text.bytes().fold(false, strange) || !text.chars().any(char::is_control))
}
