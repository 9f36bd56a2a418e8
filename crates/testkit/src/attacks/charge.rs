//! Charges of MPP: a challenge that was made for one request, and what pays it.

use super::{dialect::Offer, payment::now, wire::Answer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http402_core::{
    Address, B256, Bytes, ChainId, Timestamp, TokenDomain, U256, Window, asset::Assets,
    authorization::Eip3009, keccak256,
};
use http402_mpp::{Challenge, method::evm};
use http402_verify::LocalKey;
use serde_json::{Map, Value, json};

/// A challenge to pay a charge on an EVM chain, by an EIP-3009 authorization.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    /// Its parameters.
    pub(super) challenge: Map<String, Value>,
    pub(super) chain: ChainId,
    pub(super) number: u64,
    pub(super) asset: Address,
    pub(super) pay_to: Address,
    pub(super) amount: U256,
    pub(super) domain: TokenDomain,
    pub(super) expires: u64,
}

/// The charges that an answer asks for, as far as they are of that kind.
pub(super) fn charges(answer: &Answer) -> Vec<Charge> {
    let all = Challenge::parse_all(answer.all("www-authenticate"));
    all.into_iter()
        .filter_map(|one| charge(&one.ok()?))
        .collect()
}

fn charge(challenge: &Challenge) -> Option<Charge> {
    if challenge.method() != evm::NAME || challenge.intent() != "charge" {
        return None;
    }
    let request = evm::Charge::parse(challenge.request()).ok()?;
    let requirement = request.requirement(&Assets::known(), 60).ok()?;
    let parameters: Value = serde_json::from_str(&challenge.to_json()).ok()?;
    Some(Charge {
        challenge: parameters.as_object()?.clone(),
        number: request.chain(),
        asset: request.currency(),
        pay_to: request.recipient(),
        amount: request.amount().units(),
        domain: requirement.domain?,
        expires: challenge.expires().map_or(now() + 60, Timestamp::secs),
        chain: requirement.chain,
    })
}

impl Charge {
    /// A parameter, or nothing.
    pub(super) fn text(&self, name: &str) -> String {
        let text = self.challenge.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }

    /// The hash of the challenge, which is the nonce of what pays it.
    pub(super) fn hash(&self) -> B256 {
        keccak256(format!("{}{}", self.text("id"), self.text("realm")))
    }

    /// The same with another parameter, or without it.
    pub(super) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.challenge.insert(name.into(), json!(value)),
            None => self.challenge.remove(name),
        };
        self
    }
}

/// What pays a charge, to be written and changed.
#[derive(Clone)]
pub(super) struct Paying {
    pub(super) charge: Charge,
    pub(super) message: Eip3009,
    pub(super) source: Option<String>,
}

impl Paying {
    /// What an honest client answers.
    pub(super) fn honest(charge: &Charge, key: &LocalKey) -> Self {
        let end = charge.expires.min(now() + 600);
        let message = Eip3009 {
            from: key.address(),
            to: charge.pay_to,
            value: charge.amount,
            window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(end)),
            nonce: charge.hash(),
            signature: Bytes::new(),
        };
        Self {
            charge: charge.clone(),
            message,
            source: Some(format!(
                "did:pkh:eip155:{}:{}",
                charge.number,
                key.address()
            )),
        }
        .signed(key)
    }

    pub(super) fn signed(self, key: &LocalKey) -> Self {
        let (chain, asset) = (self.charge.number, self.charge.asset);
        self.signed_for(key, chain, asset)
    }

    /// Signed under the domain of another chain or contract.
    pub(super) fn signed_for(mut self, key: &LocalKey, chain: u64, contract: Address) -> Self {
        let document = self.message.document(&self.charge.domain, chain, contract);
        let signature = key.sign_digest(&document.digest().0);
        self.message.signature = Bytes::copy_from_slice(&signature);
        self
    }

    /// The same with something changed, signed again.
    pub(super) fn but(mut self, key: &LocalKey, change: impl FnOnce(&mut Eip3009)) -> Self {
        change(&mut self.message);
        self.signed(key)
    }

    /// The same with another signature.
    pub(super) fn with_signature(mut self, signature: impl Into<Bytes>) -> Self {
        self.message.signature = signature.into();
        self
    }

    pub(super) fn payload(&self) -> Value {
        let message = &self.message;
        json!({
            "type": "authorization",
            "from": message.from.to_string(),
            "to": message.to.to_string(),
            "value": message.value.to_string(),
            "validAfter": message.window.after.to_string(),
            "validBefore": message.window.before.to_string(),
            "nonce": message.nonce.to_string(),
            "signature": message.signature.to_string(),
        })
    }

    pub(super) fn document(&self) -> Value {
        let mut document = json!({"challenge": self.charge.challenge, "payload": self.payload()});
        if let Some(source) = &self.source {
            document["source"] = json!(source);
        }
        document
    }

    /// The credential, as an honest client writes it.
    pub(super) fn header(&self) -> (String, String) {
        (self.field().into(), format!("Payment {}", self.token()))
    }

    /// The field that the challenge wants the credential in.
    pub(super) fn field(&self) -> &'static str {
        if self.charge.challenge.contains_key("header") {
            "Payment-Authorization"
        } else {
            "Authorization"
        }
    }

    pub(super) fn token(&self) -> String {
        encoded(&self.document().to_string())
    }

    /// A credential with this document in it.
    pub(super) fn written(&self, document: &str) -> (String, String) {
        (
            self.field().into(),
            format!("Payment {}", encoded(document)),
        )
    }
}

pub(super) fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// What an offer of another protocol and a charge have in common is the token; nothing else is needed to count money.
impl From<&Offer> for Purse {
    fn from(offer: &Offer) -> Self {
        Self(offer.asset)
    }
}

impl From<&Charge> for Purse {
    fn from(charge: &Charge) -> Self {
        Self(charge.asset)
    }
}

/// The token that money is counted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse(pub(super) Address);
