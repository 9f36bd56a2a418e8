//! A ledger that is reached over a wire: slow, full, down, or silent after it has written.

use super::{Shared, executor::Actor, fault::Fault, plant::Plant};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Key, Ledger, Page, Phase, Versioned, Write},
    seam::{Boxed, SeamError},
};
use std::sync::Arc;

/// How a process reaches its store.
pub(crate) struct Store {
    pub(crate) world: Arc<Shared>,
    /// Whose process it is.
    pub(crate) actor: Actor,
    pub(crate) ledger: Arc<dyn Ledger>,
}

impl Store {
    pub(crate) fn new(world: &Arc<Shared>, actor: Actor, ledger: &Arc<dyn Ledger>) -> Self {
        Self {
            world: world.clone(),
            actor,
            ledger: ledger.clone(),
        }
    }

    async fn there(&self) -> Result<(), SeamError> {
        let world = &self.world;
        let pause = match world.strikes(Fault::SlowStore, self.actor) {
            // Mostly seconds, at times longer than any lease.
            Some(chance) if chance % 8 == 0 => 1_000 * (100 + (chance >> 8) % 100),
            Some(chance) => 1_000 + (chance >> 8) % 20_000,
            None => world.draw(4),
        };
        // Half of the times nobody comes between.
        if pause > 1 {
            world.executor.millis(pause - 2).await;
        }
        if world.strikes(Fault::FailingStore, self.actor).is_some() {
            return Err("the store is down".into());
        }
        Ok(())
    }

    async fn back(&self) -> Result<(), SeamError> {
        let forgotten = self.world.strikes(Fault::ForgottenAnswer, self.actor);
        let pause = self.world.draw(4);
        if pause > 1 {
            self.world.executor.millis(pause - 2).await;
        }
        match forgotten {
            Some(_) => Err("the answer of the store was lost".into()),
            None => Ok(()),
        }
    }
}

impl Ledger for Store {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            self.there().await?;
            let new = writes.iter().any(|write| write.expect == Expect::Absent);
            if new && self.world.strikes(Fault::FullStore, self.actor).is_some() {
                return Err(Full.into());
            }
            let applied = self.ledger.apply(now, writes).await?;
            if let Applied::Done(_) = applied {
                self.world.wrote(writes);
            }
            self.world.note(self.actor, || wrote(writes, &applied));
            self.back().await?;
            Ok(applied)
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            self.there().await?;
            let found = self.ledger.get(now, key).await?;
            self.back().await?;
            Ok(found)
        })
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            self.there().await?;
            let page = self.ledger.pending(now, prefix, cursor, limit).await?;
            self.back().await?;
            Ok(page)
        })
    }
}

/// A line of the trace.
fn wrote(writes: &[Write], applied: &Applied) -> String {
    let one = |write: &Write| {
        let what = match &write.put {
            Some(record) => format!("{:?}", record.phase),
            None => "nothing".into(),
        };
        format!("{} = {what}", short(write.key.as_str()))
    };
    let all: Vec<_> = writes.iter().map(one).collect();
    match applied {
        Applied::Done(_) => format!("writes {}", all.join(", ")),
        Applied::Conflict { index, .. } => {
            format!("conflict at {index}, writes none of {}", all.join(", "))
        }
    }
}

/// A key without what is the same in all of them.
fn short(key: &str) -> String {
    let kind = key.split(':').next().unwrap_or_default();
    let end = key.rsplit(':').next().unwrap_or_default();
    let end: String = end.trim_start_matches("0x").chars().take(6).collect();
    format!("{kind} {end}")
}

/// The seller's store as a planted bug has it.
pub(crate) fn planted(plant: Option<Plant>, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
    match plant {
        Some(Plant::ForgetOutcome) => Arc::new(Forgetful(ledger, Phase::Settled)),
        Some(Plant::EvictLive) => Arc::new(Evicting(ledger)),
        _ => ledger,
    }
}

/// A buyer's store as a planted bug has it.
pub(crate) fn purse(plant: Option<Plant>, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
    match plant {
        Some(Plant::ForgetAttempt) => Arc::new(Forgetful(ledger, Phase::Sent)),
        _ => ledger,
    }
}

/// A store that forgets what has come to a phase: outcomes, or attempts whose bytes have left.
struct Forgetful(Arc<dyn Ledger>, Phase);

/// A store with room for two records that are not finished: an older one has to go, whether it is alive or not.
struct Evicting(Arc<dyn Ledger>);

impl Ledger for Forgetful {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            let mut writes = writes.to_vec();
            for write in &mut writes {
                let phase = write.put.as_ref().map(|record| record.phase);
                if phase == Some(self.1) {
                    write.put = None;
                }
            }
            self.0.apply(now, &writes).await
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        self.0.get(now, key)
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        self.0.pending(now, prefix, cursor, limit)
    }
}

impl Ledger for Evicting {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            let applied = self.0.apply(now, writes).await?;
            let new = writes.iter().any(|write| write.expect == Expect::Absent);
            if new && matches!(applied, Applied::Done(_)) {
                let page = self.0.pending(now, "", None, 16).await?;
                let over = page.records.len().saturating_sub(2);
                let mut old = page.records;
                old.sort_by_key(|(_, found)| found.version);
                for (key, found) in old.into_iter().take(over) {
                    if writes.iter().all(|write| write.key != key) {
                        let gone = Write {
                            key,
                            expect: Expect::Version(found.version),
                            put: None,
                        };
                        self.0.apply(now, &[gone]).await?;
                    }
                }
            }
            Ok(applied)
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        self.0.get(now, key)
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        self.0.pending(now, prefix, cursor, limit)
    }
}
