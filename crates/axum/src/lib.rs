#![doc = include_str!("../README.md")]

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use std::{convert::Infallible, error::Error, fmt, ops::Deref};

pub use http402_tower::{Builder, ConfigError, Gate, PayLayer, Price, PriceError, Seams};

/// Who paid for the request, how much, and whether it is settled or owed.
///
/// As an argument of a handler it refuses requests that did not come through a [`PayLayer`] with 500: a route that should
/// have been paid for is never served free. `Option<Paid>` is for routes with a bypass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid(pub http402_core::Paid);

impl Deref for Paid {
    type Target = http402_core::Paid;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A handler that needs a payment ran without one: its route has no [`PayLayer`], or a bypass let the request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPaid;

impl fmt::Display for NotPaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request came without a payment")
    }
}

impl Error for NotPaid {}

impl IntoResponse for NotPaid {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Paid {
    type Rejection = NotPaid;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, NotPaid> {
        head.extensions.get().cloned().map(Self).ok_or(NotPaid)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Paid {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(head.extensions.get().cloned().map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, routing::get};
    use http::Request;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_handler_that_needs_a_payment_is_never_served_free() {
        let app = Router::new()
            .route("/paid", get(async |paid: Paid| paid.payer.to_string()))
            .route(
                "/either",
                get(async |paid: Option<Paid>| if paid.is_some() { "paid" } else { "free" }),
            );
        let ask = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let refused = app.clone().oneshot(ask("/paid")).await.unwrap();
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let free = app.oneshot(ask("/either")).await.unwrap();
        assert_eq!(free.status(), StatusCode::OK);
    }
}
