use crate::{
    network,
    scheme::exact::{self, Terms},
    v2::timeout,
};
use http402_core::{
    Flow, ParseError, Price, Requirement, Resource, TransferMethod,
    json::{Document, Json, Object},
};

/// One offer (section 5.1.2 `PaymentRequirements`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentRequirements {
    /// `scheme`.
    pub scheme: Box<str>,
    /// `network`: a short name.
    pub network: Box<str>,
    /// `maxAmountRequired`, in atomic units.
    pub amount: Box<str>,
    /// `resource`: a URL.
    pub resource: Box<str>,
    /// `payTo`.
    pub pay_to: Box<str>,
    /// `asset`.
    pub asset: Box<str>,
    /// `maxTimeoutSeconds`, its whole part.
    pub max_timeout: Option<u64>,
    extra: Option<Box<str>>,
    raw: Box<str>,
}

impl PaymentRequirements {
    /// Reads the text of the object.
    ///
    /// # Errors
    /// When it is no JSON, or no offer.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::read(Document::parse(text)?.root())
    }

    /// Reads the object.
    ///
    /// # Errors
    /// When something is missing or of the wrong type.
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            scheme: json.need_text("scheme")?.into(),
            network: json.need_text("network")?.into(),
            amount: json.need_text("maxAmountRequired")?.into(),
            resource: json.text("resource")?.unwrap_or_default().into(),
            pay_to: json.need_text("payTo")?.into(),
            asset: json.need_text("asset")?.into(),
            max_timeout: timeout(json)?,
            extra: json.object("extra")?.map(|extra| extra.raw().into()),
            raw: json.raw().into(),
        })
    }

    /// The offer of a requirement; `None` when version 1 has no words for it: another price than an exact one, another flow
    /// than served first, or a network that clients of version 1 do not know.
    pub fn offer(requirement: &Requirement, resource: &Resource, method: &str) -> Option<Self> {
        let Price::Exactly(amount) = requirement.price else {
            return None;
        };
        if requirement.flow != Flow::Authorization
            || requirement.transfer != TransferMethod::Eip3009
            || !requirement.splits.is_empty()
        {
            return None;
        }
        let network = network::offered(&requirement.chain)?;
        let input = Object::new()
            .text("type", "http")
            .text("method", method)
            .boolean("discoverable", true)
            .finish();
        let raw = Object::new()
            .text("scheme", exact::NAME)
            .text("network", network)
            .text("maxAmountRequired", &amount.to_string())
            .text("resource", &resource.url)
            .text("description", &resource.description)
            .text("mimeType", &resource.mime_type)
            .text("payTo", &requirement.pay_to.to_string())
            .number("maxTimeoutSeconds", requirement.timeout)
            .text("asset", &requirement.asset.to_string())
            .raw("outputSchema", &Object::new().raw("input", &input).finish())
            .maybe_raw("extra", exact::extra(requirement).as_deref())
            .finish();
        Self::parse(&raw).ok()
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }

    /// What it asks for.
    ///
    /// # Errors
    /// When it is of a scheme or network that is not known here, or not readable.
    pub fn requirement(&self) -> Result<Requirement, ParseError> {
        let chain = network::chain(&self.network)
            .ok_or_else(|| ParseError::new("network", "not a network of version 1"))?;
        let extra = self.extra.as_deref().map(Document::parse).transpose()?;
        let terms = Terms {
            scheme: &self.scheme,
            chain: &chain,
            amount: &self.amount,
            asset: &self.asset,
            pay_to: &self.pay_to,
            timeout: self.max_timeout,
            extra: extra.as_ref().map(Document::root),
        };
        terms.requirement()
    }
}
