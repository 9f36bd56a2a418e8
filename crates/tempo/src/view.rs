use crate::{
    AskError, Limits, Transaction,
    charge::memo_of,
    node::{MemoTopics, Node},
    search::{self, Outcome, Sought},
    transaction,
};
use http402_core::{
    Authorization, ChainId, Party,
    authorization::TempoTransaction,
    seam::{Boxed, ChainView, SeamError, Spent},
};
use std::{collections::HashMap, fmt, sync::Arc};

/// A buyer's view of Tempo chains: whether a transaction that he signed was carried out, or can never be.
#[derive(Clone, Default)]
pub struct View {
    chains: HashMap<ChainId, (u64, Arc<dyn Node>)>,
    limits: Limits,
}

impl View {
    /// A view of no chain yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with these search ranges.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, with the chain `eip155:<number>`.
    #[must_use]
    pub fn chain(mut self, number: u64, node: Arc<dyn Node>) -> Self {
        self.chains.insert(ChainId::eip155(number), (number, node));
        self
    }

    async fn look(&self, chain: &ChainId, signed: &TempoTransaction) -> Result<Spent, AskError> {
        let Some((number, node)) = self.chains.get(chain) else {
            return Err(AskError::new("view", "no node for this chain"));
        };
        // Every time: this is asked rarely, and a wrong chain would prove a wrong thing.
        if node.chain().await? != *number {
            return Err(AskError::new("eth_chainId", "the node is of another chain"));
        }
        let (Ok(read), Some(from)) = (Transaction::decode(signed.raw()), signed.payer()) else {
            return Ok(Spent::Unknown);
        };
        let Some((token, to, memo)) = memo_of(read.calls(), signed.challenge()) else {
            return Ok(Spent::Unknown);
        };
        let sought = Sought {
            token,
            topics: MemoTopics { from, to, memo },
            only: !signed.sponsored(),
            hash: (!signed.sponsored()).then(|| transaction::hash(signed.raw())),
            before: read.valid_before(),
            since: search::since(&read, &self.limits),
        };
        Ok(
            match search::search(&**node, &self.limits, &sought).await? {
                Outcome::Mined(mined) if mined.success => Spent::Yes {
                    transaction: Some(mined.hash.to_string().into()),
                },
                // It has taken its nonce up, and moved nothing.
                Outcome::Mined(_) | Outcome::Never => Spent::Never,
                Outcome::Open => Spent::Unknown,
            },
        )
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("chains", &self.chains.keys())
            .finish_non_exhaustive()
    }
}

impl ChainView for View {
    fn spent<'a>(
        &'a self,
        chain: &'a ChainId,
        _asset: &'a Party,
        authorization: &'a Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>> {
        Box::pin(async move {
            match authorization {
                Authorization::TempoTransaction(signed) if signed.is_signed() => {
                    Ok(self.look(chain, signed).await?)
                }
                _ => Ok(Spent::Unknown),
            }
        })
    }
}
