//! A small deterministic world: virtual time, an executor that is a loop, a ledger and a facilitator that do as told.

use crate::server::{Arrival, Event, Events, Gate, Handled, Outcome, Seams, Till, drive};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http402_core::{
    Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Paid, ParseError, Party, Pending,
    ProtocolId, Reason, Receipt, Requested, Requirement, Resource, Settlement, Step, Timestamp,
    TokenDomain, U256, Verdict, Window, Wire,
    authorization::Eip3009,
    ledger::{Applied, Expect, Key, Ledger, Page, Versioned, Write},
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
    seam::{Boxed, Clock, Facilitator, Judge, Kind, Known, SeamError, Spawn},
};
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(super) const START: u64 = 1_800_000_000;

/// Gives others a turn.
pub(super) fn yields(times: usize) -> Boxed<'static, ()> {
    let mut left = times;
    Box::pin(poll_fn(move |_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    }))
}

#[derive(Default)]
pub(super) struct State {
    pub(super) now: u64,
    pub(super) tasks: VecDeque<Boxed<'static, ()>>,
    pub(super) records: BTreeMap<Key, Versioned>,
    pub(super) version: u64,
    /// How many of the next ledger calls fail, and whether they write all the same.
    pub(super) ledger_fails: VecDeque<Fail>,
    pub(super) settlements: VecDeque<Script>,
    pub(super) settled: Vec<B256>,
    pub(super) verdicts: VecDeque<Result<Verdict, ()>>,
    pub(super) settle_calls: usize,
    pub(super) resolve_calls: usize,
    /// The transaction that was asked about last.
    pub(super) asked_about: Option<Box<str>>,
    pub(super) handled: usize,
    pub(super) events: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fail {
    No,
    Before,
    After,
}

/// What the facilitator does when it is asked to settle or to resolve. It moves the money in both of the first.
#[derive(Clone)]
pub(super) enum Script {
    Settle,
    LoseAnswer,
    /// Settled, in another transaction than before.
    Elsewhere,
    Decline(Reason),
    Doubt,
    Down,
}

#[derive(Clone)]
pub(super) struct World(pub(super) Arc<Mutex<State>>);

impl World {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: START,
            ..State::default()
        })))
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    pub(super) fn seams(&self) -> Seams {
        Seams {
            judge: Arc::new(self.clone()),
            facilitator: Arc::new(self.clone()),
            ledger: Arc::new(self.clone()),
            clock: Arc::new(self.clone()),
            spawn: Arc::new(self.clone()),
            events: Arc::new(self.clone()),
        }
    }

    /// Runs spawned tasks, each once, in turn. `false` when there are none.
    pub(super) fn turn(&self) -> bool {
        let count = self.with(|state| state.tasks.len());
        for _ in 0..count {
            let Some(mut task) = self.with(|state| state.tasks.pop_front()) else {
                break;
            };
            if task
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
            {
                self.with(|state| state.tasks.push_back(task));
            }
        }
        count > 0
    }

    /// Runs a future, and everything that is spawned, to the end.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let value = self.polls(future.as_mut(), usize::MAX).expect("it ends");
        while self.turn() {}
        value
    }

    /// Polls a future at most so often; `None` when it has not ended by then.
    pub(super) fn polls<T>(
        &self,
        mut future: Pin<&mut impl Future<Output = T>>,
        most: usize,
    ) -> Option<T> {
        for _ in 0..most.min(1_000_000) {
            if let Poll::Ready(value) = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                return Some(value);
            }
            self.turn();
        }
        None
    }

    /// One request whose handler answers with `status`.
    pub(super) async fn ask(&self, gate: &Gate, request: &Ask) -> Response<Bytes> {
        let requirements = vec![requirement(request.upfront)];
        let resource = Resource::new("https://seller.example/r");
        let arrival = Arrival {
            body: None,
            method: &Method::GET,
            headers: &request.headers,
            request: Requested::new("GET", request.target, None),
            resource: &resource,
            requirements: if request.free { &[] } else { &requirements },
        };
        let (status, keep) = (request.status, request.keep);
        let till = Till::new(self.seams(), gate.clone());
        let outcome = drive(&till, arrival, |paid: Paid| async move {
            yields(2).await;
            self.with(|state| state.handled += 1);
            assert_eq!(paid.amount, Amount::from(1000));
            let body = Bytes::from_static(b"goods");
            let mut response = Response::new(body.clone());
            *response.status_mut() = status;
            Ok::<_, Infallible>(Handled {
                response,
                body: keep.then_some(body),
            })
        });
        match outcome.await {
            Ok(Outcome::Served(response) | Outcome::Answered(response)) => response,
            Err(never) => match never {},
        }
    }
}

pub(super) struct Ask {
    pub(super) headers: HeaderMap,
    pub(super) target: &'static str,
    pub(super) status: StatusCode,
    pub(super) upfront: bool,
    pub(super) keep: bool,
    pub(super) free: bool,
}

/// A request that pays with this nonce; the signature is good when it begins with `g`, and that of
/// another payer when it ends with `else`.
pub(super) fn paying(nonce: u8, signature: &str) -> Ask {
    let mut ask = unpaid();
    ask.headers.insert(
        "x-pay",
        HeaderValue::from_str(&format!("{nonce}:{signature}")).unwrap(),
    );
    ask
}

pub(super) fn unpaid() -> Ask {
    Ask {
        headers: HeaderMap::new(),
        target: "/r",
        status: StatusCode::OK,
        upfront: false,
        keep: true,
        free: false,
    }
}

pub(super) fn gate() -> Gate {
    Gate::new(vec![Arc::new(Coin { once: false })]).unwrap()
}

/// A gate whose offers are good for one settlement.
pub(super) fn gate_once() -> Gate {
    Gate::new(vec![Arc::new(Coin { once: true })]).unwrap()
}

fn requirement(upfront: bool) -> Requirement {
    let requirement = Requirement::exactly(
        Amount::from(1000),
        ChainId::eip155(84_532),
        Party::Evm([0xaa; 20].into()),
        Party::Evm([0xbb; 20].into()),
        Some(TokenDomain::new("T", "1")),
    );
    if upfront {
        requirement.upfront()
    } else {
        requirement
    }
}

/// A protocol of one header: `x-pay: nonce:signature`.
struct Coin {
    once: bool,
}

pub(super) const COIN: ProtocolId = ProtocolId::new("coin/1");

impl Protocol for Coin {
    fn id(&self) -> ProtocolId {
        COIN
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all("x-pay").iter().count()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let text = headers["x-pay"].to_str().unwrap();
        let (nonce, signature) = text
            .split_once(':')
            .ok_or_else(|| ParseError::new("x-pay", "colon expected").at(text.len()))?;
        let nonce: u8 = nonce
            .parse()
            .map_err(|_| ParseError::new("nonce", "number expected"))?;
        if signature == "other" {
            return Err(ClaimError::Refused(Reason::NoMatchingOffer));
        }
        let authorization = Authorization::Eip3009(Eip3009 {
            from: [if signature.ends_with("else") {
                0xdd
            } else {
                0xcc
            }; 20]
                .into(),
            to: [0xbb; 20].into(),
            value: U256::from(1000),
            window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(START + 300)),
            nonce: B256::repeat_byte(nonce),
            signature: Bytes::copy_from_slice(signature.as_bytes()),
        });
        let wire = Wire {
            protocol: COIN,
            offer: Encoded::default(),
            answer: Encoded::new(text.as_bytes().to_vec()),
        };
        let requirement = asked.requirements[0].clone();
        let mut claim = Claim::new(requirement, authorization, wire);
        claim.objection = headers
            .contains_key("x-late")
            .then_some(Reason::OfferExpired);
        Ok(claim)
    }

    fn offer(&self, _: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        out.headers
            .insert("x-price", HeaderValue::from_static("1000"));
        out.member("error", format!("\"{}\"", why.code()));
        Ok(())
    }

    fn report(&self, _: &Claim, outcome: &Settlement, _: Told, out: &mut HeaderMap) {
        let text = match outcome {
            Settlement::Settled(receipt) => receipt.transaction.to_string(),
            Settlement::Declined(reason) => format!("declined {}", reason.code()),
            _ => "pending".into(),
        };
        out.insert("x-receipt", HeaderValue::from_str(&text).unwrap());
    }

    fn once(&self) -> bool {
        self.once
    }

    fn request_headers(&self) -> &[HeaderName] {
        static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-pay")];
        &NAMES
    }

    fn response_headers(&self) -> &[HeaderName] {
        static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-receipt")];
        &NAMES
    }
}

impl Judge for World {
    fn judge(&self, claim: &Claim, known: &Known) -> Verdict {
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return Verdict::NeedsChain;
        };
        if !signed.window.open(known.now) {
            return Verdict::Invalid(Reason::Expired);
        }
        match signed.signature.first() {
            Some(b'g') => Verdict::Valid {
                payer: Party::Evm(signed.from),
            },
            Some(b'w') => Verdict::NeedsChain,
            _ => Verdict::Invalid(Reason::Signature),
        }
    }
}

fn nonce(claim: &Claim) -> B256 {
    match &claim.authorization {
        Authorization::Eip3009(signed) => signed.nonce,
        _ => B256::ZERO,
    }
}

impl World {
    fn act(&self, claim: &Claim) -> Result<Settlement, SeamError> {
        let usual = || format!("tx-{}", nonce(claim)[0]);
        let receipt = |transaction: String| {
            Settlement::Settled(Receipt::new(
                None,
                claim.amount(),
                ChainId::eip155(84_532),
                transaction,
            ))
        };
        self.with(|state| {
            let script = state.settlements.pop_front().unwrap_or(Script::Settle);
            let doubt = |why| {
                Ok(Settlement::Unknown(Pending::new(
                    Some(usual().into()),
                    Timestamp::from_secs(state.now),
                    why,
                )))
            };
            match script {
                Script::Settle | Script::LoseAnswer => {
                    let nonce = nonce(claim);
                    // As a chain does: an authorization is executed once, and its settlement is found again.
                    if !state.settled.contains(&nonce) {
                        state.settled.push(nonce);
                    }
                    if matches!(script, Script::LoseAnswer) {
                        doubt("answer lost")
                    } else {
                        Ok(receipt(usual()))
                    }
                }
                Script::Elsewhere => Ok(receipt("tx-again".into())),
                Script::Decline(reason) => Ok(Settlement::Declined(reason)),
                Script::Doubt => doubt("time-out"),
                Script::Down => Err("connection refused".into()),
            }
        })
    }
}

impl Facilitator for World {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let payer = claim.authorization.payer().unwrap();
            let verdict = self.with(|state| {
                let used = state.settled.contains(&nonce(claim));
                let usual = if used {
                    Verdict::Invalid(Reason::NonceUsed)
                } else {
                    Verdict::Valid { payer }
                };
                state.verdicts.pop_front().unwrap_or(Ok(usual))
            });
            verdict.map_err(|()| "facilitator down".into())
        })
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            assert_eq!(step, Step::Charge(Amount::from(1000)));
            yields(2).await;
            self.with(|state| state.settle_calls += 1);
            self.act(claim)
        })
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            yields(2).await;
            self.with(|state| {
                state.resolve_calls += 1;
                state.asked_about.clone_from(&pending.transaction);
            });
            self.act(claim)
        })
    }
}

impl Ledger for World {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            self.with(|state| {
                let fail = state.ledger_fails.pop_front().unwrap_or(Fail::No);
                if fail == Fail::Before {
                    return Err("store down".into());
                }
                for (index, write) in writes.iter().enumerate() {
                    let found = state
                        .records
                        .get(&write.key)
                        .filter(|found| found.record.keep_until > now);
                    let holds = match write.expect {
                        Expect::Absent => found.is_none(),
                        Expect::Version(version) => {
                            found.is_some_and(|found| found.version == version)
                        }
                    };
                    if !holds {
                        return Ok(Applied::Conflict {
                            index,
                            found: found.cloned(),
                        });
                    }
                }
                let mut versions = Vec::new();
                for write in writes {
                    state.version += 1;
                    let version = state.version;
                    match &write.put {
                        Some(record) => {
                            let record = record.clone();
                            state
                                .records
                                .insert(write.key.clone(), Versioned { version, record });
                            versions.push(version);
                        }
                        None => {
                            state.records.remove(&write.key);
                            versions.push(0);
                        }
                    }
                }
                if fail == Fail::After {
                    return Err("answer of the store lost".into());
                }
                Ok(Applied::Done(versions))
            })
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            Ok(self.with(|state| {
                state
                    .records
                    .get(key)
                    .filter(|found| found.record.keep_until > now)
                    .cloned()
            }))
        })
    }

    fn pending<'a>(
        &'a self,
        _: Timestamp,
        prefix: &'a str,
        _: Option<&'a Key>,
        _: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            let records = self.with(|state| {
                let all = state.records.iter();
                let some = all.filter(|(key, found)| {
                    key.as_str().starts_with(prefix) && found.record.phase.unfinished()
                });
                some.map(|(key, found)| (key.clone(), found.clone()))
                    .collect()
            });
            Ok(Page {
                records,
                next: None,
            })
        })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.with(|state| state.now))
    }

    fn sleep(&self, _: Duration) -> Boxed<'static, ()> {
        // Everybody gets a turn; time stands still, so that waiting is bounded by what is waited for.
        yields(1)
    }
}

impl Spawn for World {
    fn spawn(&self, future: Boxed<'static, ()>) {
        self.with(|state| state.tasks.push_back(future));
    }
}

impl Events for World {
    fn event(&self, _: &Claim, event: &Event<'_>) {
        let name = format!("{event:?}");
        let name = name
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default()
            .to_owned();
        self.with(|state| state.events.push(name));
    }
}

pub(super) fn offers(response: &Response<Bytes>) -> bool {
    response.headers().contains_key("x-price")
}
