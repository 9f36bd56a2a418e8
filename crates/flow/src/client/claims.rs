//! Which call of this process works on which attempt. The ledger keeps processes apart by leases; within a process a lease
//! is not waited for when its call is gone.

use http402_core::ledger::Key;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a call is doing with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It began it.
    Began,
    /// It goes on with one that it found.
    Resumes,
}

/// The attempts that calls of this process work on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims(Arc<Mutex<HashMap<Key, Role>>>);

/// Holds an attempt for a call, for as long as the call lives.
#[derive(Debug)]
pub(crate) struct Claim {
    key: Key,
    claims: Claims,
}

impl Claims {
    fn map(&self) -> MutexGuard<'_, HashMap<Key, Role>> {
        // A panic elsewhere leaves the map whole: every change of it is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the attempt, unless a call has it.
    pub(crate) fn take(&self, key: &Key, role: Role) -> Result<Claim, Role> {
        let mut map = self.map();
        if let Some(role) = map.get(key) {
            return Err(*role);
        }
        map.insert(key.clone(), role);
        Ok(Claim {
            key: key.clone(),
            claims: self.clone(),
        })
    }
}

impl Claim {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.map().remove(&self.key);
    }
}
