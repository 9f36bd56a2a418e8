use crate::v2::version;
use http402_core::{
    ParseError,
    json::{Document, Object},
};

/// The answer of a client (section 5.2 `PaymentPayload`), in the header `X-PAYMENT`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentPayload {
    /// `scheme`.
    pub scheme: Box<str>,
    /// `network`: a short name.
    pub network: Box<str>,
    payload: Box<str>,
    raw: Box<str>,
}

impl PaymentPayload {
    /// Reads the document.
    ///
    /// # Errors
    /// When it is no JSON, of another version, or something is missing.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        version(json, 1)?;
        let payload = json
            .object("payload")?
            .ok_or_else(|| ParseError::new("payload", "missing"))?;
        Ok(Self {
            scheme: json.need_text("scheme")?.into(),
            network: json.need_text("network")?.into(),
            payload: payload.raw().into(),
            raw: json.raw().into(),
        })
    }

    /// An answer with this `payload`.
    pub fn new(scheme: &str, network: &str, payload: &str) -> Self {
        let raw = Object::new()
            .number("x402Version", 1)
            .text("scheme", scheme)
            .text("network", network)
            .raw("payload", payload)
            .finish();
        Self {
            scheme: scheme.into(),
            network: network.into(),
            payload: payload.into(),
            raw,
        }
    }

    /// The text of `payload`.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }
}

/// Without the payload: who holds it can have it executed.
impl std::fmt::Debug for PaymentPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PaymentPayload")
            .field("scheme", &self.scheme)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}
