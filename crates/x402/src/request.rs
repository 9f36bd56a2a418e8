//! What a facilitator is asked: `/verify` and `/settle` have one body (section 7).

use crate::{
    V1, V2,
    scheme::exact::{self, PayloadError},
    v1, v2,
};
use http402_core::{
    Authorization, Claim, Encoded, ParseError, Reason, Wire,
    json::{Document, Object},
};

/// The longest body that is looked at, in bytes.
pub const MAX_LEN: usize = 128 * 1024;

/// The body for a claim of either version, with the client's payload and the seller's requirements as they are. A claim of
/// another protocol is told in version 2, when its authorization is one that `exact` knows: the same message settles it.
///
/// # Errors
/// When the claim is of another protocol, and its authorization is none of `exact`.
pub fn encode(claim: &Claim) -> Result<Box<str>, ParseError> {
    let version = match claim.wire.protocol {
        V1 => 1,
        V2 => 2,
        _ => return translated(claim),
    };
    let text = |bytes: &Encoded| String::from_utf8(bytes.as_slice().to_vec());
    let (Ok(payload), Ok(offer)) = (text(&claim.wire.answer), text(&claim.wire.offer)) else {
        return Err(ParseError::new("claim", "not UTF-8"));
    };
    let body = Object::new().number("x402Version", version);
    Ok(body
        .raw("paymentPayload", &payload)
        .raw("paymentRequirements", &offer)
        .finish())
}

/// The claim as version 2 would have carried it.
fn translated(claim: &Claim) -> Result<Box<str>, ParseError> {
    let Authorization::Eip3009(signed) = &claim.authorization else {
        return Err(ParseError::new(
            "claim",
            "not of x402, and not paid by EIP-3009",
        ));
    };
    let offer = v2::PaymentRequirements::offer(&claim.requirement)?;
    let requirements = offer.encode().to_owned();
    let signed = exact::payload(signed, &signed.signature);
    let payment = v2::PaymentPayload::new(offer, &signed, None, None);
    let body = Object::new().number("x402Version", 2);
    Ok(body
        .raw("paymentPayload", payment.encode())
        .raw("paymentRequirements", &requirements)
        .finish())
}

/// Why a body makes no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// It can not be read.
    Malformed(ParseError),
    /// It can be read, and is not acceptable.
    Refused(Reason),
}

impl From<ParseError> for RequestError {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

impl From<PayloadError> for RequestError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Malformed(error) => Self::Malformed(error),
            PayloadError::Refused(reason) => Self::Refused(reason),
        }
    }
}

/// The claim that a body makes. The version is that of the payload.
///
/// # Errors
/// When it is too long, can not be read, or payload and requirements do not belong together.
pub fn parse(body: &[u8]) -> Result<Claim, RequestError> {
    if body.len() > MAX_LEN {
        return Err(ParseError::new("body", "longer than 131072 bytes").into());
    }
    let text = std::str::from_utf8(body)
        .map_err(|e| ParseError::new("body", "not UTF-8").at(e.valid_up_to()))?;
    let document = Document::parse(text)?;
    let json = document.root();
    let payload = json.need("paymentPayload")?;
    let offer = json.need("paymentRequirements")?;
    claim(payload.raw(), offer.raw())
}

/// The claim that a payload makes for an offer; both are JSON texts.
///
/// # Errors
/// When they can not be read, or do not belong together.
pub fn claim(payload: &str, offer: &str) -> Result<Claim, RequestError> {
    let version = Document::parse(payload)?
        .root()
        .need("x402Version")
        .map_err(|e| e.inside("paymentPayload"))?
        .as_u64();
    let (protocol, requirement, inner) = match version {
        Some(1) => {
            let payload =
                v1::PaymentPayload::parse(payload).map_err(|e| e.inside("paymentPayload"))?;
            let offer = v1::PaymentRequirements::parse(offer)
                .map_err(|e| e.inside("paymentRequirements"))?;
            belong(
                &payload.scheme,
                &offer.scheme,
                &payload.network,
                &offer.network,
            )?;
            (
                V1,
                offer
                    .requirement()
                    .map_err(|e| e.inside("paymentRequirements"))?,
                payload.payload().to_owned(),
            )
        }
        Some(2) => {
            let payload =
                v2::PaymentPayload::parse(payload).map_err(|e| e.inside("paymentPayload"))?;
            let offer = v2::PaymentRequirements::parse(offer)
                .map_err(|e| e.inside("paymentRequirements"))?;
            belong(
                &payload.accepted.scheme,
                &offer.scheme,
                &payload.accepted.network,
                &offer.network,
            )?;
            (
                V2,
                offer
                    .requirement()
                    .map_err(|e| e.inside("paymentRequirements"))?,
                payload.payload().to_owned(),
            )
        }
        _ => return Err(RequestError::Refused(Reason::UnsupportedVersion)),
    };
    let authorization = exact::authorization(Document::parse(&inner)?.root(), &requirement)?;
    let wire = Wire {
        protocol,
        offer: Encoded::new(offer.as_bytes().to_vec()),
        answer: Encoded::new(payload.as_bytes().to_vec()),
    };
    // A facilitator is not told what the payment is for.
    Ok(Claim::new(requirement, authorization, wire))
}

fn belong(scheme: &str, offered: &str, network: &str, wanted: &str) -> Result<(), RequestError> {
    if scheme != exact::NAME || offered != exact::NAME {
        return Err(RequestError::Refused(Reason::UnsupportedScheme));
    }
    if network != wanted {
        return Err(RequestError::Refused(Reason::NetworkMismatch));
    }
    Ok(())
}
