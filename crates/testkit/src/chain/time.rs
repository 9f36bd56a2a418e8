//! The chain's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where block timestamps come from. All times are Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    source: Source,
    next: Option<u64>,
}

impl Time {
    /// Follows the system clock.
    pub(super) fn wall() -> Self {
        let source = Source::Wall { ahead: 0 };
        Self { source, next: None }
    }

    /// Stands still until it is moved.
    pub(super) fn standing_at(now: u64) -> Self {
        let source = Source::Standing { now };
        Self { source, next: None }
    }

    pub(super) fn now(&self) -> u64 {
        match self.source {
            Source::Wall { ahead } => system().saturating_add_signed(ahead),
            Source::Standing { now } => now,
        }
    }

    pub(super) fn set(&mut self, to: u64) {
        match &mut self.source {
            Source::Wall { ahead } => *ahead = ahead_of_system(to),
            Source::Standing { now } => *now = to,
        }
    }

    pub(super) fn advance(&mut self, seconds: u64) {
        self.set(self.now().saturating_add(seconds));
    }

    /// Fixes the timestamp of the next block; the clock goes on from there.
    pub(super) fn set_next(&mut self, to: u64) {
        self.set(to);
        self.next = Some(to);
    }

    /// The timestamp that a block on top of `parent` would get now. Several blocks may share a second, as on
    /// chains with short block times, so that mining fast does not run ahead of the clock.
    pub(super) fn upcoming(&self, parent: u64) -> u64 {
        self.next.unwrap_or_else(|| self.now()).max(parent)
    }

    pub(super) fn block_made(&mut self) {
        self.next = None;
    }
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Wall { ahead: i64 },
    Standing { now: u64 },
}

fn ahead_of_system(to: u64) -> i64 {
    let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    signed(to).saturating_sub(signed(system()))
}

fn system() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
