//! The method `tempo`: TIP-20 tokens on Tempo chains (draft-tempo-charge, as the packages implement it).
//!
//! | payload | who sends the transaction | authorization |
//! |---|---|---|
//! | `transaction` | the server (pull) | [`TempoTransaction`] |
//! | `hash` | the client has (push) | [`TempoHash`] |
//! | `proof` | nobody: the amount is zero | [`MppProof`] |

use super::{CHARGE, Terms, hex, word};
use crate::{credential, jcs};
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Flow, Leg, ParseError, Party, Price,
    Reason, Requirement, TransferMethod,
    authorization::{ChallengeRef, MppProof, TempoHash, TempoTransaction},
    json::{Document, Json, Object, array},
};

mod voucher;

pub use super::Split;
pub use voucher::voucher;

/// The name of the method.
pub const NAME: &str = "tempo";

/// The chains of Tempo: the main network, its test network, and a local one.
pub const CHAINS: [u64; 3] = [4_217, 42_431, 1_337];

/// How a charge may be paid, in `methodDetails`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `feePayer`: the server pays the fee.
    pub fee_payer: bool,
    /// The server sends the transaction.
    pub pull: bool,
    /// The client sends the transaction.
    pub push: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fee_payer: false,
            pull: true,
            push: true,
        }
    }
}

impl Options {
    /// The server pays the fee, so it sends the transaction.
    #[must_use]
    pub fn sponsored(mut self) -> Self {
        (self.fee_payer, self.pull, self.push) = (true, true, false);
        self
    }

    /// The server sends the transaction, and nobody else.
    #[must_use]
    pub fn pull_only(mut self) -> Self {
        (self.pull, self.push) = (true, false);
        self
    }

    /// The client sends the transaction, and nobody else.
    #[must_use]
    pub fn push_only(mut self) -> Self {
        (self.fee_payer, self.pull, self.push) = (false, false, true);
        self
    }
}

/// The request of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    terms: Terms,
    options: Options,
    modes: bool,
    machine_token: bool,
}

impl Charge {
    /// The charge for a requirement; `None` when it is not one for this method.
    pub fn of(requirement: &Requirement, options: Options) -> Option<Self> {
        let amount = match requirement.price {
            Price::Exactly(amount) if !amount.is_zero() => amount,
            Price::Nothing => Amount::ZERO,
            _ => return None,
        };
        if requirement.transfer != TransferMethod::Native {
            return None;
        }
        // A proof moves nothing that somebody could pull or push, and costs no fee.
        let options = if amount.is_zero() {
            Options::default()
        } else {
            options
        };
        let split = |leg: &Leg| Some(Split::new(leg.to.evm()?, leg.amount));
        let splits: Option<Vec<_>> = requirement.splits.iter().map(split).collect();
        let charge = Self {
            terms: Terms {
                amount,
                currency: requirement.asset.evm()?,
                recipient: requirement.pay_to.evm()?,
                description: None,
                external_id: None,
                chain: requirement.chain.evm()?,
                splits: splits?,
            },
            options,
            modes: amount != Amount::ZERO && !(options.pull && options.push),
            machine_token: false,
        };
        // What could not be read back is not offered.
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
            let flag = |name| match details.get(name) {
                None => Ok(false),
                Some(value) => value
                    .as_bool()
                    .ok_or_else(|| ParseError::new(name, "boolean expected")),
            };
            if terms.splits.iter().any(|split| {
                split
                    .memo
                    .is_some_and(|memo| crate::memo::Memo::read(memo).is_some())
            }) {
                return Err(ParseError::new("splits", "a memo of a challenge"));
            }
            let modes = modes(details)?;
            let (pull, push) = modes.unwrap_or((true, true));
            Ok(Self {
                options: Options {
                    fee_payer: flag("feePayer")?,
                    pull,
                    push,
                },
                modes: modes.is_some(),
                machine_token: flag("machineTokenEnabled")?,
                terms: terms.clone(),
            })
        };
        read().map_err(|error| error.inside("methodDetails"))
    }

    /// The request, as canonical JSON.
    pub fn encode(&self) -> Box<str> {
        let mut details = self.terms.details();
        if self.options.fee_payer {
            details = details.boolean("feePayer", true);
        }
        if self.machine_token {
            details = details.boolean("machineTokenEnabled", true);
        }
        if self.modes {
            let modes = [
                (self.options.pull, "\"pull\""),
                (self.options.push, "\"push\""),
            ];
            let modes = modes.iter().filter(|(on, _)| *on).map(|(_, name)| *name);
            details = details.raw("supportedModes", &array(modes));
        }
        let text = self.terms.object(&details.finish()).finish();
        jcs::canonicalize(&text).expect("written here, with whole numbers alone")
    }

    /// What it asks for. Servers of this method settle before they serve.
    pub fn requirement(&self, timeout: u64) -> Requirement {
        let terms = &self.terms;
        let mut requirement = Requirement::exactly(
            terms.amount,
            ChainId::eip155(terms.chain),
            Party::Evm(terms.currency),
            Party::Evm(terms.recipient),
            None,
        )
        .timeout(timeout);
        if terms.amount.is_zero() {
            requirement.price = Price::Nothing;
        }
        requirement.splits = terms
            .splits
            .iter()
            .map(|split| Leg {
                to: Party::Evm(split.to),
                amount: split.amount,
            })
            .collect();
        requirement.transfer = TransferMethod::Native;
        requirement.flow = Flow::Upfront;
        requirement
    }

    /// The same, for people and for the seller's books.
    #[must_use]
    pub fn describe(mut self, description: Option<&str>, external_id: Option<&str>) -> Self {
        self.terms.description = description.map(Into::into);
        self.terms.external_id = external_id.map(Into::into);
        self
    }

    /// How much, in atomic units: with the parts of others in it.
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

    /// What the recipient gets: the amount without the parts of others.
    pub fn remainder(&self) -> Amount {
        let mut splits = self.terms.splits.iter();
        let rest = splits.try_fold(self.terms.amount, |rest, split| {
            rest.checked_sub(split.amount)
        });
        rest.expect("the parts fit into the amount: checked when it was made")
    }

    /// The parts of others.
    pub fn splits(&self) -> &[Split] {
        &self.terms.splits
    }

    /// The number of the chain.
    pub fn chain(&self) -> u64 {
        self.terms.chain
    }

    /// How it may be paid.
    pub fn options(&self) -> Options {
        self.options
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.terms.external_id.as_deref()
    }

    /// Whether it may be paid out of MACH.
    pub fn machine_token(&self) -> bool {
        self.machine_token
    }

    /// What a credential's payload authorizes.
    ///
    /// # Errors
    /// When it can not be read, is of a kind that the charge does not allow, or of another chain than the charge. A charge of
    /// nothing is answered by a proof, and by nothing else.
    pub fn authorization(
        &self,
        challenge: ChallengeRef,
        source: Option<&str>,
        payload: &str,
    ) -> Result<Authorization, Reason> {
        let malformed = |_| Reason::PayloadMalformed;
        let payer = match source.map(credential::parse_source).transpose() {
            Ok(Some((chain, _))) if chain != self.chain() => return Err(Reason::NetworkMismatch),
            Ok(payer) => payer.map(|(_, account)| account),
            Err(error) => return Err(malformed(error)),
        };
        match Payload::parse(payload).map_err(malformed)? {
            Payload::Proof(signature) if self.amount().is_zero() => {
                Ok(Authorization::MppProof(MppProof {
                    challenge,
                    account: payer.ok_or(Reason::PayloadMalformed)?,
                    signature,
                }))
            }
            Payload::Transaction(raw) if !self.amount().is_zero() && self.options.pull => {
                let transaction =
                    TempoTransaction::signed(challenge, payer, raw).map_err(malformed)?;
                if transaction.chain() != self.chain() {
                    return Err(Reason::NetworkMismatch);
                }
                if let (Some(sender), Some(named)) = (transaction.sender(), payer)
                    && sender != named
                {
                    return Err(Reason::Signature);
                }
                Ok(Authorization::TempoTransaction(transaction))
            }
            Payload::Hash(hash)
                if !self.amount().is_zero() && self.options.push && !self.options.fee_payer =>
            {
                Ok(Authorization::TempoHash(TempoHash {
                    challenge,
                    payer,
                    hash,
                }))
            }
            _ => Err(Reason::MethodMismatch),
        }
    }
}

/// `supportedModes`: pull and push; `None` when it is absent, and both are.
fn modes(details: Json<'_>) -> Result<Option<(bool, bool)>, ParseError> {
    let Some(list) = details.get("supportedModes") else {
        return Ok(None);
    };
    let bad = || ParseError::new("supportedModes", "pull or push expected");
    let items = list.as_array().ok_or_else(bad)?;
    let has = |mode| items.clone().any(|item| item.as_text() == Some(mode));
    let found = (has("pull"), has("push"));
    if found == (false, false) {
        return Err(bad());
    }
    Ok(Some(found))
}

/// What pays a charge.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// A signed transaction of type 0x76 or 0x78.
    Transaction(Bytes),
    /// The hash of a transaction that was sent.
    Hash(B256),
    /// A signature of who asks.
    Proof(Bytes),
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
            "transaction" => hex(json, "signature").map(Self::Transaction),
            "proof" => hex(json, "signature").map(Self::Proof),
            "hash" => word(json.need_text("hash")?).map(Self::Hash),
            _ => Err(ParseError::new("type", "not supported")),
        };
        read().map_err(|error| error.inside("payload"))
    }

    /// The payload of a signed authorization; `None` when it is not one of this method.
    pub fn of(authorization: &Authorization) -> Option<Self> {
        match authorization {
            Authorization::TempoTransaction(transaction) if transaction.is_signed() => {
                Some(Self::Transaction(transaction.raw().clone()))
            }
            Authorization::TempoHash(sent) => Some(Self::Hash(sent.hash)),
            Authorization::MppProof(proof) => Some(Self::Proof(proof.signature.clone())),
            _ => None,
        }
    }

    /// The `payload` of a credential.
    pub fn encode(&self) -> Box<str> {
        let object = Object::new();
        let object = match self {
            Self::Transaction(raw) => object
                .text("type", "transaction")
                .text("signature", &raw.to_string()),
            Self::Proof(signature) => object
                .text("type", "proof")
                .text("signature", &signature.to_string()),
            Self::Hash(hash) => object.text("type", "hash").text("hash", &hash.to_string()),
        };
        object.finish()
    }
}

/// Without what could be executed.
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Transaction(raw) => write!(f, "Transaction([{} bytes])", raw.len()),
            Self::Hash(hash) => write!(f, "Hash({hash})"),
            Self::Proof(signature) => write!(f, "Proof([{} bytes])", signature.len()),
        }
    }
}

/// Whether a chain's charges are made by this method.
pub fn is_tempo(chain: &ChainId) -> bool {
    chain.evm().is_some_and(|number| CHAINS.contains(&number))
}

/// The name under which offers of this method are listed: `tempo/charge`.
pub const OFFER: (&str, &str) = (NAME, CHARGE);
