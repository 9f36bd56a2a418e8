use crate::scheme::exact::{self, Terms};
use http402_core::{
    ChainId, ParseError, Price, Reason, Requirement, TransferMethod,
    json::{Document, Json, Object},
};

/// The members that every offer has, besides `extra`.
const MEMBERS: [&str; 6] = [
    "scheme",
    "network",
    "amount",
    "asset",
    "payTo",
    "maxTimeoutSeconds",
];

/// One offer (section 5.1.2 `PaymentRequirements`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentRequirements {
    /// `scheme`.
    pub scheme: Box<str>,
    /// `network`: a CAIP-2 id.
    pub network: Box<str>,
    /// `amount`, in atomic units.
    pub amount: Box<str>,
    /// `asset`.
    pub asset: Box<str>,
    /// `payTo`.
    pub pay_to: Box<str>,
    /// `maxTimeoutSeconds`, its whole part.
    pub max_timeout: Option<u64>,
    extra: Option<Box<str>>,
    /// Whether the members above are all of it.
    plain: bool,
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
        let text = |name| -> Result<Box<str>, ParseError> {
            let text = json.need_text(name)?;
            if text.is_empty() {
                Err(ParseError::new(name, "empty"))
            } else {
                Ok(text.into())
            }
        };
        Ok(Self {
            scheme: text("scheme")?,
            network: text("network")?,
            amount: text("amount")?,
            asset: text("asset")?,
            pay_to: text("payTo")?,
            max_timeout: timeout(json)?,
            extra: json.object("extra")?.map(|extra| extra.raw().into()),
            plain: plain(json),
            raw: json.raw().into(),
        })
    }

    /// The offer of a requirement.
    ///
    /// # Errors
    /// When version 2 has no words for it.
    pub fn offer(requirement: &Requirement) -> Result<Self, ParseError> {
        let Price::Exactly(amount) = requirement.price else {
            return Err(ParseError::new("price", "only exact prices are offered"));
        };
        // Offered without them, somebody would not get his part.
        if !requirement.splits.is_empty() {
            return Err(ParseError::new("splits", "not offered"));
        }
        if requirement.transfer == TransferMethod::Native {
            return Err(ParseError::new("transfer", "not of this protocol"));
        }
        let raw = Object::new()
            .text("scheme", exact::NAME)
            .text("network", &requirement.chain.to_string())
            .text("amount", &amount.to_string())
            .text("asset", &requirement.asset.to_string())
            .text("payTo", &requirement.pay_to.to_string())
            .number("maxTimeoutSeconds", requirement.timeout)
            .maybe_raw("extra", exact::extra(requirement).as_deref())
            .finish();
        Self::parse(&raw)
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }

    /// The text of `extra`.
    pub fn extra(&self) -> Option<&str> {
        self.extra.as_deref()
    }

    /// What it asks for.
    ///
    /// # Errors
    /// When it is of a scheme, network, flow or transfer method that is not known here, or not readable.
    pub fn requirement(&self) -> Result<Requirement, ParseError> {
        let chain: ChainId = self
            .network
            .parse()
            .map_err(|error: ParseError| error.inside("network"))?;
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

    /// Whether `accepted`, which a client echoed, is this offer; if not, in what it differs.
    ///
    /// Everything but `extra` has to be as it was issued, members that are not known here included, and texts to the letter:
    /// that is how the reference implementation matches. `extra` may have more members than this offer's, and has to have
    /// all of those.
    pub fn matches(&self, accepted: &Self) -> Result<(), Reason> {
        if self.scheme != accepted.scheme {
            return Err(Reason::UnsupportedScheme);
        }
        if self.network != accepted.network {
            return Err(Reason::NetworkMismatch);
        }
        if self.asset != accepted.asset {
            return Err(Reason::AssetMismatch);
        }
        if self.pay_to != accepted.pay_to {
            return Err(Reason::RecipientMismatch);
        }
        if self.amount != accepted.amount {
            return Err(Reason::AmountMismatch);
        }
        let rest = if self.plain && accepted.plain {
            self.max_timeout == accepted.max_timeout
        } else {
            covers(&self.raw, &accepted.raw) && covers(&accepted.raw, &self.raw)
        };
        if !rest || !contains(accepted.extra(), self.extra()) {
            return Err(Reason::NoMatchingOffer);
        }
        Ok(())
    }
}

/// Whether the typed fields tell everything about it but `extra`.
fn plain(json: Json<'_>) -> bool {
    let whole = json
        .get("maxTimeoutSeconds")
        .and_then(Json::as_number)
        .is_none_or(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    whole && { json.members() }
        .all(|(name, value)| name == "extra" || MEMBERS.contains(&name) && !value.is_null())
}

/// Whether the object `one` has every member of the object `two`, but for `extra`.
fn covers(one: &str, two: &str) -> bool {
    let (Ok(one), Ok(two)) = (Document::parse(one), Document::parse(two)) else {
        return false;
    };
    two.root().members().all(|(name, value)| {
        name == "extra" || one.root().get(name).is_some_and(|other| value.same(other))
    })
}

/// Whether the object `all` has every member of the object `some`, with the same meaning.
fn contains(all: Option<&str>, some: Option<&str>) -> bool {
    let Some(some) = some else { return true };
    let (Ok(some), Some(Ok(all))) = (Document::parse(some), all.map(Document::parse)) else {
        return false;
    };
    some.root()
        .members()
        .all(|(name, value)| match all.root().get(name) {
            Some(other) => value.same(other),
            None => value.is_null(),
        })
}

/// `maxTimeoutSeconds`: a number above zero, whose fraction is dropped; bindings without one exist.
pub(crate) fn timeout(json: Json<'_>) -> Result<Option<u64>, ParseError> {
    let Some(value) = json.get("maxTimeoutSeconds") else {
        return Ok(None);
    };
    let text = value
        .as_number()
        .ok_or_else(|| ParseError::new("maxTimeoutSeconds", "number expected"))?;
    let whole = text.split('.').next().unwrap_or(text);
    whole
        .parse()
        .map(Some)
        .map_err(|_| ParseError::new("maxTimeoutSeconds", "not a number of seconds"))
}
