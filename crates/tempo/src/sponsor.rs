//! Paying the fee of a buyer's transaction, within a policy.

use crate::{
    signature::Form,
    transaction::{EXPIRING, FeePayer, Transaction},
};
use alloy_primitives::{Address, Bytes, keccak256};
use http402_core::{
    Party, Reason, Timestamp,
    seam::{SeamError, Signer},
    typed::ToSign,
};
use http402_verify::Signature;
use std::{fmt, sync::Arc};

/// What a transaction may cost whose fee somebody else pays. The fields are public: change what differs from the default.
///
/// ```
/// let mut policy = http402_tempo::Policy::default();
/// policy.gas = 1_000_000;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The most gas. Default: 2 000 000.
    pub gas: u64,
    /// The most for a unit of gas, in attodollars (10⁻¹⁸). Default: 100 · 10⁹.
    pub max_fee: u128,
    /// The most of it for who builds the block. Default: 10 · 10⁹.
    pub priority_fee: u128,
    /// The most for everything, gas times fee, in attodollars. Default: 5 · 10¹⁶, five cents.
    pub total: u128,
    /// How many seconds have to be left at least. Default: 15.
    pub soonest: u64,
    /// How many seconds may be left at most. Default: 900.
    pub latest: u64,
    /// Whether access keys may sign, whose limits no simulation sees. Default: no.
    pub access_keys: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            gas: 2_000_000,
            max_fee: 100_000_000_000,
            priority_fee: 10_000_000_000,
            total: 50_000_000_000_000_000,
            soonest: 15,
            latest: 900,
            access_keys: false,
        }
    }
}

impl Policy {
    /// Whether the fee of a transaction is paid, as far as the transaction itself tells; what it calls is judged elsewhere.
    ///
    /// # Errors
    /// [`Reason::Expired`] and [`Reason::LifetimeTooLong`] for its window; else [`Reason::Other`] with `sponsor_` and the
    /// part that does not fit.
    pub fn check(&self, transaction: &Transaction, now: Timestamp) -> Result<(), Reason> {
        let fee = transaction.max_fee();
        let total = fee.checked_mul(u128::from(transaction.gas()));
        let expiring = transaction.nonce_key() == EXPIRING && transaction.nonce() == 0;
        let own_key = matches!(Form::read(transaction.signature()), Some(Form::Own(_)));
        let awaited = matches!(transaction.fee_payer(), FeePayer::Awaited(_));
        let faults = [
            (!awaited, "fee_payer"),
            (transaction.gas() > self.gas, "gas"),
            (fee > self.max_fee, "fee"),
            (
                transaction.priority_fee() > self.priority_fee,
                "priority_fee",
            ),
            (transaction.priority_fee() > fee, "priority_fee"),
            (total.is_none_or(|total| total > self.total), "total"),
            (transaction.fee_token().is_some(), "fee_token"),
            (!expiring, "nonce_key"),
            (transaction.has_access_list(), "access_list"),
            (transaction.has_authorizations(), "authorization_list"),
            (transaction.authorizes_key(), "key_authorization"),
            (!own_key && !self.access_keys, "access_key"),
        ];
        if let Some((_, fault)) = faults.iter().find(|(found, _)| *found) {
            return Err(Reason::Other(format!("sponsor_{fault}").into()));
        }
        match transaction.valid_before() {
            Some(before) if before < now.plus(self.soonest).secs() => Err(Reason::Expired),
            Some(before) if before <= now.plus(self.latest).secs() => Ok(()),
            _ => Err(Reason::LifetimeTooLong),
        }
    }
}

/// Who pays the fees of others, in one token.
#[derive(Clone)]
pub struct Sponsor {
    signer: Arc<dyn Signer>,
    token: Address,
    policy: Policy,
}

impl Sponsor {
    /// Pays fees in `token` from the account of `signer`, within the default [`Policy`].
    pub fn new(signer: Arc<dyn Signer>, token: Address) -> Self {
        Self {
            signer,
            token,
            policy: Policy::default(),
        }
    }

    /// The same within another policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What it pays for.
    pub fn limits(&self) -> &Policy {
        &self.policy
    }

    /// The token that it pays in.
    pub fn token(&self) -> Address {
        self.token
    }

    /// Its account.
    pub fn account(&self) -> Party {
        self.signer.party()
    }

    /// The transaction of `sender` as it is sent, with the fee payer's signature. It is not checked here.
    ///
    /// # Errors
    /// When the wallet could not be asked, or gave something else than a signature of secp256k1.
    pub async fn sign(
        &self,
        transaction: &Transaction,
        sender: Address,
    ) -> Result<Bytes, SeamError> {
        let bytes = transaction.sponsored_bytes(sender, self.token);
        let digest = keccak256(&bytes);
        let signature = self
            .signer
            .sign(&ToSign::Transaction { bytes, digest })
            .await?;
        let signature =
            Signature::parse(&signature).ok_or("the fee payer's signature has another form")?;
        Ok(transaction.sponsored(self.token, &signature.to_bytes()))
    }
}

impl fmt::Debug for Sponsor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sponsor")
            .field("account", &self.signer.party())
            .field("token", &self.token)
            .field("policy", &self.policy)
            .finish()
    }
}
