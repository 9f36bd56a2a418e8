//! A node behind JSON-RPC.

mod answer;

use crate::{
    AskError,
    abi::Token,
    node::{At, Block, Fees, MemoTopics, Mined, Node, Sent, Simulated},
    transaction::Call,
};
use alloy_primitives::{Address, B256, Bytes, U64, U128};
use alloy_provider::{DynProvider, Provider};
use alloy_sol_types::SolEvent;
use alloy_transport::{TransportError, TransportResult};
use answer::{Header, Logged, Receipt, Simulation};
use http402_core::seam::{Boxed, Clock};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};

/// A node that is asked through one of alloy's providers.
#[derive(Clone)]
pub struct Rpc {
    provider: DynProvider,
    clock: Arc<dyn Clock>,
    answer: Duration,
    finality: Finality,
}

/// Which blocks are taken to be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finality {
    /// Those that the node calls `finalized`.
    Finalized,
    /// Those that have so many blocks on top of them: for nodes of development, which are alone.
    Depth(u64),
}

impl Rpc {
    /// A node. An answer that takes more than 10 s is none.
    pub fn new(provider: DynProvider, clock: Arc<dyn Clock>) -> Self {
        Self {
            provider,
            clock,
            answer: Duration::from_secs(10),
            finality: Finality::Finalized,
        }
    }

    /// How long one answer may take.
    #[must_use]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.answer = limit;
        self
    }

    /// Which blocks are final. Default: those that the node calls so.
    #[must_use]
    pub fn finality(mut self, finality: Finality) -> Self {
        self.finality = finality;
        self
    }

    async fn ask<T: DeserializeOwned + fmt::Debug + Send + Sync + Unpin + 'static>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<TransportResult<T>, AskError> {
        let question = self.provider.raw_request(method.into(), params);
        tokio::select! {
            biased;
            answer = question => Ok(answer),
            () = self.clock.sleep(self.answer) => Err(AskError::new(method, "time-out")),
        }
    }

    async fn get<T: DeserializeOwned + fmt::Debug + Send + Sync + Unpin + 'static>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, AskError> {
        let answer = self.ask(method, params).await?;
        answer.map_err(|error| AskError::rpc(method, &error))
    }

    async fn header(&self, tag: Value) -> Result<Option<Header>, AskError> {
        self.get("eth_getBlockByNumber", json!([tag, false])).await
    }

    async fn head(&self) -> Result<Header, AskError> {
        let found = self.header("latest".into()).await?;
        found.ok_or_else(|| AskError::new("eth_getBlockByNumber", "no latest block"))
    }

    async fn find(&self, at: At) -> Result<Option<Block>, AskError> {
        let tag = match (at, self.finality) {
            (At::Latest, _) => json!("latest"),
            (At::Number(number), _) => json!(U64::from(number)),
            (At::Final, Finality::Finalized) => json!("finalized"),
            (At::Final, Finality::Depth(depth)) => {
                match self.head().await?.block().number.checked_sub(depth) {
                    Some(number) => json!(U64::from(number)),
                    None => return Ok(None),
                }
            }
        };
        Ok(self.header(tag).await?.map(|header| header.block()))
    }

    /// The standard method first; nodes that lack it have Tempo's own, which wraps the same answer.
    async fn simulation(&self, from: Address, calls: &[Call]) -> Result<Vec<Simulated>, AskError> {
        // Plain calls: what a node does with the fields of Tempo's own transactions differs from node to node.
        let calls: Vec<_> = calls
            .iter()
            .map(|call| json!({"from": from, "to": call.to, "value": call.value, "input": call.input}))
            .collect();
        let params =
            json!([{"blockStateCalls": [{"calls": calls}], "validation": false}, "latest"]);
        let standard = self
            .get::<Simulation>("eth_simulateV1", params.clone())
            .await;
        let answer = match standard {
            Err(error) if error.is_unknown_method() => {
                self.get::<Simulation>("tempo_simulateV1", params).await?
            }
            answer => answer?,
        };
        Ok(answer.into_calls())
    }

    async fn hand_over(&self, raw: &Bytes) -> Sent {
        const SYNC: &str = "eth_sendRawTransactionSync";
        match self.ask::<Receipt>(SYNC, json!([raw])).await {
            Ok(Ok(receipt)) => return receipt.mined().map_or_else(Sent::Lost, Sent::Mined),
            Ok(Err(error)) if AskError::rpc(SYNC, &error).is_unknown_method() => {}
            Ok(Err(error)) => return refusal(SYNC, &error),
            Err(error) => return Sent::Lost(error),
        }
        const PLAIN: &str = "eth_sendRawTransaction";
        match self.ask::<B256>(PLAIN, json!([raw])).await {
            Ok(Ok(_)) => Sent::Taken,
            Ok(Err(error)) => refusal(PLAIN, &error),
            Err(error) => Sent::Lost(error),
        }
    }
}

/// Only what a node says of a transaction that it certainly drops counts as refused: proxies give error answers for
/// transactions that they passed on, too.
fn refusal(asked: &'static str, error: &TransportError) -> Sent {
    let told = AskError::rpc(asked, error);
    let Some(payload) = error.as_error_resp() else {
        return Sent::Lost(told);
    };
    let text = payload.message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(&["already known", "already imported", "known transaction"]) {
        Sent::Taken
    } else if says(CERTAIN) {
        Sent::Refused(told)
    } else {
        Sent::Lost(told)
    }
}

const CERTAIN: &[&str] = &[
    "insufficient funds",
    "insufficient balance",
    "underpriced",
    "intrinsic gas too low",
    "exceeds block gas limit",
    "less than block base fee",
    "invalid sender",
    "invalid chain id",
    "invalid signature",
    "valid_before",
    "valid_after",
    "failed to decode",
];

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc")
            .field("finality", &self.finality)
            .finish_non_exhaustive()
    }
}

impl Node for Rpc {
    fn chain(&self) -> Boxed<'_, Result<u64, AskError>> {
        Box::pin(async { Ok(self.get::<U64>("eth_chainId", json!([])).await?.to()) })
    }

    fn fees(&self) -> Boxed<'_, Result<Fees, AskError>> {
        Box::pin(async {
            let base = self.head().await?.base_fee();
            let asked = self
                .get::<U128>("eth_maxPriorityFeePerGas", json!([]))
                .await;
            let priority = match asked {
                Ok(priority) => priority.to(),
                // Not every node answers this one.
                Err(error) if error.is_unknown_method() => 0,
                Err(error) => return Err(error),
            };
            Ok(Fees { base, priority })
        })
    }

    fn block(&self, at: At) -> Boxed<'_, Result<Option<Block>, AskError>> {
        Box::pin(self.find(at))
    }

    fn simulate<'a>(
        &'a self,
        from: Address,
        calls: &'a [Call],
    ) -> Boxed<'a, Result<Vec<Simulated>, AskError>> {
        Box::pin(self.simulation(from, calls))
    }

    fn read(&self, to: Address, input: Bytes) -> Boxed<'_, Result<Option<Bytes>, AskError>> {
        Box::pin(async move {
            const CALL: &str = "eth_call";
            let params = json!([{"to": to, "input": input}, "latest"]);
            match self.ask::<Bytes>(CALL, params).await? {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) => match error.as_error_resp() {
                    Some(payload) if payload.code == 3 || payload.message.contains("revert") => {
                        Ok(None)
                    }
                    _ => Err(AskError::rpc(CALL, &error)),
                },
            }
        })
    }

    fn send<'a>(&'a self, raw: &'a Bytes) -> Boxed<'a, Sent> {
        Box::pin(self.hand_over(raw))
    }

    fn receipt(&self, hash: B256) -> Boxed<'_, Result<Option<Mined>, AskError>> {
        Box::pin(async move {
            let found: Option<Receipt> =
                self.get("eth_getTransactionReceipt", json!([hash])).await?;
            let mined = found.map(Receipt::mined).transpose()?;
            // A provider that answers for another transaction is not believed.
            Ok(mined.filter(|mined| mined.hash == hash))
        })
    }

    fn with_memo<'a>(
        &'a self,
        token: Address,
        topics: MemoTopics,
        blocks: (u64, u64),
    ) -> Boxed<'a, Result<Vec<B256>, AskError>> {
        Box::pin(async move {
            let filter = json!([{
                "address": token,
                "fromBlock": U64::from(blocks.0),
                "toBlock": U64::from(blocks.1),
                "topics": [
                    Token::TransferWithMemo::SIGNATURE_HASH,
                    topics.from.into_word(),
                    topics.to.into_word(),
                    topics.memo,
                ],
            }]);
            let logs: Vec<Logged> = self.get("eth_getLogs", filter).await?;
            Ok(logs
                .into_iter()
                .filter_map(|log| log.transaction())
                .collect())
        })
    }
}
