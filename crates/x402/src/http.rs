//! HTTP carriers: where the documents of each version stand in requests and responses, as the seams of `http402-core`.
//!
//! | | version 1 | version 2 |
//! |---|---|---|
//! | offers | JSON body of the 402 | `PAYMENT-REQUIRED` |
//! | answer | `X-PAYMENT` | `PAYMENT-SIGNATURE` |
//! | outcome | `X-PAYMENT-RESPONSE` | `PAYMENT-RESPONSE` |

mod first;
mod second;

pub use first::X402V1;
pub use second::{Identified, X402V2};

use crate::{header, reply::SettleResponse, scheme::exact::PayloadError};
use http::{HeaderMap, HeaderName, HeaderValue};
use http402_core::{
    Claim, ParseError, Party, Reason, Requirement, Settlement, Timestamp, TransferMethod, Window,
    authorization::Eip3009,
    protocol::{ClaimError, Draft, Offer},
    typed::ToSign,
};

impl From<PayloadError> for ClaimError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Malformed(error) => Self::Malformed(error),
            PayloadError::Refused(reason) => Self::Refused(reason),
        }
    }
}

/// Base64 is printable ASCII: it is always a header's value.
fn value(text: &str) -> Result<HeaderValue, ParseError> {
    HeaderValue::try_from(header::encode(text))
        .map_err(|_| ParseError::new("header", "not a header's value"))
}

fn report(name: &HeaderName, claim: &Claim, outcome: &Settlement, out: &mut HeaderMap) {
    let reply = SettleResponse::text(claim, outcome);
    if let Some(Ok(value)) = reply.map(|reply| value(&reply)) {
        out.insert(name.clone(), value);
    }
}

/// The settlement that a response's header tells.
fn told(
    what: &'static str,
    name: &HeaderName,
    requirement: &Requirement,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Option<Settlement>, ParseError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = header::decode(what, value.as_bytes())?;
    let reply = SettleResponse::parse(&text).map_err(|error| error.inside(what))?;
    let settlement = reply.settlement(&requirement.chain, requirement.price.ceiling(), now);
    settlement.map(Some).map_err(|error| error.inside(what))
}

/// The unsigned authorization for an offer that is paid by EIP-3009.
fn draft(
    offer: &Offer,
    payer: &Party,
    after: Timestamp,
    now: Timestamp,
    nonce: [u8; 32],
) -> Result<Draft, Reason> {
    let requirement = &offer.requirement;
    if requirement.transfer != TransferMethod::Eip3009 {
        return Err(Reason::MethodMismatch);
    }
    let chain = requirement.chain.evm().ok_or(Reason::UnsupportedNetwork)?;
    let token = requirement.asset.evm().ok_or(Reason::AssetMismatch)?;
    let domain = requirement.domain.as_ref().ok_or(Reason::MissingDomain)?;
    let unsigned = Eip3009 {
        from: payer.evm().ok_or(Reason::UnsupportedNetwork)?,
        to: requirement.pay_to.evm().ok_or(Reason::RecipientMismatch)?,
        value: requirement.price.ceiling().units(),
        window: Window::new(after, now.plus(requirement.timeout)),
        nonce: nonce.into(),
        signature: http402_core::Bytes::new(),
    };
    let to_sign = ToSign::typed(unsigned.document(domain, chain, token));
    Ok(Draft::new(
        requirement,
        http402_core::Authorization::Eip3009(unsigned),
        to_sign,
    ))
}

/// The `payload` of a signed draft.
fn payload(draft: &Draft, signature: &[u8]) -> Result<Box<str>, ParseError> {
    match &draft.authorization {
        http402_core::Authorization::Eip3009(unsigned) => {
            Ok(crate::scheme::exact::payload(unsigned, signature))
        }
        _ => Err(ParseError::new("draft", "not of EIP-3009")),
    }
}
