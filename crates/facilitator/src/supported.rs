use crate::RemoteError;
use http402_core::{Timestamp, seam::Kind};
use std::{
    future::Future,
    sync::{Mutex as Quick, PoisonError},
    time::Duration,
};
use tokio::sync::Mutex;

/// What the facilitator supports, asked for by one task at a time.
#[derive(Default)]
pub(crate) struct Supported {
    /// Held while it is asked.
    asking: Mutex<()>,
    state: Quick<State>,
}

#[derive(Default)]
struct State {
    kinds: Option<(Timestamp, Vec<Kind>)>,
    /// How many questions have ended, and how the last one failed.
    asked: u64,
    failed: Option<Box<str>>,
    /// Before this time it is not asked again, when there is something to go on with.
    not_before: Option<Timestamp>,
}

/// After a failure, what is known is used for so long before the facilitator is asked again.
const REST: u64 = 10;

impl Supported {
    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn known(&self, now: Timestamp, age: Duration) -> Option<Vec<Kind>> {
        self.state(|state| {
            let (since, kinds) = state.kinds.as_ref()?;
            (now.since(*since) < age.as_secs()).then(|| kinds.clone())
        })
    }

    /// What is known and fresh, or else what asking gives, or else what is known and stale.
    pub(crate) async fn get<F: Future<Output = Result<Vec<Kind>, RemoteError>>>(
        &self,
        now: Timestamp,
        fresh: Duration,
        stale: Duration,
        ask: impl FnOnce() -> F,
    ) -> Result<Vec<Kind>, RemoteError> {
        if let Some(kinds) = self.known(now, fresh) {
            return Ok(kinds);
        }
        let before = self.state(|state| state.asked);
        let _asking = self.asking.lock().await;
        if let Some(kinds) = self.known(now, fresh) {
            return Ok(kinds);
        }
        let (asked, failed, rests) = self.state(|state| {
            let rests = state.not_before.is_some_and(|until| now < until);
            (state.asked, state.failed.clone(), rests)
        });
        // Somebody else has asked while this task waited, in vain: its failure is the answer.
        if let (true, Some(why)) = (asked != before, failed) {
            return self.known(now, stale).ok_or(RemoteError::Elsewhere(why));
        }
        if let (true, Some(kinds)) = (rests, self.known(now, stale)) {
            return Ok(kinds);
        }
        let answer = ask().await;
        self.state(|state| {
            state.asked += 1;
            match &answer {
                Ok(kinds) => {
                    state.kinds = Some((now, kinds.clone()));
                    state.failed = None;
                    state.not_before = None;
                }
                Err(error) => {
                    state.failed = Some(error.to_string().into());
                    state.not_before = Some(now.plus(REST));
                }
            }
        });
        match answer {
            Ok(kinds) => Ok(kinds),
            Err(error) => self.known(now, stale).ok_or(error),
        }
    }
}
