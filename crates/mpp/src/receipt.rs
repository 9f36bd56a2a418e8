//! `Payment-Receipt`: proof of a settlement (core draft, section 5.3). It stands in successful responses alone.

use crate::{base64url, rfc3339};
use http402_core::{
    ParseError, Timestamp,
    json::{Document, Json, Object},
};

/// The longest receipt that is looked at, in characters.
pub const MAX_LEN: usize = 16 * 1024;

/// A receipt. Members that are not known are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// `method`.
    pub method: Box<str>,
    /// `reference`: the transaction, or the challenge where nothing was paid.
    pub reference: Box<str>,
    /// `timestamp`.
    pub timestamp: Timestamp,
    /// `externalId`.
    pub external_id: Option<Box<str>>,
    raw: Box<str>,
}

impl Receipt {
    /// A receipt.
    pub fn new(method: &str, reference: &str, at: Timestamp, external_id: Option<&str>) -> Self {
        let raw = Object::new()
            .text("method", method)
            .text("status", "success")
            .text("timestamp", &rfc3339::format(at))
            .text("reference", reference)
            .maybe_text("externalId", external_id)
            .finish();
        Self {
            method: method.into(),
            reference: reference.into(),
            timestamp: at,
            external_id: external_id.map(Into::into),
            raw,
        }
    }

    /// Reads the JSON document.
    ///
    /// # Errors
    /// When something is missing or of the wrong type, or the status is another than `success`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::read(Document::parse(text)?.root())
    }

    /// The same, of a value in a document.
    ///
    /// # Errors
    /// As [`Receipt::parse`].
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        if json.need_text("status")? != "success" {
            return Err(ParseError::new("status", "success expected"));
        }
        Ok(Self {
            method: json.need_text("method")?.into(),
            reference: json.need_text("reference")?.into(),
            timestamp: rfc3339::parse(json.need_text("timestamp")?)?,
            external_id: json.text("externalId")?.map(Into::into),
            raw: json.raw().into(),
        })
    }

    /// Reads the value of `Payment-Receipt`.
    ///
    /// # Errors
    /// When it is too long, not base64url of UTF-8, or as [`Receipt::parse`].
    pub fn decode(value: &[u8]) -> Result<Self, ParseError> {
        let text = base64url::decode_text("receipt", value, MAX_LEN)?;
        Self::parse(&text).map_err(|error| error.inside("receipt"))
    }

    /// The value of `Payment-Receipt`.
    pub fn encode(&self) -> String {
        base64url::encode(&*self.raw)
    }

    /// The JSON text, as it was read.
    pub fn as_json(&self) -> &str {
        &self.raw
    }
}
