//! Challenges, credentials and receipts, and the encoding of all three.

use super::answer::{Answer, fault, maybe, unfit, unread};
use http402_core::{
    ParseError,
    json::{Json, Object},
};
use http402_mpp::{Challenge, Credential, Receipt, base64url, jcs, mcp};

/// The longest text that is decoded on its own.
const MAX_TEXT: usize = 64 * 1024;

fn header(value: &str) -> String {
    Object::new().text("header", value).finish().into()
}

pub(crate) fn parse_challenge(input: Json<'_>) -> Answer {
    let value = input.need_text("header").map_err(unread)?;
    let challenge = Challenge::parse(value.as_bytes()).map_err(unread)?;
    Ok(challenge.to_native().into())
}

pub(crate) fn format_challenge(input: Json<'_>) -> Answer {
    let challenge = Challenge::from_json(input).map_err(unfit)?;
    Ok(header(&challenge.encode().map_err(unfit)?))
}

pub(crate) fn parse_credential(input: Json<'_>) -> Answer {
    let value = input.need_text("header").map_err(unread)?;
    let mut tokens = Credential::tokens(value.as_bytes()).into_iter();
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return Err(unread("header: one credential is expected"));
    };
    let credential = token.and_then(|token| Credential::decode(&token));
    Ok(mcp::native(&credential.map_err(unread)?).into())
}

pub(crate) fn format_credential(input: Json<'_>) -> Answer {
    Ok(header(&credential(input).map_err(unfit)?.header()))
}

/// A credential whose request is written out. It is sent with the request in its encoding.
pub(crate) fn credential(input: Json<'_>) -> Result<Credential, ParseError> {
    let challenge = Challenge::from_json(input.need("challenge")?)?;
    let source = maybe(input, "source");
    let source = source.map(|source| {
        let text = source.as_text();
        text.ok_or_else(|| ParseError::new("source", "text expected"))
    });
    let payload = input.need("payload")?.raw();
    Credential::new(&challenge, source.transpose()?, payload)
}

pub(crate) fn parse_receipt(input: Json<'_>) -> Answer {
    let value = input.need_text("header").map_err(unread)?;
    let receipt = Receipt::decode(value.as_bytes()).map_err(unread)?;
    Ok(receipt.as_json().into())
}

pub(crate) fn format_receipt(input: Json<'_>) -> Answer {
    // Without the space of the request around its parts.
    let text = jcs::canonical(input).map_err(unfit)?;
    let receipt = Receipt::parse(&text).map_err(unfit)?;
    Ok(header(&receipt.encode()))
}

pub(crate) fn encode(input: Json<'_>) -> Answer {
    let text = input.need_text("text");
    let text = text.map_err(|error| fault("encoding_error", error))?;
    Ok(Object::new()
        .text("text", &base64url::encode(text))
        .finish()
        .into())
}

pub(crate) fn decode(input: Json<'_>) -> Answer {
    let text = input
        .need_text("text")
        .and_then(|text| base64url::decode_text("text", text.as_bytes(), MAX_TEXT));
    let text = text.map_err(|error| fault("encoding_error", error))?;
    Ok(Object::new().text("text", &text).finish().into())
}
