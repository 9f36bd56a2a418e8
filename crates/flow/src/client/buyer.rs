use super::{
    Attempt, Error, Policy, Target,
    attempt::{self, Body},
    claims::{Claim, Claims, Role},
};
use http::{Request, Response};
use http402_core::{
    B256, Party, Pending, Reason, Receipt, Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Phase, Versioned, Write},
    protocol::ClientProtocol,
    seam::{Boxed, ChainView, Clock, Entropy, SeamError, Signer},
};
use std::{fmt, sync::Arc, time::Duration};

/// How many open attempts for one request are looked at.
const OPEN: usize = 64;

/// Sends requests and reads responses. `B` is the body of requests.
///
/// It follows no redirect, and sends the head as it is given: a credential that leaves the URL that asked for it is lost.
pub trait Transport<B>: Send + Sync {
    /// The body of responses.
    type Body: Send;

    /// Sends a request and waits for the head of the response.
    ///
    /// # Errors
    /// When no response came. The request may have arrived.
    fn send(&self, request: Request<B>) -> Boxed<'_, Result<Response<Self::Body>, SeamError>>;

    /// Reads a body up to `limit` bytes, and leaves what is beyond.
    ///
    /// # Errors
    /// When it broke off.
    fn read(&self, body: Self::Body, limit: usize) -> Boxed<'_, Result<Vec<u8>, SeamError>>;
}

/// The bounds of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How often the same bytes are presented again in one call when the answer is lost.
    pub again: u32,
    /// The pause before the first time; it doubles with each.
    pub pause: Duration,
    /// The longest pause, also when the seller asks for a longer one.
    pub longest_pause: Duration,
    /// How long a call has an attempt to itself, in seconds; afterwards another process may go on with it.
    pub lease: u64,
    /// How long a call waits for another one that works on the same purchase, in seconds.
    pub patience: u64,
    /// How much of the body of a 402 is read, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            again: 3,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            lease: 30,
            patience: 60,
            body: 256 * 1024,
        }
    }
}

/// A response, and what became of the payment for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<B> {
    /// The response, whatever its status.
    pub response: Response<B>,
    /// What became of the payment.
    pub payment: Payment,
    /// When the outcome could not be written down: the attempt is then open still, and the next call for the same request
    /// presents its bytes again.
    pub unrecorded: Option<SeamError>,
}

/// What became of the payment for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payment {
    /// None was asked for.
    None,
    /// Paid and delivered.
    Paid {
        /// The attempt, now closed.
        attempt: Attempt,
        /// The receipt, where there was one.
        receipt: Option<Receipt>,
    },
    /// The seller does not take it. It stays charged, and open: the seller holds the signature.
    Refused {
        /// The attempt.
        attempt: Attempt,
        /// Why, where the seller says it.
        reason: Option<Reason>,
    },
    /// Paid and not delivered. The attempt stays open: the next call for the same request presents the same bytes.
    Spent {
        /// The attempt.
        attempt: Attempt,
        /// The receipt.
        receipt: Receipt,
    },
    /// It may have been paid. The attempt stays open and charged.
    Unknown {
        /// The attempt.
        attempt: Attempt,
        /// What the seller says of it.
        pending: Option<Pending>,
    },
}

/// Pays for requests under a policy: over any transport, with any wallet, in any protocol.
///
/// One call makes at most one signature. Every call for the same request (method, URL, body, [`IdempotencyKey`]) first goes
/// on with an open attempt, if there is one.
///
/// [`IdempotencyKey`]: super::IdempotencyKey
pub struct Buyer {
    pub(crate) protocols: Vec<Arc<dyn ClientProtocol>>,
    pub(crate) policy: Policy,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) chain: Option<Arc<dyn ChainView>>,
    pub(crate) limits: Limits,
    pub(crate) holder: B256,
    pub(crate) claims: Claims,
}

impl Buyer {
    /// A buyer that speaks no protocol yet.
    pub fn new(
        policy: Policy,
        signer: Arc<dyn Signer>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            protocols: Vec::new(),
            policy,
            signer,
            ledger,
            clock,
            holder: entropy.bytes32(),
            entropy,
            chain: None,
            limits: Limits::default(),
            claims: Claims::default(),
        }
    }

    /// Speaks this protocol too. Of equal offers, that of the protocol added first is preferred.
    #[must_use]
    pub fn protocol(mut self, protocol: impl ClientProtocol + 'static) -> Self {
        self.protocols.push(Arc::new(protocol));
        self
    }

    /// Speaks these protocols too.
    #[must_use]
    pub fn protocols(
        mut self,
        protocols: impl IntoIterator<Item = Arc<dyn ClientProtocol>>,
    ) -> Self {
        self.protocols.extend(protocols);
        self
    }

    /// Asks this view of the chain what became of a signature. Without one, an attempt whose answer was lost stays open
    /// until the seller answers or somebody writes it off.
    #[must_use]
    pub fn chain_view(mut self, chain: Arc<dyn ChainView>) -> Self {
        self.chain = Some(chain);
        self
    }

    /// Sets other bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whose money it pays with.
    pub fn payer(&self) -> Party {
        self.signer.party()
    }

    /// Its bounds.
    pub fn bounds(&self) -> &Limits {
        &self.limits
    }

    pub(crate) async fn apply(&self, writes: &[Write]) -> Result<Applied, Error> {
        let now = self.clock.now();
        let applied = self.ledger.apply(now, writes).await;
        applied.map_err(Error::Ledger)
    }

    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Versioned>, Error> {
        let now = self.clock.now();
        self.ledger.get(now, key).await.map_err(Error::Ledger)
    }

    /// Until when a call that begins now has an attempt to itself.
    pub(crate) fn lease(&self) -> Timestamp {
        self.clock.now().plus(self.limits.lease)
    }

    /// Whether another process works on the attempt.
    pub(crate) fn is_leased(&self, found: &Versioned, body: &Body) -> bool {
        let live = found.record.lease.is_some_and(|end| end > self.clock.now());
        live && body.holder != self.holder
    }

    /// An open attempt for the target, or a new one, for this call alone. Waits while another call works on the only one.
    pub(crate) async fn claim(&self, target: &Target) -> Result<Found, Error> {
        let payer = self.payer();
        let key = attempt::key(&payer, target, self.entropy.bytes32());
        let until = self.clock.now().plus(self.limits.patience);
        let mut pause = Duration::from_millis(50);
        loop {
            let waiting_for = match self.look(target, &payer, &key).await? {
                Look::Found(found) => return Ok(found),
                Look::Busy(attempt) => attempt,
            };
            if self.clock.now() >= until {
                return Err(Error::Busy(waiting_for));
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn look(&self, target: &Target, payer: &Party, key: &Key) -> Result<Look, Error> {
        let records = if target.named {
            self.get(key)
                .await?
                .map(|found| (key.clone(), found))
                .into_iter()
                .collect()
        } else {
            let prefix = attempt::prefix_of(payer, target);
            let now = self.clock.now();
            let page = self.ledger.pending(now, &prefix, None, OPEN).await;
            page.map_err(Error::Ledger)?.records
        };
        let mut expect = Expect::Absent;
        let mut busy = None;
        for (open, found) in records {
            if found.record.phase == Phase::Unspent {
                expect = Expect::Version(found.version);
                continue;
            }
            let body = Body::decode(&found.record).map_err(|error| Error::Ledger(error.into()))?;
            if self.is_leased(&found, &body) {
                busy = Some(Box::new(body.summary(&open)));
                continue;
            }
            match self.claims.take(&open, Role::Resumes) {
                Ok(claim) => return Ok(Look::Found(Found::Open(claim, found))),
                // A call of this process that is alive and began its own attempt makes a purchase of its own.
                Err(Role::Began) if !target.named => {}
                Err(_) => busy = Some(Box::new(body.summary(&open))),
            }
        }
        if busy.is_some() {
            return Ok(Look::Busy(busy));
        }
        Ok(match self.claims.take(key, Role::Began) {
            Ok(claim) => Look::Found(Found::New(claim, expect)),
            Err(_) => Look::Busy(None),
        })
    }
}

/// What a call works on.
pub(crate) enum Found {
    New(Claim, Expect),
    Open(Claim, Versioned),
}

enum Look {
    Found(Found),
    Busy(Option<Box<Attempt>>),
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols: Vec<_> = self.protocols.iter().map(|known| known.id()).collect();
        f.debug_struct("Buyer")
            .field("payer", &self.payer())
            .field("protocols", &protocols)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
