use crate::{Amount, ChainId, Party, Timestamp};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// One way in which a seller wants to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// How much.
    pub price: Price,
    /// On which chain.
    pub chain: ChainId,
    /// In which token of that chain.
    pub asset: Party,
    /// To whom.
    pub pay_to: Party,
    /// Parts of the price that go to others.
    pub splits: Vec<Leg>,
    /// The EIP-712 name and version of the token, where its authorizations need one.
    pub domain: Option<TokenDomain>,
    /// How the token is moved.
    pub transfer: TransferMethod,
    /// When the money moves, seen from the delivery.
    pub flow: Flow,
    /// How long the buyer's authorization should hold, in seconds.
    pub timeout: u64,
}

impl Requirement {
    /// The exact price `amount` of `asset` on `chain`, paid to `pay_to` by a token with EIP-3009, served first, within
    /// 300 seconds. The fields are public: change what differs.
    pub fn exactly(
        amount: Amount,
        chain: ChainId,
        asset: Party,
        pay_to: Party,
        domain: Option<TokenDomain>,
    ) -> Self {
        Self {
            price: Price::Exactly(amount),
            chain,
            asset,
            pay_to,
            splits: Vec::new(),
            domain,
            transfer: TransferMethod::Eip3009,
            flow: Flow::Authorization,
            timeout: 300,
        }
    }

    /// The same requirement, settled before the handler runs.
    #[must_use]
    pub fn upfront(mut self) -> Self {
        self.flow = Flow::Upfront;
        self
    }

    /// The same requirement, with another timeout, in seconds.
    #[must_use]
    pub fn timeout(mut self, secs: u64) -> Self {
        self.timeout = secs;
        self
    }
}

/// How much is to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Price {
    /// This amount.
    Exactly(Amount),
    /// What is used, up to this amount.
    UpTo(Amount),
    /// An amount for each step of a session.
    Metered {
        /// The price of one step.
        step: Amount,
    },
    /// An amount for each period.
    Recurring {
        /// The price of one period.
        amount: Amount,
        /// The length of a period, in seconds.
        period: u64,
        /// The end of the last period.
        until: Timestamp,
    },
    /// Nothing: who asks proves only who he is.
    Nothing,
}

impl Price {
    /// The most that one authorization for this price may move.
    pub fn ceiling(&self) -> Amount {
        match self {
            Self::Exactly(amount) | Self::UpTo(amount) | Self::Recurring { amount, .. } => *amount,
            Self::Metered { step } => *step,
            Self::Nothing => Amount::ZERO,
        }
    }
}

/// A part of a payment that goes to somebody else than the payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// To whom.
    pub to: Party,
    /// How much.
    pub amount: Amount,
}

/// When the money moves, seen from the delivery (x402 calls it the payment flow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flow {
    /// Served first: verify, handler, settle. The default of x402.
    Authorization,
    /// Settled first: settle, handler.
    Upfront,
    /// Deposited first, captured afterwards.
    Escrow,
    /// Vouchers over a channel.
    Session,
}

/// How a token is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransferMethod {
    /// EIP-3009 `transferWithAuthorization`.
    Eip3009,
    /// Permit2 `permitWitnessTransferFrom`.
    Permit2,
    /// A transaction or proof in a form of its own.
    Native,
}

/// A movement of money that a facilitator is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Move this amount, once.
    Charge(Amount),
    /// Open a channel or an escrow.
    Open,
    /// Take this amount out of what is held.
    Capture(Amount),
    /// Add to what is held.
    TopUp,
    /// Give back what is held.
    Void,
    /// Give back this amount of what was taken.
    Refund(Amount),
    /// Close a channel.
    Close,
}

/// The `name` and `version` of a token's EIP-712 domain; its chain and contract are those of the requirement. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenDomain {
    /// EIP-712 `name`.
    pub name: Arc<str>,
    /// EIP-712 `version`.
    pub version: Arc<str>,
}

impl TokenDomain {
    /// A domain with this name and version.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
        }
    }
}

/// What is sold, as the seller describes it. Nothing in it is a term of payment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Resource {
    /// Its absolute URL, from the configured public base URL and the request's path.
    pub url: Box<str>,
    /// One sentence for people.
    pub description: Box<str>,
    /// The media type of what is delivered.
    pub mime_type: Box<str>,
}

impl Resource {
    /// A resource at this absolute URL.
    pub fn new(url: impl Into<Box<str>>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// The same resource, described.
    #[must_use]
    pub fn describe(mut self, description: &str, mime_type: &str) -> Self {
        self.description = description.into();
        self.mime_type = mime_type.into();
        self
    }
}
