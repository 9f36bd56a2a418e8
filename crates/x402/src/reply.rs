//! What facilitators reply, and what a server tells of a settlement. Both versions have the same documents.
//!
//! They are read strictly: a member of the wrong type is an error, never a default. `"success":"true"` is no success.

use crate::{V1, network, reason};
use http402_core::{
    Amount, ChainId, Claim, ParseError, Party, Pending, ProtocolId, Reason, Receipt, Settlement,
    Timestamp, Verdict,
    json::{Document, Json, Object, array},
};

fn need_bool(json: Json<'_>, name: &'static str) -> Result<bool, ParseError> {
    json.need(name)?
        .as_bool()
        .ok_or_else(|| ParseError::new(name, "boolean expected"))
}

/// What version 1 calls a network, where it has a name for it; elsewhere networks are ids of chains.
fn v1_name(protocol: ProtocolId, chain: &ChainId) -> Option<&'static str> {
    (protocol == V1).then(|| network::name(chain)).flatten()
}

/// `VerifyResponse` (section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyResponse {
    /// `isValid`.
    pub valid: bool,
    /// `invalidReason`.
    pub reason: Option<Box<str>>,
    /// `payer`.
    pub payer: Option<Box<str>>,
    raw: Box<str>,
}

impl VerifyResponse {
    /// Reads the document.
    ///
    /// # Errors
    /// When something is missing or of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        Ok(Self {
            valid: need_bool(json, "isValid")?,
            reason: json.text("invalidReason")?.map(Into::into),
            payer: json.text("payer")?.map(Into::into),
            raw: json.raw().into(),
        })
    }

    /// The reply for a verdict on a claim; `None` for one that is still to be asked for.
    pub fn of(claim: &Claim, verdict: &Verdict) -> Option<Self> {
        let payer = claim.authorization.payer().map(|payer| payer.to_string());
        let raw = match verdict {
            Verdict::Valid { payer } => Object::new()
                .boolean("isValid", true)
                .text("payer", &payer.to_string()),
            Verdict::Invalid(why) => Object::new()
                .boolean("isValid", false)
                .text("invalidReason", code(claim.wire.protocol, why))
                .text("invalidMessage", &why.to_string())
                .maybe_text("payer", payer.as_deref()),
            _ => return None,
        };
        Self::parse(&raw.finish()).ok()
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }

    /// The verdict that it gives on a claim.
    ///
    /// # Errors
    /// When it names another payer than the claim, or calls a payment valid without one that can be read.
    pub fn verdict(&self, claim: &Claim) -> Result<Verdict, ParseError> {
        if !self.valid {
            let why = self
                .reason
                .as_deref()
                .map_or(Reason::Other("invalid".into()), reason::read);
            return Ok(Verdict::Invalid(why));
        }
        let claimed = claim.authorization.payer();
        let named = self
            .payer
            .as_deref()
            .map(|payer| Party::parse(&claim.requirement.chain, payer))
            .transpose()?;
        match (claimed, named) {
            (Some(claimed), Some(named)) if claimed != named => {
                Err(ParseError::new("payer", "another payer"))
            }
            (Some(payer), _) | (None, Some(payer)) => Ok(Verdict::Valid { payer }),
            (None, None) => Err(ParseError::new("payer", "missing")),
        }
    }
}

fn code(protocol: ProtocolId, why: &Reason) -> &str {
    if protocol == V1 {
        reason::v1(why)
    } else {
        reason::v2(why)
    }
}

/// `SettleResponse` (section 5.3): the reply to `/settle`, and the header `PAYMENT-RESPONSE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettleResponse {
    /// `success`.
    pub success: bool,
    /// `errorReason`.
    pub reason: Option<Box<str>>,
    /// `payer`.
    pub payer: Option<Box<str>>,
    /// `transaction`, empty when there is none.
    pub transaction: Box<str>,
    /// `network`.
    pub network: Box<str>,
    /// `amount`: what was settled, in atomic units.
    pub amount: Option<Amount>,
    raw: Box<str>,
}

impl SettleResponse {
    /// Reads the document.
    ///
    /// # Errors
    /// When something is missing or of the wrong type. A failure may leave out `transaction` and `network`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let success = need_bool(json, "success")?;
        let text = |name| {
            if success {
                json.need_text(name)
            } else {
                Ok(json.text(name)?.unwrap_or_default())
            }
        };
        let amount = match json.text("amount")? {
            None | Some("") => None,
            Some(amount) => Some(
                amount
                    .parse()
                    .map_err(|_| ParseError::new("amount", "not an amount"))?,
            ),
        };
        Ok(Self {
            success,
            reason: json.text("errorReason")?.map(Into::into),
            payer: json.text("payer")?.map(Into::into),
            transaction: text("transaction")?.into(),
            network: text("network")?.into(),
            amount,
            raw: json.raw().into(),
        })
    }

    /// What is told of a claim's settlement.
    pub fn of(claim: &Claim, settlement: &Settlement) -> Option<Self> {
        Self::parse(&Self::text(claim, settlement)?).ok()
    }

    /// The JSON text of what is told of a claim's settlement.
    pub(crate) fn text(claim: &Claim, settlement: &Settlement) -> Option<String> {
        let protocol = claim.wire.protocol;
        let chain = &claim.requirement.chain;
        let (success, why, transaction) = match settlement {
            Settlement::Settled(receipt) => (true, None, Some(&receipt.transaction)),
            Settlement::Declined(why) => (false, Some(why), None),
            Settlement::Unknown(pending) => (
                false,
                Some(&Reason::SettlementPending),
                pending.transaction.as_ref(),
            ),
            _ => return None,
        };
        let mut told = Object::new()
            .boolean("success", success)
            .maybe_text("errorReason", why.map(|why| code(protocol, why)));
        if let Some(payer) = claim.authorization.payer() {
            told = told.shown("payer", &payer);
        }
        told = told.text(
            "transaction",
            transaction.map_or("", |transaction| transaction),
        );
        told = match v1_name(protocol, chain) {
            Some(name) => told.text("network", name),
            None => told.shown("network", chain),
        };
        if let Settlement::Settled(receipt) = settlement
            && protocol != V1
        {
            told = told.shown("amount", &receipt.amount);
        }
        Some(told.into_string())
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }

    /// The settlement that it tells, of a payment of `amount` on `chain`. A success on another network or of another amount is
    /// an error, and so is one without a transaction's hash on an EVM chain.
    ///
    /// # Errors
    /// As above: the outcome is unknown then.
    pub fn settlement(
        &self,
        chain: &ChainId,
        amount: Amount,
        now: Timestamp,
    ) -> Result<Settlement, ParseError> {
        if !self.success {
            let why = self
                .reason
                .as_deref()
                .map_or(Reason::Other("settlement failed".into()), reason::read);
            let transaction = (!self.transaction.is_empty()).then(|| self.transaction.clone());
            return Ok(match why {
                Reason::SettlementPending => {
                    Settlement::Unknown(Pending::new(transaction, now, "settlement pending"))
                }
                why => Settlement::Declined(why),
            });
        }
        if network::resolve(&self.network)? != *chain {
            return Err(ParseError::new("network", "another network"));
        }
        if self.amount.is_some_and(|settled| settled != amount) {
            return Err(ParseError::new("amount", "another amount"));
        }
        if chain.evm().is_some() && !transaction_hash(&self.transaction) {
            return Err(ParseError::new("transaction", "not a transaction's hash"));
        }
        let payer = self
            .payer
            .as_deref()
            .map(|payer| Party::parse(chain, payer))
            .transpose()?;
        let mut receipt = Receipt::new(payer, amount, chain.clone(), self.transaction.clone());
        receipt.reply = Some(http402_core::Encoded::new(self.raw.as_bytes().to_vec()));
        Ok(Settlement::Settled(receipt))
    }
}

/// 32 bytes in hexadecimal that are not all zero.
fn transaction_hash(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    digits.len() == 64
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && digits.bytes().any(|b| b != b'0')
}

/// One kind of payment that a facilitator settles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupportedKind {
    /// `x402Version`.
    pub version: u64,
    /// `scheme`.
    pub scheme: Box<str>,
    /// `network`: a short name in version 1.
    pub network: Box<str>,
    extra: Option<Box<str>>,
}

impl SupportedKind {
    /// A kind without `extra`.
    pub fn new(version: u64, scheme: &str, network: &str) -> Self {
        Self {
            version,
            scheme: scheme.into(),
            network: network.into(),
            extra: None,
        }
    }

    /// The text of `extra`.
    pub fn extra(&self) -> Option<&str> {
        self.extra.as_deref()
    }
}

/// `SupportedResponse` (section 7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupportedResponse {
    /// `kinds`.
    pub kinds: Vec<SupportedKind>,
    raw: Box<str>,
}

impl SupportedResponse {
    /// Reads the document.
    ///
    /// # Errors
    /// When something is missing or of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let kinds = json
            .need("kinds")?
            .as_array()
            .ok_or_else(|| ParseError::new("kinds", "array expected"))?;
        let kinds = kinds.enumerate().map(|(at, kind)| {
            let read = || -> Result<SupportedKind, ParseError> {
                let version = kind.need("x402Version")?.as_u64();
                Ok(SupportedKind {
                    version: version
                        .ok_or_else(|| ParseError::new("x402Version", "whole number expected"))?,
                    scheme: kind.need_text("scheme")?.into(),
                    network: kind.need_text("network")?.into(),
                    extra: kind.object("extra")?.map(|extra| extra.raw().into()),
                })
            };
            read().map_err(|error| error.inside(&format!("kinds[{at}]")))
        });
        let kinds: Result<_, ParseError> = kinds.collect();
        Ok(Self {
            kinds: kinds?,
            raw: json.raw().into(),
        })
    }

    /// A reply with these kinds, settled by these addresses on EVM chains.
    ///
    /// # Panics
    /// Never: what is written here can be read.
    pub fn new(kinds: &[SupportedKind], signers: &[String]) -> Self {
        let items: Vec<Box<str>> = kinds
            .iter()
            .map(|kind| {
                Object::new()
                    .number("x402Version", kind.version)
                    .text("scheme", &kind.scheme)
                    .text("network", &kind.network)
                    .maybe_raw("extra", kind.extra.as_deref())
                    .finish()
            })
            .collect();
        let signers: Vec<String> = signers
            .iter()
            .map(|signer| {
                let mut quoted = String::new();
                http402_core::json::quote(signer, &mut quoted);
                quoted
            })
            .collect();
        let signers = Object::new()
            .raw("eip155:*", &array(signers.iter().map(String::as_str)))
            .finish();
        let raw = Object::new()
            .raw("kinds", &array(items.iter().map(AsRef::as_ref)))
            .raw("extensions", "[]")
            .raw("signers", &signers)
            .finish();
        Self {
            kinds: kinds.to_vec(),
            raw,
        }
    }

    /// The JSON text, as it was read.
    pub fn encode(&self) -> &str {
        &self.raw
    }
}
