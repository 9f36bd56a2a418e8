//! A chain as the rest of the crate asks it: every question has a time-out, and a revert is not an error.

use crate::{AskError, abi::Token};
use alloy_eips::{BlockId, BlockNumberOrTag, eip1559::Eip1559Estimation};
use alloy_primitives::{Address, B256, Bytes};
use alloy_provider::{DynProvider, Provider};
use alloy_rpc_types_eth::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;
use alloy_transport::{TransportError, TransportResult};
use http402_core::seam::Clock;
use std::{future::Future, sync::Arc, time::Duration};

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Called {
    Returned(Bytes),
    /// Refused by a contract; with the text of the refusal.
    Reverted(Box<str>),
}

/// A block, as far as it is needed to tell what is final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
}

/// Which blocks are taken to be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finality {
    /// Those that the node calls `finalized`.
    Finalized,
    /// Those with so many blocks after them, for chains whose nodes do not tell.
    Depth(u64),
}

#[derive(Clone)]
pub(crate) struct Rpc {
    provider: DynProvider,
    clock: Arc<dyn Clock>,
    limit: Duration,
}

impl Rpc {
    pub(crate) fn new(provider: DynProvider, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self {
            provider,
            clock,
            limit,
        }
    }

    async fn ask<T>(
        &self,
        asked: &'static str,
        question: impl Future<Output = TransportResult<T>>,
    ) -> Result<TransportResult<T>, AskError> {
        tokio::select! {
            biased;
            answer = question => Ok(answer),
            () = self.clock.sleep(self.limit) => Err(AskError::new(asked, "time-out")),
        }
    }

    async fn get<T>(
        &self,
        asked: &'static str,
        question: impl Future<Output = TransportResult<T>>,
    ) -> Result<T, AskError> {
        let answer = self.ask(asked, question).await?;
        answer.map_err(|error| AskError::rpc(asked, &error))
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, AskError> {
        self.get("eth_chainId", self.provider.get_chain_id().into_future())
            .await
    }

    pub(crate) async fn code(&self, address: Address) -> Result<Bytes, AskError> {
        let question = self.provider.get_code_at(address).into_future();
        self.get("eth_getCode", question).await
    }

    /// Calls a contract at a block, with so much gas at most.
    pub(crate) async fn call(
        &self,
        request: TransactionRequest,
        at: BlockId,
    ) -> Result<Called, AskError> {
        let question = self.provider.call(request).block(at).into_future();
        match self.ask("eth_call", question).await? {
            Ok(bytes) => Ok(Called::Returned(bytes)),
            Err(error) => refusal("eth_call", &error).map(Called::Reverted),
        }
    }

    /// The gas that a transaction needs, or why it would fail.
    pub(crate) async fn estimate(
        &self,
        request: TransactionRequest,
    ) -> Result<Result<u64, Box<str>>, AskError> {
        let question = self
            .provider
            .estimate_gas(request)
            .block(BlockId::latest())
            .into_future();
        match self.ask("eth_estimateGas", question).await? {
            Ok(gas) => Ok(Ok(gas)),
            Err(error) => refusal("eth_estimateGas", &error).map(Err),
        }
    }

    /// Whether the token takes the nonce for used or cancelled. `None`: it does not know EIP-3009.
    pub(crate) async fn nonce_used(
        &self,
        token: Address,
        authorizer: Address,
        nonce: B256,
        at: BlockId,
    ) -> Result<Option<bool>, AskError> {
        let call = Token::authorizationStateCall { authorizer, nonce };
        self.read(token, &call, at).await
    }

    /// Reads a view function; `None` when the contract refuses or answers with something else.
    pub(crate) async fn read<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: BlockId,
    ) -> Result<Option<C::Return>, AskError> {
        let request = TransactionRequest::default()
            .to(to)
            .input(Bytes::from(call.abi_encode()).into())
            .gas_limit(VIEW_GAS);
        Ok(match self.call(request, at).await? {
            Called::Returned(bytes) => C::abi_decode_returns(&bytes).ok(),
            Called::Reverted(_) => None,
        })
    }

    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, AskError> {
        let question = self.provider.get_transaction_receipt(hash).into_future();
        self.get("eth_getTransactionReceipt", question).await
    }

    pub(crate) async fn head(&self) -> Result<u64, AskError> {
        let question = self.provider.get_block_number().into_future();
        self.get("eth_blockNumber", question).await
    }

    /// The latest block that is taken to be final; `None` when there is none yet.
    pub(crate) async fn final_block(&self, finality: Finality) -> Result<Option<Block>, AskError> {
        let tag = match finality {
            Finality::Finalized => BlockNumberOrTag::Finalized,
            Finality::Depth(depth) => match self.head().await?.checked_sub(depth) {
                Some(number) => BlockNumberOrTag::Number(number),
                None => return Ok(None),
            },
        };
        let question = self.provider.get_block_by_number(tag).into_future();
        let block = self.get("eth_getBlockByNumber", question).await?;
        Ok(block.map(|block| Block {
            number: block.header.number,
            timestamp: block.header.timestamp,
        }))
    }

    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, AskError> {
        self.get("eth_getLogs", self.provider.get_logs(filter))
            .await
    }

    /// How many transactions an account has.
    pub(crate) async fn count(&self, account: Address, at: BlockId) -> Result<u64, AskError> {
        let question = self.provider.get_transaction_count(account).block_id(at);
        self.get("eth_getTransactionCount", question.into_future())
            .await
    }

    /// What a transaction should pay now. History knows what was enough, the node what it asks for today.
    pub(crate) async fn fees(&self) -> Result<Eip1559Estimation, AskError> {
        let asked = self.provider.get_max_priority_fee_per_gas().into_future();
        let (past, asked) = tokio::join!(
            self.get("eth_feeHistory", self.provider.estimate_eip1559_fees()),
            self.get("eth_maxPriorityFeePerGas", asked),
        );
        let mut fees = past?;
        // Not every node answers this one.
        let more = asked
            .unwrap_or_default()
            .saturating_sub(fees.max_priority_fee_per_gas);
        fees.max_priority_fee_per_gas = fees.max_priority_fee_per_gas.saturating_add(more);
        fees.max_fee_per_gas = fees.max_fee_per_gas.saturating_add(more);
        Ok(fees)
    }

    /// Hands a signed transaction over.
    pub(crate) async fn broadcast(&self, raw: &[u8]) -> Broadcast {
        let question = async { self.provider.send_raw_transaction(raw).await.map(drop) };
        match self.ask("eth_sendRawTransaction", question).await {
            Ok(Ok(())) => Broadcast::Taken,
            Ok(Err(error)) => {
                let text = error
                    .as_error_resp()
                    .map(|payload| payload.message.to_lowercase());
                let told = AskError::rpc("eth_sendRawTransaction", &error);
                Broadcast::of(text.as_deref(), told)
            }
            Err(_) => Broadcast::Lost,
        }
    }
}

/// What became of handing a transaction over.
#[derive(Debug)]
pub(crate) enum Broadcast {
    /// The node has it.
    Taken,
    /// Another transaction with this nonce is in a block already.
    NonceTooLow(AskError),
    /// Another transaction with this nonce waits, and pays as much or more.
    Occupied(AskError),
    /// The node has not taken it, and will not.
    Refused(AskError),
    /// It may have been taken.
    Lost,
}

impl Broadcast {
    /// Only what every kind of node says of a transaction that it certainly drops counts as refused: proxies give error
    /// answers for transactions that they passed on, too.
    fn of(text: Option<&str>, told: AskError) -> Self {
        let Some(text) = text else {
            return Self::Lost;
        };
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        if says(&[
            "already known",
            "already imported",
            "known transaction",
            "alreadyknown",
        ]) {
            Self::Taken
        } else if says(&[
            "nonce too low",
            "nonce is too low",
            "oldnonce",
            "invalid nonce",
        ]) {
            Self::NonceTooLow(told)
        } else if says(&["replacement", "could not replace", "fee too low to compete"]) {
            Self::Occupied(told)
        } else if says(&[
            "insufficient funds",
            "underpriced",
            "intrinsic gas too low",
            "exceeds block gas limit",
            "less than block base fee",
            "feecap",
            "fee cap",
            "invalid sender",
            "invalid chain id",
            "sender not an eoa",
        ]) {
            Self::Refused(told)
        } else {
            Self::Lost
        }
    }
}

/// Tells a contract's refusal, with its text, from a node's failure.
fn refusal(asked: &'static str, error: &TransportError) -> Result<Box<str>, AskError> {
    let Some(payload) = error.as_error_resp() else {
        return Err(AskError::rpc(asked, error));
    };
    let text = payload.message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let halted = [
        "out of gas",
        "gas required exceeds",
        "invalid opcode",
        "stack ",
        "outofgas",
    ];
    if payload.code == 3 || says(&["revert"]) || says(&halted) {
        let reason = payload.as_revert_data().and_then(|data| {
            let reason = alloy_sol_types::decode_revert_reason(&data)?;
            Some(reason.chars().take(160).collect::<String>().to_lowercase())
        });
        return Ok(reason.unwrap_or(text).into());
    }
    Err(AskError::rpc(asked, error))
}

/// More than any honest view function of a token needs.
const VIEW_GAS: u64 = 500_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What geth, Nethermind, Besu, Erigon and proxies in front of them say.
    #[test]
    fn only_a_certain_refusal_is_a_refusal() {
        let of = |text| Broadcast::of(text, AskError::new("", ""));
        for text in ["already known", "alreadyknown", "known transaction: 12"] {
            assert!(matches!(of(Some(text)), Broadcast::Taken), "{text}");
        }
        for text in ["nonce too low: next nonce 3, tx nonce 2", "oldnonce"] {
            assert!(
                matches!(of(Some(text)), Broadcast::NonceTooLow(_)),
                "{text}"
            );
        }
        let text = "replacement transaction underpriced";
        assert!(matches!(of(Some(text)), Broadcast::Occupied(_)));
        for text in [
            "insufficient funds for gas * price",
            "transaction underpriced",
        ] {
            assert!(matches!(of(Some(text)), Broadcast::Refused(_)), "{text}");
        }
        for text in ["internal error", "request timed out", "txpool is full"] {
            assert!(matches!(of(Some(text)), Broadcast::Lost), "{text}");
        }
        assert!(matches!(of(None), Broadcast::Lost));
    }
}
