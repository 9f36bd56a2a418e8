mod delivery;
mod found;
mod name;
mod outcome;

pub(crate) use delivery::{Provisional, Seen};
pub(crate) use found::{Found, Taking};
pub(crate) use outcome::After;

use crate::server::{
    entry::{Entry, Kept, credential},
    exposure::{Crowded, Ticket},
    gate::Gate,
};
use http402_core::{
    Amount, Authorization, B256, Claim, Flow, Paid, Party, Pending, Reason, Receipt, RequestDigest,
    Settlement, SpendKey, Step, Timestamp, Verdict, keccak256,
    ledger::{Applied, Expect, Key, Phase, Record, Versioned, Write},
};
use std::{
    iter::repeat_n,
    sync::{Arc, OnceLock},
};

/// A request with one readable credential that answers one of the offers. Nothing is known of its truth.
#[derive(Debug)]
pub struct Presented {
    claim: Arc<Claim>,
    request: RequestDigest,
}

/// What judging a presented claim leads to.
#[derive(Debug)]
pub enum Judging {
    /// It is acceptable.
    Judged(Judged),
    /// Only the chain can tell: the facilitator has to be asked.
    Ask(Presented),
    /// It is not acceptable.
    Refused(Presented, Reason),
}

/// A claim whose authorization is the payer's and fits the requirement. Nobody has used it for anything yet.
#[derive(Debug)]
pub struct Judged {
    claim: Arc<Claim>,
    request: RequestDigest,
    payer: Party,
    ticket: Option<Ticket>,
    /// The claim's [`credential`], once it was needed.
    credential: OnceLock<B256>,
}

/// The keys that a request holds in the ledger, with their versions: its fence.
#[derive(Debug)]
pub struct Holds {
    keys: Vec<Key>,
    versions: Vec<u64>,
    /// Its place among the payments that are not settled.
    ticket: Option<Ticket>,
}

/// What came of trying to reserve.
#[derive(Debug)]
pub enum Reserving {
    /// It is reserved for this request.
    Reserved(Reserved),
    /// Somebody else was there before.
    Held(Judged, Option<Versioned>),
}

/// A claim that this request has to itself.
#[derive(Debug)]
pub struct Reserved {
    entry: Box<Entry>,
    holds: Holds,
}

/// A claim for which the handler may run.
#[derive(Debug)]
pub struct Granted {
    entry: Box<Entry>,
    holds: Holds,
}

/// A claim whose settlement has begun, or is about to: from here on it is never dropped.
#[derive(Debug)]
pub struct Owed {
    entry: Box<Entry>,
    holds: Holds,
}

/// A settled claim with a response that may leave.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) entry: Box<Entry>,
}

/// A claim that was definitely not settled.
#[derive(Debug)]
pub struct Declined {
    pub(crate) claim: Arc<Claim>,
    pub(crate) reason: Reason,
}

/// Writes that have to be made before the next state is reached.
#[derive(Debug)]
pub(crate) struct Next<T> {
    pub(crate) writes: Vec<Write>,
    then: T,
}

/// Somebody else took the claim over: its lease had ended.
#[derive(Debug)]
pub(crate) struct Lost;

/// A state that holds keys.
pub(crate) trait Holding {
    fn entry(&self) -> &Entry;
    fn holds(&self) -> &Holds;
    fn holds_mut(&mut self) -> &mut Holds;
}

macro_rules! holding {
    ($($state:ty),*) => {$(
        impl Holding for $state {
            fn entry(&self) -> &Entry {
                &self.entry
            }
            fn holds(&self) -> &Holds {
                &self.holds
            }
            fn holds_mut(&mut self) -> &mut Holds {
                &mut self.holds
            }
        }
    )*};
}
holding!(Reserved, Granted, Owed);

impl<T: Holding> Next<T> {
    /// The next state, once the writes are made.
    pub(crate) fn applied(mut self, applied: Applied) -> Result<T, Lost> {
        match applied {
            Applied::Done(versions) => {
                self.then.holds_mut().versions = versions;
                Ok(self.then)
            }
            Applied::Conflict { .. } => Err(Lost),
        }
    }
}

impl Holds {
    fn new(keys: Vec<Key>, versions: Vec<u64>) -> Self {
        Self {
            keys,
            versions,
            ticket: None,
        }
    }

    /// One write for each key: the same record under all of them.
    fn writes(
        &self,
        entry: &Entry,
        phase: Phase,
        lease: Option<Timestamp>,
        keep_until: Timestamp,
    ) -> Vec<Write> {
        let body = entry.encode(self.versions.first().copied().unwrap_or(0));
        let record = Record {
            phase,
            lease,
            keep_until,
            body,
        };
        let pairs = self.keys.iter().zip(&self.versions);
        let records = repeat_n(record, self.keys.len());
        pairs
            .zip(records)
            .map(|((key, version), record)| Write {
                key: key.clone(),
                expect: Expect::Version(*version),
                put: Some(record),
            })
            .collect()
    }

    /// Gives them back: nothing is owed. How often the handler has failed is still counted.
    fn give_back(&self, entry: &Entry, gate: &Gate, now: Timestamp) -> Vec<Write> {
        if entry.failures > 0 {
            return self.writes(entry, Phase::Declined, None, keep_of(entry, gate, now));
        }
        let pairs = self.keys.iter().zip(&self.versions);
        pairs
            .map(|(key, version)| Write {
                key: key.clone(),
                expect: Expect::Version(*version),
                put: None,
            })
            .collect()
    }
}

impl Presented {
    pub(crate) fn new(claim: impl Into<Arc<Claim>>, request: RequestDigest) -> Self {
        let mut claim = claim.into();
        if claim.spends.is_empty() {
            // An authorization of a form without a key of its own is reserved by its content; it is never served first.
            let content = match &claim.authorization {
                Authorization::Foreign(foreign) => keccak256(&foreign.content),
                _ => credential(&claim.authorization),
            };
            let claim = Arc::make_mut(&mut claim);
            let key = SpendKey::new(format!("content:{content:#x}"));
            claim.spends.push(key);
            claim.requirement.flow = Flow::Upfront;
        }
        Self { claim, request }
    }

    /// The claim.
    pub fn claim(&self) -> &Arc<Claim> {
        &self.claim
    }

    /// What was asked for with it.
    pub fn request(&self) -> RequestDigest {
        self.request
    }

    /// The keys of what it spends.
    pub fn keys(&self) -> Vec<Key> {
        self.claim.spends.iter().map(Key::from).collect()
    }

    /// The next step after a verdict.
    pub fn judge(self, verdict: Verdict, gate: &Gate, now: Timestamp) -> Judging {
        let end = self.claim.authorization.window().map(|window| window.end());
        let too_long = end.is_some_and(|end| end > now.plus(gate.max_lifetime));
        match verdict {
            Verdict::Invalid(reason) => Judging::Refused(self, reason),
            _ if too_long => Judging::Refused(self, Reason::LifetimeTooLong),
            Verdict::Valid { payer } => Judging::Judged(Judged {
                claim: self.claim,
                request: self.request,
                payer,
                ticket: None,
                credential: OnceLock::new(),
            }),
            // `Verdict` may grow: what is not understood is asked for.
            _ => Judging::Ask(self),
        }
    }
}

impl Judged {
    /// The claim.
    pub fn claim(&self) -> &Arc<Claim> {
        &self.claim
    }

    /// The same before it was judged.
    pub(crate) fn presented(&self) -> Presented {
        Presented::new(self.claim.clone(), self.request)
    }

    /// Who pays.
    pub fn payer(&self) -> &Party {
        &self.payer
    }

    fn credential(&self) -> B256 {
        let made = || credential(&self.claim.authorization);
        *self.credential.get_or_init(made)
    }

    /// Takes a place among the payments that are not settled, for as long as this one is not.
    ///
    /// # Errors
    /// Whose places are all taken.
    pub fn enter(&mut self, gate: &Gate, now: Timestamp) -> Result<(), Crowded> {
        let until = unsettled_until(&self.claim, gate, now);
        if let Some(key) = self.claim.spends.first() {
            self.ticket = gate.exposure.enter(key, &self.payer, until, now)?;
        }
        Ok(())
    }

    /// The writes that reserve the claim: every key or none. `free` are records of earlier requests that were released, in
    /// the order of the keys.
    pub fn reserve(&self, gate: &Gate, now: Timestamp, free: &[Option<Versioned>]) -> Vec<Write> {
        let mut entry = Entry::new(
            self.claim.clone(),
            self.request,
            self.credential(),
            self.payer.clone(),
        );
        entry.failures = failures(free);
        let record = Record {
            phase: Phase::Reserved,
            lease: Some(now.plus(gate.lease)),
            keep_until: gate.keep_until(&self.claim, now),
            body: entry.encode(0),
        };
        let keys = self.claim.spends.iter().map(Key::from);
        let records = repeat_n(record, self.claim.spends.len());
        keys.zip(records)
            .enumerate()
            .map(|(at, (key, record))| Write {
                key,
                expect: match free.get(at) {
                    Some(Some(found)) => Expect::Version(found.version),
                    _ => Expect::Absent,
                },
                put: Some(record),
            })
            .collect()
    }

    /// What came of those writes.
    pub fn reserved(self, applied: Applied, free: &[Option<Versioned>]) -> Reserving {
        match applied {
            Applied::Done(versions) => {
                let keys = self.claim.spends.iter().map(Key::from).collect();
                let credential = self.credential();
                let entry = Entry::new(self.claim, self.request, credential, self.payer);
                // It goes from state to state from here on.
                let mut entry = Box::new(entry);
                entry.failures = failures(free);
                Reserving::Reserved(Reserved {
                    entry,
                    holds: Holds {
                        keys,
                        versions,
                        ticket: self.ticket,
                    },
                })
            }
            Applied::Conflict { found, .. } => Reserving::Held(self, found),
        }
    }
}

/// When the authorization can no longer settle.
fn unsettled_until(claim: &Claim, gate: &Gate, now: Timestamp) -> Timestamp {
    let end = claim.authorization.window().map(|window| window.end());
    end.map_or_else(|| now.plus(gate.max_lifetime), |end| end.max(now))
}

fn failures(free: &[Option<Versioned>]) -> u8 {
    let entries = free
        .iter()
        .flatten()
        .filter_map(|found| Entry::decode(&found.record).ok());
    entries.map(|entry| entry.failures).max().unwrap_or(0)
}

impl Reserved {
    pub(crate) fn claim(&self) -> Option<&Arc<Claim>> {
        self.entry.claim.as_ref()
    }

    /// Served first: the handler may run.
    pub(crate) fn grant(self) -> Granted {
        Granted {
            entry: self.entry,
            holds: self.holds,
        }
    }

    /// Settled first: the settlement begins.
    pub(crate) fn owe(self, gate: &Gate, now: Timestamp) -> Next<Owed> {
        owe(self.entry, self.holds, gate, now)
    }

    /// Used before it came: what became of it is asked for.
    pub(crate) fn doubt(mut self, gate: &Gate, now: Timestamp) -> Next<Owed> {
        let why = "used before it was presented";
        self.entry.pending = Some(Pending::new(None, now, why));
        owe(self.entry, self.holds, gate, now)
    }

    /// The writes that give it back: nothing happened.
    pub(crate) fn release(&self, gate: &Gate, now: Timestamp) -> Vec<Write> {
        self.holds.give_back(&self.entry, gate, now)
    }
}

fn owe(entry: Box<Entry>, holds: Holds, gate: &Gate, now: Timestamp) -> Next<Owed> {
    // A settlement in doubt is remembered until somebody has found out: nothing may forget it earlier.
    let writes = holds.writes(
        &entry,
        Phase::Owed,
        Some(now.plus(gate.lease)),
        Timestamp::MAX,
    );
    Next {
        writes,
        then: Owed { entry, holds },
    }
}

/// What the handler's response leads to.
pub(crate) enum Served {
    /// Served first, and well: the settlement begins.
    Owe(Next<Owed>),
    /// Served first, and failed: the claim is given back. Nothing is settled.
    Release(Vec<Write>),
    /// Settled first: the writes that record the delivery, or that there was none.
    Record(Vec<Write>),
}

impl Granted {
    /// What the handler may know.
    pub(crate) fn paid(&self) -> Option<Paid> {
        let claim = self.entry.claim.as_ref()?;
        let transaction = self
            .entry
            .receipt
            .as_ref()
            .map(|receipt| receipt.transaction.clone());
        Some(Paid::new(claim, self.entry.payer.clone(), transaction))
    }

    pub(crate) fn claim(&self) -> Option<&Arc<Claim>> {
        self.entry.claim.as_ref()
    }

    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.entry.receipt.as_ref()
    }

    /// The writes for a request that vanished while the handler ran.
    pub(crate) fn vanished(&self, gate: &Gate, now: Timestamp) -> Vec<Write> {
        match self.entry.receipt {
            Some(_) => self.undelivered(gate, now, self.entry.failures),
            None => self.holds.give_back(&self.entry, gate, now),
        }
    }

    /// The step after the handler's response.
    pub(crate) fn served(mut self, response: Kept, gate: &Gate, now: Timestamp) -> Served {
        let failed = response.status.is_client_error() || response.status.is_server_error();
        match (failed, self.entry.receipt.is_some()) {
            (false, false) => {
                self.entry.response = Some(response);
                Served::Owe(owe(self.entry, self.holds, gate, now))
            }
            (false, true) => {
                self.entry.response = Some(response);
                Served::Record(self.holds.delivered(&mut self.entry, gate, now))
            }
            (true, true) => {
                let failures = self.entry.failures.saturating_add(1);
                Served::Record(self.undelivered(gate, now, failures))
            }
            (true, false) => Served::Release(self.failed(gate, now)),
        }
    }

    /// The same bytes may try again, as often as the gate allows.
    fn failed(mut self, gate: &Gate, now: Timestamp) -> Vec<Write> {
        self.entry.failures = self.entry.failures.saturating_add(1);
        let keep = keep_of(&self.entry, gate, now);
        if self.entry.failures >= gate.tries {
            self.entry.reason = Some(Reason::LimitReached);
            self.entry.claim = None;
        }
        // Nobody has to do anything about it: what is left is the count.
        self.holds.writes(&self.entry, Phase::Declined, None, keep)
    }

    fn undelivered(&self, gate: &Gate, now: Timestamp, failures: u8) -> Vec<Write> {
        let mut entry = self.entry.clone();
        entry.failures = failures;
        let keep = keep_of(&entry, gate, now);
        self.holds.writes(&entry, Phase::Undelivered, None, keep)
    }
}

fn keep_of(entry: &Entry, gate: &Gate, now: Timestamp) -> Timestamp {
    entry
        .claim
        .as_ref()
        .map_or_else(|| now.plus(gate.keep), |claim| gate.keep_until(claim, now))
}
