//! The states of a purchase. None of them does IO; time and chance are arguments.

use super::{
    Attempt, Denial, Policy, Target,
    attempt::Body,
    budget::{self, Charge, Purpose},
};
use crate::record::{Corrupt, Field, Reader};
use http::{HeaderMap, StatusCode};
use http402_core::{
    B256, ParseError, Party, Pending, ProtocolId, Reason, Receipt, Requirement, Settlement,
    Timestamp,
    ledger::{Expect, Key, Phase, Record, Versioned, Write},
    protocol::{self, ClientProtocol, Draft, Offer},
    seam::SeamError,
    typed::ToSign,
};
use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

/// How long a pinned payee is remembered, in seconds.
const PIN: u64 = 366 * 86_400;
const PIN_VERSION: u8 = 1;

/// An offer that was not paid, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// In which protocol it was made.
    pub protocol: ProtocolId,
    /// Its place among the offers of that protocol; `None` when none of them could be read.
    pub position: Option<usize>,
    /// What it asked for, where it could be read.
    pub asked: Option<Requirement>,
    /// Why it was not paid.
    pub why: Denial,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.protocol)?;
        if let Some(position) = self.position {
            write!(f, " offer {position}")?;
        }
        write!(f, ": {}", self.why)
    }
}

#[derive(Clone)]
struct Candidate {
    protocol: Arc<dyn ClientProtocol>,
    offer: Offer,
}

impl Candidate {
    fn denied(&self, why: Denial) -> Denied {
        Denied {
            protocol: self.offer.protocol,
            position: Some(self.offer.position),
            asked: Some(self.offer.requirement.clone()),
            why,
        }
    }
}

/// A response with status 402, and the offers in it.
pub struct Refused {
    target: Target,
    candidates: Vec<Candidate>,
    denied: Vec<Denied>,
}

impl Refused {
    /// Reads the offers of every protocol out of a response to `target`. What can not be read does not hide the rest.
    pub fn read(
        target: Target,
        protocols: &[Arc<dyn ClientProtocol>],
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Self {
        let mut this = Self {
            target,
            candidates: Vec::new(),
            denied: Vec::new(),
        };
        let response = protocol::Refused::new(&this.target.url, status, headers, body, now);
        for protocol in protocols {
            let unreadable = |position, error| Denied {
                protocol: protocol.id(),
                position,
                asked: None,
                why: Denial::Unreadable(error),
            };
            match protocol.offers(&response) {
                Ok(offers) => {
                    let rejected = offers.rejected.into_iter();
                    this.denied
                        .extend(rejected.map(|(at, error)| unreadable(Some(at), error)));
                    let usable = offers.usable.into_iter();
                    this.candidates.extend(usable.map(|offer| Candidate {
                        protocol: Arc::clone(protocol),
                        offer,
                    }));
                }
                Err(error) => this.denied.push(unreadable(None, error)),
            }
        }
        this
    }

    /// The offers that could be read.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.candidates.iter().map(|candidate| &candidate.offer)
    }

    /// Chooses among the offers that the policy admits: served first before settled first, then by the order of the
    /// allowances, then the cheapest, then as they were offered.
    ///
    /// # Errors
    /// When none is left, with the cause for each.
    pub fn choose(self, policy: &Policy) -> Result<Chosen, Vec<Denied>> {
        let mut denied = self.denied;
        let mut admitted = Vec::new();
        for candidate in self.candidates {
            match policy.admit(&self.target.origin, &candidate.offer) {
                Ok(()) => admitted.push(candidate),
                Err(why) => denied.push(candidate.denied(why)),
            }
        }
        admitted.sort_by_key(|candidate| {
            let asked = &candidate.offer.requirement;
            let rank = policy.allowance(asked).map(|(rank, _)| rank);
            let later = asked.flow != http402_core::Flow::Authorization;
            (later, rank, asked.price.ceiling())
        });
        let mut admitted = VecDeque::from(admitted);
        match admitted.pop_front() {
            Some(first) => Ok(Chosen {
                target: self.target,
                first,
                rest: admitted,
                denied,
            }),
            None => Err(denied),
        }
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offers: Vec<_> = self.offers().collect();
        f.debug_struct("Refused")
            .field("target", &self.target)
            .field("offers", &offers)
            .field("denied", &self.denied)
            .finish()
    }
}

/// An offer that the policy admits. Whether the budgets do is shown by their records.
pub struct Chosen {
    target: Target,
    first: Candidate,
    rest: VecDeque<Candidate>,
    denied: Vec<Denied>,
}

/// Who pays, when, and with which chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'a> {
    pub(crate) payer: &'a Party,
    pub(crate) holder: B256,
    pub(crate) now: Timestamp,
    pub(crate) lease: u64,
    pub(crate) entropy: B256,
}

impl Chosen {
    /// The offer.
    pub fn offer(&self) -> &Offer {
        &self.first.offer
    }

    /// The next offer in order, after this one was denied.
    ///
    /// # Errors
    /// When none is left, with the cause for each.
    pub fn instead(mut self, why: Denial) -> Result<Self, Vec<Denied>> {
        self.denied.push(self.first.denied(why));
        match self.rest.pop_front() {
            Some(first) => Ok(Self { first, ..self }),
            None => Err(self.denied),
        }
    }

    fn purpose<'a>(&'a self, policy: &'a Policy) -> Purpose<'a> {
        let asked = &self.first.offer.requirement;
        Purpose {
            policy: policy.name(),
            chain: &asked.chain,
            asset: &asked.asset,
            origin: &self.target.origin,
            payee: &asked.pay_to,
        }
    }

    fn pin(&self, policy: &Policy) -> Option<Key> {
        let (name, chain) = (policy.name(), &self.first.offer.requirement.chain);
        let origin = self.target.origin.tag();
        policy
            .pins()
            .then(|| Key::new(format!("pin:{name}:{chain}:{origin}")))
    }

    /// The keys of the records that [`Chosen::plan`] needs.
    pub(crate) fn keys(&self, policy: &Policy) -> Vec<Key> {
        let purpose = self.purpose(policy);
        let allowance = policy.allowance(&self.first.offer.requirement);
        let budgets = allowance.map_or(&[][..], |(_, allowance)| allowance.budgets());
        let budgets = budgets.iter().map(|budget| budget.key(&purpose));
        budgets.chain(self.pin(policy)).collect()
    }

    /// Drafts the answer, shows it to the policy, and plans the writes that charge the budgets and record the attempt, all
    /// or nothing. `found` are the records under [`Chosen::keys`].
    pub(crate) fn plan(
        &self,
        policy: &Policy,
        occasion: &Occasion<'_>,
        (key, expect): (&Key, Expect),
        found: &[Option<Versioned>],
    ) -> Result<Result<Plan, Denial>, Corrupt> {
        let offer = policy.shortened(self.first.offer.clone());
        let Occasion {
            payer,
            now,
            entropy,
            ..
        } = *occasion;
        let draft = match self.first.protocol.draft(&offer, payer, now, entropy.0) {
            Ok(draft) => draft,
            Err(reason) => return Ok(Err(Denial::Draft(reason))),
        };
        if let Err(why) = policy.approve(&offer, payer, &draft, now) {
            return Ok(Err(why));
        }
        let (charges, mut writes) = match self.charges(policy, now, found)? {
            Ok(planned) => planned,
            Err(why) => return Ok(Err(why)),
        };
        let body = Body {
            holder: occasion.holder,
            named: self.target.named,
            method: self.target.method.as_str().into(),
            url: self.target.url.clone(),
            protocol: offer.protocol.as_str().into(),
            position: offer.position as u64,
            requirement: offer.requirement.clone(),
            encoded: offer.encoded.clone(),
            context: offer.context.clone(),
            payer: payer.clone(),
            drafted: now,
            entropy,
            authorization: draft.authorization.clone(),
            charges,
            headers: Vec::new(),
            transaction: None,
            spent: None,
        };
        let lease = Some(now.plus(occasion.lease));
        writes.insert(0, body.write(key, expect, Phase::Approved, lease));
        let approved = Approved {
            held: Held {
                key: key.clone(),
                version: 0,
                phase: Phase::Approved,
                body,
            },
            protocol: Arc::clone(&self.first.protocol),
            offer,
            draft,
        };
        Ok(Ok(Plan { approved, writes }))
    }

    fn charges(
        &self,
        policy: &Policy,
        now: Timestamp,
        found: &[Option<Versioned>],
    ) -> Result<Result<Charged, Denial>, Corrupt> {
        let asked = &self.first.offer.requirement;
        let purpose = self.purpose(policy);
        let Some((_, allowance)) = policy.allowance(asked) else {
            return Ok(Err(Denial::Asset));
        };
        let mut found = found.iter().map(Option::as_ref);
        let (mut charges, mut writes) = (Vec::new(), Vec::new());
        for budget in allowance.budgets() {
            let record = found.next().flatten();
            match budget::charge(budget, &purpose, asked.price.ceiling(), now, record)? {
                Ok((charge, write)) => {
                    charges.push(charge);
                    writes.push(write);
                }
                Err(why) => return Ok(Err(why)),
            }
        }
        if let Some(key) = self.pin(policy) {
            match found.next().flatten() {
                Some(pin) => {
                    let mut from = Reader::new(&pin.record.body, PIN_VERSION)?;
                    let pinned: Party = from.read()?;
                    from.finish()?;
                    if pinned != asked.pay_to {
                        return Ok(Err(Denial::PayeeChanged { pinned }));
                    }
                }
                None => writes.push(first_use(key, &asked.pay_to, now)),
            }
        }
        Ok(Ok((charges, writes)))
    }
}

fn first_use(key: Key, payee: &Party, now: Timestamp) -> Write {
    let mut body = vec![PIN_VERSION];
    payee.write(&mut body);
    Write {
        key,
        expect: Expect::Absent,
        put: Some(Record {
            phase: Phase::Tally,
            lease: None,
            keep_until: now.plus(PIN),
            body: body.into(),
        }),
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen")
            .field("target", &self.target)
            .field("offer", &self.first.offer)
            .finish_non_exhaustive()
    }
}

/// An approval that is not recorded yet.
pub(crate) struct Plan {
    approved: Approved,
    writes: Vec<Write>,
}

impl Plan {
    /// The writes; the first is that of the attempt.
    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Goes on when the writes were made; `versions` are the new ones.
    pub(crate) fn recorded(mut self, versions: &[u64]) -> Approved {
        self.approved.held.version = versions.first().copied().unwrap_or_default();
        self.approved
    }
}

/// What is charged, and the writes that do it.
type Charged = (Vec<Charge>, Vec<Write>);

/// What every state with a record owns.
#[derive(Clone)]
pub(crate) struct Held {
    key: Key,
    version: u64,
    /// What the record says now.
    phase: Phase,
    body: Body,
}

impl Held {
    pub(crate) fn of(key: &Key, found: &Versioned, body: Body) -> Self {
        Self {
            key: key.clone(),
            version: found.version,
            phase: found.record.phase,
            body,
        }
    }

    fn write(&self, phase: Phase, lease: Option<Timestamp>) -> Write {
        let expect = Expect::Version(self.version);
        self.body.write(&self.key, expect, phase, lease)
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(name).field(&self.attempt()).finish()
    }

    pub(crate) fn attempt(&self) -> Attempt {
        self.body.summary(&self.key)
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The write that takes the record over for `holder`, or keeps what was learnt when there is none.
    pub(crate) fn hold(&mut self, holder: Option<(B256, Timestamp)>) -> Write {
        if let Some((holder, _)) = holder {
            self.body.holder = holder;
        }
        self.write(self.phase, holder.map(|(_, lease)| lease))
    }

    /// The write that closes the attempt.
    pub(crate) fn close(&self, phase: Phase) -> Write {
        self.write(phase, None)
    }

    /// Goes on when a write was made; `version` is the new one.
    pub(crate) fn wrote(&mut self, version: u64) {
        self.version = version;
    }
}

/// A record that was found in the ledger, of this process or another.
pub(crate) enum Resumed {
    /// Nothing has left: the same document may be signed again.
    Approved(Box<Approved>),
    /// Nothing has left, and the document can not be made again.
    Stale(Box<Held>),
    /// Signed bytes may have left.
    Sent(Box<Sent>),
    /// Signed bytes may have left, in a protocol that is not spoken here.
    Foreign(Box<Held>),
}

/// Reads a record back.
pub(crate) fn resume(
    protocols: &[Arc<dyn ClientProtocol>],
    policy: &Policy,
    key: &Key,
    found: &Versioned,
    now: Timestamp,
) -> Result<Resumed, Corrupt> {
    let held = Held::of(key, found, Body::decode(&found.record)?);
    let name = &*held.body.protocol;
    let protocol = protocols.iter().find(|known| known.id().as_str() == name);
    let approved = held.phase == Phase::Approved;
    let Some(protocol) = protocol.map(Arc::clone) else {
        let held = Box::new(held);
        return Ok(if approved {
            Resumed::Stale(held)
        } else {
            Resumed::Foreign(held)
        });
    };
    if !approved {
        return Ok(Resumed::Sent(Box::new(Sent { held, protocol })));
    }
    let body = &held.body;
    let offer = body.offer(protocol.id());
    let draft = protocol.draft(&offer, &body.payer, body.drafted, body.entropy.0);
    Ok(match draft {
        Ok(draft)
            if draft.authorization == body.authorization
                && body.window().open(now)
                && policy.approve(&offer, &body.payer, &draft, now).is_ok() =>
        {
            Resumed::Approved(Box::new(Approved {
                held,
                protocol,
                offer,
                draft,
            }))
        }
        _ => Resumed::Stale(Box::new(held)),
    })
}

/// An answer that the policy has seen and that is charged to the budgets. Nothing is signed yet.
pub struct Approved {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
    offer: Offer,
    draft: Draft,
}

impl Approved {
    /// What the wallet signs.
    pub fn to_sign(&self) -> &ToSign {
        &self.draft.to_sign
    }

    /// Which attempt it is.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }

    /// Goes on with the wallet's signature.
    ///
    /// # Errors
    /// When the answer can not be encoded. Nothing has left.
    pub fn signed(self, signature: &[u8]) -> Result<Signed, (Box<Self>, ParseError)> {
        match self.protocol.answer(&self.offer, &self.draft, signature) {
            Ok(answer) => {
                let (mut held, protocol) = (self.held, self.protocol);
                held.body.keep(&answer);
                Ok(Signed { held, protocol })
            }
            Err(error) => Err((Box::new(self), error)),
        }
    }
}

impl fmt::Debug for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Approved", f)
    }
}

/// A signed answer. It leaves only after the ledger has it.
pub struct Signed {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
}

impl Signed {
    /// Whether the authorization has still time to be settled.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.held.body.window().open(now)
    }

    /// The write that must be made before the bytes leave. It conflicts when somebody else has taken the attempt over.
    pub fn write(&self, lease: Timestamp) -> Write {
        self.held.write(Phase::Sent, Some(lease))
    }

    /// Goes on when the write was made; `version` is the new one.
    pub fn recorded(mut self, version: u64) -> Sent {
        self.held.version = version;
        self.held.phase = Phase::Sent;
        Sent {
            held: self.held,
            protocol: self.protocol,
        }
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Signed", f)
    }
}

/// A signed answer that may leave, and leave again: always the same bytes.
pub struct Sent {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
}

impl Sent {
    /// Adds the credential to the head of the request.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn present(&self, head: &mut HeaderMap) -> Result<(), SeamError> {
        Ok(self.held.body.present(head)?)
    }

    /// Which attempt it is.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }

    /// Whether the authorization can still be executed.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.held.body.window().end() > now
    }

    /// What the response to it shows.
    pub fn answered(mut self, status: StatusCode, headers: &HeaderMap, now: Timestamp) -> After {
        let body = &mut self.held.body;
        let offer = body.offer(self.protocol.id());
        let outcome = self.protocol.outcome(&offer, status, headers, now);
        let delivered = !status.is_client_error() && !status.is_server_error();
        let retry = retry_after(status, headers);
        if let Ok(Some(Settlement::Settled(receipt))) = &outcome {
            if !receipt.transaction.is_empty() {
                body.transaction = Some(receipt.transaction.clone());
            }
            body.spent = Some(receipt.clone());
        }
        if let Ok(Some(Settlement::Unknown(pending))) = &outcome {
            if pending.transaction.is_some() && body.spent.is_none() {
                body.transaction = pending.transaction.clone();
            }
        }
        let spent = body.spent.clone();
        // A response without a receipt is a delivery all the same, and the charge stays.
        if delivered {
            let receipt = spent;
            let done = Done { held: self.held };
            return After::Paid { done, receipt };
        }
        let sent = self;
        match (spent, outcome) {
            (Some(receipt), _) => After::Spent {
                sent,
                receipt,
                retry,
            },
            (None, Ok(Some(Settlement::Declined(reason)))) if retry.is_none() => After::Refused {
                sent,
                reason: Some(reason),
            },
            (None, Ok(None)) if status == StatusCode::PAYMENT_REQUIRED => {
                After::Refused { sent, reason: None }
            }
            (None, outcome) => {
                let pending = match outcome {
                    Ok(Some(Settlement::Unknown(pending))) => Some(pending),
                    _ => None,
                };
                After::Unknown {
                    sent,
                    pending,
                    retry,
                }
            }
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Sent", f)
    }
}

/// What a response to signed bytes shows. Everything but [`After::Paid`] leaves the attempt open and charged: no response
/// proves that a signature will not be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum After {
    /// Delivered.
    Paid {
        /// The end.
        done: Done,
        /// The receipt, where there was one.
        receipt: Option<Receipt>,
    },
    /// The seller does not take it.
    Refused {
        /// The attempt.
        sent: Sent,
        /// Why, where the seller says it.
        reason: Option<Reason>,
    },
    /// Paid, and not delivered.
    Spent {
        /// The attempt.
        sent: Sent,
        /// The receipt.
        receipt: Receipt,
        /// When the same bytes may be presented again, where it makes sense.
        retry: Option<Retry>,
    },
    /// It may have been paid.
    Unknown {
        /// The attempt.
        sent: Sent,
        /// What the seller says of it.
        pending: Option<Pending>,
        /// When the same bytes may be presented again, where it makes sense.
        retry: Option<Retry>,
    },
}

/// When to present the same bytes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a pause of one's own choice.
    Soon,
    /// After the pause that the seller asked for.
    After(Duration),
}

/// Whether a response asks to be asked again: with Retry-After, or by a status that speaks of a passing fault. A 402 never
/// does, and neither does a plain 500: it is the application's answer.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Retry> {
    if status == StatusCode::PAYMENT_REQUIRED || status.as_u16() < 400 {
        return None;
    }
    let asked = headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(secs) = asked {
        return Some(Retry::After(Duration::from_secs(secs)));
    }
    matches!(status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504).then_some(Retry::Soon)
}

/// The end of a purchase that was paid and delivered.
pub struct Done {
    pub(crate) held: Held,
}

impl Done {
    /// The write that closes the attempt.
    pub fn write(&self) -> Write {
        self.held.write(Phase::Paid, None)
    }

    /// Which attempt it was.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Done", f)
    }
}
