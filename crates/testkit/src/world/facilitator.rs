//! A facilitator: what an honest one does on the chain, and what a liar says instead.

use super::{
    Shared,
    chain::{BLOCK, Call, Hash, Place},
    executor::{Actor, lock},
    fault::Fault,
    oracle::{Id, has_moved},
    scenario::Manners,
    wallet::Eye,
};
use http402_core::{
    Authorization, Claim, Party, Pending, Reason, Receipt, Settlement, U256, Verdict,
    authorization::Eip3009,
};
use std::sync::Arc;

/// How long a seller waits for a facilitator, in milliseconds.
pub(crate) const PATIENCE: u64 = 75_000;
/// How long a facilitator waits for a transaction, in milliseconds.
const INCLUSION: u64 = 40_000;

/// A process that settles.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) world: Arc<Shared>,
    pub(crate) actor: Actor,
    pub(crate) manners: Manners,
}

pub(crate) fn signed_of(claim: &Claim) -> Option<&Eip3009> {
    match &claim.authorization {
        Authorization::Eip3009(signed) => Some(signed),
        _ => None,
    }
}

impl House {
    fn pending(&self, hash: Option<Hash>, why: &str) -> Settlement {
        let transaction = hash.map(|hash| format!("0x{hash:064x}").into());
        Settlement::Unknown(Pending::new(transaction, self.world.now(self.actor), why))
    }

    fn receipt(&self, claim: &Claim, hash: Hash) -> Settlement {
        Settlement::Settled(Receipt::new(
            claim.authorization.payer(),
            claim.amount(),
            claim.requirement.chain.clone(),
            format!("0x{hash:064x}"),
        ))
    }

    /// Whether it would settle now, as far as nothing has used it.
    fn examine(&self, claim: &Claim, signed: &Eip3009) -> Result<(), Reason> {
        if !Eye::new(&self.world).is_genuine(claim) {
            return Err(Reason::Signature);
        }
        let state = lock(&self.world.state);
        let chain = &state.chain;
        let next = U256::from(chain.time(chain.head() + 1));
        if signed.window.before <= next {
            return Err(Reason::Expired);
        }
        if chain.balance(signed.from) < signed.value {
            return Err(Reason::InsufficientFunds);
        }
        Ok(())
    }

    fn verify(&self, claim: &Claim) -> Verdict {
        let Some(signed) = signed_of(claim) else {
            return Verdict::Invalid(Reason::UnsupportedScheme);
        };
        self.world.advance();
        let used = lock(&self.world.state)
            .chain
            .used(signed.from, signed.nonce);
        match self.examine(claim, signed) {
            Err(Reason::Signature) => Verdict::Invalid(Reason::Signature),
            // Whoever has paid already has less than before.
            _ if used.is_some() => Verdict::Invalid(Reason::NonceUsed),
            Err(why) => Verdict::Invalid(why),
            Ok(()) => Verdict::Valid {
                payer: Party::Evm(signed.from),
            },
        }
    }

    /// What the chain shows: settled when it lies deep enough, declined when it can never be.
    fn look(&self, claim: &Claim, signed: &Eip3009) -> Option<Settlement> {
        self.world.advance();
        let state = lock(&self.world.state);
        let chain = &state.chain;
        if chain.never(signed) {
            return Some(Settlement::Declined(Reason::Expired));
        }
        let found = chain.used(signed.from, signed.nonce)?;
        let deep = chain.head() >= found.block + self.manners.confirmations;
        let paid = has_moved(signed, chain);
        drop(state);
        (deep && paid).then(|| self.receipt(claim, found.hash))
    }

    fn submit(&self, signed: &Eip3009) -> Hash {
        let chance = self.world.draw(4);
        let call = Call::Execute(Box::new(signed.clone()));
        let hash = lock(&self.world.state).chain.submit(call, chance);
        self.world.note(self.actor, || {
            format!("broadcasts {} in transaction {hash}", Id(signed.nonce))
        });
        if self.world.strikes(Fault::Evicted, self.actor).is_some() {
            lock(&self.world.state).chain.evict(hash);
        }
        hash
    }

    async fn settle(&self, claim: &Claim) -> Settlement {
        let Some(signed) = signed_of(claim) else {
            return Settlement::Declined(Reason::UnsupportedScheme);
        };
        self.world.advance();
        let used = lock(&self.world.state)
            .chain
            .used(signed.from, signed.nonce);
        match self.examine(claim, signed) {
            // What was used is searched for; its signature has to be right all the same.
            Err(why) if used.is_none() || why == Reason::Signature => {
                return Settlement::Declined(why);
            }
            _ => {}
        }
        let mut hash = match used {
            Some(_) => None,
            None => Some(self.submit(signed)),
        };
        let silent = self.world.strikes(Fault::Silence, self.actor).is_some();
        if silent {
            self.world.executor.millis(2 * PATIENCE).await;
        }
        let until = self.world.executor.now() + INCLUSION;
        while self.world.executor.now() < until {
            self.world.executor.millis(BLOCK).await;
            if let Some(known) = self.look(claim, signed) {
                return known;
            }
            if let Some(sent) = hash {
                match self.sent(signed, sent) {
                    Sent::Waits => {}
                    Sent::Failed => return Settlement::Declined(Reason::TransactionFailed),
                    Sent::Lost => hash = Some(self.submit(signed)),
                }
            }
        }
        self.pending(hash, "the transaction is slow")
    }

    /// What became of its own transaction, when nobody has used the authorization.
    fn sent(&self, signed: &Eip3009, hash: Hash) -> Sent {
        let state = lock(&self.world.state);
        let chain = &state.chain;
        let free = chain.used(signed.from, signed.nonce).is_none();
        match chain.place(hash) {
            Place::Gone if free => Sent::Lost,
            // It may have failed because somebody else was faster, or waits to be included again.
            Place::Block(block, false)
                if free
                    && block <= chain.last_final()
                    && !chain.waits(signed.from, signed.nonce) =>
            {
                Sent::Failed
            }
            _ => Sent::Waits,
        }
    }

    async fn resolve(&self, claim: &Claim, pending: &Pending) -> Settlement {
        let still = Settlement::Unknown(pending.clone());
        let Some(signed) = signed_of(claim) else {
            return still;
        };
        if let Some(known) = self.look(claim, signed) {
            return known;
        }
        if !self.manners.again {
            return still;
        }
        match self.settle(claim).await {
            Settlement::Settled(receipt) => Settlement::Settled(receipt),
            // Whatever it declines now may be because it has settled before.
            _ => self.look(claim, signed).unwrap_or(still),
        }
    }

    /// What it answers, lies included.
    pub(crate) async fn answer(&self, claim: &Claim, question: &Question) -> Answer {
        let lie = self.world.strikes(Fault::Lie, self.actor);
        let nonce = signed_of(claim).map(|signed| Id(signed.nonce));
        if let (Some(chance), Some(nonce)) = (lie, nonce) {
            let genuine = Eye::new(&self.world).is_genuine(claim);
            let mut truth = None;
            let yes = chance % 2 == 0;
            if !yes && chance % 4 == 1 {
                // Does it, and says that it did not.
                truth = Some(self.honest(claim, question).await);
            }
            let mut state = lock(&self.world.state);
            let matter = state.oracle.matter(nonce);
            let answer = match (question, yes) {
                (Question::Verify, true) => {
                    matter.lied_genuine |= !genuine;
                    Answer::Verdict(Verdict::Valid {
                        payer: claim.authorization.payer().unwrap_or(payer()),
                    })
                }
                (Question::Verify, false) => {
                    matter.lied_declined = true;
                    Answer::Verdict(Verdict::Invalid(Reason::InsufficientFunds))
                }
                (_, true) => {
                    matter.lied_settled = true;
                    drop(state);
                    Answer::Settlement(self.receipt(claim, 0))
                }
                (_, false) => {
                    matter.lied_declined = true;
                    Answer::Settlement(Settlement::Declined(Reason::InsufficientFunds))
                }
            };
            self.world.note(self.actor, || {
                format!("lies of {nonce}: {answer:?}, and the truth is {truth:?}")
            });
            return answer;
        }
        self.honest(claim, question).await
    }

    async fn honest(&self, claim: &Claim, question: &Question) -> Answer {
        match question {
            Question::Verify => Answer::Verdict(self.verify(claim)),
            Question::Settle => Answer::Settlement(self.settle(claim).await),
            Question::Resolve(pending) => Answer::Settlement(self.resolve(claim, pending).await),
        }
    }
}

enum Sent {
    Waits,
    Lost,
    Failed,
}

/// Whom a liar names when nobody is named.
fn payer() -> Party {
    Party::Other("somebody".into())
}

/// What a seller asks.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Verify,
    Settle,
    Resolve(Pending),
}

/// What it is told.
#[derive(Debug)]
pub(crate) enum Answer {
    Verdict(Verdict),
    Settlement(Settlement),
}
