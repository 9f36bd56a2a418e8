use http402_core::{
    Timestamp,
    seam::{Boxed, Clock, Spawn},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;

/// Time and spawning on the tokio runtime that it is used on.
///
/// It counts what it has spawned, so that a shutdown can wait until everything that is owed is settled and recorded.
#[derive(Clone, Debug, Default)]
pub struct Tokio(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    count: AtomicUsize,
    idle: Notify,
}

/// Counts down when its future ends, in whichever way.
struct Counted(Arc<Running>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Tokio {
    /// A runtime that has spawned nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until nothing that was spawned is running. Stop to accept requests before.
    pub async fn drain(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.0.count.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl Spawn for Tokio {
    fn spawn(&self, future: Boxed<'static, ()>) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(self.0.clone());
        tokio::spawn(async move {
            let _counted = counted;
            future.await;
        });
    }
}

impl Clock for Tokio {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_secs(since.as_secs())
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
