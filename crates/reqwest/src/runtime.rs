use http402_core::{
    B256, Timestamp,
    seam::{Boxed, Clock, Entropy, Spawn},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The system's clock, and timers and tasks of the tokio runtime that it is used on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Clock for Tokio {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 makes authorizations that have ended long ago.
        Timestamp::from_secs(since.unwrap_or_default().as_secs())
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl Spawn for Tokio {
    fn spawn(&self, future: Boxed<'static, ()>) {
        tokio::spawn(future);
    }
}

/// Randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the operating system has no randomness to give: a nonce that somebody could foresee must not be signed.
    fn bytes32(&self) -> B256 {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        B256::new(bytes)
    }
}
