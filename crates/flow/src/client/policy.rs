mod approve;

use super::{
    Denial, Origin,
    budget::{Budget, Scope},
};
use approve::Transactions;
use http402_core::{
    Amount, ParseError, Party, Price, ProtocolId, Requirement, TransferMethod, asset::Asset,
    protocol::Offer, seam::TransactionReader,
};
use std::{sync::Arc, time::Duration};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// How much of a token may be spent: the limit of one payment, and one or more budgets over rolling windows.
///
/// ```
/// use http402_core::{asset::Assets, ChainId};
/// use http402_flow::client::Allowance;
/// let assets = Assets::known();
/// let usdc = assets.of_chain(&ChainId::eip155(8453)).expect("base is known");
/// let allowance = Allowance::of(usdc, "0.05")?.per_hour("1")?.per_day("10")?;
/// # Ok::<(), http402_core::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Allowance {
    asset: Asset,
    limit: Amount,
    budgets: Vec<Budget>,
}

impl Allowance {
    /// Allows payments of at most `limit`, decimal text, in this token. Nothing is paid before a budget is added.
    ///
    /// # Errors
    /// When the limit can not be read; see [`Amount::from_money`].
    pub fn of(asset: &Asset, limit: &str) -> Result<Self, ParseError> {
        Ok(Self {
            limit: Amount::from_money(limit, asset.decimals)?,
            asset: asset.clone(),
            budgets: Vec::new(),
        })
    }

    /// At most `cap` in any `window`, over everything.
    ///
    /// # Errors
    /// When the cap can not be read, or the window is shorter than a second.
    pub fn per(self, window: Duration, cap: &str) -> Result<Self, ParseError> {
        self.budget(Scope::Everything, window, cap)
    }

    /// At most `cap` in any hour.
    ///
    /// # Errors
    /// When the cap can not be read.
    pub fn per_hour(self, cap: &str) -> Result<Self, ParseError> {
        self.per(Duration::from_secs(HOUR), cap)
    }

    /// At most `cap` in any 24 hours.
    ///
    /// # Errors
    /// When the cap can not be read.
    pub fn per_day(self, cap: &str) -> Result<Self, ParseError> {
        self.per(Duration::from_secs(DAY), cap)
    }

    /// At most `cap` in any `window` to each origin.
    ///
    /// # Errors
    /// As [`Allowance::per`].
    pub fn per_origin(self, window: Duration, cap: &str) -> Result<Self, ParseError> {
        self.budget(Scope::EachOrigin, window, cap)
    }

    /// At most `cap` in any `window` to each payee.
    ///
    /// # Errors
    /// As [`Allowance::per`].
    pub fn per_payee(self, window: Duration, cap: &str) -> Result<Self, ParseError> {
        self.budget(Scope::EachPayee, window, cap)
    }

    fn budget(mut self, scope: Scope, window: Duration, cap: &str) -> Result<Self, ParseError> {
        if window.as_secs() == 0 {
            return Err(ParseError::new("window", "shorter than a second"));
        }
        let budget = Budget {
            scope,
            cap: Amount::from_money(cap, self.asset.decimals)?,
            window: window.as_secs(),
        };
        // Two caps over the same window are one record: the lower one holds.
        match self
            .budgets
            .iter_mut()
            .find(|known| known.scope == scope && known.window == budget.window)
        {
            Some(known) => known.cap = known.cap.min(budget.cap),
            None => self.budgets.push(budget),
        }
        Ok(self)
    }

    /// The token.
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    pub(crate) fn budgets(&self) -> &[Budget] {
        &self.budgets
    }
}

/// What a buyer may pay. A new policy pays nothing; each allowance and each list says what else it may.
///
/// Terms come from the offer's amounts, addresses and chain alone: descriptions, bodies and prices in words play no part.
#[derive(Clone, Debug)]
pub struct Policy {
    name: Box<str>,
    allowances: Vec<Allowance>,
    protocols: Option<Vec<ProtocolId>>,
    origins: Option<Vec<Origin>>,
    payees: Option<Vec<Party>>,
    plain_http: Vec<Box<str>>,
    pin_payees: bool,
    lifetime: u64,
    shorten: bool,
    transactions: Transactions,
    proves: bool,
    announces: Announces,
}

/// To whom it is told what can be paid, before anybody asks.
#[derive(Clone, Debug)]
enum Announces {
    Everybody,
    Only(Vec<Origin>),
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// A policy that pays nothing.
    pub fn new() -> Self {
        Self {
            name: "default".into(),
            allowances: Vec::new(),
            protocols: None,
            origins: None,
            payees: None,
            plain_http: Vec::new(),
            pin_payees: false,
            lifetime: DAY,
            shorten: false,
            transactions: Transactions::default(),
            proves: false,
            announces: Announces::Only(Vec::new()),
        }
    }

    /// Gives it a name: policies of one name that share a ledger share their budgets. The default is `default`.
    ///
    /// # Errors
    /// When the name is not 1 to 32 letters, digits or hyphens.
    pub fn named(mut self, name: &str) -> Result<Self, ParseError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || name.len() > 32 || !name.bytes().all(fits) {
            return Err(ParseError::new(
                "policy name",
                "1 to 32 letters, digits or hyphens expected",
            ));
        }
        self.name = name.into();
        Ok(self)
    }

    /// Allows a token. Of several allowed tokens the one allowed first is preferred; a second allowance for a token takes
    /// the place of the first.
    #[must_use]
    pub fn allow(mut self, allowance: Allowance) -> Self {
        let (chain, address) = (&allowance.asset.chain, &allowance.asset.address);
        match self
            .allowances
            .iter_mut()
            .find(|known| known.asset.chain == *chain && known.asset.address == *address)
        {
            Some(known) => *known = allowance,
            None => self.allowances.push(allowance),
        }
        self
    }

    /// Pays in these protocols alone; otherwise in all that the buyer speaks.
    #[must_use]
    pub fn only_protocols(mut self, protocols: impl IntoIterator<Item = ProtocolId>) -> Self {
        self.protocols = Some(protocols.into_iter().collect());
        self
    }

    /// Pays these origins alone; otherwise any, within the budgets.
    #[must_use]
    pub fn only_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.origins = Some(origins.into_iter().collect());
        self
    }

    /// Pays these payees alone; otherwise any, within the budgets.
    #[must_use]
    pub fn only_payees(mut self, payees: impl IntoIterator<Item = Party>) -> Self {
        self.payees = Some(payees.into_iter().collect());
        self
    }

    /// Remembers whom an origin had paid first, for a year, and pays nobody else there.
    #[must_use]
    pub fn pin_payees(mut self) -> Self {
        self.pin_payees = true;
        self
    }

    /// Pays this host over plain http, where everybody on the way can read the credential and take the delivery.
    /// This machine itself is always allowed.
    #[must_use]
    pub fn allow_plain_http(mut self, host: &str) -> Self {
        self.plain_http.push(host.to_ascii_lowercase().into());
        self
    }

    /// The longest time for which an authorization may hold; 24 hours unless told. Offers that ask for more are refused.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.as_secs();
        self
    }

    /// Answers an offer that asks for a longer lifetime with an authorization of the longest one, instead of refusing it.
    #[must_use]
    pub fn shorten_lifetime(mut self) -> Self {
        self.shorten = true;
        self
    }

    /// Pays with transactions, too, when this reader finds that they do what the offer says and nothing else. Without a reader
    /// no transaction is signed.
    #[must_use]
    pub fn read_transactions(mut self, reader: Arc<dyn TransactionReader>) -> Self {
        self.transactions = Transactions(Some(reader));
        self
    }

    /// Proves who asks where nothing is charged. The proof tells the seller the wallet's address.
    #[must_use]
    pub fn prove_identity(mut self) -> Self {
        self.proves = true;
        self
    }

    /// Tells these origins with every request what can be paid (`Accept-Payment`); otherwise nobody is told before he asks.
    #[must_use]
    pub fn announce_to(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.announces = Announces::Only(origins.into_iter().collect());
        self
    }

    /// Tells everybody with every request what can be paid.
    #[must_use]
    pub fn announce_to_everybody(mut self) -> Self {
        self.announces = Announces::Everybody;
        self
    }

    pub(crate) fn announces(&self, origin: &Origin) -> bool {
        match &self.announces {
            Announces::Everybody => true,
            Announces::Only(origins) => origins.contains(origin),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn pins(&self) -> bool {
        self.pin_payees
    }

    pub(crate) fn allowance(&self, requirement: &Requirement) -> Option<(usize, &Allowance)> {
        self.allowances.iter().enumerate().find(|(_, allowance)| {
            allowance.asset.chain == requirement.chain
                && allowance.asset.address == requirement.asset
        })
    }

    /// What the offer alone shows: everything but budgets and pins.
    pub(crate) fn admit(&self, origin: &Origin, offer: &Offer) -> Result<(), Denial> {
        let asked = &offer.requirement;
        let host_allowed = || self.plain_http.iter().any(|host| **host == *origin.host());
        if !origin.is_private() && !host_allowed() {
            return Err(Denial::PlainHttp);
        }
        if self
            .origins
            .as_ref()
            .is_some_and(|all| !all.contains(origin))
        {
            return Err(Denial::Origin);
        }
        if self
            .protocols
            .as_ref()
            .is_some_and(|all| !all.contains(&offer.protocol))
        {
            return Err(Denial::Protocol);
        }
        let known = |payee: &Party| self.payees.as_ref().is_none_or(|all| all.contains(payee));
        if !known(&asked.pay_to) || !asked.splits.iter().all(|leg| known(&leg.to)) {
            return Err(Denial::Payee);
        }
        if !matches!(
            asked.flow,
            http402_core::Flow::Authorization | http402_core::Flow::Upfront
        ) {
            return Err(Denial::Kind);
        }
        match asked.price {
            Price::Exactly(amount) => self.affords(asked, amount)?,
            Price::Nothing if self.proves => {}
            Price::Nothing => return Err(Denial::Proof),
            _ => return Err(Denial::Kind),
        }
        if asked.timeout > self.lifetime && !self.shorten {
            return Err(Denial::Lifetime {
                asked: asked.timeout,
                longest: self.lifetime,
            });
        }
        Ok(())
    }

    /// Whether the token, the way it is moved and the amount are allowed.
    fn affords(&self, asked: &Requirement, amount: Amount) -> Result<(), Denial> {
        let (_, allowance) = self.allowance(asked).ok_or(Denial::Asset)?;
        if allowance.budgets.is_empty() {
            return Err(Denial::NoBudget);
        }
        match asked.transfer {
            TransferMethod::Eip3009 => {
                if asked.domain.as_ref() != Some(&allowance.asset.domain()) {
                    return Err(Denial::Domain);
                }
                if !asked.splits.is_empty() {
                    return Err(Denial::Kind);
                }
            }
            TransferMethod::Native if self.transactions.read() => {}
            _ => return Err(Denial::Kind),
        }
        if amount > allowance.limit {
            return Err(Denial::TooMuch {
                asked: amount,
                limit: allowance.limit,
            });
        }
        Ok(())
    }

    /// The offer with the lifetime that its answer gets.
    pub(crate) fn shortened(&self, mut offer: Offer) -> Offer {
        offer.requirement.timeout = offer.requirement.timeout.min(self.lifetime);
        offer
    }
}
