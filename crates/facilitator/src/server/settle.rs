use crate::server::answer::Answer;
use http402_core::{
    B256, Claim, Party, Pending, Reason, Settlement, SpendKey, Step, Timestamp, keccak256,
    ledger::{Applied, Expect, Key, Ledger, Phase, Record, Versioned, Write},
    seam::{Clock, Facilitator, SeamError, Spawn},
};
use http402_x402::reply::SettleResponse;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// How long a settlement has its record to itself, in seconds: longer than one takes.
const LEASE: u64 = 180;
/// How long an outcome is kept after the authorization has ended, in seconds.
const KEEP: u64 = 24 * 60 * 60;

/// Where settlements are made, each once.
pub(super) struct Desk {
    pub(super) facilitator: Arc<dyn Facilitator>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    spawn: Arc<dyn Spawn>,
    all: usize,
    per_payer: usize,
    running: Mutex<HashMap<SpendKey, Running>>,
}

struct Running {
    payer: Option<Party>,
    digest: B256,
    told: watch::Receiver<Option<Told>>,
}

/// What all who wait for one settlement are told.
#[derive(Clone)]
enum Told {
    Document(Box<str>),
    Unavailable,
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        match told {
            Told::Document(text) => Self::Document(text),
            Told::Unavailable => Self::Unavailable,
        }
    }
}

/// Gives the place back, in whichever way the settlement ends.
struct Place {
    desk: Arc<Desk>,
    key: SpendKey,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.running().remove(&self.key);
    }
}

enum Begun {
    /// First asked for now.
    First(u64),
    /// Begun before, by somebody who has not told how it ended.
    Again(u64),
    /// Nothing is to be done.
    Over(Told),
}

/// One payment: the same authorization for the same requirement, in the same bytes.
fn digest(claim: &Claim) -> B256 {
    let mut bytes = Vec::new();
    for part in [&claim.wire.offer, &claim.wire.answer] {
        bytes.extend((part.as_slice().len() as u64).to_be_bytes());
        bytes.extend(part.as_slice());
    }
    keccak256(bytes)
}

fn told(claim: &Claim, settlement: &Settlement) -> Told {
    match SettleResponse::of(claim, settlement) {
        Some(reply) => Told::Document(reply.encode().into()),
        None => Told::Unavailable,
    }
}

fn declined(claim: &Claim, why: Reason) -> Told {
    told(claim, &Settlement::Declined(why))
}

impl Desk {
    pub(super) fn new(
        facilitator: Arc<dyn Facilitator>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        spawn: Arc<dyn Spawn>,
        (all, per_payer): (usize, usize),
    ) -> Self {
        Self {
            facilitator,
            ledger,
            clock,
            spawn,
            all,
            per_payer,
            running: Mutex::default(),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SpendKey, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles, or waits for who is settling the same.
    pub(super) async fn settle(self: &Arc<Self>, claim: Claim) -> Answer {
        let mut told = match self.enter(claim) {
            Ok(told) => told,
            Err(answer) => return answer,
        };
        match told.wait_for(Option::is_some).await {
            Ok(told) => told.clone().unwrap_or(Told::Unavailable).into(),
            // The settlement has panicked; its record says that it had begun.
            Err(_) => Answer::Unavailable,
        }
    }

    fn enter(self: &Arc<Self>, claim: Claim) -> Result<watch::Receiver<Option<Told>>, Answer> {
        let Some(key) = claim.spends.first().cloned() else {
            return Err(declined(&claim, Reason::PayloadMalformed).into());
        };
        let digest = digest(&claim);
        let payer = claim.authorization.payer();
        let mut running = self.running();
        if let Some(other) = running.get(&key) {
            return if other.digest == digest {
                Ok(other.told.clone())
            } else {
                Err(declined(&claim, Reason::InFlight).into())
            };
        }
        let his = running.values().filter(|one| one.payer == payer).count();
        if running.len() >= self.all || his >= self.per_payer {
            return Err(Answer::Busy);
        }
        let (tell, told) = watch::channel(None);
        let entry = Running {
            payer,
            digest,
            told: told.clone(),
        };
        running.insert(key.clone(), entry);
        drop(running);
        let place = Place {
            desk: self.clone(),
            key,
        };
        self.spawn.spawn(Box::pin(async move {
            let answer = place.desk.run(&claim, &place.key, digest).await;
            // Out of the list before it is told: who asks from now on is answered by the ledger.
            drop(place);
            let _ = tell.send(Some(answer));
        }));
        Ok(told)
    }

    async fn run(&self, claim: &Claim, key: &SpendKey, digest: B256) -> Told {
        let key = Key::new(format!("facilitator/{key}"));
        let begun = match self.begin(claim, &key, digest).await {
            Ok(begun) => begun,
            Err(_) => return Told::Unavailable,
        };
        let (version, settlement) = match begun {
            Begun::Over(told) => return told,
            Begun::First(version) => (version, self.charge(claim).await),
            Begun::Again(version) => (version, self.find_out(claim).await),
        };
        let told = told(claim, &settlement);
        match self
            .finish(claim, &key, digest, version, &settlement, &told)
            .await
        {
            Ok(()) => told,
            Err(_) => Told::Unavailable,
        }
    }

    fn record(&self, claim: &Claim, phase: Phase, body: Vec<u8>) -> Record {
        let now = self.clock.now();
        let end = claim.authorization.window().map_or(now, |it| it.end());
        Record {
            phase,
            lease: (phase == Phase::Owed).then(|| now.plus(LEASE)),
            keep_until: end.max(now).plus(KEEP),
            body: body.into_boxed_slice().into(),
        }
    }

    async fn begin(&self, claim: &Claim, key: &Key, digest: B256) -> Result<Begun, SeamError> {
        let mut expect = Expect::Absent;
        loop {
            let now = self.clock.now();
            let write = Write {
                key: key.clone(),
                expect,
                put: Some(self.record(claim, Phase::Owed, digest.to_vec())),
            };
            match self.ledger.apply(now, &[write]).await? {
                Applied::Done(versions) => {
                    let version = versions.first().copied().ok_or("no version")?;
                    return Ok(match expect {
                        Expect::Absent => Begun::First(version),
                        Expect::Version(_) => Begun::Again(version),
                    });
                }
                Applied::Conflict { found: None, .. } => expect = Expect::Absent,
                Applied::Conflict {
                    found: Some(found), ..
                } => match before(claim, &found, digest, now) {
                    Some(told) => return Ok(Begun::Over(told)),
                    None => expect = Expect::Version(found.version),
                },
            }
        }
    }

    async fn charge(&self, claim: &Claim) -> Settlement {
        let step = Step::Charge(claim.amount());
        let settled = self.facilitator.settle(claim, step).await;
        settled.unwrap_or_else(|error| {
            Settlement::Unknown(Pending::new(None, self.clock.now(), error.to_string()))
        })
    }

    /// What became of a settlement that was begun. When nobody can tell, the same authorization is presented once more: its
    /// nonce is spent once, whoever presents it.
    async fn find_out(&self, claim: &Claim) -> Settlement {
        let pending = Pending::new(None, self.clock.now(), "begun before");
        match self.facilitator.resolve(claim, &pending).await {
            Ok(Settlement::Unknown(_)) => match self.charge(claim).await {
                // A decline of now says nothing of what was begun before.
                Settlement::Declined(_) => Settlement::Unknown(pending),
                other => other,
            },
            Ok(known) => known,
            Err(_) => Settlement::Unknown(pending),
        }
    }

    async fn finish(
        &self,
        claim: &Claim,
        key: &Key,
        digest: B256,
        version: u64,
        settlement: &Settlement,
        told: &Told,
    ) -> Result<(), SeamError> {
        let mut body = digest.to_vec();
        let put = match (settlement, told) {
            // Nothing moved: the same bytes may try again.
            (Settlement::Declined(_), _) => None,
            (Settlement::Settled(_), Told::Document(text)) => {
                body.extend_from_slice(text.as_bytes());
                Some(self.record(claim, Phase::Settled, body))
            }
            _ => Some(self.record(claim, Phase::Unknown, body)),
        };
        let write = Write {
            key: key.clone(),
            expect: Expect::Version(version),
            put,
        };
        match self.ledger.apply(self.clock.now(), &[write]).await? {
            Applied::Done(_) => Ok(()),
            Applied::Conflict { .. } => Err("somebody else has taken the settlement over".into()),
        }
    }
}

/// What a record of before says; `None` when it is to be found out.
fn before(claim: &Claim, found: &Versioned, digest: B256, now: Timestamp) -> Option<Told> {
    let record = &found.record;
    let same = record.body.get(..32) == Some(digest.as_slice());
    match record.phase {
        Phase::Settled if same => {
            let text = std::str::from_utf8(record.body.get(32..).unwrap_or_default());
            Some(text.map_or(Told::Unavailable, |text| Told::Document(text.into())))
        }
        Phase::Settled => Some(declined(claim, Reason::NonceUsed)),
        _ if !same => Some(declined(claim, Reason::InFlight)),
        _ if record.lease.is_some_and(|until| until > now) => {
            let pending = Pending::new(None, now, "being settled");
            Some(told(claim, &Settlement::Unknown(pending)))
        }
        _ => None,
    }
}
