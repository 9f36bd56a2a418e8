use crate::{Amount, ChainId, Encoded, Party, Reason, Timestamp};
use alloc::boxed::Box;

/// What became of a settlement. "Could not ask" is not among them: that is an error of the seam.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// The money moved.
    Settled(Receipt),
    /// The money did not move, and this authorization will not move it in this settlement.
    Declined(Reason),
    /// The money may have moved.
    Unknown(Pending),
}

/// Proof of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Who paid, where it is known.
    pub payer: Option<Party>,
    /// How much was moved, in atomic units.
    pub amount: Amount,
    /// On which chain.
    pub chain: ChainId,
    /// The transaction, as the chain names it; empty where settlement needs none.
    pub transaction: Box<str>,
    /// The reply of who settled it, verbatim, where there is one.
    pub reply: Option<Encoded>,
}

impl Receipt {
    /// A receipt without a verbatim reply.
    pub fn new(
        payer: Option<Party>,
        amount: Amount,
        chain: ChainId,
        transaction: impl Into<Box<str>>,
    ) -> Self {
        Self {
            payer,
            amount,
            chain,
            transaction: transaction.into(),
            reply: None,
        }
    }
}

/// A settlement whose outcome is not known, and what is needed to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// The transaction that may have moved the money, where it is known.
    pub transaction: Option<Box<str>>,
    /// When the outcome was lost.
    pub since: Timestamp,
    /// What went wrong, in a form fit for logs, without secrets.
    pub why: Box<str>,
}

impl Pending {
    /// An outcome lost at `since`.
    pub fn new(transaction: Option<Box<str>>, since: Timestamp, why: impl Into<Box<str>>) -> Self {
        Self {
            transaction,
            since,
            why: why.into(),
        }
    }
}
