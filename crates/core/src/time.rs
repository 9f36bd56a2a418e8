use alloy_primitives::U256;
use core::fmt;

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last point that can be told.
    pub const MAX: Self = Self(u64::MAX);

    /// So many seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since the epoch.
    pub const fn secs(self) -> u64 {
        self.0
    }

    /// So many seconds later, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// So many seconds earlier, at least the epoch.
    #[must_use]
    pub const fn minus(self, secs: u64) -> Self {
        Self(self.0.saturating_sub(secs))
    }

    /// Seconds from `earlier` to this, zero when it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// When an authorization holds: from `after` to before `before`, in seconds since the epoch.
///
/// A contract of the EIP-3009 kind executes it at time t when `after < t < before`. The bounds are 256 bits wide
/// because what was signed is; a signer may choose any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Not valid at or before this second.
    pub after: U256,
    /// Not valid at or after this second.
    pub before: U256,
}

impl Window {
    /// How long before its end an authorization is no longer accepted, in seconds: what is left must suffice to bring a
    /// transaction into a block.
    pub const FLOOR: u64 = 6;

    /// A window between two points in time.
    pub fn new(after: Timestamp, before: Timestamp) -> Self {
        Self {
            after: U256::from(after.0),
            before: U256::from(before.0),
        }
    }

    /// Whether it has begun: peers accept `after == now`, as the next block is later.
    pub fn begun(&self, now: Timestamp) -> bool {
        self.after <= U256::from(now.0)
    }

    /// Whether at least [`Window::FLOOR`] seconds are left.
    pub fn open(&self, now: Timestamp) -> bool {
        self.before >= U256::from(now.0).saturating_add(U256::from(Self::FLOOR))
    }

    /// The last point of the window, [`Timestamp::MAX`] when it lies beyond.
    pub fn end(&self) -> Timestamp {
        Timestamp(u64::try_from(self.before).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s39_edges_of_a_window() {
        let now = Timestamp::from_secs(1_000);
        let window =
            |after, before| Window::new(Timestamp::from_secs(after), Timestamp::from_secs(before));
        assert!(window(1_000, 2_000).begun(now));
        assert!(!window(1_001, 2_000).begun(now));
        assert!(window(0, 1_006).open(now));
        assert!(!window(0, 1_005).open(now));
        assert!(!window(0, 1_000).open(now));
        assert!(
            Window {
                after: U256::ZERO,
                before: U256::MAX
            }
            .open(Timestamp::MAX)
        );
        assert_eq!(
            Window {
                after: U256::ZERO,
                before: U256::MAX
            }
            .end(),
            Timestamp::MAX
        );
    }
}
