//! The method `stripe`: cards and what else Stripe takes (draft-stripe-charge, as the packages implement it).
//!
//! A buyer grants a shared payment token, and the seller makes a PaymentIntent with it. Here are the documents, and what a
//! seller checks before and after; nothing here talks to Stripe, and [`Mpp`](crate::http::Mpp) does not offer the method.
//!
//! An `externalId` names an order in the seller's books. It counts when the seller put it into the request, which the
//! challenge's id is bound to: then the payload has to repeat it. One that a payload brings along on its own counts for
//! nothing, or a buyer could have his payment booked for somebody else's order.

use super::{CHARGE, amount};
use crate::{Receipt, jcs, problem::Kind};
use http402_core::{
    Amount, ParseError, Reason, Timestamp,
    json::{Document, Json, Object, array, quote},
};
use std::fmt;

/// The name of the method.
pub const NAME: &str = "stripe";

/// The name under which offers of this method are listed: `stripe/charge`.
pub const OFFER: (&str, &str) = (NAME, CHARGE);

/// The longest text in these documents, in bytes.
const MAX_TEXT: usize = 512;
/// The most ways to pay that a request names.
const MAX_TYPES: usize = 64;

/// The request of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    amount: Amount,
    currency: Box<str>,
    description: Option<Box<str>>,
    external_id: Option<Box<str>>,
    network: Box<str>,
    types: Vec<Box<str>>,
}

impl Charge {
    /// Reads a request.
    ///
    /// # Errors
    /// When something is missing or not in its form: the amount is in the currency's smallest unit and not zero, the currency
    /// three letters of ISO 4217 in either case, the network has a name, and at least one way to pay is named.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let amount = amount(json, "amount")?;
        if amount.is_zero() {
            return Err(ParseError::new("amount", "zero"));
        }
        let currency = json.need_text("currency")?;
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(ParseError::new("currency", "three letters expected"));
        }
        let details = json
            .object("methodDetails")?
            .ok_or_else(|| ParseError::new("methodDetails", "missing"))?;
        let read = || Ok::<_, ParseError>((short(details, "networkId")?, types(details)?));
        let (network, types) = read().map_err(|error| error.inside("methodDetails"))?;
        Ok(Self {
            amount,
            currency: currency.to_ascii_lowercase().into(),
            description: json.text("description")?.map(Into::into),
            external_id: short(json, "externalId")?,
            network: network
                .ok_or_else(|| ParseError::new("methodDetails.networkId", "missing"))?,
            types,
        })
    }

    /// The request, as canonical JSON.
    pub fn encode(&self) -> Box<str> {
        let types: Vec<String> = self.types.iter().map(|text| quoted(text)).collect();
        let details = Object::new()
            .text("networkId", &self.network)
            .raw(
                "paymentMethodTypes",
                &array(types.iter().map(|text| &**text)),
            )
            .finish();
        let text = Object::new()
            .text("amount", &self.amount.to_string())
            .text("currency", &self.currency)
            .maybe_text("description", self.description.as_deref())
            .maybe_text("externalId", self.external_id.as_deref())
            .raw("methodDetails", &details)
            .finish();
        jcs::canonicalize(&text).expect("written here, without numbers")
    }

    /// How much, in the currency's smallest unit.
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// The currency, in lower case as Stripe writes it.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// `methodDetails.networkId`: the seller's profile.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// `methodDetails.paymentMethodTypes`.
    pub fn payment_method_types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|text| &**text)
    }

    /// The order that the payment is for: the request's, and never the payload's own. To be asked before the token is used.
    ///
    /// # Errors
    /// [`Reason::RequestMismatch`] when the request names an order, and the payload another or none.
    pub fn attribute(&self, payload: &Payload) -> Result<Option<&str>, Reason> {
        match self.external_id() {
            Some(bound) if payload.external_id() != Some(bound) => Err(Reason::RequestMismatch),
            bound => Ok(bound),
        }
    }

    /// The receipt for what Stripe answered.
    ///
    /// # Errors
    /// As [`Charge::attribute`] and [`PaymentIntent::paid`].
    pub fn receipt(
        &self,
        payload: &Payload,
        intent: &PaymentIntent<'_>,
        at: Timestamp,
    ) -> Result<Receipt, Reason> {
        let order = self.attribute(payload)?;
        intent.paid()?;
        Ok(Receipt::new(NAME, intent.id, at, order))
    }
}

/// What pays a charge. Whoever holds the token can have it charged, by the seller that it was granted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    token: Box<str>,
    external_id: Option<Box<str>>,
}

impl Payload {
    /// A payload with this shared payment token, for this order.
    ///
    /// # Errors
    /// When the token does not begin with `spt_`, or holds other characters than letters, digits and `_`.
    pub fn new(token: &str, external_id: Option<&str>) -> Result<Self, ParseError> {
        let name = token.strip_prefix("spt_").unwrap_or_default();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || token.len() > MAX_TEXT || !name.bytes().all(allowed) {
            return Err(ParseError::new("spt", "a shared payment token expected"));
        }
        Ok(Self {
            token: token.into(),
            external_id: external_id.map(Into::into),
        })
    }

    /// Reads the `payload` of a credential.
    ///
    /// # Errors
    /// As [`Payload::new`], and when something is missing or of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let read = || {
            let external_id = short(json, "externalId")?;
            Self::new(json.need_text("spt")?, external_id.as_deref())
        };
        read().map_err(|error: ParseError| error.inside("payload"))
    }

    /// The `payload` of a credential.
    pub fn encode(&self) -> Box<str> {
        Object::new()
            .text("spt", &self.token)
            .maybe_text("externalId", self.external_id.as_deref())
            .finish()
    }

    /// The shared payment token, a secret.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `externalId`, as the buyer says. It counts through [`Charge::attribute`] alone.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

/// Without the token.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("external_id", &self.external_id)
            .finish_non_exhaustive()
    }
}

/// What Stripe answered to the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentIntent<'a> {
    /// Its id: `pi_` and more.
    pub id: &'a str,
    /// Its status: `succeeded`, `requires_action`, …
    pub status: &'a str,
    /// Whether this was the answer to the first question with the same idempotency key (`Idempotent-Replayed`): the payment
    /// is an old one.
    pub replayed: bool,
}

impl<'a> PaymentIntent<'a> {
    /// One that is new.
    pub const fn new(id: &'a str, status: &'a str) -> Self {
        Self {
            id,
            status,
            replayed: false,
        }
    }

    /// Whether it paid, now and for the first time.
    ///
    /// # Errors
    /// [`Reason::AlreadyUsed`] when it did before, the code of
    /// [`Kind::PaymentActionRequired`] when the buyer has to do something, and [`Reason::TransactionFailed`] for every other
    /// status.
    pub fn paid(&self) -> Result<(), Reason> {
        match self.status {
            "succeeded" if self.replayed => Err(Reason::AlreadyUsed),
            "succeeded" => Ok(()),
            "requires_action" => Err(Kind::PaymentActionRequired.reason()),
            _ => Err(Reason::TransactionFailed),
        }
    }
}

/// A text of 1 to 512 bytes.
fn short(json: Json<'_>, name: &'static str) -> Result<Option<Box<str>>, ParseError> {
    match json.text(name)? {
        Some(text) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text.into())),
        Some(_) => Err(ParseError::new(name, "1 to 512 bytes expected")),
        None => Ok(None),
    }
}

fn types(details: Json<'_>) -> Result<Vec<Box<str>>, ParseError> {
    let bad = || ParseError::new("paymentMethodTypes", "1 to 64 texts expected");
    let items = details
        .need("paymentMethodTypes")?
        .as_array()
        .filter(|items| (1..=MAX_TYPES).contains(&items.clone().count()))
        .ok_or_else(bad)?;
    let text = |item: Json<'_>| item.as_text().map(Into::into).ok_or_else(bad);
    items.map(text).collect()
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}
