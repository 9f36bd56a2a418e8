use crate::{
    Charge,
    charge::unauthorized,
    transaction::{EXPIRING, FeePayer, Transaction},
};
use alloy_primitives::Address;
use http402_core::{
    Authorization, Party, Reason, Requirement, authorization::TempoTransaction,
    seam::TransactionReader, typed::ToSign,
};

/// Tells a buyer's policy what a transaction does, before the wallet signs it: the payments of the offer, and nothing else, for
/// a fee that he bears.
///
/// ```
/// // At most two cents for the fee of a payment.
/// let reader = http402_tempo::Reader::new(20_000_000_000_000_000);
/// # let _ = reader;
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    fee: u128,
    fee_tokens: Vec<Address>,
}

impl Reader {
    /// One that bears a fee of so many attodollars (10⁻¹⁸) at most, gas times its price, in the token of the payment.
    pub fn new(fee: u128) -> Self {
        Self {
            fee,
            fee_tokens: Vec::new(),
        }
    }

    /// The same, and lets fees be paid in this token, too.
    #[must_use]
    pub fn fee_token(mut self, token: Address) -> Self {
        self.fee_tokens.push(token);
        self
    }

    fn read(
        &self,
        requirement: &Requirement,
        payer: &Party,
        unsigned: &TempoTransaction,
    ) -> Result<(), Reason> {
        if unsigned.is_signed() || unsigned.source() != payer.evm() {
            return Err(Reason::PayloadMalformed);
        }
        // Only a whole transaction is read; whose signature it is plays no part.
        let whole = unsigned.sign(&[0; 65]);
        let whole = whole.map_err(|_| Reason::PayloadMalformed)?;
        let read = Transaction::decode(whole.raw()).map_err(|_| Reason::PayloadMalformed)?;
        if requirement.chain.evm() != Some(read.chain()) {
            return Err(Reason::NetworkMismatch);
        }
        let charge = Charge::of(requirement, unsigned.challenge().clone())?;
        if charge.match_calls(read.calls())?.swap.is_some() {
            return Err(unauthorized());
        }
        let more = read.has_access_list()
            || read.has_authorizations()
            || read.authorizes_key()
            || read.nonce_key() != EXPIRING
            || read.valid_before().is_none();
        if more {
            return Err(Reason::PayloadMalformed);
        }
        match (read.fee_payer(), read.fee_token()) {
            (FeePayer::Awaited(_), None) => Ok(()),
            (FeePayer::Sender, Some(token))
                if token == charge.token() || self.fee_tokens.contains(&token) =>
            {
                let fee = read.max_fee().checked_mul(u128::from(read.gas()));
                match fee {
                    Some(fee) if fee <= self.fee => Ok(()),
                    _ => Err(Reason::LimitReached),
                }
            }
            _ => Err(Reason::AssetMismatch),
        }
    }
}

impl TransactionReader for Reader {
    fn pays_only(
        &self,
        requirement: &Requirement,
        payer: &Party,
        authorization: &Authorization,
        to_sign: &ToSign,
    ) -> Result<(), Reason> {
        let Authorization::TempoTransaction(unsigned) = authorization else {
            return Err(Reason::MethodMismatch);
        };
        let expected = ToSign::Transaction {
            bytes: unsigned.signing_bytes().clone(),
            digest: unsigned.signing_hash(),
        };
        if *to_sign != expected {
            return Err(Reason::PayloadMalformed);
        }
        self.read(requirement, payer, unsigned)
    }
}
