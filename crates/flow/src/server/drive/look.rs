//! What earlier requests with the same claim have left.

use super::*;

/// What earlier requests left.
pub(super) enum Looked {
    /// Nothing, or records that may be written over.
    Free(Vec<Option<Versioned>>),
    /// They have gone on for this request.
    Admitted(Admitted),
}

impl Walk<'_> {
    /// What earlier requests left under the claim's keys. Waits for one that is in flight.
    pub(super) async fn look(&self, presented: &Presented) -> Result<Looked, Halt> {
        let keys = presented.keys();
        let claim = presented.claim();
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(20);
        loop {
            let records = self.records(claim, &keys).await?;
            let found: Vec<Versioned> = records.iter().flatten().cloned().collect();
            let Some(first) = found.first() else {
                return Ok(Looked::Free(records));
            };
            let entry = match Entry::decode(&first.record) {
                Ok(entry) => entry,
                Err(error) => {
                    return Err(self.ledger_failed(claim, &SeamError::from(error)).into());
                }
            };
            let state = Found::read(&keys, &found, &entry, self.gate, self.now());
            if !matches!(state, Found::Free | Found::Exhausted(_)) {
                if found.len() != keys.len() || entry.credential != credential(&claim.authorization)
                {
                    return Err(self.conflict(presented, Problem::AlreadyUsed).into());
                }
                if entry.request != claim.request {
                    return Err(Problem::OtherRequest.into());
                }
            }
            match state {
                Found::Free => return Ok(Looked::Free(records)),
                Found::Exhausted(reason) => {
                    return Err(self.gate.refuse(&self.asked(), &reason).into());
                }
                Found::Done => return Ok(Looked::Admitted(Admitted::Answer(self.replay(&entry)))),
                Found::Undelivered(taking) => {
                    return self.rerun(*taking).await.map(Looked::Admitted);
                }
                Found::Doubt(taking) => {
                    let next = taking.take(self.gate, self.now());
                    return self.settle(next, Ask::Resolve).await.map(Looked::Admitted);
                }
                Found::InFlight if waited >= self.gate.wait => {
                    return Err(self.conflict(presented, Problem::InFlight).into());
                }
                Found::InFlight => {
                    self.seams.clock.sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(Duration::from_millis(500));
                }
            }
        }
    }

    pub(super) async fn records(
        &self,
        claim: &Claim,
        keys: &[Key],
    ) -> Result<Vec<Option<Versioned>>, Halt> {
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            match self.seams.ledger.get(self.now(), key).await {
                Ok(record) => records.push(record),
                Err(error) => return Err(self.ledger_failed(claim, &error).into()),
            }
        }
        Ok(records)
    }

    /// Paid, and no handler has succeeded: it runs again, without a settlement.
    pub(super) async fn rerun(&self, taking: Taking<Granted>) -> Result<Admitted, Halt> {
        let next = taking.take(self.gate, self.now());
        let (sender, receiver) = oneshot::channel();
        let (seams, gate) = (self.seams.clone(), self.gate.clone());
        self.seams.spawn.spawn(Box::pin(async move {
            let applied = seams.ledger.apply(seams.clock.now(), &next.writes).await;
            let taken = applied.map(|applied| {
                let granted = next.applied(applied).ok()?;
                Some(Guard {
                    seams: seams.clone(),
                    gate,
                    granted: Some(granted),
                })
            });
            drop(sender.send(taken));
        }));
        match receiver.receive().await {
            Some(Ok(Some(guard))) => Ok(Admitted::Granted(guard)),
            Some(Ok(None)) => Err(Problem::Unknown.into()),
            Some(Err(_)) | None => Err(Problem::Ledger.into()),
        }
    }
}
