//! Whether a ledger keeps to the contract of [`http402_core::ledger`]: what any backend has to pass, ours and yours.
//!
//! ```
//! # use std::sync::Arc;
//! use http402_ledger::{Memory, conformance};
//!
//! conformance::block_on(conformance::all(Arc::new(Memory::new())));
//! ```
//!
//! The checks panic with what they found. Each uses keys of its own, so one fresh store serves all of them.

mod alone;
mod listing;
mod together;

use http402_core::{
    Bytes, Timestamp,
    ledger::{Applied, Expect, Full, Key, Ledger, Phase, Record, Versioned, Write},
    seam::Boxed,
};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// One check.
pub type Check = fn(Arc<dyn Ledger>) -> Boxed<'static, ()>;

/// Every check, with its name.
pub const CHECKS: &[(&str, Check)] = &[
    ("round_trip", |ledger| Box::pin(alone::round_trip(ledger))),
    ("all_or_nothing", |ledger| {
        Box::pin(alone::all_or_nothing(ledger))
    }),
    ("conflicts", |ledger| Box::pin(alone::conflicts(ledger))),
    ("fencing", |ledger| Box::pin(alone::fencing(ledger))),
    ("expiry", |ledger| Box::pin(alone::expiry(ledger))),
    ("bad_writes", |ledger| Box::pin(alone::bad_writes(ledger))),
    ("pending", |ledger| Box::pin(listing::pending(ledger))),
    ("patterns", |ledger| Box::pin(listing::patterns(ledger))),
    ("changing", |ledger| Box::pin(listing::changing(ledger))),
    ("one_winner", |ledger| {
        Box::pin(together::one_winner(ledger))
    }),
    ("one_key", |ledger| Box::pin(together::one_key(ledger))),
    ("overlapping", |ledger| {
        Box::pin(together::overlapping(ledger))
    }),
    ("no_lost_update", |ledger| {
        Box::pin(together::no_lost_update(ledger))
    }),
];

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const LATER: Timestamp = Timestamp::from_secs(1_800_001_000);

/// Runs every check on one fresh store.
///
/// # Panics
/// When the ledger breaks the contract, with what was found.
pub async fn all(ledger: Arc<dyn Ledger>) {
    for (_, check) in CHECKS {
        check(ledger.clone()).await;
    }
}

/// Whether a fresh ledger with room for `most` records, at least three, and a [`Phase::Reserved`] body of 5000 bytes more, is
/// bounded: it refuses what is new when it is full, evicts nothing live, and lets what has begun be finished (S12).
///
/// # Panics
/// When the ledger breaks the contract, with what was found.
pub async fn bounded(ledger: Arc<dyn Ledger>, most: usize) {
    alone::bounded(&*ledger, most).await;
}

/// Runs a future on this thread: the checks need no executor.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn record(phase: Phase, body: &[u8]) -> Record {
    Record {
        phase,
        lease: None,
        keep_until: LATER,
        body: Bytes::copy_from_slice(body),
    }
}

fn put(key: &str, expect: Expect, record: Record) -> Write {
    Write {
        key: Key::new(key),
        expect,
        put: Some(record),
    }
}

fn remove(key: &str, expect: Expect) -> Write {
    Write {
        key: Key::new(key),
        expect,
        put: None,
    }
}

async fn apply(ledger: &dyn Ledger, writes: &[Write]) -> Applied {
    let applied = ledger.apply(NOW, writes).await;
    applied.unwrap_or_else(|error| panic!("apply failed: {error}"))
}

/// Applies what must succeed, and returns the versions.
async fn done(ledger: &dyn Ledger, writes: &[Write]) -> Vec<u64> {
    match apply(ledger, writes).await {
        Applied::Done(versions) => {
            assert_eq!(versions.len(), writes.len(), "one version for each write");
            versions
        }
        Applied::Conflict { index, found } => panic!("write {index} conflicts with {found:?}"),
    }
}

async fn get(ledger: &dyn Ledger, now: Timestamp, key: &str) -> Option<Versioned> {
    let found = ledger.get(now, &Key::new(key)).await;
    found.unwrap_or_else(|error| panic!("get failed: {error}"))
}
