//! A chain on which one transaction was carried out, as a receipt tells.

use super::answer::{Fault, fault, unverified};
use alloy_primitives::{Log, LogData};
use http402_core::{
    Address, B256, Bytes, Timestamp,
    json::Json,
    seam::{Boxed, Clock},
};
use http402_tempo::{
    AskError, Node,
    node::{At, Block, Fees, MemoTopics, Mined, Sent, Simulated},
    transaction::Call,
};
use std::{future::ready, time::Duration};

/// A receipt as JSON-RPC writes it. The suite's have hashes that are none, and leave out who sent the transaction.
pub(crate) struct Recorded {
    pub(crate) hash: String,
    pub(crate) success: bool,
    pub(crate) logs: Vec<Log>,
    from: Option<Address>,
}

impl Recorded {
    pub(crate) fn read(json: Json<'_>) -> Result<Self, Fault> {
        let bad = |what: &'static str| move || unverified(format!("receipt.{what}: not readable"));
        let logs = json.get("logs").and_then(Json::as_array);
        let logs = logs.ok_or_else(bad("logs"))?.map(log);
        let from = match json.get("from") {
            Some(from) => Some(parsed(from).ok_or_else(bad("from"))?),
            None => None,
        };
        Ok(Self {
            hash: json
                .need_text("transactionHash")
                .map_err(unverified)?
                .into(),
            success: json.need_text("status").map_err(unverified)? == "0x1",
            logs: logs.collect::<Option<_>>().ok_or_else(bad("logs"))?,
            from,
        })
    }

    /// Who may have sent it.
    pub(crate) fn senders(&self) -> Vec<Address> {
        if let Some(from) = self.from {
            return vec![from];
        }
        let mut all = Vec::new();
        for log in &self.logs {
            if let Some(word) = log.topics().get(1)
                && !all.contains(&Address::from_word(*word))
            {
                all.push(Address::from_word(*word));
            }
        }
        all
    }

    /// The chain that has it, sent by this account.
    pub(crate) fn chain(&self, number: u64, from: Address) -> Result<Chain, Fault> {
        let hash = self.hash.parse::<B256>();
        let hash = hash.map_err(|_| unverified("receipt.transactionHash: not 32 bytes"))?;
        Ok(Chain {
            number,
            mined: Mined {
                hash,
                from,
                block: 1,
                success: self.success,
                logs: self.logs.clone(),
            },
        })
    }
}

fn parsed<T: std::str::FromStr>(json: Json<'_>) -> Option<T> {
    json.as_text()?.parse().ok()
}

fn log(json: Json<'_>) -> Option<Log> {
    let topics = json.get("topics")?.as_array()?.map(parsed);
    let topics: Option<Vec<B256>> = topics.collect();
    let data = LogData::new(topics?, parsed(json.get("data")?)?)?;
    let address = parsed(json.get("address")?)?;
    Some(Log { address, data })
}

/// One transaction, and nothing else.
pub(crate) struct Chain {
    number: u64,
    mined: Mined,
}

impl Node for Chain {
    fn chain(&self) -> Boxed<'_, Result<u64, AskError>> {
        Box::pin(ready(Ok(self.number)))
    }

    fn fees(&self) -> Boxed<'_, Result<Fees, AskError>> {
        Box::pin(ready(Err(AskError::new("eth_gasPrice", "not recorded"))))
    }

    fn block(&self, _: At) -> Boxed<'_, Result<Option<Block>, AskError>> {
        Box::pin(ready(Ok(None)))
    }

    fn simulate<'a>(
        &'a self,
        _: Address,
        calls: &'a [Call],
    ) -> Boxed<'a, Result<Vec<Simulated>, AskError>> {
        let call = |at| Simulated {
            success: self.mined.success,
            gas: 0,
            logs: if at == 0 {
                self.mined.logs.clone()
            } else {
                Vec::new()
            },
            output: Bytes::new(),
        };
        Box::pin(ready(Ok((0..calls.len()).map(call).collect())))
    }

    fn read(&self, _: Address, _: Bytes) -> Boxed<'_, Result<Option<Bytes>, AskError>> {
        Box::pin(ready(Ok(None)))
    }

    fn send<'a>(&'a self, _: &'a Bytes) -> Boxed<'a, Sent> {
        Box::pin(ready(Sent::Mined(self.mined.clone())))
    }

    fn receipt(&self, hash: B256) -> Boxed<'_, Result<Option<Mined>, AskError>> {
        let found = (hash == self.mined.hash).then(|| self.mined.clone());
        Box::pin(ready(Ok(found)))
    }

    fn with_memo<'a>(
        &'a self,
        _: Address,
        _: MemoTopics,
        _: (u64, u64),
    ) -> Boxed<'a, Result<Vec<B256>, AskError>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

/// A time that stands. Who waits has waited.
pub(crate) struct Still(pub(crate) Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) -> Boxed<'static, ()> {
        Box::pin(ready(()))
    }
}

/// Runs to its end what waits for something.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| fault("unknown_error", error))?;
    Ok(runtime.block_on(future))
}
