use http::{HeaderValue, Response, StatusCode, header};
use http402_core::{Bytes, Claim, ParseError, Reason, Settlement, Verdict, json::Object};
use http402_x402::reply::{SettleResponse, VerifyResponse};

/// What is answered.
pub(super) enum Answer {
    /// A document, with status 200.
    Document(Box<str>),
    /// The claim is refused, before anybody was asked.
    No(Reason, Option<Box<Claim>>),
    Malformed(ParseError),
    TooLong(usize),
    Unauthorized,
    NotFound,
    MethodNotAllowed(&'static str),
    /// A limit of ours: try again later.
    Busy,
    /// The chain or the ledger could not be asked.
    Unavailable,
}

impl Answer {
    pub(super) fn ok(document: &str) -> Self {
        Self::Document(document.into())
    }

    /// A refusal as the reply to `/verify`.
    pub(super) fn verification(self) -> Self {
        match self {
            Self::No(why, Some(claim)) => {
                match VerifyResponse::of(&claim, &Verdict::Invalid(why)) {
                    Some(reply) => Self::ok(reply.encode()),
                    None => Self::Unavailable,
                }
            }
            Self::No(why, None) => Self::Document(
                Object::new()
                    .boolean("isValid", false)
                    .text("invalidReason", http402_x402::reason::v2(&why))
                    .text("invalidMessage", &why.to_string())
                    .finish(),
            ),
            other => other,
        }
    }

    /// A refusal as the reply to `/settle`.
    pub(super) fn settlement(self) -> Self {
        match self {
            Self::No(why, Some(claim)) => {
                match SettleResponse::of(&claim, &Settlement::Declined(why)) {
                    Some(reply) => Self::ok(reply.encode()),
                    None => Self::Unavailable,
                }
            }
            Self::No(why, None) => Self::Document(
                Object::new()
                    .boolean("success", false)
                    .text("errorReason", http402_x402::reason::v2(&why))
                    .text("transaction", "")
                    .text("network", "")
                    .finish(),
            ),
            other => other,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Document(_) => StatusCode::OK,
            Self::No(..) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(&self) -> Box<str> {
        let error = |code: &str, message: &str| {
            Object::new()
                .text("error", code)
                .text("message", message)
                .finish()
        };
        match self {
            Self::Document(text) => text.clone(),
            Self::No(why, _) => error(why.code(), &why.to_string()),
            Self::Malformed(why) => error("malformed", &why.to_string()),
            Self::TooLong(cap) => error("too_long", &format!("the body has more than {cap} bytes")),
            Self::Unauthorized => error("unauthorized", "a bearer token is needed"),
            Self::NotFound => error("not_found", "/verify, /settle, /supported or /health"),
            Self::MethodNotAllowed(method) => {
                error("method_not_allowed", &format!("{method} expected"))
            }
            Self::Busy => error("limit_reached", "too many settlements are in flight"),
            Self::Unavailable => error("unavailable", "the chain or the ledger could not be asked"),
        }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        reply(&self).map(|body| Bytes::from(body.to_vec()))
    }
}

pub(super) fn reply(answer: &Answer) -> Response<bytes::Bytes> {
    let mut response = Response::new(answer.body().into_string().into());
    *response.status_mut() = answer.status();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match answer {
        Answer::MethodNotAllowed(method) => {
            headers.insert(header::ALLOW, HeaderValue::from_static(method));
        }
        Answer::Unauthorized => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Answer::Busy | Answer::Unavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        _ => {}
    }
    response
}
