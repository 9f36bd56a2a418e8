use super::PaymentRequirements;
use crate::v2::version;
use http402_core::{ParseError, json::Document};

/// The refusal of a request without payment (section 5.1 `PaymentRequired`): the body of a 402.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentRequired {
    /// `error`: text for people, or a code.
    pub error: Option<Box<str>>,
    /// `accepts`: the offers. One that can not be read does not hide the others.
    pub accepts: Vec<Result<PaymentRequirements, ParseError>>,
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
        version(json, 1)?;
        let offers = json
            .need("accepts")?
            .as_array()
            .ok_or_else(|| ParseError::new("accepts", "array expected"))?;
        let accepts = offers.enumerate().map(|(at, offer)| {
            PaymentRequirements::read(offer)
                .map_err(|error| error.inside(&format!("accepts[{at}]")))
        });
        Ok(Self {
            error: json.text("error")?.map(Into::into),
            accepts: accepts.collect(),
            raw: json.raw().into(),
        })
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }
}
