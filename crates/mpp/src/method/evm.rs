//! The method `evm`: ERC-20 tokens on EVM chains (draft-evm-charge).
//!
//! Built is the credential `authorization`, an EIP-3009 message whose nonce is the hash of the challenge. The payloads of the
//! other types are read, and claim nothing.

use super::{CHARGE, Split, Terms, address, amount, hex, renamed, word};
use crate::{credential, jcs};
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Flow, ParseError, Party, Price, Reason,
    Requirement, TransferMethod, U256, Window,
    asset::Assets,
    authorization::{ChallengeRef, Eip3009},
    json::{Document, Json, Object, array, quote},
    keccak256,
};

/// The name of the method.
pub const NAME: &str = "evm";

/// The name under which offers of this method are listed: `evm/charge`.
pub const OFFER: (&str, &str) = (NAME, CHARGE);

/// How a charge may be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialType {
    /// `authorization`: EIP-3009.
    Authorization,
    /// `permit2`.
    Permit2,
    /// `transaction`: signed, sent by the server.
    Transaction,
    /// `hash`: sent by the client.
    Hash,
    /// Another word.
    Other(Box<str>),
}

impl CredentialType {
    fn parse(text: &str) -> Self {
        match text {
            "authorization" => Self::Authorization,
            "permit2" => Self::Permit2,
            "transaction" => Self::Transaction,
            "hash" => Self::Hash,
            other => Self::Other(other.into()),
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Authorization => "authorization",
            Self::Permit2 => "permit2",
            Self::Transaction => "transaction",
            Self::Hash => "hash",
            Self::Other(word) => word,
        }
    }
}

/// The request of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    terms: Terms,
    permit2: Option<Address>,
    types: Vec<CredentialType>,
    decimals: Option<u8>,
}

impl Charge {
    /// The charge for a requirement that is paid by EIP-3009; `None` when it is not one. An authorization pays one party
    /// alone: a requirement with splits has no such charge.
    pub fn of(requirement: &Requirement, decimals: Option<u8>) -> Option<Self> {
        let Price::Exactly(amount) = requirement.price else {
            return None;
        };
        if requirement.transfer != TransferMethod::Eip3009 || !requirement.splits.is_empty() {
            return None;
        }
        let charge = Self {
            terms: Terms {
                amount,
                currency: requirement.asset.evm()?,
                recipient: requirement.pay_to.evm()?,
                description: None,
                external_id: None,
                chain: requirement.chain.evm()?,
                splits: Vec::new(),
            },
            permit2: None,
            types: vec![CredentialType::Authorization],
            decimals,
        };
        (Self::parse(&charge.encode()).as_ref() == Ok(&charge)).then_some(charge)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// When something is missing or not in its form: the chain always has to be named.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let terms = Terms::read(json)?;
        let details = json.need("methodDetails")?;
        let read = || -> Result<Self, ParseError> {
            let permit2 = match details.get("permit2Address") {
                Some(_) => Some(address(details, "permit2Address")?),
                None => None,
            };
            let decimals = match details.get("decimals") {
                None => None,
                Some(value) => Some(
                    value
                        .as_u64()
                        .and_then(|decimals| u8::try_from(decimals).ok())
                        .ok_or_else(|| ParseError::new("decimals", "small number expected"))?,
                ),
            };
            Ok(Self {
                terms: terms.clone(),
                permit2,
                types: types(details)?,
                decimals,
            })
        };
        read().map_err(|error| error.inside("methodDetails"))
    }

    /// The request, as canonical JSON.
    pub fn encode(&self) -> Box<str> {
        let mut details = self.terms.details();
        if let Some(permit2) = self.permit2 {
            details = details.text("permit2Address", &permit2.to_string());
        }
        if !self.types.is_empty() {
            let quoted = self.types.iter().map(|one| {
                let mut out = String::new();
                quote(one.as_str(), &mut out);
                out
            });
            let quoted: Vec<_> = quoted.collect();
            let list = array(quoted.iter().map(|one| &**one));
            details = details.raw("credentialTypes", &list);
        }
        if let Some(decimals) = self.decimals {
            details = details.number("decimals", u64::from(decimals));
        }
        let text = self.terms.object(&details.finish()).finish();
        jcs::canonicalize(&text).expect("written here, with whole numbers alone")
    }

    /// What it asks for, to be paid by EIP-3009: the token's domain is not in the request, so the token has to be known.
    ///
    /// # Errors
    /// When an authorization can not pay it, or its token is not one of `assets`.
    pub fn requirement(&self, assets: &Assets, timeout: u64) -> Result<Requirement, ParseError> {
        if !self.accepts(&CredentialType::Authorization) {
            return Err(ParseError::new(
                "methodDetails.credentialTypes",
                "not supported",
            ));
        }
        if !self.terms.splits.is_empty() {
            return Err(ParseError::new("methodDetails.splits", "not supported"));
        }
        if self.terms.amount.is_zero() {
            return Err(ParseError::new("amount", "nothing"));
        }
        let chain = ChainId::eip155(self.terms.chain);
        let token = Party::Evm(self.terms.currency);
        let domain = assets
            .find(&chain, &token)
            .ok_or_else(|| ParseError::new("currency", "not a known token"))?
            .domain();
        let pay_to = Party::Evm(self.terms.recipient);
        let mut requirement =
            Requirement::exactly(self.terms.amount, chain, token, pay_to, Some(domain))
                .timeout(timeout);
        requirement.flow = Flow::Upfront;
        Ok(requirement)
    }

    /// Whether it may be paid in this way. Servers that do not say how take an authorization.
    pub fn accepts(&self, kind: &CredentialType) -> bool {
        if self.types.is_empty() {
            return *kind == CredentialType::Authorization;
        }
        self.types.contains(kind)
    }

    /// The same, for people and for the seller's books.
    #[must_use]
    pub fn describe(mut self, description: Option<&str>, external_id: Option<&str>) -> Self {
        self.terms.description = description.map(Into::into);
        self.terms.external_id = external_id.map(Into::into);
        self
    }

    /// How much, in atomic units.
    pub fn amount(&self) -> Amount {
        self.terms.amount
    }

    /// The token.
    pub fn currency(&self) -> Address {
        self.terms.currency
    }

    /// To whom.
    pub fn recipient(&self) -> Address {
        self.terms.recipient
    }

    /// The parts of others.
    pub fn splits(&self) -> &[Split] {
        &self.terms.splits
    }

    /// The number of the chain.
    pub fn chain(&self) -> u64 {
        self.terms.chain
    }

    /// `decimals`.
    pub fn decimals(&self) -> Option<u8> {
        self.decimals
    }

    /// `permit2Address`.
    pub fn permit2(&self) -> Option<Address> {
        self.permit2
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.terms.external_id.as_deref()
    }

    /// What a credential's payload authorizes. Its nonce is the hash of the challenge, in one of the two ways in which buyers
    /// make it, so it pays no other.
    ///
    /// # Errors
    /// When it can not be read, is of a type that the charge does not allow or that is not built, or pays somebody else,
    /// another amount or another challenge.
    pub fn authorization(
        &self,
        challenge: &ChallengeRef,
        source: Option<&str>,
        payload: &str,
    ) -> Result<Authorization, Reason> {
        let malformed = |_| Reason::PayloadMalformed;
        let Payload::Authorization(signed) = Payload::parse(payload).map_err(malformed)? else {
            return Err(Reason::MethodMismatch);
        };
        if !self.accepts(&CredentialType::Authorization) || !self.terms.splits.is_empty() {
            return Err(Reason::MethodMismatch);
        }
        match source.map(credential::parse_source).transpose() {
            Ok(Some((chain, _))) if chain != self.chain() => return Err(Reason::NetworkMismatch),
            Ok(Some((_, account))) if account != signed.from => return Err(Reason::Signature),
            Ok(_) => {}
            Err(error) => return Err(malformed(error)),
        }
        if signed.to != self.recipient() {
            return Err(Reason::RecipientMismatch);
        }
        if signed.value != self.amount().units() {
            return Err(Reason::AmountMismatch);
        }
        if signed.nonce != challenge.hash() && Some(signed.nonce) != listed_hash(challenge) {
            return Err(Reason::ChallengeMismatch);
        }
        Ok(Authorization::Eip3009(signed))
    }
}

/// The hash of a challenge as pympp 0.16 makes it, where the draft's [`ChallengeRef::hash`] is of id and realm run together:
/// `keccak256(["id","realm"])`, of a JSON array without spaces.
fn listed_hash(challenge: &ChallengeRef) -> Option<B256> {
    let mut text = String::from("[");
    quote(challenge.id(), &mut text);
    text.push(',');
    quote(challenge.realm(), &mut text);
    text.push(']');
    let text = jcs::canonicalize(&text).ok()?;
    Some(keccak256(text.as_bytes()))
}

fn types(details: Json<'_>) -> Result<Vec<CredentialType>, ParseError> {
    let bad = || ParseError::new("credentialTypes", "texts expected");
    let Some(list) = details.get("credentialTypes") else {
        return Ok(Vec::new());
    };
    let items = list.as_array().ok_or_else(bad)?;
    let read = |item: Json<'_>| Ok(CredentialType::parse(item.as_text().ok_or_else(bad)?));
    let types: Result<Vec<_>, ParseError> = items.map(read).collect();
    types.and_then(|types| {
        if types.is_empty() {
            Err(bad())
        } else {
            Ok(types)
        }
    })
}

/// What pays a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// EIP-3009.
    Authorization(Eip3009),
    /// Permit2, with the hash of the challenge as its witness.
    Permit2(Permit2),
    /// A signed transaction.
    Transaction(Hidden),
    /// The hash of a transaction that was sent.
    Hash(B256),
}

/// Bytes that could be executed: not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub Bytes);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// A Permit2 payload. The lists are as long as each other: the payee's transfer first, then one for each part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permit2 {
    /// Token and most of each transfer.
    pub permitted: Vec<(Address, Amount)>,
    /// Receiver and amount of each transfer.
    pub transfers: Vec<(Address, Amount)>,
    /// The payer's nonce.
    pub nonce: U256,
    /// The last second in which it holds.
    pub deadline: U256,
    /// The hash of the challenge.
    pub challenge: B256,
    /// The signature.
    pub signature: Hidden,
}

impl Payload {
    /// Reads the `payload` of a credential.
    ///
    /// # Errors
    /// When its `type` is another, or it can not be read.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let document = Document::parse(text)?;
        let json = document.root();
        let read = || match json.need_text("type")? {
            "authorization" => eip3009(json).map(Self::Authorization),
            "permit2" => permit2(json).map(Self::Permit2),
            "transaction" => Ok(Self::Transaction(Hidden(hex(json, "signature")?))),
            "hash" => word(json.need_text("hash")?).map(Self::Hash),
            _ => Err(ParseError::new("type", "not supported")),
        };
        read().map_err(|error| error.inside("payload"))
    }

    /// The `payload` of an EIP-3009 authorization with this signature.
    pub fn encode(signed: &Eip3009, signature: &[u8]) -> Box<str> {
        Object::new()
            .text("type", "authorization")
            .text("from", &signed.from.to_string())
            .text("to", &signed.to.to_string())
            .text("value", &signed.value.to_string())
            .text("validAfter", &signed.window.after.to_string())
            .text("validBefore", &signed.window.before.to_string())
            .text("nonce", &signed.nonce.to_string())
            .text("signature", &Bytes::copy_from_slice(signature).to_string())
            .finish()
    }
}

fn number(json: Json<'_>, name: &'static str) -> Result<U256, ParseError> {
    amount(json, name).map(Amount::units)
}

fn eip3009(json: Json<'_>) -> Result<Eip3009, ParseError> {
    Ok(Eip3009 {
        from: address(json, "from")?,
        to: address(json, "to")?,
        value: number(json, "value")?,
        window: Window {
            after: number(json, "validAfter")?,
            before: number(json, "validBefore")?,
        },
        nonce: word(json.need_text("nonce")?).map_err(|error| renamed(&error, "nonce"))?,
        signature: hex(json, "signature")?,
    })
}

fn permit2(json: Json<'_>) -> Result<Permit2, ParseError> {
    let permit = json.need("permit")?;
    let list = |from: Json<'_>, name: &'static str, who, how_much| {
        let items = from.need(name)?.as_array();
        let items = items.ok_or_else(|| ParseError::new(name, "array expected"))?;
        let pair = |item: Json<'_>| Ok((address(item, who)?, amount(item, how_much)?));
        items.map(pair).collect::<Result<Vec<_>, ParseError>>()
    };
    let permitted = list(permit, "permitted", "token", "amount")?;
    let transfers = list(json, "transferDetails", "to", "requestedAmount")?;
    if permitted.is_empty() || permitted.len() != transfers.len() {
        return Err(ParseError::new("transferDetails", "another number"));
    }
    let witness = json.need("witness")?.need_text("challengeHash")?;
    Ok(Permit2 {
        permitted,
        transfers,
        nonce: number(permit, "nonce")?,
        deadline: number(permit, "deadline")?,
        challenge: word(witness).map_err(|error| renamed(&error, "challengeHash"))?,
        signature: Hidden(hex(json, "signature")?),
    })
}
