//! A buyer's transaction for a charge.

use crate::{
    Charge,
    node::Fees,
    transaction::{EXPIRING, Unsigned},
};
use alloy_primitives::Address;
use http402_core::{
    Reason, Timestamp,
    authorization::{ChallengeRef, TempoTransaction},
};
use http402_mpp::method::tempo;

/// How long a transaction holds, in seconds: nodes take an expiring nonce for at most 30.
const LIFETIME: u64 = 25;
/// How many seconds have to be left, or no seller sends it any more.
const LEAST: u64 = 15;

/// A charge that a buyer is asked to pay. The fields are public: change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order<'a> {
    /// What is to be paid.
    pub charge: Charge,
    /// The number of the chain.
    pub chain: u64,
    /// When the challenge ends.
    pub expires: Option<Timestamp>,
    /// Whether the seller pays the fee.
    pub sponsored: bool,
    /// The token that the fee is paid in when the seller does not; `None` is the charge's own.
    pub fee_token: Option<Address>,
    /// What the program that pays is called, to be seen by the seller as a part of the memo.
    pub client: Option<&'a str>,
}

impl<'a> Order<'a> {
    /// A charge whose fee the buyer pays, in the charge's token.
    pub fn new(charge: Charge, chain: u64) -> Self {
        Self {
            charge,
            chain,
            expires: None,
            sponsored: false,
            fee_token: None,
            client: None,
        }
    }

    /// What a request of the method `tempo` asks for, in a challenge that ends at `expires`.
    ///
    /// # Errors
    /// As [`Charge::of`].
    pub fn of(
        request: &tempo::Charge,
        challenge: ChallengeRef,
        expires: Option<Timestamp>,
    ) -> Result<Self, Reason> {
        let charge = Charge::of_request(request, challenge)?;
        Ok(Self {
            expires,
            sponsored: request.options().fee_payer,
            ..Self::new(charge, request.chain())
        })
    }

    /// The same, with a fee that the seller pays.
    #[must_use]
    pub fn sponsored(mut self, sponsored: bool) -> Self {
        self.sponsored = sponsored;
        self
    }

    /// The transaction that `payer` is to sign at `now`: its nonce expires with it, 25 seconds later or when the challenge
    /// does.
    ///
    /// # Errors
    /// [`Reason::OfferExpired`] when less than 15 seconds are left.
    pub fn transaction(
        &self,
        payer: Address,
        fees: &Fees,
        gas: u64,
        now: Timestamp,
    ) -> Result<TempoTransaction, Reason> {
        let latest = now.plus(LIFETIME);
        let before = self.expires.map_or(latest, |end| end.min(latest));
        if before < now.plus(LEAST) {
            return Err(Reason::OfferExpired);
        }
        // Room for base fees that rise while it waits.
        let max_fee = fees.base.saturating_add(fees.base / 2);
        let fee_token = self.fee_token.unwrap_or(self.charge.token());
        let unsigned = Unsigned {
            priority_fee: fees.priority,
            max_fee: max_fee.saturating_add(fees.priority),
            gas,
            calls: self.charge.to_calls(self.client),
            nonce_key: EXPIRING,
            valid_before: Some(before.secs()),
            fee_token: (!self.sponsored).then_some(fee_token),
            sponsored: self.sponsored,
            ..Unsigned::new(self.chain)
        };
        let bytes = unsigned.encode();
        TempoTransaction::unsigned(self.charge.challenge().clone(), payer, bytes)
            .map_err(|_| Reason::RequirementMalformed)
    }
}
