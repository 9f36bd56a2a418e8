use crate::{
    AskError, Order,
    node::{Fees, Node},
};
use http402_core::{Party, Reason, Timestamp, authorization::TempoTransaction};
use http402_mpp::{Challenge, http::TempoWallet, method::tempo};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// Gas for the transfer to the payee, when it opens an account for him; and for nodes of development, which take a batch for
/// the creation of a contract when they are asked what it would do.
pub(crate) const TRANSFER_GAS: u64 = 800_000;
/// Gas for each further transfer, likewise.
const SPLIT_GAS: u64 = 350_000;

/// What sponsors pay for at most.
const MOST_SPONSORED: u64 = 2_000_000;

/// Builds the transactions of charges without asking a node: for buyers who pay through
/// [`MppClient`](http402_mpp::http::MppClient). It pays as much for gas as it was told last, by [`Wallet::refresh`], and lets
/// transactions use as much gas as transfers to new accounts do; what is not used is not paid.
#[derive(Clone)]
pub struct Wallet {
    fees: Arc<RwLock<Fees>>,
    client: Option<Arc<str>>,
}

impl Wallet {
    /// One that pays these fees until it is told others.
    pub fn new(fees: Fees) -> Self {
        Self {
            fees: Arc::new(RwLock::new(fees)),
            client: None,
        }
    }

    /// One that pays the fees of now.
    ///
    /// # Errors
    /// When the node did not tell.
    pub async fn connect(node: &dyn Node) -> Result<Self, AskError> {
        Ok(Self::new(node.fees().await?))
    }

    /// The same, telling sellers what the program is called.
    #[must_use]
    pub fn client(mut self, name: &str) -> Self {
        self.client = Some(name.into());
        self
    }

    /// Asks for the fees of now. All clones pay them.
    ///
    /// # Errors
    /// When the node did not tell; the fees stay as they were.
    pub async fn refresh(&self, node: &dyn Node) -> Result<(), AskError> {
        let fees = node.fees().await?;
        *self.fees.write().unwrap_or_else(PoisonError::into_inner) = fees;
        Ok(())
    }

    /// What it pays.
    pub fn fees(&self) -> Fees {
        *self.fees.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("fees", &self.fees())
            .field("client", &self.client)
            .finish()
    }
}

impl TempoWallet for Wallet {
    fn draft(
        &self,
        charge: &tempo::Charge,
        challenge: &Challenge,
        payer: &Party,
        now: Timestamp,
        until: Timestamp,
        _entropy: [u8; 32],
    ) -> Result<TempoTransaction, Reason> {
        let account = payer.evm().ok_or(Reason::UnsupportedNetwork)?;
        let mut order = Order::of(charge, challenge.reference(), Some(until))?;
        order.client = self.client.as_deref();
        let splits = u64::try_from(charge.splits().len()).unwrap_or(u64::MAX);
        let gas = TRANSFER_GAS.saturating_add(SPLIT_GAS.saturating_mul(splits));
        let gas = if order.sponsored {
            gas.min(MOST_SPONSORED)
        } else {
            gas
        };
        order.transaction(account, &self.fees(), gas, now)
    }
}
