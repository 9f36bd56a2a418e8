//! What a settler remembers of authorizations that it has examined.

use http402_core::{SpendKey, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What is remembered of an authorization.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// A transaction for it may have left.
    pub(crate) sent: bool,
    /// It was reported as settled.
    pub(crate) settled: bool,
    until: Timestamp,
}

/// Authorizations that were seen unused. A nonce that is found used is a replay, unless it was seen unused here and never
/// reported as settled: then somebody else has executed the authorization, and the payee was paid by it.
#[derive(Debug, Default)]
pub(crate) struct Memories(Mutex<HashMap<SpendKey, Memory>>);

/// How many authorizations are remembered.
const MOST: usize = 65_536;

impl Memories {
    pub(crate) fn get(&self, key: &SpendKey) -> Option<Memory> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(key).copied()
    }

    /// Remembers an authorization that was seen unused at `now` and ends at `until`.
    pub(crate) fn unused(&self, key: &SpendKey, now: Timestamp, until: Timestamp) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MOST {
            map.retain(|_, memory| memory.until > now);
        }
        // Full of live ones: what was sent is always remembered, what was only examined is not.
        if map.len() < MOST {
            map.entry(key.clone()).or_default().until = until.plus(MARGIN);
        }
    }

    pub(crate) fn sent(&self, key: &SpendKey, until: Timestamp) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = map.entry(key.clone()).or_default();
        memory.sent = true;
        memory.until = until.plus(MARGIN);
    }

    pub(crate) fn settled(&self, key: &SpendKey) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(memory) = map.get_mut(key) {
            memory.settled = true;
        }
    }
}

/// How long an authorization is remembered after its end, in seconds.
const MARGIN: u64 = 3600;
