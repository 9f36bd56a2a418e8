use crate::server::exposure::Crowded;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use http402_core::{Bytes, ParseError, json::quote};

/// A response that denies without asking for payment again: a body in the form of RFC 9457, and no offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// More than one credential in one request: 400.
    SeveralCredentials,
    /// More than one `Idempotency-Key`, an empty one, or one of more than 255 characters: 400.
    BadName,
    /// The credential is being used by another request: the protocol's conflict status, with `Retry-After`.
    InFlight(StatusCode),
    /// The credential has been used: the protocol's conflict status.
    AlreadyUsed(StatusCode),
    /// The credential was used for another request: 409.
    OtherRequest,
    /// The outcome of the settlement is not known: 503, with `Retry-After`. The same credential is to be presented again.
    Unknown,
    /// The facilitator could not be asked or gave no usable answer: 502.
    Facilitator,
    /// The ledger could not be asked or is full: 503.
    Ledger,
    /// Too many payments are unsettled: 429 when they are the payer's, 503 when they are everybody's, with `Retry-After`.
    /// This one has not been touched.
    Crowded(Crowded),
    /// The seller's price is not known: 500, never free.
    NoPrice,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::SeveralCredentials => (
                StatusCode::BAD_REQUEST,
                "several credentials",
                "a request carries at most one payment",
            ),
            Self::BadName => (
                StatusCode::BAD_REQUEST,
                "bad idempotency key",
                "a request carries one idempotency key of 1 to 255 characters",
            ),
            Self::InFlight(status) => (
                status,
                "payment in use",
                "this payment is being used by another request",
            ),
            Self::AlreadyUsed(status) => (status, "payment used", "this payment has been used"),
            Self::OtherRequest => (
                StatusCode::CONFLICT,
                "payment used",
                "this payment was made for another request",
            ),
            Self::Unknown => (
                StatusCode::SERVICE_UNAVAILABLE,
                "settlement unknown",
                "the payment may have been made; present the same payment again, and do not sign another one",
            ),
            Self::Facilitator => (
                StatusCode::BAD_GATEWAY,
                "payment not checked",
                "the payment could not be checked; nothing was charged",
            ),
            Self::Ledger => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not available",
                "payments can not be taken at the moment",
            ),
            Self::Crowded(whose) => (
                match whose {
                    Crowded::Payer => StatusCode::TOO_MANY_REQUESTS,
                    Crowded::Gate => StatusCode::SERVICE_UNAVAILABLE,
                },
                "too many unsettled payments",
                "earlier payments have to settle first; present the same payment again",
            ),
            Self::NoPrice => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "no price",
                "the price of this resource is not known",
            ),
        }
    }

    /// The response.
    pub fn response(self) -> Response<Bytes> {
        self.response_of("about:blank")
    }

    /// The response with a problem type of a protocol, an absolute URI.
    pub fn response_of(self, kind: &str) -> Response<Bytes> {
        let (status, title, detail) = self.parts();
        let mut response = problem(kind, status, title, detail, &[]);
        if matches!(
            self,
            Self::InFlight(_) | Self::Unknown | Self::Ledger | Self::Crowded(_)
        ) {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// 400 with what could not be read, and where.
pub(crate) fn malformed(error: &ParseError) -> Response<Bytes> {
    let mut what = String::new();
    quote(error.what(), &mut what);
    let mut members = vec![("what", what)];
    if let Some(at) = error.offset() {
        members.push(("at", at.to_string()));
    }
    problem(
        "about:blank",
        StatusCode::BAD_REQUEST,
        "malformed payment",
        &error.to_string(),
        &members,
    )
}

/// The seller's mistake: never free.
pub(crate) fn no_price() -> Response<Bytes> {
    Problem::NoPrice.response()
}

fn problem(
    kind: &str,
    status: StatusCode,
    title: &str,
    detail: &str,
    members: &[(&str, String)],
) -> Response<Bytes> {
    let mut body = String::from("{\"type\":");
    quote(kind, &mut body);
    body.push_str(",\"title\":");
    quote(title, &mut body);
    body.push_str(",\"status\":");
    body.push_str(status.as_str());
    body.push_str(",\"detail\":");
    quote(detail, &mut body);
    for (name, json) in members {
        body.push(',');
        quote(name, &mut body);
        body.push(':');
        body.push_str(json);
    }
    body.push('}');
    let mut response = Response::new(Bytes::from(body.into_bytes()));
    *response.status_mut() = status;
    json_head(&mut response, "application/problem+json");
    response
}

/// The head of every response that asks for payment or denies: JSON, and not to be stored by a cache.
pub(crate) fn json_head(response: &mut Response<Bytes>, kind: &'static str) {
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
