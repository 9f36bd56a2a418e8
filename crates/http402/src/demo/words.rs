//! Where each protocol says what: its offer, its credential, its receipt.

use super::{report::Document, tape::Exchange};
use crate::runtime::Fault;
use http::{HeaderMap, HeaderValue};
use http402_mpp::{Challenge, Credential, Receipt};
use http402_x402::header;
use serde_json::Value;

/// The names of the headers of a protocol.
pub(super) struct Words {
    pub(super) credential: &'static str,
    receipt: &'static str,
    mpp: bool,
}

pub(super) fn of(protocol: &str) -> Words {
    match protocol {
        "mpp/1" => Words {
            credential: "authorization",
            receipt: "payment-receipt",
            mpp: true,
        },
        "x402/1" => Words {
            credential: "x-payment",
            receipt: "x-payment-response",
            mpp: false,
        },
        _ => Words {
            credential: "payment-signature",
            receipt: "payment-response",
            mpp: false,
        },
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a HeaderValue, Fault> {
    Ok(headers
        .get(name)
        .ok_or_else(|| format!("no {name} header"))?)
}

fn document(name: &str, encoded_bytes: usize, text: &str) -> Result<Document, Fault> {
    Ok(Document {
        name: name.into(),
        encoded_bytes,
        decoded: serde_json::from_str(text)?,
    })
}

/// A header in base64, decoded.
fn base64(headers: &HeaderMap, name: &'static str) -> Result<Document, Fault> {
    let value = value(headers, name)?;
    let text = header::decode(name, value.as_bytes())?;
    document(&name.to_uppercase(), value.len(), &text)
}

/// The offer that was answered, as it came.
pub(super) fn offer(asked: &Exchange, protocol: &str) -> Result<Document, Fault> {
    match protocol {
        "x402/1" => Ok(Document {
            name: "body".into(),
            encoded_bytes: asked.body.len(),
            decoded: serde_json::from_slice(&asked.body)?,
        }),
        "mpp/1" => {
            let name = "www-authenticate";
            let value = value(&asked.received, name)?;
            let challenge = Challenge::parse(value.as_bytes())?;
            let text = challenge.to_native();
            document("WWW-AUTHENTICATE: Payment", value.len(), &text)
        }
        _ => base64(&asked.received, "payment-required"),
    }
}

/// What paid.
pub(super) fn credential(headers: &HeaderMap, words: &Words) -> Result<Document, Fault> {
    if !words.mpp {
        return base64(headers, words.credential);
    }
    let value = value(headers, words.credential)?;
    let token = Credential::tokens(value.as_bytes()).into_iter().next();
    let credential = Credential::decode(&token.ok_or("no credential")??)?;
    let name = "AUTHORIZATION: Payment";
    let mut document = document(name, value.len(), credential.as_json())?;
    // The request in it is JSON in base64 once more.
    document.decoded["challenge"] = serde_json::from_str(&credential.challenge().to_native())?;
    Ok(document)
}

/// Who got what.
pub(super) fn receipt(headers: &HeaderMap, words: &Words) -> Result<Document, Fault> {
    if !words.mpp {
        return base64(headers, words.receipt);
    }
    let value = value(headers, words.receipt)?;
    let receipt = Receipt::decode(value.as_bytes())?;
    document("PAYMENT-RECEIPT", value.len(), receipt.as_json())
}

/// The message in a credential, and its signature.
pub(super) fn signed(credential: &Value, words: &Words) -> (Value, String) {
    let payload = &credential["payload"];
    let signature = payload["signature"].as_str().unwrap_or_default().to_owned();
    if !words.mpp {
        return (payload["authorization"].clone(), signature);
    }
    let names = ["from", "to", "value", "validAfter", "validBefore", "nonce"];
    let message: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), payload[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    (message, signature)
}
