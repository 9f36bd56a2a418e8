//! What became of a settlement whose outcome was lost.

use super::{Inner, Lane, pushed, settled};
use crate::{
    Charge,
    node::{At, MemoTopics, Mined},
    pull::Pull,
    search::{self, Outcome, Sought},
};
use alloy_primitives::B256;
use http402_core::{
    Authorization, Claim, Pending, Price, Reason, Settlement,
    authorization::{TempoHash, TempoTransaction},
    seam::SeamError,
};

impl Inner {
    pub(super) async fn resolve(
        &self,
        claim: &Claim,
        pending: &Pending,
    ) -> Result<Settlement, SeamError> {
        let lane = match self.lane(claim) {
            Ok(lane) => lane,
            Err(reason) => return Ok(Settlement::Declined(reason)),
        };
        lane.check().await?;
        match &claim.authorization {
            Authorization::TempoTransaction(signed) => {
                self.resolve_pull(lane, claim, signed, pending).await
            }
            Authorization::TempoHash(sent) => self.resolve_push(lane, claim, sent, pending).await,
            // It can be asked again, and moves nothing.
            Authorization::MppProof(proof) if claim.requirement.price == Price::Nothing => {
                Ok(match self.prove(lane, claim, proof).await? {
                    Ok(()) => settled(claim, proof.account, String::new()),
                    Err(reason) => Settlement::Declined(reason),
                })
            }
            _ => Ok(Settlement::Declined(Reason::UnsupportedScheme)),
        }
    }

    /// A no; but only where the chain shows that the transaction has not paid before.
    pub(super) async fn decline(
        &self,
        lane: &Lane,
        claim: &Claim,
        signed: &TempoTransaction,
        reason: Reason,
    ) -> Result<Settlement, SeamError> {
        let Ok(pull) = Pull::read(&claim.requirement, signed, &*self.engine) else {
            // It was never sent from here.
            return Ok(Settlement::Declined(reason));
        };
        let found = self.find(lane, &pull, pull.hash()).await?;
        Ok(match found {
            Outcome::Mined(mined) => judged(claim, &pull, &mined),
            Outcome::Never | Outcome::Open => Settlement::Declined(reason),
        })
    }

    async fn resolve_pull(
        &self,
        lane: &Lane,
        claim: &Claim,
        signed: &TempoTransaction,
        pending: &Pending,
    ) -> Result<Settlement, SeamError> {
        let pull = match Pull::read(&claim.requirement, signed, &*self.engine) {
            Ok(pull) => pull,
            Err(reason) => return Ok(Settlement::Declined(reason)),
        };
        let told = pending.transaction.as_deref();
        let told = told.and_then(|text| text.parse::<B256>().ok());
        let found = self.find(lane, &pull, pull.hash().or(told)).await?;
        Ok(match found {
            Outcome::Mined(mined) => judged(claim, &pull, &mined),
            Outcome::Never => Settlement::Declined(Reason::Expired),
            Outcome::Open => Settlement::Unknown(pending.clone()),
        })
    }

    async fn find(
        &self,
        lane: &Lane,
        pull: &Pull,
        hash: Option<B256>,
    ) -> Result<Outcome, SeamError> {
        let sought = Sought {
            token: pull.charge.token(),
            topics: MemoTopics {
                from: pull.sender,
                to: pull.charge.payee(),
                memo: pull.terms.memo,
            },
            hash,
            only: !pull.awaits_sponsor(),
            before: pull.transaction.valid_before(),
            since: search::since(&pull.transaction, &self.limits),
        };
        Ok(search::search(&*lane.node, &self.limits, &sought).await?)
    }

    async fn resolve_push(
        &self,
        lane: &Lane,
        claim: &Claim,
        sent: &TempoHash,
        pending: &Pending,
    ) -> Result<Settlement, SeamError> {
        let charge = match Charge::of(&claim.requirement, sent.challenge.clone()) {
            Ok(charge) => charge,
            Err(reason) => return Ok(Settlement::Declined(reason)),
        };
        let last = lane.node.block(At::Final).await?;
        if let Some(mined) = lane.node.receipt(sent.hash).await? {
            return Ok(pushed(claim, &charge, sent, &mined));
        }
        let end = pending.since.plus(self.limits.patience).secs();
        Ok(if last.is_some_and(|block| block.timestamp >= end) {
            Settlement::Declined(Reason::TransferMissing)
        } else {
            Settlement::Unknown(pending.clone())
        })
    }
}

fn judged(claim: &Claim, pull: &Pull, mined: &Mined) -> Settlement {
    match pull.judge(mined) {
        Ok(()) => settled(claim, pull.sender, mined.hash.to_string()),
        Err(reason) => Settlement::Declined(reason),
    }
}
