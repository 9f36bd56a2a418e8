//! From a refusal to an approved answer: which offer is paid, and whether the budgets have it.

use super::{
    Denial, Policy, Target,
    attempt::Body,
    budget::{self, Charge, Purpose},
    state::{Approved, Held},
};
use crate::record::{Corrupt, Field, Reader};
use http::{HeaderMap, StatusCode};
use http402_core::{
    B256, Party, Price, ProtocolId, Requirement, Timestamp,
    ledger::{Expect, Key, Phase, Record, Versioned, Write},
    protocol::{self, ClientProtocol, Offer},
};
use std::{collections::VecDeque, fmt, sync::Arc};

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

    /// Whether its answer would take the place of something that the caller has written into the request's head.
    pub(crate) fn takes_field_of(&self, head: &HeaderMap) -> bool {
        let fields = self.first.protocol.fields(&self.first.offer);
        fields.iter().any(|name| head.contains_key(name))
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

    /// What the offer is charged to: the budgets of its token, and none when nothing is charged.
    fn budgets<'a>(&self, policy: &'a Policy) -> Option<&'a [budget::Budget]> {
        let asked = &self.first.offer.requirement;
        if asked.price == Price::Nothing {
            return Some(&[]);
        }
        let (_, allowance) = policy.allowance(asked)?;
        Some(allowance.budgets())
    }

    /// The keys of the records that [`Chosen::plan`] needs.
    pub(crate) fn keys(&self, policy: &Policy) -> Vec<Key> {
        let purpose = self.purpose(policy);
        let budgets = self.budgets(policy).unwrap_or_default();
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
        let held = Held::planned(key, body);
        let protocol = Arc::clone(&self.first.protocol);
        let approved = Approved::new(held, protocol, offer, draft);
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
        let Some(budgets) = self.budgets(policy) else {
            return Ok(Err(Denial::Asset));
        };
        let mut found = found.iter().map(Option::as_ref);
        let (mut charges, mut writes) = (Vec::new(), Vec::new());
        for budget in budgets {
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
            body: body.into_boxed_slice().into(),
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
        let version = versions.first().copied().unwrap_or_default();
        self.approved.held.wrote(version);
        self.approved
    }
}

/// What is charged, and the writes that do it.
type Charged = (Vec<Charge>, Vec<Write>);
