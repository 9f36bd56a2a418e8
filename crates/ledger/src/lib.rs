#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use memory::Memory;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

use http402_core::{
    ledger::{Key, Write},
    seam::SeamError,
};

/// Refuses writes that no backend can make: a key that is too long, or not one line of printable text, or named twice.
fn check(writes: &[Write]) -> Result<(), SeamError> {
    for (at, write) in writes.iter().enumerate() {
        let text = write.key.as_str();
        if text.is_empty() || text.len() > Key::MAX_LEN || text.chars().any(char::is_control) {
            return Err("a key is one line of 1 to 512 bytes".into());
        }
        if writes[..at].iter().any(|other| other.key == write.key) {
            return Err("two writes of one call have the same key".into());
        }
    }
    Ok(())
}
