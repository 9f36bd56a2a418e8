//! What earlier requests with the same claim have left.

use super::*;

/// What earlier requests left.
pub(super) enum Looked {
    /// Nothing, or records that may be written over.
    Free(Vec<Option<Versioned>>),
    /// As [`Looked::Free`], and the handler has failed for it as often as is allowed.
    Exhausted(Vec<Option<Versioned>>, Reason),
    /// They have gone on for this request.
    Admitted(Admitted),
}

impl Walk<'_> {
    /// What earlier requests left under the claim's keys. Waits for one that is in flight.
    pub(super) async fn look(&self, presented: &Presented) -> Result<Looked, Halt> {
        let keys = presented.keys();
        let records = self.records(presented.claim(), &keys).await?;
        if records.iter().all(Option::is_none) {
            return Ok(Looked::Free(records));
        }
        // Boxed: a payment that comes for the first time has no room for it.
        Box::pin(self.read(presented, keys, records)).await
    }

    /// What these records say, and those after them.
    async fn read(
        &self,
        presented: &Presented,
        keys: Vec<Key>,
        mut records: Vec<Option<Versioned>>,
    ) -> Result<Looked, Halt> {
        let claim = presented.claim();
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(20);
        loop {
            let Some((key, entry, state)) = self.earlier(presented, &keys, &records).await? else {
                return Ok(Looked::Free(records));
            };
            // Under the payer's name for it another of his payments may stand: what he asked for decides.
            let named = presented.name().as_ref() == Some(&key);
            let other = !named && entry.credential != credential(&claim.authorization);
            match state {
                // Whatever is presented with that offer now.
                Found::Spent => {
                    return Err(self.gate.refuse(&self.asked(), &Reason::OfferSpent).into());
                }
                _ if other => return Err(self.conflict(presented, Problem::AlreadyUsed).into()),
                _ if entry.request != presented.request() => {
                    return Err(Problem::OtherRequest.into());
                }
                Found::Free => return Ok(Looked::Free(records)),
                Found::Exhausted(reason) => return Ok(Looked::Exhausted(records, reason)),
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
                    records = self.records(claim, &keys).await?;
                }
            }
        }
    }

    /// The first of the records that does not leave its key free, with its key: that of the payer's name before all others.
    async fn earlier(
        &self,
        presented: &Presented,
        keys: &[Key],
        records: &[Option<Versioned>],
    ) -> Result<Option<(Key, Entry, Found)>, Halt> {
        let claim = presented.claim();
        let name = presented.name();
        let mut pairs: Vec<_> = keys.iter().zip(records).collect();
        pairs.sort_by_key(|(key, _)| name.as_ref() != Some(*key));
        for (key, found) in pairs {
            let Some(found) = found else { continue };
            let entry = Entry::decode(&found.record);
            let entry =
                entry.map_err(|error| self.ledger_failed(claim, &SeamError::from(error)))?;
            let other = entry.credential != credential(&claim.authorization);
            let (its, versions) = match &entry.claim {
                // Those of this claim have just been read.
                Some(its) if its.spends == claim.spends => (keys.to_vec(), records.to_vec()),
                Some(its) => {
                    let its: Vec<_> = its.spends.iter().map(Key::from).collect();
                    let versions = self.records(claim, &its).await?;
                    (its, versions)
                }
                None => (vec![key.clone()], vec![Some(found.clone())]),
            };
            let versions: Vec<_> = versions.into_iter().flatten().collect();
            match Found::read(&its, &versions, &entry, self.gate, self.now()) {
                Found::Free => {}
                // Another payment under the name may be better.
                Found::Exhausted(_) | Found::Spent if other && name.as_ref() == Some(key) => {}
                Found::Spent => return Ok(Some((key.clone(), entry, Found::Spent))),
                _ if versions.len() != its.len() => {
                    return Err(self.conflict(presented, Problem::AlreadyUsed).into());
                }
                state => return Ok(Some((key.clone(), entry, state))),
            }
        }
        Ok(None)
    }

    /// The client's name for what he asks for: of his payment, or the header `Idempotency-Key`.
    pub(super) fn id(&self, claim: &Claim) -> Result<Option<Box<str>>, Halt> {
        if !self.gate.names {
            return Ok(None);
        }
        if claim.id.is_some() {
            return Ok(claim.id.clone());
        }
        let mut values = self.arrival.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        // A string of RFC 9651, as the draft says, or bare, as most clients send it.
        let text = value.to_str().ok().map(str::trim);
        let text = text.map(|text| {
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            inner.unwrap_or(text)
        });
        match text {
            Some(text) if !text.is_empty() && text.len() <= 255 && values.next().is_none() => {
                Ok(Some(text.into()))
            }
            _ => Err(Problem::BadName.into()),
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
        let till = self.till.clone();
        let taken = self.step(Box::pin(async move {
            let seams = &till.seams;
            let applied = seams.ledger.apply(seams.clock.now(), &next.writes).await?;
            let granted = next.applied(applied).ok();
            Ok::<_, SeamError>(granted.map(|granted| Guard::new(till, granted)))
        }));
        match taken.await {
            Some(Ok(Some(guard))) => Ok(Admitted::Granted(guard)),
            Some(Ok(None)) => Err(Problem::Unknown.into()),
            Some(Err(_)) | None => Err(Problem::Ledger.into()),
        }
    }
}
