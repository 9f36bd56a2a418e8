//! Methods: what is asked for with each of them, and what pays it.
//!
//! One payment at once is the intent `charge`; it is the only one that is built.

pub mod evm;
pub mod stripe;
pub mod tempo;

use http402_core::{
    Address, Amount, B256, Bytes, ChainId, ParseError, Party, hex,
    json::{Json, Object, array},
};

/// The intent of a payment at once (draft-payment-intent-charge).
pub const CHARGE: &str = "charge";

/// The largest number of parts that go to others.
pub const MAX_SPLITS: usize = 10;

/// A part of a charge that goes to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Split {
    /// To whom.
    pub to: Address,
    /// How much.
    pub amount: Amount,
    /// The memo of its transfer.
    pub memo: Option<B256>,
}

impl Split {
    /// A part.
    pub fn new(to: Address, amount: Amount) -> Self {
        Self {
            to,
            amount,
            memo: None,
        }
    }

    fn encode(&self) -> Box<str> {
        Object::new()
            .text("recipient", &self.to.to_string())
            .text("amount", &self.amount.to_string())
            .maybe_text("memo", self.memo.map(|memo| memo.to_string()).as_deref())
            .finish()
    }
}

/// The members that charges have in every method on EVM accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    amount: Amount,
    currency: Address,
    recipient: Address,
    description: Option<Box<str>>,
    external_id: Option<Box<str>>,
    chain: u64,
    splits: Vec<Split>,
}

impl Terms {
    fn read(json: Json<'_>) -> Result<Self, ParseError> {
        let amount = amount(json, "amount")?;
        let details = json
            .object("methodDetails")?
            .ok_or_else(|| ParseError::new("methodDetails", "missing"))?;
        let inside = |error: ParseError| error.inside("methodDetails");
        // No default: the drafts and the packages disagree about it.
        let chain = details
            .need("chainId")
            .map_err(inside)?
            .as_u64()
            .ok_or_else(|| ParseError::new("methodDetails.chainId", "number expected"))?;
        Ok(Self {
            amount,
            currency: address(json, "currency")?,
            recipient: address(json, "recipient")?,
            description: json.text("description")?.map(Into::into),
            external_id: json.text("externalId")?.map(Into::into),
            chain,
            splits: splits(details, amount).map_err(inside)?,
        })
    }

    fn object(&self, details: &str) -> Object {
        Object::new()
            .text("amount", &self.amount.to_string())
            .text("currency", &self.currency.to_string())
            .text("recipient", &self.recipient.to_string())
            .maybe_text("description", self.description.as_deref())
            .maybe_text("externalId", self.external_id.as_deref())
            .raw("methodDetails", details)
    }

    fn details(&self) -> Object {
        let details = Object::new().number("chainId", self.chain);
        if self.splits.is_empty() {
            return details;
        }
        let splits: Vec<_> = self.splits.iter().map(Split::encode).collect();
        details.raw("splits", &array(splits.iter().map(|split| &**split)))
    }
}

/// Their sum leaves something for the payee, and none of them is nothing.
fn splits(details: Json<'_>, amount: Amount) -> Result<Vec<Split>, ParseError> {
    let Some(list) = details.get("splits") else {
        return Ok(Vec::new());
    };
    let items = list
        .as_array()
        .filter(|items| (1..=MAX_SPLITS).contains(&items.clone().count()))
        .ok_or_else(|| ParseError::new("splits", "1 to 10 expected"))?;
    let mut rest = amount;
    let mut splits = Vec::with_capacity(items.clone().count());
    for item in items {
        let split = Split {
            to: address(item, "recipient")?,
            amount: self::amount(item, "amount")?,
            memo: item.text("memo")?.map(word).transpose()?,
        };
        rest = rest
            .checked_sub(split.amount)
            .filter(|rest| !rest.is_zero() && !split.amount.is_zero())
            .ok_or_else(|| ParseError::new("splits", "do not fit into the amount"))?;
        splits.push(split);
    }
    Ok(splits)
}

fn renamed(error: &ParseError, name: &'static str) -> ParseError {
    let renamed = ParseError::new(name, error.why().to_owned());
    match error.offset() {
        Some(at) => renamed.at(at),
        None => renamed,
    }
}

fn amount(json: Json<'_>, name: &'static str) -> Result<Amount, ParseError> {
    json.need_text(name)?
        .parse()
        .map_err(|error| renamed(&error, name))
}

fn address(json: Json<'_>, name: &'static str) -> Result<Address, ParseError> {
    let party = Party::parse(&ChainId::eip155(1), json.need_text(name)?)
        .map_err(|error| renamed(&error, name))?;
    party
        .evm()
        .ok_or_else(|| ParseError::new(name, "address expected"))
}

/// `0x` and pairs of hexadecimal digits.
fn bytes(text: &str) -> Result<Bytes, ParseError> {
    let bad = || ParseError::new("bytes", "0x and pairs of hexadecimal digits expected");
    let digits = text.strip_prefix("0x").ok_or_else(bad)?;
    if digits.len() % 2 == 1 {
        return Err(bad());
    }
    let mut bytes = vec![0; digits.len() / 2];
    hex::decode(digits.as_bytes(), &mut bytes).map_err(|_| bad())?;
    Ok(bytes.into())
}

fn hex(json: Json<'_>, name: &'static str) -> Result<Bytes, ParseError> {
    bytes(json.need_text(name)?).map_err(|error| renamed(&error, name))
}

fn word(text: &str) -> Result<B256, ParseError> {
    let mut word = [0; 32];
    let digits = text.strip_prefix("0x").unwrap_or_default();
    if hex::decode(digits.as_bytes(), &mut word).is_ok() {
        return Ok(word.into());
    }
    bytes(text)?;
    Err(ParseError::new("word", "32 bytes expected"))
}
