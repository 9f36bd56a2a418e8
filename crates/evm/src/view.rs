use crate::{
    AskError, Limits,
    proof::{self, Trace},
    rpc::{Finality, Rpc},
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, U256};
use alloy_provider::DynProvider;
use http402_core::{
    Authorization, ChainId, Party,
    authorization::Eip3009,
    seam::{Boxed, ChainView, Clock, SeamError, Spent},
};
use std::{collections::HashMap, fmt, sync::Arc};

/// A buyer's view of EVM chains: whether an EIP-3009 authorization was executed, or can never be.
#[derive(Clone)]
pub struct View {
    chains: HashMap<ChainId, (u64, Rpc, Finality)>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl View {
    /// A view of no chain yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            chains: HashMap::new(),
            clock,
            limits: Limits::default(),
        }
    }

    /// The same, with these time-outs and search ranges; before the chains.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, with the chain `eip155:<number>`. `finality` tells which of its blocks do not change any more.
    #[must_use]
    pub fn chain(mut self, number: u64, provider: DynProvider, finality: Finality) -> Self {
        let rpc = Rpc::new(provider, Arc::clone(&self.clock), self.limits.answer);
        self.chains
            .insert(ChainId::eip155(number), (number, rpc, finality));
        self
    }

    async fn look(
        &self,
        chain: &ChainId,
        token: Address,
        signed: &Eip3009,
    ) -> Result<Spent, AskError> {
        let Some((number, rpc, finality)) = self.chains.get(chain) else {
            return Err(AskError::new("view", "no provider for this chain"));
        };
        // Every time: this is asked rarely, and a wrong chain would prove a wrong thing.
        if rpc.chain_id().await? != *number {
            return Err(AskError::new(
                "eth_chainId",
                "the provider is of another chain",
            ));
        }
        let (from, nonce) = (signed.from, signed.nonce);
        let latest = rpc
            .nonce_used(token, from, nonce, BlockId::latest())
            .await?;
        if latest == Some(true) {
            return Ok(
                match proof::trace(rpc, &self.limits, token, signed).await? {
                    Some(Trace::Used(hash)) => Spent::Yes {
                        transaction: Some(hash.to_string().into()),
                    },
                    // The payer himself cancelled it; that is final when the block is.
                    Some(Trace::Cancelled(_)) => {
                        self.cancelled(rpc, *finality, token, signed).await?
                    }
                    None => Spent::Yes { transaction: None },
                },
            );
        }
        let Some(last) = rpc.final_block(*finality).await? else {
            return Ok(Spent::Unknown);
        };
        if U256::from(last.timestamp) < signed.window.before {
            return Ok(Spent::Unknown);
        }
        let at = BlockId::number(last.number);
        Ok(match rpc.nonce_used(token, from, nonce, at).await? {
            Some(false) => Spent::Never,
            _ => Spent::Unknown,
        })
    }

    async fn cancelled(
        &self,
        rpc: &Rpc,
        finality: Finality,
        token: Address,
        signed: &Eip3009,
    ) -> Result<Spent, AskError> {
        let Some(last) = rpc.final_block(finality).await? else {
            return Ok(Spent::Unknown);
        };
        let at = BlockId::number(last.number);
        let used = rpc.nonce_used(token, signed.from, signed.nonce, at).await?;
        Ok(if used == Some(true) {
            Spent::Never
        } else {
            Spent::Unknown
        })
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
        asset: &'a Party,
        authorization: &'a Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>> {
        Box::pin(async move {
            match (authorization, asset.evm()) {
                (Authorization::Eip3009(signed), Some(token)) => {
                    Ok(self.look(chain, token, signed).await?)
                }
                _ => Ok(Spent::Unknown),
            }
        })
    }
}
