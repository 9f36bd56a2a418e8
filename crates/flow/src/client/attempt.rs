//! The record of an attempt to pay: written before signed bytes leave, and enough to present the same bytes again.

use super::{Target, budget::Charge};
use crate::record::{Corrupt, Field, Reader};
use http::{HeaderMap, HeaderName, HeaderValue};
use http402_core::{
    Amount, Authorization, B256, Bytes, ChainId, Encoded, Party, ProtocolId, Receipt, Requirement,
    Timestamp, Window,
    ledger::{Expect, Key, Phase, Record, Write},
    protocol::{Answer, Offer},
};
use std::fmt;

const VERSION: u8 = 1;
/// How long an attempt without a known outcome is kept after its authorization ended, in seconds: until somebody finds out.
const KEEP_OPEN: u64 = 10 * 366 * 86_400;
/// How long a finished attempt is kept after that, in seconds.
const KEEP_CLOSED: u64 = 86_400;
/// The same, for one that its caller has named.
const KEEP_NAMED: u64 = 30 * 86_400;

/// An attempt to pay, for people and for [`Buyer::write_off`](super::Buyer::write_off). It holds no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The name of its record.
    pub key: Key,
    /// The request's method.
    pub method: Box<str>,
    /// The request's URL.
    pub url: Box<str>,
    /// In which protocol.
    pub protocol: Box<str>,
    /// How much was authorized, in atomic units.
    pub amount: Amount,
    /// On which chain.
    pub chain: ChainId,
    /// In which token.
    pub asset: Party,
    /// To whom.
    pub payee: Party,
    /// By whom.
    pub payer: Party,
    /// When the authorization ends: from then on it can no longer be executed.
    pub valid_until: Timestamp,
    /// The transaction that moved the money or may have, where one is known.
    pub transaction: Option<Box<str>>,
    /// Whether the money is known to have moved.
    pub spent: bool,
    /// Whether signed bytes may have left.
    pub sent: bool,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} units of {} on {} to {} for {} {}",
            self.amount, self.asset, self.chain, self.payee, self.method, self.url
        )?;
        match &self.transaction {
            Some(transaction) => write!(f, ", transaction {transaction}"),
            None => Ok(()),
        }
    }
}

/// What is stored of an attempt.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) holder: B256,
    pub(crate) named: bool,
    pub(crate) method: Box<str>,
    pub(crate) url: Box<str>,
    pub(crate) protocol: Box<str>,
    pub(crate) position: u64,
    pub(crate) requirement: Requirement,
    pub(crate) encoded: Encoded,
    pub(crate) context: Encoded,
    pub(crate) payer: Party,
    pub(crate) drafted: Timestamp,
    pub(crate) entropy: B256,
    pub(crate) authorization: Authorization,
    pub(crate) charges: Vec<Charge>,
    pub(crate) headers: Vec<(Box<str>, Bytes)>,
    pub(crate) transaction: Option<Box<str>>,
    pub(crate) spent: Option<Receipt>,
}

impl Field for bool {
    fn write(&self, out: &mut Vec<u8>) {
        u8::from(*self).write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.read::<u8>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Corrupt::new("neither yes nor no")),
        }
    }
}

impl Body {
    fn encode(&self) -> Bytes {
        let mut out = vec![VERSION];
        self.holder.write(&mut out);
        self.named.write(&mut out);
        self.method.write(&mut out);
        self.url.write(&mut out);
        self.protocol.write(&mut out);
        self.position.write(&mut out);
        self.requirement.write(&mut out);
        self.encoded.write(&mut out);
        self.context.write(&mut out);
        self.payer.write(&mut out);
        self.drafted.write(&mut out);
        self.entropy.write(&mut out);
        self.authorization.write(&mut out);
        self.charges.write(&mut out);
        self.headers.write(&mut out);
        self.transaction.write(&mut out);
        self.spent.write(&mut out);
        out.into_boxed_slice().into()
    }

    pub(crate) fn decode(record: &Record) -> Result<Self, Corrupt> {
        let mut from = Reader::new(&record.body, VERSION)?;
        let body = Self {
            holder: from.read()?,
            named: from.read()?,
            method: from.read()?,
            url: from.read()?,
            protocol: from.read()?,
            position: from.read()?,
            requirement: from.read()?,
            encoded: from.read()?,
            context: from.read()?,
            payer: from.read()?,
            drafted: from.read()?,
            entropy: from.read()?,
            authorization: from.read()?,
            charges: from.read()?,
            headers: from.read()?,
            transaction: from.read()?,
            spent: from.read()?,
        };
        from.finish()?;
        Ok(body)
    }

    /// The offer, for its protocol.
    pub(crate) fn offer(&self, protocol: ProtocolId) -> Offer {
        Offer::new(
            protocol,
            usize::try_from(self.position).unwrap_or(usize::MAX),
            self.requirement.clone(),
            self.encoded.clone(),
            self.context.clone(),
        )
    }

    pub(crate) fn window(&self) -> Window {
        let endless = Window::new(Timestamp::default(), Timestamp::MAX);
        self.authorization.window().unwrap_or(endless)
    }

    pub(crate) fn keep(&mut self, answer: &Answer) {
        let field = |(name, value): &(HeaderName, HeaderValue)| {
            (
                name.as_str().into(),
                Bytes::copy_from_slice(value.as_bytes()),
            )
        };
        self.headers = answer.headers().iter().map(field).collect();
    }

    /// Notes that the money has moved, in this transaction where it is known.
    pub(crate) fn spent_in(&mut self, transaction: Option<Box<str>>) {
        if transaction.is_some() {
            self.transaction = transaction;
        }
        let amount = self.requirement.price.ceiling();
        let transaction = self.transaction.clone().unwrap_or_default();
        let (payer, chain) = (self.payer.clone(), self.requirement.chain.clone());
        self.spent = Some(Receipt::new(Some(payer), amount, chain, transaction));
    }

    /// Adds the credential to a head.
    pub(crate) fn present(&self, head: &mut HeaderMap) -> Result<(), Corrupt> {
        for (name, value) in &self.headers {
            let (Ok(name), Ok(mut value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(value),
            ) else {
                return Err(Corrupt::new("not a header"));
            };
            value.set_sensitive(true);
            head.insert(name, value);
        }
        Ok(())
    }

    fn record(&self, phase: Phase, lease: Option<Timestamp>) -> Record {
        let end = self.window().end();
        let keep = match phase {
            Phase::Approved | Phase::Sent => KEEP_OPEN,
            _ if self.named => KEEP_NAMED,
            _ => KEEP_CLOSED,
        };
        let closed = Self {
            headers: Vec::new(),
            ..self.clone()
        };
        // A finished attempt needs its credential no more, unless its caller may ask for the same purchase again.
        let body = match phase {
            Phase::Approved | Phase::Sent => self.encode(),
            Phase::Paid | Phase::Spent if self.named => self.encode(),
            _ => closed.encode(),
        };
        Record {
            phase,
            lease,
            keep_until: end.plus(keep),
            body,
        }
    }

    pub(crate) fn write(
        &self,
        key: &Key,
        expect: Expect,
        phase: Phase,
        lease: Option<Timestamp>,
    ) -> Write {
        Write {
            key: key.clone(),
            expect,
            put: Some(self.record(phase, lease)),
        }
    }

    pub(crate) fn summary(&self, key: &Key) -> Attempt {
        Attempt {
            key: key.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            protocol: self.protocol.clone(),
            amount: self.requirement.price.ceiling(),
            chain: self.requirement.chain.clone(),
            asset: self.requirement.asset.clone(),
            payee: self.requirement.pay_to.clone(),
            payer: self.payer.clone(),
            valid_until: self.window().end(),
            transaction: self.transaction.clone(),
            spent: self.spent.is_some(),
            sent: !self.headers.is_empty(),
        }
    }
}

/// The keys of a payer's attempts.
pub(crate) fn prefix(payer: &Party) -> String {
    format!("attempt:{payer}:")
}

/// The keys of the attempts for one target.
pub(crate) fn prefix_of(payer: &Party, target: &Target) -> String {
    format!("{}{}:", prefix(payer), target.digest)
}

/// The key of a new attempt. Purchases that the caller named have one key, others one for each purchase.
pub(crate) fn key(payer: &Party, target: &Target, chance: B256) -> Key {
    let mut text = prefix_of(payer, target);
    if target.named {
        text.push_str("named");
    } else {
        text.extend(chance[..8].iter().map(|byte| format!("{byte:02x}")));
    }
    Key::new(text)
}
