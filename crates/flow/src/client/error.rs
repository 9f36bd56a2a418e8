use super::{Attempt, Denied};
use http::{HeaderMap, StatusCode};
use http402_core::{ParseError, seam::SeamError};
use std::{error, fmt};

/// Why a request got no response that could be handed over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not an absolute `http` or `https` URL. Nothing was sent.
    Url(ParseError),
    /// The request carries a credential already: whose budget it is charged to is not known. Nothing was sent.
    Carried,
    /// Payment was asked for, and the policy pays none of the offers. Nothing was signed.
    Denied(Box<Refusal>),
    /// Another call is working on the same purchase, and did not end in time.
    Busy(Option<Box<Attempt>>),
    /// The request could not be sent, or its response not be read. Nothing was signed in this call.
    Transport(SeamError),
    /// The ledger could not be asked. Nothing has left that it does not know of.
    Ledger(SeamError),
    /// The wallet did not sign. Nothing has left, and the charge is taken back.
    Signer(SeamError),
    /// The signed answer could not be written down. Nothing has left, and the charge is taken back.
    Answer(ParseError),
    /// The authorization ended before the wallet had signed it. Nothing has left, and the charge is taken back.
    Late,
    /// Signed bytes have left and no response came back. The next call for the same request presents the same bytes.
    Lost {
        /// The attempt; it stays charged.
        attempt: Box<Attempt>,
        /// What went wrong last.
        source: SeamError,
    },
    /// The authorization of an earlier attempt has ended, and whether it was used is not known: no chain view is
    /// configured, or it could not tell yet. Nothing new is signed until it can, or until the attempt is written off.
    Unproven(Box<Attempt>),
}

/// A response with status 402 that was not paid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// Its head.
    pub headers: HeaderMap,
    /// Its body, as far as it was read.
    pub body: Vec<u8>,
    /// Every offer, and why it was not paid; empty when no protocol here knows the response.
    pub denied: Vec<Denied>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denied.is_empty() {
            return f.write_str("payment required, in no way that is known here");
        }
        f.write_str("payment required, and the policy pays none of the offers")?;
        for (at, denied) in self.denied.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { "; " })?;
            fmt::Display::fmt(denied, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => fmt::Display::fmt(error, f),
            Self::Carried => f.write_str("the request carries a payment already"),
            Self::Denied(refusal) => fmt::Display::fmt(refusal, f),
            Self::Busy(Some(attempt)) => write!(f, "another call is paying for this: {attempt}"),
            Self::Busy(None) => f.write_str("another call is paying for this"),
            Self::Transport(_) => f.write_str("the request could not be sent"),
            Self::Ledger(_) => f.write_str("the ledger could not be asked"),
            Self::Signer(_) => f.write_str("the wallet did not sign"),
            Self::Answer(error) => write!(f, "the payment could not be encoded: {error}"),
            Self::Late => f.write_str("the authorization ended before it was signed"),
            Self::Lost { attempt, .. } => write!(
                f,
                "the answer to a payment was lost, ask again to present the same payment: {attempt}"
            ),
            Self::Unproven(attempt) => write!(
                f,
                "an earlier payment has ended and may have been used, prove it with a view of the chain or write it \
                 off: {attempt}"
            ),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Url(error) | Self::Answer(error) => Some(error),
            Self::Transport(error)
            | Self::Ledger(error)
            | Self::Signer(error)
            | Self::Lost { source: error, .. } => Some(&**error),
            _ => None,
        }
    }
}

impl Error {
    /// The attempt that is open, when there is one.
    pub fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Busy(attempt) => attempt.as_deref(),
            Self::Lost { attempt, .. } | Self::Unproven(attempt) => Some(attempt),
            _ => None,
        }
    }
}
