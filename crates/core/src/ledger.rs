//! The ledger seam: the one place where each step of a payment happens once.
//!
//! A ledger is a set of records under keys, changed by one write, [`Ledger::apply`], that is all or nothing and linearizable
//! over every process that shares the store. It knows no protocol; what is in a record's body is its writer's affair.
//!
//! **Fencing.** Every change of a key gives it a new version, and a version is never used again for that key, not even after
//! it was deleted. Who holds a reservation holds its version; once somebody else has taken an expired lease over, every
//! write of the former holder conflicts.
//!
//! **Failing closed.** A ledger that is slow, full or gone answers with an error, and its users grant nothing.

use crate::{
    SpendKey, Timestamp,
    seam::{Boxed, SeamError},
};
use alloc::{sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use core::fmt;

/// The name of a record: one line of printable text, at most 512 bytes. Clones share it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// The longest key, in bytes.
    pub const MAX_LEN: usize = 512;

    /// A key with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&SpendKey> for Key {
    fn from(key: &SpendKey) -> Self {
        Self(key.0.clone())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a record's matter has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Phase {
    /// Seller: taken by a request that has not begun to settle. Free again when its lease ends.
    Reserved = 1,
    /// Seller: settlement has begun. When its lease ends, somebody has to find out what became of it.
    Owed = 2,
    /// Seller: the outcome of the settlement is not known.
    Unknown = 3,
    /// Seller: settled, and the handler has not succeeded yet.
    Undelivered = 4,
    /// Seller: settled and delivered.
    Settled = 5,
    /// Seller: definitely not settled.
    Declined = 6,
    /// Seller: settled and delivered, and the chain may still take it back. When its lease ends, somebody has to look again.
    Provisional = 7,
    /// Seller: delivered, and the chain has taken the settlement back.
    Reversed = 8,
    /// Buyer: approved and charged to the budget; signed bytes may exist and have not left.
    Approved = 16,
    /// Buyer: signed bytes may have left, and the outcome is not known.
    Sent = 17,
    /// Buyer: paid and delivered.
    Paid = 18,
    /// Buyer: paid, and no delivery was seen.
    Spent = 19,
    /// Buyer: proven not to have been paid.
    Unspent = 20,
    /// A count: budgets, watermarks.
    Tally = 32,
}

impl Phase {
    /// Every phase.
    pub const ALL: &'static [Self] = &[
        Self::Reserved,
        Self::Owed,
        Self::Unknown,
        Self::Undelivered,
        Self::Settled,
        Self::Declined,
        Self::Provisional,
        Self::Reversed,
        Self::Approved,
        Self::Sent,
        Self::Paid,
        Self::Spent,
        Self::Unspent,
        Self::Tally,
    ];

    /// The number that a store keeps.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The phase with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|phase| phase.number() == number)
    }

    /// Whether somebody still has to do something about it: such records are listed by [`Ledger::pending`].
    pub const fn unfinished(self) -> bool {
        matches!(
            self,
            Self::Reserved
                | Self::Owed
                | Self::Unknown
                | Self::Undelivered
                | Self::Provisional
                | Self::Approved
                | Self::Sent
        )
    }
}

/// What is stored under a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// How far it has come.
    pub phase: Phase,
    /// Until when its holder has it to himself.
    pub lease: Option<Timestamp>,
    /// From when on it counts as absent. Nothing removes it earlier.
    pub keep_until: Timestamp,
    /// What its writer needs to go on. It may hold credentials: stores keep it private, and `Debug` shows its length.
    /// Clones share it.
    pub body: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("phase", &self.phase)
            .field("lease", &self.lease)
            .field("keep_until", &self.keep_until)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .finish()
    }
}

/// A record with the version that it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Another one after every change of the key, and never one that the key has had before. Which is later it does not tell.
    pub version: u64,
    /// The record.
    pub record: Record,
}

/// What must hold of a key for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no record, or its time to be kept has passed.
    Absent,
    /// The record has this version.
    Version(u64),
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which key.
    pub key: Key,
    /// What must hold of it.
    pub expect: Expect,
    /// What to store; `None` removes the record.
    pub put: Option<Record>,
}

/// What became of an [`Ledger::apply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Everything was written. The new version of each key, in the order of the writes; 0 for a removed one.
    Done(Vec<u64>),
    /// Nothing was written: the expectation of the write at this index did not hold.
    Conflict {
        /// Which of the writes: the first whose expectation did not hold.
        index: usize,
        /// What was found under its key.
        found: Option<Versioned>,
    },
}

/// A part of the unfinished records.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Keys in ascending order, each once.
    pub records: Vec<(Key, Versioned)>,
    /// Where to go on; `None` after the last page.
    pub next: Option<Key>,
}

/// A store of records, shared by all replicas of a seller or all processes of a buyer.
///
/// `http402-ledger` has implementations, and a kit that shows whether another one keeps to this contract.
pub trait Ledger: Send + Sync {
    /// Makes all of the writes or none. Keys of one call are distinct.
    ///
    /// # Errors
    /// When the store could not be asked, or has no room. What an error leaves behind is unknown: it may have been written.
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>>;

    /// The record under a key, unless its time to be kept has passed.
    ///
    /// # Errors
    /// When the store could not be asked.
    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>>;

    /// The [unfinished](Phase::unfinished) records whose keys begin with `prefix`, after `cursor`, at most `limit`.
    ///
    /// # Errors
    /// When the store could not be asked.
    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>>;
}

/// The error of a ledger that has no room: nothing live is evicted to make some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ledger is full")
    }
}

impl core::error::Error for Full {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_distinct_numbers() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_number(phase.number()), Some(*phase));
        }
        assert_eq!(Phase::from_number(0), None);
    }
}
