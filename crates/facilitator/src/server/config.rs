use crate::server::{Inner, Server, settle::Desk};
use http402_core::{
    ChainId, Claim, Party, Reason,
    ledger::Ledger,
    seam::{Clock, Facilitator, Spawn},
};
use std::{collections::HashSet, fmt, sync::Arc};

/// What a facilitator settles. Empty lists allow nothing.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    networks: HashSet<ChainId>,
    assets: HashSet<(ChainId, Party)>,
    payees: HashSet<Party>,
    any_payee: bool,
}

impl Allowed {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Also this asset, and its network.
    #[must_use]
    pub fn asset(mut self, chain: ChainId, asset: Party) -> Self {
        self.networks.insert(chain.clone());
        self.assets.insert((chain, asset));
        self
    }

    /// Also payments to this payee.
    #[must_use]
    pub fn payee(mut self, payee: Party) -> Self {
        self.payees.insert(payee);
        self
    }

    /// Payments to anybody: who may call the service spends its gas for whomever he likes.
    #[must_use]
    pub fn any_payee(mut self) -> Self {
        self.any_payee = true;
        self
    }

    pub(super) fn network(&self, chain: &ChainId) -> bool {
        self.networks.contains(chain)
    }

    pub(super) fn allows(&self, claim: &Claim) -> Result<(), Reason> {
        let wanted = &claim.requirement;
        if !self.network(&wanted.chain) {
            return Err(Reason::UnsupportedNetwork);
        }
        let asset = (wanted.chain.clone(), wanted.asset.clone());
        if !self.assets.contains(&asset) {
            return Err(Reason::AssetMismatch);
        }
        if !self.any_payee && !self.payees.contains(&wanted.pay_to) {
            return Err(Reason::RecipientMismatch);
        }
        Ok(())
    }

    fn is_nothing(&self) -> bool {
        self.assets.is_empty() || (self.payees.is_empty() && !self.any_payee)
    }
}

/// Why a server can not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// It would refuse everything: no asset is allowed, or no payee.
    NothingAllowed,
    /// The token has fewer than 16 bytes, and could be guessed.
    WeakToken,
    /// A limit is zero.
    NoRoom,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingAllowed => "the allow-lists leave nothing to settle",
            Self::WeakToken => "the token is shorter than 16 bytes",
            Self::NoRoom => "a limit of zero leaves nothing to settle",
        })
    }
}

impl std::error::Error for ConfigError {}

/// Makes a [`Server`].
pub struct Builder {
    facilitator: Arc<dyn Facilitator>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    spawn: Arc<dyn Spawn>,
    allowed: Allowed,
    token: Option<Box<str>>,
    signers: Vec<String>,
    body_cap: usize,
    in_flight: usize,
    per_payer: usize,
}

impl Server {
    /// A server over who settles, with a ledger for outcomes, time, and what runs settlements to their end.
    pub fn builder(
        facilitator: Arc<dyn Facilitator>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        spawn: Arc<dyn Spawn>,
    ) -> Builder {
        Builder {
            facilitator,
            ledger,
            clock,
            spawn,
            allowed: Allowed::nothing(),
            token: None,
            signers: Vec::new(),
            body_cap: http402_x402::request::MAX_LEN,
            in_flight: 64,
            per_payer: 4,
        }
    }
}

impl Builder {
    /// What is settled. Default: nothing.
    #[must_use]
    pub fn allow(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// The bearer token that every call but `/health` needs. Default: none.
    #[must_use]
    pub fn token(mut self, token: impl Into<Box<str>>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The accounts that pay the gas, for `/supported`.
    #[must_use]
    pub fn signers(mut self, accounts: impl IntoIterator<Item = Party>) -> Self {
        self.signers = accounts.into_iter().map(|one| one.to_string()).collect();
        self
    }

    /// How long a body may be, in bytes. Default: 128 KiB.
    #[must_use]
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// How many settlements may be in flight, in all and for one payer. Default: 64 and 4.
    #[must_use]
    pub fn in_flight(mut self, all: usize, per_payer: usize) -> Self {
        self.in_flight = all;
        self.per_payer = per_payer;
        self
    }

    /// The server.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn build(self) -> Result<Server, ConfigError> {
        if self.allowed.is_nothing() {
            return Err(ConfigError::NothingAllowed);
        }
        if self.token.as_ref().is_some_and(|token| token.len() < 16) {
            return Err(ConfigError::WeakToken);
        }
        if self.in_flight == 0 || self.per_payer == 0 || self.body_cap == 0 {
            return Err(ConfigError::NoRoom);
        }
        let desk = Desk::new(
            self.facilitator,
            self.ledger,
            self.clock,
            self.spawn,
            (self.in_flight, self.per_payer),
        );
        Ok(Server(Arc::new(Inner {
            desk: Arc::new(desk),
            allowed: self.allowed,
            token: self.token,
            signers: self.signers,
            body_cap: self.body_cap,
        })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("allowed", &self.allowed)
            .field("signers", &self.signers)
            .finish_non_exhaustive()
    }
}
