use super::{Inner, Lane, Settler};
use crate::{Limits, Node, Sponsor};
use http402_core::{
    ChainId, ProtocolId,
    seam::{Clock, Kind},
};
use http402_verify::engine::{Engine, K256};
use std::{collections::HashMap, error, fmt, sync::Arc};
use tokio::sync::OnceCell;

/// Makes a [`Settler`].
pub struct Builder {
    clock: Arc<dyn Clock>,
    engine: Arc<dyn Engine>,
    chains: Vec<(u64, Arc<dyn Node>, Option<Sponsor>)>,
    kinds: Vec<(ProtocolId, Box<str>)>,
    limits: Limits,
}

impl Builder {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            engine: Arc::new(K256),
            chains: Vec::new(),
            kinds: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Settles on the chain `eip155:<number>`, through a node. Fees are the buyers'.
    #[must_use]
    pub fn chain(mut self, number: u64, node: impl Node + 'static) -> Self {
        self.chains.push((number, Arc::new(node), None));
        self
    }

    /// The same, and pays the fees of buyers who ask for it.
    #[must_use]
    pub fn sponsored(mut self, number: u64, node: impl Node + 'static, sponsor: Sponsor) -> Self {
        self.chains.push((number, Arc::new(node), Some(sponsor)));
        self
    }

    /// Another engine for signatures. Default: [`K256`].
    #[must_use]
    pub fn engine(mut self, engine: impl Engine + 'static) -> Self {
        self.engine = Arc::new(engine);
        self
    }

    /// A kind of payment to report as supported, on every chain: a protocol and its method.
    #[must_use]
    pub fn kind(mut self, protocol: ProtocolId, method: &str) -> Self {
        self.kinds.push((protocol, method.into()));
        self
    }

    /// How long a settlement may take and how far it looks.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The settler. Nothing is asked of a node yet.
    ///
    /// # Errors
    /// When there is no chain, one is given twice, or [`Limits::poll`] is zero.
    pub fn build(self) -> Result<Settler, BuildError> {
        if self.chains.is_empty() {
            return Err(BuildError::NoChain);
        }
        if self.limits.poll.is_zero() {
            return Err(BuildError::Poll);
        }
        let mut lanes = HashMap::new();
        let mut kinds = Vec::new();
        for (number, node, sponsor) in self.chains {
            let chain = ChainId::eip155(number);
            let of = |(protocol, method): &(ProtocolId, Box<str>)| {
                Kind::new(*protocol, method, chain.clone())
            };
            kinds.extend(self.kinds.iter().map(of));
            let lane = Lane {
                number,
                node,
                sponsor,
                checked: OnceCell::new(),
            };
            if lanes.insert(chain, lane).is_some() {
                return Err(BuildError::Twice(number));
            }
        }
        Ok(Settler {
            inner: Arc::new(Inner {
                lanes,
                clock: self.clock,
                engine: self.engine,
                kinds,
                limits: self.limits,
            }),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chains: Vec<_> = self.chains.iter().map(|(number, ..)| number).collect();
        f.debug_struct("Builder")
            .field("chains", &chains)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why there is no settler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// No chain was given.
    NoChain,
    /// A chain was given twice.
    Twice(u64),
    /// Receipts would be asked for without a pause.
    Poll,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChain => f.write_str("no chain to settle on"),
            Self::Twice(number) => write!(f, "chain {number} is given twice"),
            Self::Poll => f.write_str("poll is zero"),
        }
    }
}

impl error::Error for BuildError {}
