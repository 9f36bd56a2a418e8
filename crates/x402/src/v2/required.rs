use super::{PaymentRequirements, ResourceInfo};
use http402_core::{
    ParseError,
    json::{Document, Json, Object, array},
};

/// The refusal of a request without payment (section 5.1 `PaymentRequired`), in the header `PAYMENT-REQUIRED`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentRequired {
    /// `error`: text for people, or a code.
    pub error: Option<Box<str>>,
    /// `resource`.
    pub resource: Option<ResourceInfo>,
    /// `accepts`: the offers. One that can not be read does not hide the others.
    pub accepts: Vec<Result<PaymentRequirements, ParseError>>,
    extensions: Option<Box<str>>,
    raw: Box<str>,
}

impl PaymentRequired {
    /// Reads the document.
    ///
    /// # Errors
    /// When it is no JSON, of another version, or without offers.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        version(json, 2)?;
        let offers = json
            .need("accepts")?
            .as_array()
            .ok_or_else(|| ParseError::new("accepts", "array expected"))?;
        let accepts = offers.enumerate().map(|(at, offer)| {
            PaymentRequirements::read(offer)
                .map_err(|error| error.inside(&format!("accepts[{at}]")))
        });
        let resource = json.object("resource")?.map(ResourceInfo::read).transpose();
        Ok(Self {
            error: json.text("error")?.map(Into::into),
            resource: resource.map_err(|error| error.inside("resource"))?,
            accepts: accepts.collect(),
            extensions: json
                .object("extensions")?
                .map(|extensions| extensions.raw().into()),
            raw: text.trim().into(),
        })
    }

    /// A refusal with these offers.
    pub fn new(error: &str, resource: ResourceInfo, accepts: Vec<PaymentRequirements>) -> Self {
        Self::extended(error, resource, accepts, None)
    }

    /// The same, with the text of `extensions`, a JSON object.
    pub(crate) fn extended(
        error: &str,
        resource: ResourceInfo,
        accepts: Vec<PaymentRequirements>,
        extensions: Option<Box<str>>,
    ) -> Self {
        let raw = Object::new()
            .number("x402Version", 2)
            .text("error", error)
            .raw("resource", resource.encode())
            .raw(
                "accepts",
                &array(accepts.iter().map(PaymentRequirements::encode)),
            )
            .maybe_raw("extensions", extensions.as_deref())
            .finish();
        Self {
            error: Some(error.into()),
            resource: Some(resource),
            accepts: accepts.into_iter().map(Ok).collect(),
            extensions,
            raw,
        }
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

/// Checks `x402Version`.
pub(crate) fn version(json: Json<'_>, expected: u64) -> Result<(), ParseError> {
    match json.need("x402Version")?.as_u64() {
        Some(version) if version == expected => Ok(()),
        Some(_) => Err(ParseError::new("x402Version", "another version")),
        None => Err(ParseError::new("x402Version", "whole number expected")),
    }
}
