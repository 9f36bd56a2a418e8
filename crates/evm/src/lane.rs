//! One account that pays gas on one chain: its nonces, its fees, its transactions.

use crate::{
    AskError, Limits,
    rpc::{Broadcast, Finality, Rpc},
};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::{BlockId, eip1559::Eip1559Estimation};
use alloy_network::TxSigner;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use http402_core::{ChainId, Reason, Window, seam::Clock};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OnceCell;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
mod tests;

/// A signer of transactions: a key in memory, a KMS, a hardware wallet.
pub(crate) type GasSigner = Arc<dyn TxSigner<Signature> + Send + Sync>;

/// What a transaction calls.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
}

/// What a transaction pays for a unit of gas, in wei.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fees {
    pub(crate) max: u128,
    pub(crate) tip: u128,
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) hash: B256,
    pub(crate) raw: Bytes,
    pub(crate) fees: Fees,
    /// Whether it pays; else it only takes the nonce up.
    pub(crate) pays: bool,
}

/// Why nothing was sent.
#[derive(Debug)]
pub(crate) enum NotSent {
    Declined(Reason),
    Failed(AskError),
}

impl From<AskError> for NotSent {
    fn from(error: AskError) -> Self {
        Self::Failed(error)
    }
}

pub(crate) struct Lane {
    pub(crate) chain: ChainId,
    pub(crate) id: u64,
    pub(crate) rpc: Rpc,
    pub(crate) address: Address,
    pub(crate) limits: Limits,
    pub(crate) finality: Finality,
    pub(crate) clock: Arc<dyn Clock>,
    signer: GasSigner,
    /// The next nonce. Held while a transaction is signed and handed over: nonces reach the node in order, and one that
    /// was refused is free for the next.
    next: tokio::sync::Mutex<Option<u64>>,
    book: Mutex<Book>,
    checked: OnceCell<()>,
}

#[derive(Default)]
struct Book {
    /// Nonces that somebody looks after.
    open: BTreeSet<u64>,
    /// The latest transactions by nonce, to send them again when a reorganisation has dropped them.
    sent: BTreeMap<u64, Bytes>,
    /// Tokens that were seen to have code.
    tokens: HashSet<Address>,
}

/// How many sent transactions are remembered.
const REMEMBERED: usize = 256;
/// How many nonces are tried for one transaction when others use the account, too.
const TRIES: usize = 8;
/// How many tokens are remembered to have code.
const TOKENS: usize = 1024;

impl Lane {
    pub(crate) fn new(
        id: u64,
        rpc: Rpc,
        signer: GasSigner,
        limits: Limits,
        finality: Finality,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            chain: ChainId::eip155(id),
            id,
            rpc,
            address: signer.address(),
            limits,
            finality,
            clock,
            signer,
            next: tokio::sync::Mutex::new(None),
            book: Mutex::default(),
            checked: OnceCell::new(),
        }
    }

    /// Makes sure, once, that the provider leads to the chain that it was configured for.
    pub(crate) async fn check(&self) -> Result<(), AskError> {
        let check = async || {
            let found = self.rpc.chain_id().await?;
            if found == self.id {
                return Ok(());
            }
            let why = format!("the provider is of chain {found}, not of {}", self.id);
            Err(AskError::new("eth_chainId", why))
        };
        self.checked.get_or_try_init(check).await.copied()
    }

    /// Whether there is a contract at a token's address.
    pub(crate) async fn has_code(&self, token: Address) -> Result<bool, AskError> {
        if self.book().tokens.contains(&token) {
            return Ok(true);
        }
        let found = !self.rpc.code(token).await?.is_empty();
        let mut book = self.book();
        if found && book.tokens.len() < TOKENS {
            book.tokens.insert(token);
        }
        Ok(found)
    }

    /// Signs a call and hands it over. `note` hears of the hash before the node does, and of `None` when the node has
    /// refused the transaction for good.
    pub(crate) async fn send(
        self: &Arc<Self>,
        call: &Call,
        window: &Window,
        note: impl Fn(Option<B256>),
    ) -> Result<(Hold, Attempt), NotSent> {
        let fees = self.fees().await?;
        let mut next = self.next.lock().await;
        // The lane may have been busy for long.
        if !window.open(self.clock.now()) {
            return Err(NotSent::Declined(Reason::Expired));
        }
        let mut nonce = self.settle_nonce(*next).await?;
        let mut told = None;
        for _ in 0..TRIES {
            let hold = self.hold(nonce);
            let attempt = self.sign(nonce, Some(call), fees).await?;
            note(Some(attempt.hash));
            match self.rpc.broadcast(&attempt.raw).await {
                Broadcast::Taken | Broadcast::Lost => {
                    *next = Some(nonce + 1);
                    self.remember(nonce, &attempt.raw);
                    return Ok((hold, attempt));
                }
                Broadcast::NonceTooLow(error) => {
                    // A transport that tries again hears this of a transaction that is in a block already.
                    if !matches!(self.rpc.receipt(attempt.hash).await, Ok(None)) {
                        *next = Some(nonce + 1);
                        return Ok((hold, attempt));
                    }
                    let count = self.rpc.count(self.address, BlockId::pending()).await;
                    nonce = count.unwrap_or_default().max(nonce + 1);
                    told = Some(error);
                }
                Broadcast::Occupied(error) => {
                    nonce += 1;
                    told = Some(error);
                }
                Broadcast::Refused(error) => {
                    *next = Some(nonce);
                    note(None);
                    return Err(error.into());
                }
            }
            note(None);
        }
        *next = None;
        Err(told
            .unwrap_or_else(|| AskError::new("eth_sendRawTransaction", "no free nonce"))
            .into())
    }

    /// The nonce to use next. An account that nobody uses now is compared with the chain: somebody else may have used it,
    /// and a reorganisation may have dropped what was sent.
    async fn settle_nonce(&self, next: Option<u64>) -> Result<u64, AskError> {
        if let Some(next) = next
            && !self.book().open.is_empty()
        {
            return Ok(next);
        }
        let count = self.rpc.count(self.address, BlockId::pending()).await?;
        let next = next.unwrap_or(count).max(count);
        if count < next {
            self.repair(count, next).await?;
        }
        Ok(next)
    }

    /// Fills the nonces from `count` to `next` that nobody looks after: with the transaction that had it, or with one that
    /// does nothing. A node that merely lags behind refuses both.
    pub(crate) async fn repair(&self, count: u64, next: u64) -> Result<(), AskError> {
        for nonce in count..next {
            let (open, raw) = {
                let book = self.book();
                (book.open.contains(&nonce), book.sent.get(&nonce).cloned())
            };
            if open {
                continue;
            }
            let raw = match raw {
                Some(raw) => raw,
                None => {
                    let Ok(fees) = self.fees().await else {
                        return Ok(());
                    };
                    self.sign(nonce, None, fees).await?.raw
                }
            };
            self.rpc.broadcast(&raw).await;
        }
        Ok(())
    }

    /// Today's fees, if they are within the limit.
    pub(crate) async fn fees(&self) -> Result<Fees, NotSent> {
        let Eip1559Estimation {
            max_fee_per_gas,
            max_priority_fee_per_gas: tip,
            ..
        } = self.rpc.fees().await?;
        // The estimate is twice the base fee and the tip.
        let least = (max_fee_per_gas.saturating_sub(tip) / 2).saturating_add(tip);
        if least > self.limits.max_fee_per_gas {
            return Err(NotSent::Declined(Reason::LimitReached));
        }
        let max = max_fee_per_gas.min(self.limits.max_fee_per_gas);
        Ok(Fees {
            max,
            tip: tip.min(max),
        })
    }

    /// Fees that replace those of an attempt, if they stay within the limit.
    pub(crate) async fn raised(&self, fees: Fees) -> Option<Fees> {
        let raise = |fee: u128| {
            let more = fee.saturating_mul(self.limits.bump_percent.into()) / 100;
            fee.saturating_add(more).saturating_add(1)
        };
        let mut raised = Fees {
            max: raise(fees.max),
            tip: raise(fees.tip),
        };
        if let Ok(today) = self.fees().await {
            raised.max = raised.max.max(today.max);
            raised.tip = raised.tip.max(today.tip);
        }
        (raised.max <= self.limits.max_fee_per_gas && raised.tip <= raised.max).then_some(raised)
    }

    /// Signs a call, or with none a transaction that does nothing.
    pub(crate) async fn sign(
        &self,
        nonce: u64,
        call: Option<&Call>,
        fees: Fees,
    ) -> Result<Attempt, AskError> {
        let mut tx = TxEip1559 {
            chain_id: self.id,
            nonce,
            gas_limit: call.map_or(NOTHING_GAS, |call| call.gas),
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(call.map_or(self.address, |call| call.to)),
            value: U256::ZERO,
            access_list: Default::default(),
            input: call.map(|call| call.input.clone()).unwrap_or_default(),
        };
        let signature = tokio::select! {
            biased;
            signature = self.signer.sign_transaction(&mut tx) => signature,
            () = self.clock.sleep(self.limits.answer) => {
                return Err(AskError::new("sign", "time-out"));
            }
        };
        let signature = signature.map_err(|_| AskError::new("sign", "the gas signer refused"))?;
        let signed = tx.into_signed(signature);
        let mut raw = Vec::new();
        signed.eip2718_encode(&mut raw);
        Ok(Attempt {
            hash: *signed.hash(),
            raw: raw.into(),
            fees,
            pays: call.is_some(),
        })
    }

    pub(crate) fn remember(&self, nonce: u64, raw: &Bytes) {
        let mut book = self.book();
        book.sent.insert(nonce, raw.clone());
        while book.sent.len() > REMEMBERED {
            book.sent.pop_first();
        }
    }

    fn hold(self: &Arc<Self>, nonce: u64) -> Hold {
        self.book().open.insert(nonce);
        Hold {
            lane: Arc::clone(self),
            nonce,
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<NotSent> for AskError {
    fn from(why: NotSent) -> Self {
        match why {
            NotSent::Failed(error) => error,
            NotSent::Declined(reason) => Self::new("send", reason.to_string()),
        }
    }
}

/// A nonce that somebody looks after, until this is dropped.
pub(crate) struct Hold {
    lane: Arc<Lane>,
    pub(crate) nonce: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.lane.book().open.remove(&self.nonce);
    }
}

/// Enough for a transfer of nothing to an account that delegates.
const NOTHING_GAS: u64 = 60_000;
