//! The facilitator that settles charges on Tempo.

mod builder;
mod resolve;

pub use builder::{BuildError, Builder};

use crate::{
    AskError, Charge, Limits, Sponsor,
    node::{Mined, Node, Sent},
    proof::Proof,
    pull::{self, Pull},
};
use alloy_primitives::{Address, B256};
use http402_core::{
    Authorization, ChainId, Claim, Party, Pending, Price, Reason, Receipt, Settlement, Step,
    Verdict,
    authorization::{MppProof, TempoHash, TempoTransaction},
    development,
    seam::{Boxed, Clock, Facilitator, Kind, SeamError},
};
use http402_verify::engine::Engine;
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// Verifies and settles MPP charges on Tempo chains: transactions that it sends, whose fees it may pay; transactions that
/// the buyer has sent; and proofs, for charges of nothing.
///
/// It keeps nothing: the same claim may be settled again at any time, from anywhere, and pays once. Clones share everything.
#[derive(Clone)]
pub struct Settler {
    inner: Arc<Inner>,
}

struct Inner {
    lanes: HashMap<ChainId, Lane>,
    clock: Arc<dyn Clock>,
    engine: Arc<dyn Engine>,
    kinds: Vec<Kind>,
    limits: Limits,
}

/// A chain.
struct Lane {
    number: u64,
    node: Arc<dyn Node>,
    sponsor: Option<Sponsor>,
    checked: OnceCell<()>,
}

impl Lane {
    /// Makes sure, once, that the node is of the chain that it was configured for.
    async fn check(&self) -> Result<(), AskError> {
        let check = async || match self.node.chain().await? {
            found if found == self.number => Ok(()),
            found => {
                let why = format!("the node is of chain {found}, not of {}", self.number);
                Err(AskError::new("eth_chainId", why))
            }
        };
        self.checked.get_or_try_init(check).await.copied()
    }
}

impl Settler {
    /// Begins one; `clock` tells the time.
    pub fn builder(clock: Arc<dyn Clock>) -> Builder {
        Builder::new(clock)
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
    fn lane(&self, claim: &Claim) -> Result<&Lane, Reason> {
        let lane = self.lanes.get(&claim.requirement.chain);
        lane.ok_or(Reason::UnsupportedNetwork)
    }

    /// The lane for a claim that is to be paid: not to accounts whose keys everybody has.
    fn open(&self, claim: &Claim) -> Result<&Lane, Reason> {
        let requirement = &claim.requirement;
        let splits = requirement.splits.iter().map(|leg| &leg.to);
        for payee in splits.chain([&requirement.pay_to]) {
            let address = payee.evm().ok_or(Reason::RecipientMismatch)?;
            development::check_account(&requirement.chain, &address)
                .map_err(|_| Reason::Other("development_key".into()))?;
        }
        self.lane(claim)
    }

    /// A transaction, held against everything that needs no chain.
    fn pull(&self, lane: &Lane, claim: &Claim, signed: &TempoTransaction) -> Result<Pull, Reason> {
        let pull = Pull::read(&claim.requirement, signed, &*self.engine)?;
        let now = self.clock.now();
        pull.check_window(&self.limits, now)?;
        pull.check_sponsor(lane.sponsor.as_ref(), now)?;
        Ok(pull)
    }

    async fn verify(&self, claim: &Claim) -> Result<Verdict, SeamError> {
        let lane = match self.open(claim) {
            Ok(lane) => lane,
            Err(reason) => return Ok(Verdict::Invalid(reason)),
        };
        lane.check().await?;
        let judged = match &claim.authorization {
            Authorization::TempoTransaction(signed) => match self.pull(lane, claim, signed) {
                Ok(pull) => {
                    let simulated = pull.simulate(&*lane.node).await?;
                    simulated.map(|()| pull.sender)
                }
                Err(reason) => Err(reason),
            },
            Authorization::TempoHash(sent) => {
                match Charge::of(&claim.requirement, sent.challenge.clone()) {
                    Ok(charge) => match lane.node.receipt(sent.hash).await? {
                        Some(mined) => paid(&charge, sent, &mined),
                        None => return Ok(Verdict::NeedsChain),
                    },
                    Err(reason) => Err(reason),
                }
            }
            Authorization::MppProof(proof) => {
                let proven = self.prove(lane, claim, proof).await?;
                proven.map(|()| proof.account)
            }
            _ => Err(Reason::UnsupportedScheme),
        };
        Ok(match judged {
            Ok(payer) => Verdict::Valid {
                payer: Party::Evm(payer),
            },
            Err(reason) => Verdict::Invalid(reason),
        })
    }

    async fn settle(&self, claim: &Claim, step: Step) -> Result<Settlement, SeamError> {
        let lane = match self.open(claim) {
            Ok(lane) => lane,
            Err(reason) => return Ok(Settlement::Declined(reason)),
        };
        match step {
            Step::Charge(amount) if amount == claim.amount() => {}
            Step::Charge(_) => return Ok(Settlement::Declined(Reason::AmountMismatch)),
            _ => return Ok(Settlement::Declined(Reason::UnsupportedScheme)),
        }
        lane.check().await?;
        match &claim.authorization {
            Authorization::TempoTransaction(signed) => self.settle_pull(lane, claim, signed).await,
            Authorization::TempoHash(sent) => self.settle_push(lane, claim, sent).await,
            Authorization::MppProof(proof) => Ok(match self.prove(lane, claim, proof).await? {
                // Nothing moved, so there is no transaction.
                Ok(()) => settled(claim, proof.account, String::new()),
                Err(reason) => Settlement::Declined(reason),
            }),
            _ => Ok(Settlement::Declined(Reason::UnsupportedScheme)),
        }
    }

    async fn settle_pull(
        &self,
        lane: &Lane,
        claim: &Claim,
        signed: &TempoTransaction,
    ) -> Result<Settlement, SeamError> {
        let refused = match self.pull(lane, claim, signed) {
            Ok(pull) => match pull.simulate(&*lane.node).await? {
                Ok(()) => return self.send(lane, claim, &pull).await,
                Err(reason) => reason,
            },
            Err(reason) => reason,
        };
        // It may have been sent before, and fail now because it has paid.
        self.decline(lane, claim, signed, refused).await
    }

    async fn send(&self, lane: &Lane, claim: &Claim, pull: &Pull) -> Result<Settlement, SeamError> {
        let raw = pull.to_send(lane.sponsor.as_ref()).await?;
        let hash = crate::transaction::hash(&raw);
        let sent = lane.node.send(&raw).await;
        let judge = |mined: &Mined| match pull.judge(mined) {
            Ok(()) => settled(claim, pull.sender, hash.to_string()),
            Err(reason) => Settlement::Declined(reason),
        };
        match &sent {
            Sent::Mined(mined) if mined.hash == hash => return Ok(judge(mined)),
            Sent::Refused(_) => {
                // The same bytes may be in a block already.
                return Ok(match lane.node.receipt(hash).await {
                    Ok(Some(mined)) => judge(&mined),
                    Ok(None) => Settlement::Declined(
                        pull::refused(&sent).unwrap_or(Reason::TransactionFailed),
                    ),
                    Err(_) => self.unknown(hash, "the node refused, and gave no receipt"),
                });
            }
            _ => {}
        }
        let found = self.wait(&*lane.node, hash, self.limits.settle).await;
        Ok(match found {
            Some(mined) => judge(&mined),
            None => self.unknown(hash, "the transaction is not in a block yet"),
        })
    }

    async fn settle_push(
        &self,
        lane: &Lane,
        claim: &Claim,
        sent: &TempoHash,
    ) -> Result<Settlement, SeamError> {
        let charge = match Charge::of(&claim.requirement, sent.challenge.clone()) {
            Ok(charge) => charge,
            Err(reason) => return Ok(Settlement::Declined(reason)),
        };
        let found = self.wait(&*lane.node, sent.hash, self.limits.sent).await;
        Ok(match found {
            Some(mined) => pushed(claim, &charge, sent, &mined),
            None => self.unknown(sent.hash, "the buyer's transaction is not in a block yet"),
        })
    }

    async fn prove(
        &self,
        lane: &Lane,
        claim: &Claim,
        proof: &MppProof,
    ) -> Result<Result<(), Reason>, SeamError> {
        if claim.requirement.price != Price::Nothing {
            return Ok(Err(Reason::AmountMismatch));
        }
        let now = self.clock.now();
        match Proof::read(proof, lane.number) {
            Ok(proof) => Ok(proof.check(&*lane.node, &*self.engine, now).await?),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Asks for a receipt until there is one or the time is over. A question that failed is asked again.
    async fn wait(&self, node: &dyn Node, hash: B256, limit: Duration) -> Option<Mined> {
        let mut over = self.clock.sleep(limit);
        loop {
            if let Ok(Some(mined)) = node.receipt(hash).await {
                return Some(mined);
            }
            tokio::select! {
                biased;
                () = &mut over => return None,
                () = self.clock.sleep(self.limits.poll) => {}
            }
        }
    }

    fn unknown(&self, hash: B256, why: &str) -> Settlement {
        let transaction = Some(hash.to_string().into());
        Settlement::Unknown(Pending::new(transaction, self.clock.now(), why))
    }
}

/// Who paid with a transaction of his own.
fn paid(charge: &Charge, sent: &TempoHash, mined: &Mined) -> Result<Address, Reason> {
    if !mined.success {
        return Err(Reason::TransactionFailed);
    }
    // Somebody else's transaction is not his.
    if sent.payer.is_some_and(|payer| payer != mined.from) {
        return Err(Reason::Signature);
    }
    charge.match_logs(&mined.logs, mined.from)?;
    Ok(mined.from)
}

fn pushed(claim: &Claim, charge: &Charge, sent: &TempoHash, mined: &Mined) -> Settlement {
    match paid(charge, sent, mined) {
        Ok(payer) => settled(claim, payer, sent.hash.to_string()),
        Err(reason) => Settlement::Declined(reason),
    }
}

fn settled(claim: &Claim, payer: Address, transaction: String) -> Settlement {
    Settlement::Settled(Receipt::new(
        Some(Party::Evm(payer)),
        claim.amount(),
        claim.requirement.chain.clone(),
        transaction,
    ))
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
        Box::pin(self.inner.settle(claim, step))
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(self.inner.resolve(claim, pending))
    }
}
