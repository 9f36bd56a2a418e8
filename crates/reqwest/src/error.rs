use http402_flow::client;
use std::{error, fmt};

/// Why a request got no response that could be handed over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request or the client could not be built. Nothing was sent.
    Build(reqwest::Error),
    /// The body is a stream: it can be sent once, and a paid request is sent more than once. Nothing was sent.
    OneShot,
    /// The server led to another origin, and the client pays the one that was asked alone. Nothing was paid.
    OtherOrigin,
    /// The purchase did not come to a response; see the cases.
    Pay(Box<client::Error>),
}

impl Error {
    /// What the purchase came to, when it was begun.
    pub fn purchase(&self) -> Option<&client::Error> {
        match self {
            Self::Pay(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(_) => f.write_str("the request could not be built"),
            Self::OneShot => f.write_str("the body can be sent only once"),
            Self::OtherOrigin => f.write_str("redirected to another origin, which is not paid"),
            Self::Pay(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::OneShot | Self::OtherOrigin => None,
            Self::Pay(error) => error.source(),
        }
    }
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        Self::Pay(Box::new(error))
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Build(error)
    }
}
