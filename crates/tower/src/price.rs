use http::request::Parts;
use http402_core::{Requirement, seam::Boxed};
use std::{
    borrow::Cow,
    error::Error,
    fmt,
    future::{Future, ready},
};

/// Why there is no price: the request is answered with 500, never for free.
#[derive(Debug)]
pub struct PriceError(Box<dyn Error + Send + Sync>);

impl PriceError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the price is not known")
    }
}

impl Error for PriceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// What a request costs: the ways to pay, in the order of the seller's preference. None at all is an error, never free.
pub trait Price: Send + Sync + 'static {
    /// The price of the request with this head. What of the head is needed later is copied now.
    ///
    /// # Errors
    /// When it is not known.
    fn price<'a>(&'a self, head: &Parts) -> Boxed<'a, Result<Cow<'a, [Requirement]>, PriceError>>;

    /// The price of every request, where it is one and known: who does not pay is then answered without a future.
    fn fixed(&self) -> Option<&[Requirement]> {
        None
    }
}

impl Price for Vec<Requirement> {
    fn price<'a>(&'a self, _: &Parts) -> Boxed<'a, Result<Cow<'a, [Requirement]>, PriceError>> {
        Box::pin(ready(Ok(self.into())))
    }

    fn fixed(&self) -> Option<&[Requirement]> {
        Some(self)
    }
}

/// An asynchronous function of the head.
pub(crate) struct Priced<F>(pub(crate) F);

impl<F, R> Price for Priced<F>
where
    F: Fn(&Parts) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Vec<Requirement>, PriceError>> + Send + 'static,
{
    fn price<'a>(&'a self, head: &Parts) -> Boxed<'a, Result<Cow<'a, [Requirement]>, PriceError>> {
        let priced = (self.0)(head);
        Box::pin(async move { Ok(priced.await?.into()) })
    }
}

/// Whether a request goes through without payment.
pub(crate) type Bypass =
    dyn Fn(&Parts) -> Boxed<'static, Result<bool, Box<dyn Error + Send + Sync>>> + Send + Sync;
