use super::{PaymentRequirements, required::version};
use http402_core::{
    ParseError,
    json::{Document, Json, Object},
};

/// The members of an answer, where they stand in its text.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// `accepted`, whatever it is.
    pub(crate) accepted: Json<'a>,
    /// `resource`, an object.
    pub(crate) resource: Option<Json<'a>>,
    /// `payload`, an object.
    pub(crate) payload: Json<'a>,
    /// `extensions`, an object.
    pub(crate) extensions: Option<Json<'a>>,
}

impl<'a> Parts<'a> {
    /// The members of this object.
    pub(crate) fn of(json: Json<'a>) -> Result<Self, ParseError> {
        version(json, 2)?;
        Ok(Self {
            payload: json
                .object("payload")?
                .ok_or_else(|| ParseError::new("payload", "missing"))?,
            accepted: json.need("accepted")?,
            resource: json.object("resource")?,
            extensions: json.object("extensions")?,
        })
    }

    /// The offer that was accepted.
    pub(crate) fn accepted(&self) -> Result<PaymentRequirements, ParseError> {
        PaymentRequirements::read(self.accepted).map_err(|error| error.inside("accepted"))
    }
}

/// The answer of a client (section 5.2 `PaymentPayload`), in the header `PAYMENT-SIGNATURE`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentPayload {
    /// `accepted`: the offer that is answered, as the client echoed it.
    pub accepted: PaymentRequirements,
    resource: Option<Box<str>>,
    payload: Box<str>,
    extensions: Option<Box<str>>,
    raw: Box<str>,
}

impl PaymentPayload {
    /// Reads the document.
    ///
    /// # Errors
    /// When it is no JSON, of another version, or something is missing.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::read(Document::parse(text)?.root())
    }

    /// Reads the object.
    ///
    /// # Errors
    /// When it is of another version, or something is missing.
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        let parts = Parts::of(json)?;
        let owned = |part: Json<'_>| part.raw().into();
        Ok(Self {
            accepted: parts.accepted()?,
            resource: parts.resource.map(owned),
            payload: owned(parts.payload),
            extensions: parts.extensions.map(owned),
            raw: json.raw().into(),
        })
    }

    /// The answer to `accepted` with this `payload`; `resource` and `extensions` are echoed.
    pub fn new(
        accepted: PaymentRequirements,
        payload: &str,
        resource: Option<&str>,
        extensions: Option<&str>,
    ) -> Self {
        let raw = Object::new()
            .number("x402Version", 2)
            .maybe_raw("resource", resource)
            .raw("accepted", accepted.encode())
            .raw("payload", payload)
            .maybe_raw("extensions", extensions)
            .finish();
        Self {
            accepted,
            resource: resource.map(Into::into),
            payload: payload.into(),
            extensions: extensions.map(Into::into),
            raw,
        }
    }

    /// The text of `payload`.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The text of `resource`.
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The text of `extensions`.
    pub fn extensions(&self) -> Option<&str> {
        self.extensions.as_deref()
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
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}
