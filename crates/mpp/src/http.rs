//! The HTTP carrier, as the seams of `http402-core`.
//!
//! | | field |
//! |---|---|
//! | offers | `WWW-Authenticate`, one line a challenge |
//! | answer | `Authorization`, or `Payment-Authorization` where the challenge says so |
//! | outcome | `Payment-Receipt`, with a success alone |

mod client;
mod server;

pub use client::{MppClient, TempoWallet};
pub use server::{ConfigError, Mpp};

use crate::credential::Credential;
use http::{HeaderMap, HeaderName};
use http402_core::ParseError;

static CREDENTIALS: [HeaderName; 2] = [
    HeaderName::from_static("authorization"),
    HeaderName::from_static("payment-authorization"),
];
static RECEIPT: HeaderName = HeaderName::from_static("payment-receipt");

/// The request field in which a client says what it can pay.
pub static ACCEPT_PAYMENT: HeaderName = HeaderName::from_static("accept-payment");

/// The credentials in a head, with the field that each stands in.
fn credentials(headers: &HeaderMap) -> Vec<(&'static HeaderName, Result<Box<str>, ParseError>)> {
    CREDENTIALS
        .iter()
        .flat_map(|name| {
            headers
                .get_all(name)
                .iter()
                .flat_map(|value| Credential::tokens(value.as_bytes()))
                .map(move |token| (name, token))
        })
        .collect()
}
