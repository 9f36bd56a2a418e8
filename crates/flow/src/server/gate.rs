use crate::server::{answer, exposure::Exposure, state::Presented};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http402_core::{
    Amount, B256, Bytes, Flow, Price, Reason, RequestDigest, Requested, Requirement, Timestamp,
    protocol::{Asked, ClaimError, Protocol, Refusal},
};
use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How many offers of a route with changing prices are remembered.
const REMEMBERED: usize = 256;

/// What is asked before the handler runs, when a claim is served first and its signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// The facilitator is asked: balance, nonce and code are known to be good a moment before the handler runs.
    Facilitator,
    /// Nobody is asked for payments up to this amount: the seller bears the risk that they do not settle.
    LocalUpTo(Amount),
}

/// The terms of one route: who may pay in which protocol, and how long things take. Made once, used by every request.
#[derive(Clone)]
pub struct Gate {
    pub(crate) protocols: Arc<[Arc<dyn Protocol>]>,
    pub(crate) check: Check,
    pub(crate) body_cap: usize,
    pub(crate) wait: Duration,
    pub(crate) lease: u64,
    pub(crate) keep: u64,
    pub(crate) max_lifetime: u64,
    pub(crate) tries: u8,
    pub(crate) names: bool,
    pub(crate) finality: Option<u64>,
    pub(crate) steady: bool,
    pub(crate) exposure: Exposure,
    /// The request headers of all protocols, as one list, and the response headers.
    pub(crate) vary: Option<HeaderValue>,
    pub(crate) expose: Option<HeaderValue>,
    offered: Arc<Mutex<VecDeque<Offered>>>,
}

struct Offered {
    request: Asking,
    until: Timestamp,
    requirement: Requirement,
}

/// A request that was asked to pay.
struct Asking {
    method: Box<str>,
    target: Box<str>,
    body: Option<B256>,
}

impl Asking {
    fn of(request: &Requested<'_>) -> Self {
        Self {
            method: request.method().into(),
            target: request.target().into(),
            body: request.body(),
        }
    }

    fn is(&self, request: &Requested<'_>) -> bool {
        Requested::new(&self.method, &self.target, self.body) == *request
    }
}

thread_local! {
    /// What this thread was asked for last, the newest last: many pay for the same, and to hash it takes as long as to read a
    /// fourth of their payments.
    static ASKED: RefCell<VecDeque<(Asking, RequestDigest)>> = const { RefCell::new(VecDeque::new()) };
}

/// The digest of a request.
pub(super) fn digest(request: &Requested<'_>) -> RequestDigest {
    /// How many are kept, and the longest target of them: it may be chosen by whoever asks.
    const KEPT: usize = 16;
    const LONGEST: usize = 1024;
    let known = ASKED.with_borrow(|all| {
        let mut all = all.iter().rev();
        all.find(|(asked, _)| asked.is(request))
            .map(|(_, digest)| *digest)
    });
    if let Some(known) = known {
        return known;
    }
    let digest = request.digest();
    if request.target().len() <= LONGEST {
        ASKED.with_borrow_mut(|all| {
            if all.len() >= KEPT {
                all.pop_front();
            }
            all.push_back((Asking::of(request), digest));
        });
    }
    digest
}

/// Why a gate can not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GateError {
    /// There is no protocol to be paid in.
    NoProtocol,
    /// One protocol is listed twice: a credential would be counted twice.
    ProtocolTwice,
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProtocol => "a gate needs a protocol to be paid in",
            Self::ProtocolTwice => "a gate lists one protocol twice",
        })
    }
}

impl std::error::Error for GateError {}

impl Gate {
    /// A gate that is paid in these protocols, with the defaults of each of the methods below.
    ///
    /// # Errors
    /// When there is none, or one of them twice.
    pub fn new(protocols: Vec<Arc<dyn Protocol>>) -> Result<Self, GateError> {
        if protocols.is_empty() {
            return Err(GateError::NoProtocol);
        }
        for (at, protocol) in protocols.iter().enumerate() {
            if protocols[..at]
                .iter()
                .any(|other| other.id() == protocol.id())
            {
                return Err(GateError::ProtocolTwice);
            }
        }
        Ok(Self {
            vary: listed(&protocols, |protocol| protocol.request_headers()),
            expose: listed(&protocols, |protocol| protocol.response_headers()),
            protocols: protocols.into(),
            check: Check::Facilitator,
            body_cap: 64 * 1024,
            wait: Duration::from_secs(10),
            lease: 120,
            keep: 24 * 60 * 60,
            max_lifetime: 24 * 60 * 60,
            tries: 3,
            names: true,
            finality: None,
            steady: false,
            exposure: Exposure::new(256, 4096),
            offered: Arc::default(),
        })
    }

    /// What is asked before the handler runs. Default: the facilitator.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// How long a response body may be to be kept for re-presentation, in bytes. Default: 64 KiB.
    #[must_use]
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// How long a second request with the same credential waits for the first one. Default: 10 s.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a request has a claim to itself before another may take it over, in seconds: longer than a handler and a
    /// settlement take. Default: 120.
    #[must_use]
    pub fn lease(mut self, secs: u64) -> Self {
        self.lease = secs;
        self
    }

    /// How long an outcome is kept after the authorization can no longer be executed, in seconds. Default: one day.
    #[must_use]
    pub fn keep(mut self, secs: u64) -> Self {
        self.keep = secs;
        self
    }

    /// How long an authorization may live to be accepted, in seconds. Default: one day.
    #[must_use]
    pub fn max_lifetime(mut self, secs: u64) -> Self {
        self.max_lifetime = secs;
        self
    }

    /// How often the handler may fail for the same bytes. Default: 3.
    #[must_use]
    pub fn tries(mut self, tries: u8) -> Self {
        self.tries = tries;
        self
    }

    /// Whether a payer may name what he asks for, by x402's `payment-identifier` or by the header `Idempotency-Key`: the same
    /// name and request again, paid anew or not, gets the stored response and takes no second payment, and another request
    /// under it 409. Default: yes.
    #[must_use]
    pub fn names(mut self, yes: bool) -> Self {
        self.names = yes;
        self
    }

    /// After how many seconds a settled and delivered payment is looked at again by [`recover`](super::recover()), because a
    /// reorganisation may have taken it back: longer than the chain takes to finalise a block. Until then its record is
    /// [provisional](http402_core::ledger::Phase::Provisional); one that was taken back and can not settle any more is
    /// marked as [reversed](http402_core::ledger::Phase::Reversed). Default: never, settled is settled.
    #[must_use]
    pub fn finality(mut self, secs: u64) -> Self {
        self.finality = Some(secs);
        self
    }

    /// What is asked for is the same for every request: no offer has to be remembered for when the price will have changed.
    /// Default: it may change.
    #[must_use]
    pub fn steady(mut self) -> Self {
        self.steady = true;
        self
    }

    /// How many payments may be unsettled at once in this process: reserved, being settled, or of unknown outcome until
    /// their authorizations end. More are answered with 429 for one payer, 503 in all, before any handler runs. Default:
    /// 256 of one payer, 4096 in all.
    #[must_use]
    pub fn exposure(mut self, per_payer: usize, in_all: usize) -> Self {
        self.exposure = Exposure::new(per_payer, in_all);
        self
    }

    /// The longest body that is kept, in bytes.
    pub fn kept_body(&self) -> usize {
        self.body_cap
    }

    /// The first step: the claim that a request makes, or the response that it gets without one.
    ///
    /// # Errors
    /// The response to send: 402 with offers, 400 for a credential that can not be read or for several of them, 500 when
    /// the seller offers nothing.
    pub fn receive(
        &self,
        asked: &Asked<'_>,
        headers: &HeaderMap,
    ) -> Result<Presented, Box<Response<Bytes>>> {
        if !payable(asked.requirements) {
            return Err(Box::new(answer::no_price()));
        }
        let mut carried = None;
        for protocol in &*self.protocols {
            match (protocol.answers(headers), carried) {
                (0, _) => {}
                (1, None) => carried = Some(protocol),
                _ => return Err(Box::new(answer::Problem::SeveralCredentials.response())),
            }
        }
        let Some(protocol) = carried else {
            return Err(Box::new(self.refuse(asked, &Reason::PaymentRequired)));
        };
        let earlier = self.earlier(asked);
        match protocol.claim(&asked.earlier(&earlier), headers) {
            Ok(claim) => Ok(Presented::new(claim, digest(&asked.request))),
            Err(ClaimError::Malformed(error)) => Err(Box::new(answer::malformed(&error))),
            Err(ClaimError::Refused(reason)) => Err(Box::new(self.refuse(asked, &reason))),
            Err(_) => Err(Box::new(self.refuse(asked, &Reason::PayloadMalformed))),
        }
    }

    /// A 402 with fresh offers of every protocol. Only for a credential that is neither in flight nor settled: real clients
    /// sign again whenever they see one.
    pub fn refuse(&self, asked: &Asked<'_>, why: &Reason) -> Response<Bytes> {
        let mut refusal = Refusal::default();
        let mut offered = false;
        for protocol in &*self.protocols {
            offered |= protocol.offer(asked, why, &mut refusal).is_ok();
        }
        if !offered {
            return answer::no_price();
        }
        self.remember(asked);
        let mut response = Response::new(refusal.body());
        *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
        let kind = if refusal.problem {
            "application/problem+json"
        } else {
            "application/json"
        };
        *response.headers_mut() = refusal.headers;
        answer::json_head(&mut response, kind);
        response
    }

    /// Whether a request carries a credential of one of its protocols, or several.
    pub fn carries(&self, headers: &HeaderMap) -> bool {
        let mut all = self.protocols.iter();
        all.any(|protocol| protocol.answers(headers) > 0)
    }

    pub(crate) fn protocol(&self, id: http402_core::ProtocolId) -> Option<&Arc<dyn Protocol>> {
        self.protocols.iter().find(|protocol| protocol.id() == id)
    }

    /// Until when something about this authorization has to be remembered: until it can no longer be executed, and then
    /// for the time that outcomes are kept.
    pub(crate) fn keep_until(&self, claim: &http402_core::Claim, now: Timestamp) -> Timestamp {
        let end = claim
            .authorization
            .window()
            .map_or(now, |window| window.end());
        end.max(now).plus(self.keep)
    }

    /// An offer that was made is honoured until it expires, though the price has changed since: to the same request only,
    /// so a cheaper one never opens a dearer one.
    fn remember(&self, asked: &Asked<'_>) {
        if self.steady {
            return;
        }
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        for requirement in asked.requirements {
            let until = asked.now.plus(requirement.timeout);
            let known = offered.iter_mut().find(|known| {
                known.request.is(&asked.request) && known.requirement == *requirement
            });
            match known {
                Some(known) => known.until = until,
                None => {
                    if offered.len() >= REMEMBERED {
                        offered.pop_front();
                    }
                    offered.push_back(Offered {
                        request: Asking::of(&asked.request),
                        until,
                        requirement: requirement.clone(),
                    });
                }
            }
        }
    }

    /// What was offered to this request before, is still honoured, and is not asked for now.
    fn earlier(&self, asked: &Asked<'_>) -> Vec<Requirement> {
        if self.steady {
            return Vec::new();
        }
        let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        let honoured = |known: &&Offered| {
            known.until >= asked.now
                && known.request.is(&asked.request)
                && !asked.requirements.contains(&known.requirement)
        };
        let honoured = offered.iter().filter(honoured);
        honoured.map(|known| known.requirement.clone()).collect()
    }
}

/// The names of headers of all protocols as one list, each once; `None` when there are none.
fn listed(
    protocols: &[Arc<dyn Protocol>],
    names: impl Fn(&dyn Protocol) -> &[HeaderName],
) -> Option<HeaderValue> {
    let mut all: Vec<&str> = Vec::new();
    for name in protocols.iter().flat_map(|protocol| names(&**protocol)) {
        if !all.contains(&name.as_str()) {
            all.push(name.as_str());
        }
    }
    let list = HeaderValue::from_str(&all.join(", ")).ok();
    list.filter(|_| !all.is_empty())
}

/// Whether everything that is asked for is built: exact prices or none, served or settled first.
fn payable(requirements: &[Requirement]) -> bool {
    let built = |requirement: &Requirement| {
        matches!(requirement.price, Price::Exactly(_) | Price::Nothing)
            && matches!(requirement.flow, Flow::Authorization | Flow::Upfront)
    };
    !requirements.is_empty() && requirements.iter().all(built)
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols: Vec<_> = self
            .protocols
            .iter()
            .map(|protocol| protocol.id())
            .collect();
        f.debug_struct("Gate")
            .field("protocols", &protocols)
            .field("check", &self.check)
            .field("body_cap", &self.body_cap)
            .field("wait", &self.wait)
            .field("lease", &self.lease)
            .field("keep", &self.keep)
            .field("max_lifetime", &self.max_lifetime)
            .field("tries", &self.tries)
            .field("names", &self.names)
            .field("finality", &self.finality)
            .field("steady", &self.steady)
            .field("exposure", &(self.exposure.per_payer, self.exposure.in_all))
            .finish_non_exhaustive()
    }
}
