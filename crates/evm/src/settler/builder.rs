use super::{Inner, Settler};
use crate::{
    Limits,
    development::{self, DevelopmentKey},
    lane::{GasSigner, Lane},
    memory::Memories,
    rpc::{Finality, Rpc},
};
use alloy_network::TxSigner;
use alloy_primitives::{Address, Signature};
use alloy_provider::DynProvider;
use http402_core::{
    ChainId, ProtocolId,
    asset::Assets,
    seam::{Clock, Judge, Kind},
};
use std::{
    collections::{HashMap, HashSet},
    error, fmt,
    sync::{Arc, Mutex},
};

/// Makes a [`Settler`].
pub struct Builder {
    judge: Arc<dyn Judge>,
    clock: Arc<dyn Clock>,
    chains: Vec<(u64, DynProvider, GasSigner)>,
    kinds: Vec<(ProtocolId, Box<str>)>,
    limits: Limits,
    finality: Finality,
    assets: Option<Assets>,
    factories: HashSet<Address>,
}

impl Builder {
    pub(super) fn new(judge: Arc<dyn Judge>, clock: Arc<dyn Clock>) -> Self {
        Self {
            judge,
            clock,
            chains: Vec::new(),
            kinds: Vec::new(),
            limits: Limits::default(),
            finality: Finality::Finalized,
            assets: Some(Assets::known()),
            factories: HashSet::new(),
        }
    }

    /// Settles on the chain `eip155:<number>`, through a provider, with an account that pays the gas. Nothing else may send
    /// transactions from that account in normal operation; if something does, settlements are slower, not wrong.
    #[must_use]
    pub fn chain(
        mut self,
        number: u64,
        provider: DynProvider,
        signer: impl TxSigner<Signature> + Send + Sync + 'static,
    ) -> Self {
        self.chains.push((number, provider, Arc::new(signer)));
        self
    }

    /// A kind of payment to report as supported, on every chain: a protocol and its scheme.
    #[must_use]
    pub fn kind(mut self, protocol: ProtocolId, scheme: &str) -> Self {
        self.kinds.push((protocol, scheme.into()));
        self
    }

    /// What a settlement may cost and how long it may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Which blocks are final. Default: those that the node calls `finalized`.
    #[must_use]
    pub fn finality(mut self, finality: Finality) -> Self {
        self.finality = finality;
        self
    }

    /// The tokens that are settled. Default: [`Assets::known`]. A token is trusted with its logs: one that writes a
    /// `Transfer` that did not happen is believed.
    #[must_use]
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = Some(assets);
        self
    }

    /// Settles every token, for a seller whose requirements are all his own. Never for a facilitator that serves others.
    #[must_use]
    pub fn any_asset(mut self) -> Self {
        self.assets = None;
        self
    }

    /// Lets this factory deploy a payer's wallet (ERC-6492) in the transaction that pays. Default: none. The call is the
    /// payer's choice; it is made by Multicall3, never by the account that pays the gas.
    #[must_use]
    pub fn allow_factory(mut self, factory: Address) -> Self {
        self.factories.insert(factory);
        self
    }

    /// Ends.
    ///
    /// # Errors
    /// When there is no chain or the same twice, a limit makes no sense, or a publicly known key is to pay on a chain with
    /// money.
    pub fn build(self) -> Result<Settler, BuildError> {
        if let Some(why) = self.limits.fault() {
            return Err(BuildError::Limits(why));
        }
        if self.chains.is_empty() {
            return Err(BuildError::NoChain);
        }
        let mut lanes = HashMap::new();
        for (number, provider, signer) in self.chains {
            let chain = ChainId::eip155(number);
            development::check_account(&chain, &signer.address())
                .map_err(BuildError::Development)?;
            let clock = Arc::clone(&self.clock);
            let rpc = Rpc::new(provider, Arc::clone(&clock), self.limits.answer);
            let limits = self.limits.clone();
            let lane = Lane::new(number, rpc, signer, limits, self.finality, clock);
            if lanes.insert(chain, Arc::new(lane)).is_some() {
                return Err(BuildError::ChainTwice(number));
            }
        }
        let mut kinds = Vec::new();
        for chain in lanes.keys() {
            for (protocol, scheme) in &self.kinds {
                kinds.push(Kind::new(*protocol, scheme, chain.clone()));
            }
        }
        kinds.sort_by_key(|kind: &Kind| kind.chain.evm());
        Ok(Settler {
            inner: Arc::new(Inner {
                lanes,
                judge: self.judge,
                clock: self.clock,
                kinds,
                assets: self.assets,
                factories: self.factories,
                running: Mutex::default(),
                memories: Memories::default(),
            }),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("finality", &self.finality)
            .finish_non_exhaustive()
    }
}

/// Why there is no settler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no chain to settle on.
    NoChain,
    /// This chain was given twice.
    ChainTwice(u64),
    /// The account that pays the gas has a publicly known key.
    Development(DevelopmentKey),
    /// A limit makes no sense.
    Limits(&'static str),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChain => f.write_str("there is no chain to settle on"),
            Self::ChainTwice(number) => write!(f, "chain {number} was given twice"),
            Self::Development(key) => fmt::Display::fmt(key, f),
            Self::Limits(why) => f.write_str(why),
        }
    }
}

impl error::Error for BuildError {}
