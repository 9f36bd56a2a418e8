//! Versions, as this process chooses them.

use http402_core::ledger::Expect;
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// The first that is drawn. What counted versions in the store before them does not come so far in a hundred thousand years.
const FIRST: u64 = 1 << 62;

/// Chooses the version of what is written, so that the server need not count.
///
/// A record that is made gets one of 2^62 numbers at random, and each change adds one. Within one life of a key no version
/// comes twice, as each change is made of the version before it. A version from another life of the key fits the present one,
/// if it has had n changes, with a probability of n / 2^62: about 2 in 10^18 for ten.
pub(super) struct Versions {
    /// Its keys are the operating system's random numbers.
    random: RandomState,
    drawn: AtomicU64,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self {
            random: RandomState::new(),
            drawn: AtomicU64::new(0),
        }
    }

    /// The version after the one that is expected. One that was not drawn is not gone on with: those who count in the store may
    /// give the next number to the same key.
    pub(super) fn after(&self, expect: Expect) -> u64 {
        match expect {
            Expect::Version(version) if (FIRST..u64::MAX).contains(&version) => version + 1,
            _ => self.draw(),
        }
    }

    fn draw(&self) -> u64 {
        let count = self.drawn.fetch_add(1, Ordering::Relaxed);
        // A machine that was copied while it ran goes on with the same keys and count, but not at the same time.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let time = since.map_or(0, |since| since.as_nanos());
        FIRST | (self.random.hash_one((count, time)) >> 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_life_goes_on_by_one_and_begins_anywhere() {
        let versions = Versions::new();
        let drawn: HashSet<u64> = (0..100_000)
            .map(|_| versions.after(Expect::Absent))
            .collect();
        assert_eq!(drawn.len(), 100_000, "none comes twice");
        assert!(drawn.iter().all(|version| *version >> 62 == 1));
        // Each of the other bits is set in about half of them, the first 20 of which tell lives apart.
        for bit in 0..62 {
            let set = drawn
                .iter()
                .filter(|version| **version >> bit & 1 == 1)
                .count();
            assert!((48_000..52_000).contains(&set), "bit {bit}: {set}");
        }
        for version in drawn.into_iter().take(1000) {
            assert_eq!(versions.after(Expect::Version(version)), version + 1);
        }
        let others = Versions::new();
        assert_ne!(
            (0..4).map(|_| versions.draw()).collect::<Vec<_>>(),
            (0..4).map(|_| others.draw()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_was_not_drawn_is_not_gone_on_with() {
        let versions = Versions::new();
        for counted in [0, 1, 1_800_000_000_000_000, FIRST - 1, u64::MAX] {
            let after = versions.after(Expect::Version(counted));
            assert!(after >> 62 == 1, "{after} after {counted}");
        }
    }
}
