//! Looks after one transaction until its nonce is taken up, whoever still waits for it.

use crate::{
    AskError,
    examine::{Payment, payer},
    lane::{Attempt, Call, Hold, Lane, NotSent},
    proof::{self, Used},
    revert,
    rpc::Called,
};
use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use http402_core::{Amount, Pending, Reason, Receipt, Settlement};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How far a settlement has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The latest transaction; known before any node knows it.
    pub(crate) transaction: Option<B256>,
    /// The outcome, once there is one. It does not change any more.
    pub(crate) outcome: Option<Result<Settlement, AskError>>,
}

/// What the receipts show.
enum Look {
    /// The nonce is taken up, and the outcome told.
    Over,
    /// A transaction is in a block that is not confirmed yet.
    Included,
    /// None is in a block.
    Nothing,
}

pub(crate) struct Keeper<'a> {
    pub(crate) lane: Arc<Lane>,
    pub(crate) payment: Payment,
    pub(crate) call: Call,
    pub(crate) progress: &'a watch::Sender<Progress>,
    /// Hears of every transaction that is about to leave.
    pub(crate) leaving: &'a (dyn Fn() + Send + Sync),
}

impl Keeper<'_> {
    /// Sends the call and stays with it.
    pub(crate) async fn run(self) {
        let note = |hash: Option<B256>| {
            if hash.is_some() {
                (self.leaving)();
            }
            self.progress
                .send_modify(|progress| progress.transaction = hash);
        };
        let window = self.payment.signed.window;
        let (hold, first) = match self.lane.send(&self.call, &window, note).await {
            Ok(sent) => sent,
            Err(NotSent::Declined(reason)) => {
                return self.publish(Ok(Settlement::Declined(reason)));
            }
            Err(NotSent::Failed(error)) => return self.publish(Err(error)),
        };
        self.keep(&hold, vec![first]).await;
        // A lane that ends without an outcome leaves it to `resolve`.
        self.publish(Ok(self.unknown("the transaction did not come into a block")));
    }

    async fn keep(&self, hold: &Hold, mut attempts: Vec<Attempt>) {
        let limits = &self.lane.limits;
        let (mut waited, mut quiet) = (Duration::ZERO, Duration::ZERO);
        while waited < limits.abandon {
            // A question that failed is asked again in the next round.
            match self.look(&attempts).await {
                Ok(Look::Over) => return,
                Ok(Look::Included) => quiet = Duration::ZERO,
                Ok(Look::Nothing) | Err(_) => {}
            }
            if quiet >= limits.bump_after {
                quiet = Duration::ZERO;
                if let Ok(true) = self.nudge(hold, &mut attempts).await {
                    return;
                }
            }
            self.lane.clock.sleep(limits.poll).await;
            waited = waited.saturating_add(limits.poll);
            quiet = quiet.saturating_add(limits.poll);
        }
    }

    /// Looks for a receipt that counts.
    async fn look(&self, attempts: &[Attempt]) -> Result<Look, AskError> {
        for attempt in attempts.iter().rev() {
            let Some(receipt) = self.lane.rpc.receipt(attempt.hash).await? else {
                continue;
            };
            if !confirmed(&self.lane, receipt.block_number).await? {
                return Ok(Look::Included);
            }
            let outcome = judge(&self.lane, &self.payment, Some(&self.call), &receipt).await?;
            self.publish(Ok(outcome));
            return Ok(Look::Over);
        }
        Ok(Look::Nothing)
    }

    /// Does something about a transaction that does not come into a block; `true` when there is nothing more to do.
    async fn nudge(&self, hold: &Hold, attempts: &mut Vec<Attempt>) -> Result<bool, AskError> {
        let Payment { token, signed } = &self.payment;
        let (lane, rpc) = (&self.lane, &self.lane.rpc);
        let used = rpc
            .nonce_used(*token, signed.from, signed.nonce, BlockId::latest())
            .await?;
        let used = used == Some(true);
        if used && let Some(outcome) = spent(lane, &self.payment).await? {
            // Somebody else was faster. The nonce of the lane has still to be taken up.
            self.publish(Ok(outcome));
        }
        if self.taken_by_others(hold.nonce).await? {
            return Ok(true);
        }
        let count = rpc.count(lane.address, BlockId::pending()).await?;
        if count < hold.nonce {
            lane.repair(count, hold.nonce).await?;
        }
        let over = used || signed.window.end() <= lane.clock.now();
        self.send_again(hold, attempts, !over).await
    }

    /// Whether the nonce is taken up in a final block, by a transaction that is none of ours. An authorization that is
    /// unused there was not executed by it.
    async fn taken_by_others(&self, nonce: u64) -> Result<bool, AskError> {
        let (lane, Payment { token, signed }) = (&self.lane, &self.payment);
        let Some(last) = lane.rpc.final_block(lane.finality).await? else {
            return Ok(false);
        };
        let at = BlockId::number(last.number);
        if lane.rpc.count(lane.address, at).await? <= nonce {
            return Ok(false);
        }
        let (from, key) = (signed.from, signed.nonce);
        if lane.rpc.nonce_used(*token, from, key, at).await? == Some(false) {
            self.publish(Ok(Settlement::Declined(Reason::TransactionFailed)));
        }
        Ok(self.progress.borrow().outcome.is_some())
    }

    /// Hands the transaction over again, with higher fees as long as they are allowed. When there is nothing left to pay,
    /// one that does nothing takes its place.
    async fn send_again(
        &self,
        hold: &Hold,
        attempts: &mut Vec<Attempt>,
        pays: bool,
    ) -> Result<bool, AskError> {
        let Some(last) = attempts.last().cloned() else {
            return Ok(false);
        };
        let bumps = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        let change = last.pays && !pays;
        let raised = if change || bumps <= self.lane.limits.max_bumps {
            self.lane.raised(last.fees).await
        } else {
            None
        };
        let next = match raised {
            Some(fees) => {
                let call = pays.then_some(&self.call);
                self.lane.sign(hold.nonce, call, fees).await?
            }
            None => last,
        };
        if next.pays {
            let hash = Some(next.hash);
            self.progress
                .send_modify(|progress| progress.transaction = hash);
        }
        self.lane.remember(hold.nonce, &next.raw);
        let raw = next.raw.clone();
        if attempts.iter().all(|attempt| attempt.hash != next.hash) {
            attempts.push(next);
        }
        // Whatever the node answers, the receipts tell.
        self.lane.rpc.broadcast(&raw).await;
        Ok(false)
    }

    fn publish(&self, outcome: Result<Settlement, AskError>) {
        self.progress.send_if_modified(|progress| {
            let first = progress.outcome.is_none();
            if first {
                progress.outcome = Some(outcome);
            }
            first
        });
    }

    fn unknown(&self, why: &str) -> Settlement {
        unknown(&self.lane, self.progress.borrow().transaction, why)
    }
}

pub(crate) fn unknown(lane: &Lane, transaction: Option<B256>, why: &str) -> Settlement {
    let transaction = transaction.map(|hash| hash.to_string().into());
    Settlement::Unknown(Pending::new(transaction, lane.clock.now(), why))
}

pub(crate) fn settled(lane: &Lane, payment: &Payment, transaction: B256) -> Settlement {
    Settlement::Settled(Receipt::new(
        Some(payer(&payment.signed)),
        Amount::from_units(payment.signed.value),
        lane.chain.clone(),
        transaction.to_string(),
    ))
}

/// Whether enough blocks stand on this one.
pub(crate) async fn confirmed(lane: &Lane, block: Option<u64>) -> Result<bool, AskError> {
    let Some(block) = block else {
        return Ok(false);
    };
    let more = lane.limits.confirmations.saturating_sub(1);
    Ok(more == 0 || lane.rpc.head().await? >= block.saturating_add(more))
}

/// What a receipt means for the payment. `call` is what was sent, to ask why it failed.
pub(crate) async fn judge(
    lane: &Lane,
    payment: &Payment,
    call: Option<&Call>,
    receipt: &TransactionReceipt,
) -> Result<Settlement, AskError> {
    let Payment { token, signed } = payment;
    if proof::paid(receipt, *token, signed, Some(lane.address)) {
        return Ok(settled(lane, payment, receipt.transaction_hash));
    }
    let used = async |at| {
        let state = lane.rpc.nonce_used(*token, signed.from, signed.nonce, at);
        state.await.map(|used| used == Some(true))
    };
    // At the receipt's block, so that a node that lags behind it can not answer; and now, as somebody else may have used
    // the authorization since.
    let then = BlockId::number(receipt.block_number.unwrap_or_default());
    if used(then).await? || used(BlockId::latest()).await? {
        let transaction = receipt.transaction_hash;
        let missing = || {
            unknown(
                lane,
                Some(transaction),
                "the transaction does not hold the transfer",
            )
        };
        return Ok(spent(lane, payment).await?.unwrap_or_else(missing));
    }
    Ok(Settlement::Declined(if receipt.status() {
        // The transaction that does nothing succeeds, too.
        let ours = receipt.to == Some(lane.address);
        if ours {
            Reason::Expired
        } else {
            Reason::TransferMissing
        }
    } else {
        why(lane, call).await
    }))
}

/// The outcome of a payment whose nonce is used; `None` when the chain does not tell, or not with enough confirmations.
pub(crate) async fn spent(lane: &Lane, payment: &Payment) -> Result<Option<Settlement>, AskError> {
    let Payment { token, signed } = payment;
    let found = proof::search(&lane.rpc, &lane.limits, *token, signed, Some(lane.address)).await?;
    let (block, outcome) = match found {
        Used::Paid(receipt) => {
            let outcome = settled(lane, payment, receipt.transaction_hash);
            (receipt.block_number, outcome)
        }
        Used::Cancelled(block) => (Some(block), Settlement::Declined(Reason::NonceUsed)),
        Used::Unclear => return Ok(None),
    };
    Ok(confirmed(lane, block).await?.then_some(outcome))
}

/// Why a transaction failed, as far as a call now shows.
async fn why(lane: &Lane, call: Option<&Call>) -> Reason {
    let Some(call) = call else {
        return Reason::TransactionFailed;
    };
    let request = TransactionRequest::default()
        .from(lane.address)
        .to(call.to)
        .input(Bytes::clone(&call.input).into())
        .gas_limit(call.gas);
    match lane.rpc.call(request, BlockId::latest()).await {
        Ok(Called::Reverted(text)) => match revert::reason(&text) {
            Reason::SimulationFailed => Reason::TransactionFailed,
            reason => reason,
        },
        _ => Reason::TransactionFailed,
    }
}
