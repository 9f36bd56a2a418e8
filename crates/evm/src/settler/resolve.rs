//! What became of a settlement whose outcome was lost.

use super::{Inner, key};
use crate::{
    AskError,
    examine::Payment,
    keeper::{self, confirmed},
    lane::Lane,
};
use alloy_eips::BlockId;
use alloy_primitives::{B256, U256};
use http402_core::{Authorization, Claim, Pending, Reason, Settlement, seam::SeamError};

impl Inner {
    pub(super) async fn resolve(
        &self,
        claim: &Claim,
        pending: &Pending,
    ) -> Result<Settlement, SeamError> {
        if let Authorization::Eip3009(signed) = &claim.authorization
            && let Some(running) = self.running().get(&key(claim, signed))
            && running.signed == *signed
        {
            // Who looks after it asks the chain all the time.
            let progress = running.progress.borrow();
            if let Some(outcome) = &progress.outcome {
                return Ok(outcome.clone()?);
            }
            let latest = progress.transaction.map(|hash| hash.to_string().into());
            return Ok(still(pending, latest));
        }
        Ok(self.look_up(claim, pending).await?)
    }

    /// Asks the chain for a proof that the payment happened, or that it can not happen any more.
    pub(super) async fn look_up(
        &self,
        claim: &Claim,
        pending: &Pending,
    ) -> Result<Settlement, AskError> {
        let requirement = &claim.requirement;
        let (Authorization::Eip3009(signed), Some(lane), Some(token)) = (
            &claim.authorization,
            self.lanes.get(&requirement.chain),
            requirement.asset.evm(),
        ) else {
            let why = "no account settles this kind of payment";
            return Err(AskError::new("resolve", why));
        };
        // The authorization has to be what the requirement asks for: money that went elsewhere settles nothing.
        if requirement.pay_to.evm() != Some(signed.to) || claim.amount().units() != signed.value {
            return Ok(Settlement::Declined(Reason::RecipientMismatch));
        }
        lane.check().await?;
        let payment = Payment {
            token,
            signed: signed.clone(),
        };
        let found = match by_receipt(lane, &payment, pending).await? {
            Some(found) => Some(found),
            None => by_state(lane, &payment).await?,
        };
        if let Some(Settlement::Settled(_)) = found {
            self.memories.settled(&key(claim, signed));
        }
        Ok(found.unwrap_or_else(|| still(pending, None)))
    }
}

/// What the receipt of the transaction that is known tells. A failure counts when its block is final.
async fn by_receipt(
    lane: &Lane,
    payment: &Payment,
    pending: &Pending,
) -> Result<Option<Settlement>, AskError> {
    let hash = pending.transaction.as_deref();
    let Some(hash) = hash.and_then(|text| text.parse::<B256>().ok()) else {
        return Ok(None);
    };
    let Some(receipt) = lane.rpc.receipt(hash).await? else {
        return Ok(None);
    };
    if !confirmed(lane, receipt.block_number).await? {
        return Ok(None);
    }
    match keeper::judge(lane, payment, None, &receipt).await? {
        Settlement::Declined(reason) => {
            let last = lane.rpc.final_block(lane.finality).await?;
            let last = last.map(|block| block.number);
            let ended = receipt.block_number <= last && receipt.from == lane.address;
            Ok(ended.then_some(Settlement::Declined(reason)))
        }
        Settlement::Unknown(_) => Ok(None),
        settled => Ok(Some(settled)),
    }
}

/// What the token's state tells: a used nonce is searched for, and an unused one is final after its window.
async fn by_state(lane: &Lane, payment: &Payment) -> Result<Option<Settlement>, AskError> {
    let Payment { token, signed } = payment;
    let used = async |at| {
        lane.rpc
            .nonce_used(*token, signed.from, signed.nonce, at)
            .await
    };
    if used(BlockId::latest()).await? == Some(true) {
        return keeper::spent(lane, payment).await;
    }
    let Some(last) = lane.rpc.final_block(lane.finality).await? else {
        return Ok(None);
    };
    if U256::from(last.timestamp) < signed.window.before {
        return Ok(None);
    }
    Ok(match used(BlockId::number(last.number)).await? {
        Some(false) => Some(Settlement::Declined(Reason::Expired)),
        _ => None,
    })
}

fn still(pending: &Pending, transaction: Option<Box<str>>) -> Settlement {
    let transaction = transaction.or_else(|| pending.transaction.clone());
    Settlement::Unknown(Pending::new(
        transaction,
        pending.since,
        pending.why.clone(),
    ))
}
