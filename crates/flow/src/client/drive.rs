//! The one function that walks a purchase through its states, over the seams.

use super::{
    Buyer, Error, Payment, Refusal, Reply, Target, Transport,
    buyer::Found,
    choice::{Chosen, Occasion, Refused},
    claims::Claim,
    state::{After, Approved, Resumed, Retry, Sent, resume},
};
use http::{Request, Response, StatusCode};
use http402_core::{
    ledger::{Applied, Expect, Phase, Versioned},
    seam::{SeamError, Spent},
};
use std::time::Duration;

/// How many open attempts one call may find to be over before it gives up.
const ROUNDS: usize = 16;
/// How often the budgets are charged anew because another payment came between.
const CHARGES: u32 = 2_000;

/// What an attempt came to: a reply, or nothing that holds, so that the call begins again.
type Step<T> = Result<Option<T>, Error>;

/// A request on its way, with what carries it.
struct Errand<'a, T, B> {
    transport: &'a T,
    request: &'a Request<B>,
}

impl Buyer {
    /// Sends a request; when payment is asked for, pays it if the policy allows, and sends the request again with the
    /// payment. Redirects are handed over, not followed.
    ///
    /// The future may be dropped at any point: the next call for the same request goes on where it stood.
    ///
    /// # Errors
    /// See [`Error`]. Every response to signed bytes is a [`Reply`], whatever its status.
    pub async fn pay<T, B>(
        &self,
        transport: &T,
        request: Request<B>,
    ) -> Result<Reply<T::Body>, Error>
    where
        T: Transport<B>,
        B: AsRef<[u8]> + Clone + Send + Sync,
    {
        let carried = |headers| self.protocols.iter().any(|known| known.carried(headers));
        if carried(request.headers()) {
            return Err(Error::Carried);
        }
        let target = Target::of(&request).map_err(Error::Url)?;
        let errand = Errand {
            transport,
            request: &request,
        };
        for _ in 0..ROUNDS {
            let step = match self.claim(&target).await? {
                Found::Open(claim, found) => self.go_on(&errand, &claim, &found).await?,
                Found::New(claim, expect) => self.begin(&errand, &target, &claim, expect).await?,
            };
            if let Some(reply) = step {
                return Ok(reply);
            }
        }
        Err(Error::Busy(None))
    }

    /// A purchase from its beginning.
    async fn begin<T, B>(
        &self,
        errand: &Errand<'_, T, B>,
        target: &Target,
        claim: &Claim,
        expect: Expect,
    ) -> Step<Reply<T::Body>>
    where
        T: Transport<B>,
        B: Clone + Send + Sync,
    {
        let mut request = errand.request.clone();
        if self.policy.announces(&target.origin) {
            for (name, value) in self.protocols.iter().flat_map(|known| known.hints()) {
                // What the caller has written himself stays.
                request.headers_mut().entry(name).or_insert(value);
            }
        }
        let response = errand.transport.send(request).await;
        let response = response.map_err(Error::Transport)?;
        if response.status() != StatusCode::PAYMENT_REQUIRED {
            return Ok(Some(Reply {
                response,
                payment: Payment::None,
                unrecorded: None,
            }));
        }
        let (head, body) = response.into_parts();
        let body = errand.transport.read(body, self.limits.body).await;
        let body = body.map_err(Error::Transport)?;
        let refused = Refused::read(
            target.clone(),
            &self.protocols,
            head.status,
            &head.headers,
            &body,
            self.clock.now(),
        );
        let denied = |denied| {
            Error::Denied(Box::new(Refusal {
                status: head.status,
                headers: head.headers.clone(),
                body: body.clone(),
                denied,
            }))
        };
        let mut chosen = refused.choose(&self.policy).map_err(denied)?;
        let approved = loop {
            if chosen.takes_field_of(errand.request.headers()) {
                chosen = chosen.instead(super::Denial::FieldTaken).map_err(denied)?;
                continue;
            }
            match self.approve(&chosen, claim, expect).await? {
                Ok(approved) => break approved,
                Err(why) => chosen = chosen.instead(why).map_err(denied)?,
            }
        };
        match approved {
            Some(approved) => self.carry_out(errand, approved).await,
            None => Ok(None),
        }
    }

    /// Charges the budgets and records the attempt. `None` when somebody else has recorded it.
    async fn approve(
        &self,
        chosen: &Chosen,
        claim: &Claim,
        expect: Expect,
    ) -> Result<Result<Option<Approved>, super::Denial>, Error> {
        let payer = self.payer();
        let entropy = self.entropy.bytes32();
        let keys = chosen.keys(&self.policy);
        for round in 0..CHARGES {
            let mut found = Vec::with_capacity(keys.len());
            for key in &keys {
                found.push(self.get(key).await?);
            }
            let occasion = Occasion {
                payer: &payer,
                holder: self.holder,
                now: self.clock.now(),
                lease: self.limits.lease,
                entropy,
            };
            let plan = chosen.plan(&self.policy, &occasion, (claim.key(), expect), &found);
            let plan = match plan.map_err(|error| Error::Ledger(error.into()))? {
                Ok(plan) => plan,
                Err(why) => return Ok(Err(why)),
            };
            match self.apply(plan.writes()).await? {
                Applied::Done(versions) => return Ok(Ok(Some(plan.recorded(&versions)))),
                Applied::Conflict { index: 0, .. } => return Ok(Ok(None)),
                Applied::Conflict { .. } => self.make_way(round).await,
            }
        }
        Err(Error::Ledger("the budget's record changes too fast".into()))
    }

    /// A pause after another payment has come between, longer the more often it happens.
    pub(crate) async fn make_way(&self, round: u32) {
        if round >= 4 {
            let millis = u64::from(round.min(32));
            self.clock.sleep(Duration::from_millis(millis)).await;
        }
    }

    /// Has the wallet sign, writes the signed bytes down, and presents them.
    async fn carry_out<T, B>(
        &self,
        errand: &Errand<'_, T, B>,
        approved: Approved,
    ) -> Step<Reply<T::Body>>
    where
        T: Transport<B>,
        B: Clone + Send + Sync,
    {
        let signature = match self.signer.sign(approved.to_sign()).await {
            Ok(signature) => signature,
            Err(error) => {
                // What can not be taken back now is taken back when the attempt is looked at again.
                let _ = self.take_back(approved.held).await;
                return Err(Error::Signer(error));
            }
        };
        let signed = match approved.signed(&signature) {
            Ok(signed) => signed,
            Err((approved, error)) => {
                let _ = self.take_back(approved.held).await;
                return Err(Error::Answer(error));
            }
        };
        if !signed.is_open(self.clock.now()) {
            let _ = self.take_back(signed.held).await;
            return Err(Error::Late);
        }
        let sent = match self.apply(&[signed.write(self.lease())]).await? {
            Applied::Done(versions) => signed.recorded(versions.first().copied().unwrap_or(0)),
            Applied::Conflict { .. } => return Ok(None),
        };
        self.present(errand, sent, false).await.map(Some)
    }

    /// Goes on with an attempt that an earlier call has left open.
    async fn go_on<T, B>(
        &self,
        errand: &Errand<'_, T, B>,
        claim: &Claim,
        found: &Versioned,
    ) -> Step<Reply<T::Body>>
    where
        T: Transport<B>,
        B: Clone + Send + Sync,
    {
        let now = self.clock.now();
        let resumed = resume(&self.protocols, &self.policy, claim.key(), found, now);
        let mut resumed = resumed.map_err(|error| Error::Ledger(error.into()))?;
        let held = match &mut resumed {
            Resumed::Approved(approved) => &mut approved.held,
            Resumed::Stale(held) | Resumed::Foreign(held) => held,
            Resumed::Sent(sent) => &mut sent.held,
        };
        if held.phase().unfinished() {
            let write = held.hold(Some((self.holder, self.lease())));
            match self.apply(&[write]).await? {
                Applied::Done(versions) => held.wrote(versions.first().copied().unwrap_or(0)),
                Applied::Conflict { .. } => return Ok(None),
            }
        }
        match resumed {
            Resumed::Approved(approved) => self.carry_out(errand, *approved).await,
            Resumed::Stale(held) => self.take_back(*held).await.map(|()| None),
            Resumed::Foreign(held) => Err(Error::Unproven(Box::new(held.attempt()))),
            Resumed::Sent(mut sent) => {
                let over = !sent.is_open(self.clock.now());
                if over && sent.held.phase() == Phase::Sent && sent.held.body().spent.is_none() {
                    match self.spent(&sent).await {
                        Spent::Never => return self.take_back(sent.held).await.map(|()| None),
                        Spent::Yes { transaction } => sent.held.body_mut().spent_in(transaction),
                        _ => {}
                    }
                }
                self.present(errand, *sent, true).await.map(Some)
            }
        }
    }

    /// What the chain shows; unknown without a view of it.
    async fn spent(&self, sent: &Sent) -> Spent {
        let Some(view) = &self.chain else {
            return Spent::Unknown;
        };
        let body = sent.held.body();
        let (chain, asset) = (&body.requirement.chain, &body.requirement.asset);
        // "Could not ask" proves nothing.
        let spent = view.spent(chain, asset, &body.authorization).await;
        spent.unwrap_or(Spent::Unknown)
    }

    /// Presents the same bytes until there is an answer, a bounded number of times.
    async fn present<T, B>(
        &self,
        errand: &Errand<'_, T, B>,
        mut sent: Sent,
        mut resumed: bool,
    ) -> Result<Reply<T::Body>, Error>
    where
        T: Transport<B>,
        B: Clone + Send + Sync,
    {
        for round in 0..=self.limits.again {
            let mut request = errand.request.clone();
            let presented = sent.present(request.headers_mut());
            presented.map_err(Error::Ledger)?;
            let again = round < self.limits.again;
            let reply = errand.transport.send(request).await;
            let now = self.clock.now();
            let retry = match reply {
                Ok(response) => {
                    let after = sent.answered(response.status(), response.headers(), now);
                    match after {
                        After::Spent {
                            sent: open,
                            retry: Some(retry),
                            ..
                        }
                        | After::Unknown {
                            sent: open,
                            retry: Some(retry),
                            ..
                        } if again => {
                            sent = open;
                            retry
                        }
                        after => return self.finish(response, after, resumed).await,
                    }
                }
                Err(_) if again => Retry::Soon,
                Err(source) => return Err(self.lost(sent, source).await),
            };
            resumed = true;
            self.clock.sleep(self.pause(round, retry)).await;
        }
        Err(Error::Busy(None))
    }

    fn pause(&self, round: u32, retry: Retry) -> Duration {
        let limits = &self.limits;
        let own = limits.pause.saturating_mul(1 << round.min(16));
        let pause = match retry {
            Retry::Soon => own,
            Retry::After(asked) => asked.max(own),
        };
        pause.min(limits.longest_pause)
    }

    async fn lost(&self, mut sent: Sent, source: SeamError) -> Error {
        if let Spent::Yes { transaction } = self.spent(&sent).await {
            sent.held.body_mut().spent_in(transaction);
        }
        // The record is open with or without this write.
        let _ = self.apply(&[sent.held.hold(None)]).await;
        let attempt = Box::new(sent.attempt());
        Error::Lost { attempt, source }
    }

    /// Writes the outcome down and hands the response over.
    async fn finish<R>(
        &self,
        response: Response<R>,
        after: After,
        resumed: bool,
    ) -> Result<Reply<R>, Error> {
        let (mut sent, reason, pending) = match after {
            After::Paid { done, receipt } => {
                let unrecorded = self.apply(&[done.write()]).await.err().map(SeamError::from);
                let attempt = done.attempt();
                return Ok(Reply {
                    response,
                    payment: Payment::Paid { attempt, receipt },
                    unrecorded,
                });
            }
            After::Spent { sent, .. } => (sent, None, None),
            After::Refused { sent, reason } => (sent, reason, None),
            After::Unknown { sent, pending, .. } => (sent, None, pending),
        };
        let refused = !resumed && response.status() == StatusCode::PAYMENT_REQUIRED;
        let over = !sent.is_open(self.clock.now());
        if sent.held.body().spent.is_none() && !refused {
            if let Spent::Yes { transaction } = self.spent(&sent).await {
                sent.held.body_mut().spent_in(transaction);
            }
        }
        let open = sent.held.phase() == Phase::Sent;
        let unrecorded = if open {
            let kept = self.apply(&[sent.held.hold(None)]).await;
            kept.err().map(SeamError::from)
        } else {
            None
        };
        let attempt = sent.attempt();
        let payment = match &sent.held.body().spent {
            Some(receipt) => Payment::Spent {
                attempt,
                receipt: receipt.clone(),
            },
            None if refused => Payment::Refused { attempt, reason },
            None if over && open && denies(response.status()) => {
                return Err(Error::Unproven(Box::new(attempt)));
            }
            None => Payment::Unknown { attempt, pending },
        };
        Ok(Reply {
            response,
            payment,
            unrecorded,
        })
    }
}

/// Whether the response says no more than that this credential does not open anything.
fn denies(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN | StatusCode::CONFLICT
    )
}
