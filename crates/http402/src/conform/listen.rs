//! A client that somebody else runs: he is told what to request.

use crate::style::{NAME, QUIET};
use http402_testkit::attacks::{Drive, Errand, Ran};
use std::{future::Future, pin::Pin, sync::atomic::Ordering, time::Duration};
use tokio::sync::Mutex;

/// How long nothing is asked before a visit is over, and how long the first request is waited for.
const QUIET_FOR: u32 = 3;
const WAIT: u32 = 300;

/// One visit at a time: people do one thing after the other.
#[derive(Default)]
pub(super) struct Listen(Mutex<()>);

impl Drive for Listen {
    fn visit<'a>(&'a self, errand: &'a Errand) -> Pin<Box<dyn Future<Output = Ran> + Send + 'a>> {
        Box::pin(async move {
            let _turn = self.0.lock().await;
            anstream::eprintln!(
                "{NAME}S{:02}{NAME:#} {QUIET}{} visit {}{QUIET:#} request {}",
                errand.id,
                errand.attack,
                errand.run + 1,
                errand.url
            );
            let asked = || errand.activity.load(Ordering::SeqCst);
            let before = asked();
            let (mut last, mut quiet) = (before, 0);
            for _ in 0..WAIT {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let now = asked();
                quiet = if now == last { quiet + 1 } else { 0 };
                last = now;
                if now > before && quiet >= QUIET_FOR {
                    break;
                }
            }
            Ran {
                ended: last > before,
                code: None,
                output: String::new(),
            }
        })
    }
}
