//! The facilitator that settles on chains of its own.

mod builder;
mod resolve;

pub use builder::{BuildError, Builder};

use crate::{
    AskError, development,
    examine::{Examined, Examiner, Payment, payer},
    keeper::{self, Keeper, Progress},
    lane::Lane,
    memory::Memories,
    signature,
};
use alloy_primitives::Address;
use http402_core::{
    Authorization, ChainId, Claim, Pending, Price, Reason, Settlement, SpendKey, Step, Verdict,
    asset::Assets,
    authorization::Eip3009,
    seam::{Boxed, Clock, Facilitator, Judge, Kind, Known, SeamError},
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Verifies and settles EIP-3009 payments on the EVM chains that it was given, and pays the gas.
///
/// It needs a tokio runtime: what `settle` begins goes on when nobody waits for it any more. Clones share everything.
#[derive(Clone)]
pub struct Settler {
    inner: Arc<Inner>,
}

struct Inner {
    lanes: HashMap<ChainId, Arc<Lane>>,
    judge: Arc<dyn Judge>,
    clock: Arc<dyn Clock>,
    kinds: Vec<Kind>,
    assets: Option<Assets>,
    factories: HashSet<Address>,
    running: Mutex<HashMap<SpendKey, Running>>,
    memories: Memories,
}

/// A settlement that goes on.
struct Running {
    signed: Eip3009,
    progress: watch::Receiver<Progress>,
}

impl Settler {
    /// Begins one: what `judge` accepts is settled, in time as `clock` tells it.
    pub fn builder(judge: Arc<dyn Judge>, clock: Arc<dyn Clock>) -> Builder {
        Builder::new(judge, clock)
    }

    /// The account that pays the gas on a chain.
    pub fn account(&self, chain: &ChainId) -> Option<Address> {
        self.inner.lanes.get(chain).map(|lane| lane.address)
    }

    /// How many settlements go on; a program that is to end waits until there are none.
    pub fn running(&self) -> usize {
        self.inner.running().len()
    }
}

impl fmt::Debug for Settler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settler")
            .field("chains", &self.inner.lanes.keys())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Everything that needs no chain.
    fn local(&self, claim: &Claim) -> Result<(Arc<Lane>, Payment), Reason> {
        let requirement = &claim.requirement;
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return Err(Reason::UnsupportedScheme);
        };
        let lane = self.lanes.get(&requirement.chain);
        let lane = lane.ok_or(Reason::UnsupportedNetwork)?;
        let token = requirement.asset.evm().ok_or(Reason::AssetMismatch)?;
        if !requirement.splits.is_empty() || !matches!(requirement.price, Price::Exactly(_)) {
            return Err(Reason::RequirementMalformed);
        }
        if let Some(assets) = &self.assets
            && assets
                .find(&requirement.chain, &requirement.asset)
                .is_none()
        {
            return Err(Reason::Other("asset_not_allowed".into()));
        }
        if development::check_account(&requirement.chain, &signed.to).is_err() {
            return Err(Reason::Other("development_key".into()));
        }
        if signed.signature.len() > signature::MAX_LEN {
            return Err(Reason::Signature);
        }
        if let Verdict::Invalid(reason) = self.judge.judge(claim, &Known::at(self.clock.now())) {
            return Err(reason);
        }
        let payment = Payment {
            token,
            signed: signed.clone(),
        };
        Ok((Arc::clone(lane), payment))
    }

    async fn examine(
        &self,
        lane: &Lane,
        claim: &Claim,
        payment: &Payment,
        estimate: bool,
    ) -> Result<Examined, AskError> {
        let examiner = Examiner {
            lane,
            judge: &*self.judge,
            factories: &self.factories,
            claim,
            payment,
        };
        let examined = examiner.examine(estimate).await?;
        if examined.is_ok() {
            let key = key(claim, &payment.signed);
            let end = payment.signed.window.end();
            self.memories.unused(&key, self.clock.now(), end);
        }
        Ok(examined)
    }

    async fn verify(&self, claim: &Claim) -> Result<Verdict, SeamError> {
        let (lane, payment) = match self.local(claim) {
            Ok(found) => found,
            Err(reason) => return Ok(Verdict::Invalid(reason)),
        };
        let examined = self.examine(&lane, claim, &payment, false).await?;
        Ok(match examined {
            Ok(_) => Verdict::Valid {
                payer: payer(&payment.signed),
            },
            Err(reason) => Verdict::Invalid(reason),
        })
    }

    /// Joins the settlement of the same authorization that goes on, or begins one.
    async fn settle(self: Arc<Self>, claim: &Claim, step: Step) -> Result<Settlement, SeamError> {
        let Step::Charge(amount) = step else {
            return Ok(Settlement::Declined(Reason::UnsupportedScheme));
        };
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return Ok(Settlement::Declined(Reason::UnsupportedScheme));
        };
        let Some(lane) = self.lanes.get(&claim.requirement.chain).cloned() else {
            return Ok(Settlement::Declined(Reason::UnsupportedNetwork));
        };
        if amount != claim.amount() || amount.units() != signed.value {
            return Ok(Settlement::Declined(Reason::AmountMismatch));
        }
        let mut limit = self.clock.sleep(lane.limits.settle);
        loop {
            let (same, mut progress) = self.join(claim, signed, lane.limits.running)?;
            if !same {
                // Its end decides what is left for this message.
                let over = async { while progress.changed().await.is_ok() {} };
                tokio::select! {
                    biased;
                    () = over => continue,
                    () = &mut limit => {
                        let why = "another message with the same nonce is being settled";
                        return Err(AskError::new("settle", why).into());
                    }
                }
            }
            let ended = tokio::select! {
                biased;
                ended = progress.wait_for(|progress| progress.outcome.is_some()) => {
                    ended.map(|progress| progress.outcome.clone()).ok().flatten()
                }
                () = &mut limit => None,
            };
            let transaction = progress.borrow().transaction;
            let why = "the transaction is not in a block yet";
            return match ended {
                Some(outcome) => Ok(outcome?),
                None => Ok(keeper::unknown(&lane, transaction, why)),
            };
        }
    }

    /// The progress of the settlement that has this nonce, begun if there is none, and whether it is of this message.
    fn join(
        self: &Arc<Self>,
        claim: &Claim,
        signed: &Eip3009,
        most: usize,
    ) -> Result<(bool, watch::Receiver<Progress>), AskError> {
        let key = key(claim, signed);
        let mut running = self.running();
        if let Some(other) = running.get(&key) {
            return Ok((other.signed == *signed, other.progress.clone()));
        }
        if running.len() >= most {
            return Err(AskError::new("settle", "too many settlements go on"));
        }
        let (sender, receiver) = watch::channel(Progress::default());
        let entry = Running {
            signed: signed.clone(),
            progress: receiver.clone(),
        };
        running.insert(key.clone(), entry);
        drop(running);
        let claim = claim.clone();
        let place = Place {
            inner: Arc::clone(self),
            key,
            sender,
        };
        tokio::spawn(async move {
            let place = place;
            place.inner.run(&claim, &place.key, &place.sender).await;
        });
        Ok((true, receiver))
    }

    /// A settlement from its beginning to its end.
    async fn run(&self, claim: &Claim, key: &SpendKey, sender: &watch::Sender<Progress>) {
        if let Some(outcome) = self.pursue(claim, key, sender).await {
            sender.send_modify(|progress| progress.outcome = Some(outcome));
        }
        if let Some(Ok(Settlement::Settled(_))) = sender.borrow().outcome {
            self.memories.settled(key);
        }
    }

    /// Settles, and gives the outcome if the keeper of a transaction has not told it.
    async fn pursue(
        &self,
        claim: &Claim,
        key: &SpendKey,
        sender: &watch::Sender<Progress>,
    ) -> Option<Result<Settlement, AskError>> {
        let before = self.memories.get(key);
        let sent_before = before.is_some_and(|memory| memory.sent && !memory.settled);
        let (lane, payment) = match self.local(claim) {
            Ok(found) => found,
            Err(reason) => return Some(self.decline(claim, reason, sent_before).await),
        };
        let call = match self.examine(&lane, claim, &payment, true).await {
            Ok(Ok(call)) => call,
            Ok(Err(reason)) => {
                // Seen unused here, never reported as settled, and used now: somebody else was faster, or we were.
                let memory = self.memories.get(key);
                let ours = memory.is_some_and(|memory| !memory.settled);
                let doubtful = sent_before || (ours && reason == Reason::NonceUsed);
                return Some(self.decline(claim, reason, doubtful).await);
            }
            Err(error) => return Some(Err(error)),
        };
        let end = payment.signed.window.end();
        let leaving = || self.memories.sent(key, end);
        let keeper = Keeper {
            lane,
            payment,
            call,
            progress: sender,
            leaving: &leaving,
        };
        keeper.run().await;
        None
    }

    /// A no; but where a transaction may have left or the nonce was used by others, only what the chain proves.
    async fn decline(
        &self,
        claim: &Claim,
        reason: Reason,
        doubtful: bool,
    ) -> Result<Settlement, AskError> {
        if !doubtful {
            return Ok(Settlement::Declined(reason));
        }
        let since = self.clock.now();
        let pending = Pending::new(None, since, reason.code());
        self.look_up(claim, &pending).await
    }
}

impl Facilitator for Settler {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(self.inner.kinds.clone()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(self.inner.verify(claim))
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(Arc::clone(&self.inner).settle(claim, step))
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(self.inner.resolve(claim, pending))
    }
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, HashMap<SpendKey, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the running settlements, until this is dropped.
struct Place {
    inner: Arc<Inner>,
    key: SpendKey,
    /// Closed after the place is free: who waits for that finds it so.
    sender: watch::Sender<Progress>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.running().remove(&self.key);
    }
}

/// From what is signed, not from the claim's list, which anybody can change.
fn key(claim: &Claim, signed: &Eip3009) -> SpendKey {
    signed.spend_key(&claim.requirement.chain, &claim.requirement.asset)
}
