use crate::transport::Failed;
use http::StatusCode;
use http402_core::{ParseError, seam::SeamError};
use std::fmt;

/// Why a facilitator could not be asked. It says nothing about the payment.
#[derive(Debug)]
#[non_exhaustive]
pub enum RemoteError {
    /// No request could be made of the claim.
    Request(ParseError),
    /// The callback that gives the credentials for the facilitator failed.
    Authorize(SeamError),
    /// There was no response.
    Transport(Failed),
    /// There was no response in time.
    TimedOut,
    /// The response has a status that is no answer.
    Status(StatusCode),
    /// The response can not be read.
    Malformed(ParseError),
    /// The question was asked by another task, and this is how it failed there.
    Elsewhere(Box<str>),
}

impl RemoteError {
    /// Whether it is certain that the facilitator has begun nothing.
    pub fn nothing_sent(&self) -> bool {
        match self {
            Self::Request(_) | Self::Authorize(_) | Self::Transport(Failed::NotSent(_)) => true,
            // These are given before a payment is looked at.
            Self::Status(status) => matches!(status.as_u16(), 401 | 403 | 404 | 405 | 413 | 415),
            _ => false,
        }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(_) => f.write_str("no request could be made of the claim"),
            Self::Authorize(_) => f.write_str("no credentials for the facilitator"),
            Self::Transport(failed) => write!(f, "facilitator: {failed}"),
            Self::TimedOut => f.write_str("the facilitator did not answer in time"),
            Self::Status(status) => write!(f, "the facilitator answered {status}"),
            Self::Malformed(error) => write!(f, "the facilitator's reply: {error}"),
            Self::Elsewhere(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RemoteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) | Self::Malformed(error) => Some(error),
            Self::Authorize(error) => Some(&**error),
            Self::Transport(failed) => std::error::Error::source(failed),
            _ => None,
        }
    }
}
