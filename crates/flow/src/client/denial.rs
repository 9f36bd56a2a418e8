use http402_core::{Amount, ParseError, Party, Reason};
use std::fmt;

/// Why the policy does not pay an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// It can not be read.
    Unreadable(ParseError),
    /// The request went over plain http to another machine, and its host is not among the allowed ones.
    PlainHttp,
    /// The origin is not among the allowed ones.
    Origin,
    /// The payee is not among the allowed ones.
    Payee,
    /// The origin was paid before, and to somebody else.
    PayeeChanged {
        /// Who was paid then.
        pinned: Party,
    },
    /// The protocol is not among the allowed ones.
    Protocol,
    /// The token is not allowed, or the chain is another one.
    Asset,
    /// The EIP-712 name or version is missing or is not that of the token.
    Domain,
    /// The kind of price, transfer or flow is not one that can be bounded here.
    Kind,
    /// The price is above the limit of one payment.
    TooMuch {
        /// What is asked for.
        asked: Amount,
        /// The limit.
        limit: Amount,
    },
    /// A budget has not enough left.
    Budget {
        /// What is asked for.
        asked: Amount,
        /// What is left of the budget.
        left: Amount,
        /// The length of the budget's window, in seconds.
        window: u64,
    },
    /// The token is allowed, and has no budget.
    NoBudget,
    /// The authorization would live too long.
    Lifetime {
        /// How long, in seconds.
        asked: u64,
        /// The longest allowed, in seconds.
        longest: u64,
    },
    /// The document to be signed does not say what the offer says.
    Document,
    /// The transaction to be signed does something else than the offer says.
    Transaction(Reason),
    /// The answer needs a header field into which the caller has written something else.
    FieldTaken,
    /// Nothing is charged, and the policy does not prove who asks.
    Proof,
    /// The protocol can not answer the offer.
    Draft(Reason),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => fmt::Display::fmt(error, f),
            Self::PlainHttp => f.write_str("plain http to another machine"),
            Self::Origin => f.write_str("the origin is not allowed"),
            Self::Payee => f.write_str("the payee is not allowed"),
            Self::PayeeChanged { pinned } => {
                write!(
                    f,
                    "the origin was paid at {pinned} before, and names another payee"
                )
            }
            Self::Protocol => f.write_str("the protocol is not allowed"),
            Self::Asset => f.write_str("the token is not allowed on this chain"),
            Self::Domain => {
                f.write_str("the token's EIP-712 name or version differs from the known one")
            }
            Self::Kind => f.write_str("the kind of price or transfer is not allowed"),
            Self::TooMuch { asked, limit } => {
                write!(f, "{asked} units are above the limit of {limit} a payment")
            }
            Self::Budget {
                asked,
                left,
                window,
            } => write!(
                f,
                "{asked} units are above the {left} left of the budget of {window} seconds"
            ),
            Self::NoBudget => f.write_str("the token has no budget"),
            Self::Lifetime { asked, longest } => write!(
                f,
                "the authorization would live {asked} seconds, longer than {longest}"
            ),
            Self::Document => f.write_str("the document to sign differs from the offer"),
            Self::Transaction(reason) => {
                write!(
                    f,
                    "the transaction to sign differs from the offer: {reason}"
                )
            }
            Self::FieldTaken => {
                f.write_str("the answer needs a header field that the request uses already")
            }
            Self::Proof => f.write_str("who asks is not proved without being told"),
            Self::Draft(reason) => fmt::Display::fmt(reason, f),
        }
    }
}

impl std::error::Error for Denial {}
