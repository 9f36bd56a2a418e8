mod guard;
mod look;
mod respond;
mod settle;

pub(crate) use settle::{Ask, Done, settle};

use guard::{Guard, Handed, give_back};
use look::Looked;
use respond::private;
use settle::record;

use crate::server::{
    answer::Problem,
    entry::{Entry, Kept, credential},
    events::Event,
    gate::{Check, Gate},
    state::{
        After, Found, Granted, Judged, Judging, Next, Owed, Presented, Reserved, Reserving, Served,
        Taking,
    },
    till::{Seams, Till},
};
use http::{
    HeaderMap, HeaderValue, Method, Response,
    header::{ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, VARY},
};
use http402_core::{
    Amount, Bytes, Claim, Flow, Paid, Pending, Reason, Requested, Requirement, Resource,
    Settlement, Timestamp, Verdict,
    ledger::{Applied, Key, Versioned, Write},
    protocol::{Asked, Protocol, Told},
    seam::{Boxed, Known, SeamError},
};
use std::{future::Future, sync::Arc, time::Duration};

/// How often an outcome is written before it is left to recovery.
const RECORDING_TRIES: u32 = 4;

/// A request that has arrived, as far as payment is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its head.
    pub headers: &'a HeaderMap,
    /// Method, target and body, as payments are bound to them.
    pub request: Requested<'a>,
    /// The body, where payments are bound to it.
    pub body: Option<&'a [u8]>,
    /// What is sold.
    pub resource: &'a Resource,
    /// What it costs, in the order of the seller's preference. Nothing at all is an error of the seller: 500, never free.
    pub requirements: &'a [Requirement],
}

/// A handler's response, with its body as bytes where that is known whole and no longer than [`Gate::kept_body`].
#[derive(Debug)]
pub struct Handled<B> {
    /// The response.
    pub response: Response<B>,
    /// Its body, to be kept for a client that lost the answer.
    pub body: Option<Bytes>,
}

/// What is sent to the client.
#[derive(Debug)]
pub enum Outcome<B> {
    /// The handler's response.
    Served(Response<B>),
    /// A refusal, a problem, or a stored response.
    Answered(Response<Bytes>),
}

/// The answer to a request without a credential, for which there is nothing to wait for; `None` for one that carries one, which
/// [`drive`] takes further.
pub fn refuse(till: &Arc<Till>, arrival: Arrival<'_>) -> Option<Response<Bytes>> {
    if till.gate.carries(arrival.headers) {
        return None;
    }
    let walk = Walk::new(till, arrival);
    let refused = till.gate.receive(&walk.asked(), arrival.headers);
    let mut response = *refused.err()?;
    walk.refusal_head(response.headers_mut());
    Some(response)
}

/// Takes a request through all of its steps. `handler` runs at most once, and only when it was granted.
///
/// When the returned future is dropped, what was reserved is released, and what is owed is settled and recorded.
///
/// # Errors
/// Those of the handler; what was reserved for it has been released.
pub async fn drive<B, E, H, F>(
    till: &Arc<Till>,
    arrival: Arrival<'_>,
    handler: H,
) -> Result<Outcome<B>, E>
where
    H: FnOnce(Paid) -> F,
    F: Future<Output = Result<Handled<B>, E>>,
{
    let walk = Walk::new(till, arrival);
    let outcome = match till.gate.receive(&walk.asked(), arrival.headers) {
        // Boxed: what the steps of a payment hold is not moved about for who does not pay.
        Ok(presented) => Box::pin(walk.run(presented, handler)).await?,
        Err(mut response) => {
            walk.refusal_head(response.headers_mut());
            return Ok(Outcome::Answered(*response));
        }
    };
    Ok(match outcome {
        Outcome::Served(mut response) => {
            walk.head(response.headers_mut());
            Outcome::Served(response)
        }
        Outcome::Answered(mut response) => {
            walk.head(response.headers_mut());
            Outcome::Answered(response)
        }
    })
}

struct Walk<'a> {
    till: &'a Arc<Till>,
    seams: &'a Seams,
    gate: &'a Gate,
    arrival: Arrival<'a>,
}

/// How far a request came without its handler.
enum Admitted {
    /// The handler may run.
    Granted(Guard),
    /// The answer.
    Answer(Response<Bytes>),
}

/// Why the first steps end here.
struct Halt(Response<Bytes>);

impl From<Response<Bytes>> for Halt {
    fn from(response: Response<Bytes>) -> Self {
        Self(response)
    }
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self(problem.response())
    }
}

impl<'a> Walk<'a> {
    fn new(till: &'a Arc<Till>, arrival: Arrival<'a>) -> Self {
        Self {
            till,
            seams: &till.seams,
            gate: &till.gate,
            arrival,
        }
    }

    fn now(&self) -> Timestamp {
        self.seams.clock.now()
    }

    fn asked(&self) -> Asked<'a> {
        let Arrival {
            requirements,
            resource,
            method,
            request,
            headers,
            body,
        } = self.arrival;
        let mut asked =
            Asked::new(requirements, resource, method, request, self.now()).headers(headers);
        asked.body = body;
        asked
    }

    async fn run<B, E, H, F>(&self, presented: Presented, handler: H) -> Result<Outcome<B>, E>
    where
        H: FnOnce(Paid) -> F,
        F: Future<Output = Result<Handled<B>, E>>,
    {
        let mut guard = match self.admit(presented).await {
            Ok(Admitted::Granted(guard)) => guard,
            Ok(Admitted::Answer(response)) | Err(Halt(response)) => {
                return Ok(Outcome::Answered(response));
            }
        };
        let Some(paid) = guard.granted.as_ref().and_then(Granted::paid) else {
            return Ok(Outcome::Answered(Problem::Ledger.response()));
        };
        let handled = handler(paid).await?;
        let Some(granted) = guard.granted.take() else {
            return Ok(Outcome::Answered(Problem::Ledger.response()));
        };
        self.finish(granted, handled).await
    }

    /// Everything between the claim and the handler.
    async fn admit(&self, presented: Presented) -> Result<Admitted, Halt> {
        let known = Known::at(self.now());
        let local = self.seams.judge.judge_among(presented.claim(), &known);
        let local = local.await;
        self.seams
            .events
            .event(presented.claim(), &Event::Judged(&local));
        if let Verdict::Invalid(Reason::Signature) = local {
            // Not the payer's: nothing about his payments is told.
            return Err(self.gate.refuse(&self.asked(), &Reason::Signature).into());
        }
        let id = self.id(presented.claim())?;
        let presented = match &local {
            Verdict::Valid { payer } => presented.named(payer, id.as_deref()),
            // Who has not been shown to be the payer is told nothing about what the payer has named.
            _ => presented,
        };
        let (mut free, mut tired) = match self.look(&presented).await? {
            Looked::Free(free) => (free, None),
            Looked::Exhausted(free, reason) => (free, Some(reason)),
            Looked::Admitted(admitted) => return Ok(admitted),
        };
        if let Some(reason) = &presented.claim().objection {
            return Err(self.gate.refuse(&self.asked(), reason).into());
        }
        let (mut judged, ask) = self.judged(presented, local).await?;
        if judged.name(id.as_deref()) {
            (free, tired) = match self.look(&judged.presented()).await? {
                Looked::Free(free) => (free, None),
                Looked::Exhausted(free, reason) => (free, Some(reason)),
                Looked::Admitted(admitted) => return Ok(admitted),
            };
        }
        if let (Some(reason), Ask::Settle) = (tired, ask) {
            return Err(self.gate.refuse(&self.asked(), &reason).into());
        }
        if let Err(crowded) = judged.enter(self.gate, self.now()) {
            let event = Event::Crowded(crowded);
            self.seams.events.event(judged.claim(), &event);
            return Err(Problem::Crowded(crowded).into());
        }
        let reserved = match self.reserve(judged, free).await? {
            Reserving::Reserved(reserved) => reserved,
            Reserving::Held(judged, _) => {
                // Another request was faster: its record says what to do.
                let presented = judged.presented();
                return match self.look(&presented).await? {
                    Looked::Admitted(admitted) => Ok(admitted),
                    _ => Err(self.conflict(&presented, Problem::InFlight).into()),
                };
            }
        };
        self.begin(reserved, ask).await
    }

    /// Whether the claim is good, by judge and facilitator, and how its settlement begins: one that the payer has signed and
    /// that is used, though this ledger has never seen it, was perhaps executed by an observer.
    async fn judged(&self, presented: Presented, local: Verdict) -> Result<(Judged, Ask), Halt> {
        let upfront = presented.claim().requirement.flow == Flow::Upfront;
        let amount = presented.claim().amount();
        let small = |most: Amount| amount <= most;
        let signed = matches!(local, Verdict::Valid { .. }).then(|| local.clone());
        let presented = match presented.judge(local, self.gate, self.now()) {
            Judging::Refused(_, reason) => {
                return Err(self.gate.refuse(&self.asked(), &reason).into());
            }
            Judging::Judged(judged) if upfront => return Ok((judged, Ask::Settle)),
            Judging::Judged(judged) => match self.gate.check {
                Check::LocalUpTo(most) if small(most) => return Ok((judged, Ask::Settle)),
                _ => judged.presented(),
            },
            Judging::Ask(presented) => presented,
        };
        let verdict = match self.seams.facilitator.verify(presented.claim()).await {
            Ok(verdict) => verdict,
            Err(error) => {
                return Err(self.facilitator_failed(presented.claim(), &error).into());
            }
        };
        self.seams
            .events
            .event(presented.claim(), &Event::Judged(&verdict));
        if verdict == Verdict::NeedsChain {
            return Err(Problem::Facilitator.into());
        }
        match presented.judge(verdict, self.gate, self.now()) {
            Judging::Judged(judged) => Ok((judged, Ask::Settle)),
            Judging::Ask(_) => Err(Problem::Facilitator.into()),
            Judging::Refused(presented, reason) => {
                // It may be refused because another request has just used it: then no offers are made.
                match self.look(&presented).await? {
                    Looked::Free(_) | Looked::Exhausted(..) => self
                        .taken(presented, signed, &reason)
                        .map(|judged| (judged, Ask::Resolve)),
                    Looked::Admitted(Admitted::Answer(response)) => Err(Halt(response)),
                    Looked::Admitted(Admitted::Granted(_)) => {
                        Err(self.conflict(&presented, Problem::InFlight).into())
                    }
                }
            }
        }
    }

    /// Used, and not by us: whether this seller was paid is asked before anything is refused, for a payer who is charged and
    /// gets offers signs again. Only with a signature that has been found right; that of a contract wallet has not.
    fn taken(
        &self,
        presented: Presented,
        signed: Option<Verdict>,
        reason: &Reason,
    ) -> Result<Judged, Halt> {
        if let (Reason::NonceUsed, Some(verdict)) = (reason, signed)
            && let Judging::Judged(judged) = presented.judge(verdict, self.gate, self.now())
        {
            return Ok(judged);
        }
        Err(self.gate.refuse(&self.asked(), reason).into())
    }

    /// Reserves in a step of its own: whoever vanishes meanwhile leaves nothing reserved.
    async fn reserve(
        &self,
        judged: Judged,
        free: Vec<Option<Versioned>>,
    ) -> Result<Reserving, Halt> {
        let writes = judged.reserve(self.gate, self.now(), &free);
        let till = self.till.clone();
        let reserving = self.step(Box::pin(async move {
            let seams = &till.seams;
            match seams.ledger.apply(seams.clock.now(), &writes).await {
                Ok(applied) => Ok(match judged.reserved(applied, &free) {
                    // When nobody waits any more, dropping it gives the reservation back.
                    Reserving::Reserved(reserved) => Ok(Handed {
                        till,
                        reserved: Some(reserved),
                    }),
                    Reserving::Held(judged, found) => Err((judged, found)),
                }),
                Err(error) => Err((judged, error)),
            }
        }));
        match reserving.await {
            Some(Ok(Ok(mut handed))) => match handed.reserved.take() {
                Some(reserved) => {
                    if let Some(claim) = reserved.claim() {
                        self.seams.events.event(claim, &Event::Reserved);
                    }
                    Ok(Reserving::Reserved(reserved))
                }
                None => Err(Problem::Ledger.into()),
            },
            Some(Ok(Err((judged, found)))) => Ok(Reserving::Held(judged, found)),
            Some(Err((judged, error))) => Err(self.ledger_failed(judged.claim(), &error).into()),
            None => Err(Problem::Ledger.into()),
        }
    }

    /// The first step after a reservation: the handler, or the settlement.
    async fn begin(&self, reserved: Reserved, ask: Ask) -> Result<Admitted, Halt> {
        let upfront = reserved
            .claim()
            .is_some_and(|claim| claim.requirement.flow == Flow::Upfront);
        let next = match ask {
            Ask::Resolve => reserved.doubt(self.gate, self.now()),
            Ask::Settle if upfront => reserved.owe(self.gate, self.now()),
            Ask::Settle => {
                return Ok(Admitted::Granted(self.guard(reserved.grant())));
            }
        };
        self.settle(next, ask).await
    }

    fn guard(&self, granted: Granted) -> Guard {
        Guard::new(self.till.clone(), granted)
    }

    /// Settles and records in a step of its own, and waits for it.
    async fn settle(&self, next: Next<Owed>, ask: Ask) -> Result<Admitted, Halt> {
        let till = self.till.clone();
        let done = self.step(Box::pin(async move {
            match settle(&till.seams, &till.gate, next, ask).await {
                // A grant that nobody waits for is given back when it is dropped.
                Done::Granted(granted) => Ok(Guard::new(till, granted)),
                other => Err(other),
            }
        }));
        match done.await {
            Some(Ok(guard)) => Ok(Admitted::Granted(guard)),
            Some(Err(done)) => Ok(Admitted::Answer(self.done(done))),
            None => Err(Problem::Unknown.into()),
        }
    }

    /// Everything after the handler.
    async fn finish<B, E>(&self, granted: Granted, handled: Handled<B>) -> Result<Outcome<B>, E> {
        let Handled { mut response, body } = handled;
        let claim = granted.claim().cloned();
        let receipt = granted.receipt().cloned();
        let kept = Kept {
            status: response.status(),
            headers: response.headers().clone(),
            body: body.filter(|body| body.len() <= self.gate.body_cap),
        };
        let succeeded = !(kept.status.is_client_error() || kept.status.is_server_error());
        match granted.served(kept, self.gate, self.now()) {
            Served::Release(writes) => {
                give_back(self.seams, claim, writes);
                Ok(Outcome::Served(response))
            }
            Served::Record(writes) => {
                let recorded = self.record(claim.clone(), writes).await;
                if let (Some(claim), Some(receipt)) = (claim, receipt) {
                    if !recorded && succeeded {
                        // Delivered once only when that is on record; the same credential brings the response again.
                        return Ok(Outcome::Answered(Problem::Unknown.response()));
                    }
                    self.report(&claim, &Settlement::Settled(receipt), &mut response);
                    if succeeded {
                        let event = Event::Delivered {
                            amount: claim.amount(),
                            again: false,
                        };
                        self.seams.events.event(&claim, &event);
                    }
                }
                private(response.headers_mut());
                Ok(Outcome::Served(response))
            }
            Served::Owe(next) => match self.settle_served(next).await {
                Done::Delivered(entry) => {
                    if let (Some(claim), Some(receipt)) = (claim, entry.receipt) {
                        self.report(&claim, &Settlement::Settled(receipt), &mut response);
                        let event = Event::Delivered {
                            amount: claim.amount(),
                            again: false,
                        };
                        self.seams.events.event(&claim, &event);
                    }
                    private(response.headers_mut());
                    Ok(Outcome::Served(response))
                }
                other => Ok(Outcome::Answered(self.done(other))),
            },
        }
    }

    async fn settle_served(&self, next: Next<Owed>) -> Done {
        let till = self.till.clone();
        let done = self.step(Box::pin(async move {
            settle(&till.seams, &till.gate, next, Ask::Settle).await
        }));
        done.await.unwrap_or(Done::Lost)
    }

    /// Records in a step of its own; `false` when that failed.
    async fn record(&self, claim: Option<Arc<Claim>>, writes: Vec<Write>) -> bool {
        let till = self.till.clone();
        let recorded = self.step(Box::pin(async move {
            let recorded = record(&till.seams, claim.as_deref(), &writes).await;
            matches!(recorded, Some(Applied::Done(_)))
        }));
        recorded.await.unwrap_or(false)
    }
}
