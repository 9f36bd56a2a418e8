use crate::{Amount, Authorization, Party, Reason, Requirement, keccak256};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use alloy_primitives::{B256, Bytes};
use core::fmt;

/// The name of a protocol and its version: `x402/1`, `x402/2`, `mpp/1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProtocolId(&'static str);

impl ProtocolId {
    /// A protocol's name, in the form `name/version`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ProtocolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ProtocolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Text or bytes of a protocol, verbatim. They may hold a credential: `Debug` shows the length alone.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Encoded(pub Bytes);

impl Encoded {
    /// These bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// An offer and the answer to it as they were on the wire, from which their protocol rebuilds the claim after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Whose bytes they are.
    pub protocol: ProtocolId,
    /// The offer. x402: the JSON of the `PaymentRequirements`.
    pub offer: Encoded,
    /// The answer, decoded from its header. x402: the JSON of the `PaymentPayload`.
    pub answer: Encoded,
}

/// What an authorization spends, in one line of printable text: two that can not both be executed share a key.
///
/// It is made from the decoded meaning, never from header or signature bytes, so every way of writing the same
/// authorization has the same key. Clones share it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendKey(pub(crate) Arc<str>);

impl SpendKey {
    /// A key with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SpendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SpendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request, as far as payments are bound to it. To compare two costs nothing, and a digest is made where one is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested<'a> {
    method: &'a str,
    target: &'a str,
    body: Option<B256>,
}

impl<'a> Requested<'a> {
    /// A request of a method, a target (path and query, or the absolute URL) and, where it is known, a digest of the body.
    /// `HEAD` counts as `GET`.
    pub fn new(method: &'a str, target: &'a str, body: Option<B256>) -> Self {
        Self {
            method: if method == "HEAD" { "GET" } else { method },
            target,
            body,
        }
    }

    /// Its method; never `HEAD`.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// Its target.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The digest of its body, where it is known.
    pub fn body(&self) -> Option<B256> {
        self.body
    }

    /// All of it as one digest.
    pub fn digest(&self) -> RequestDigest {
        RequestDigest::of(self.method, self.target, self.body)
    }
}

/// What was asked for: method, target and body, as one digest. A paid answer is replayed to the same request only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest(pub B256);

impl RequestDigest {
    /// The digest of a method, a target (path and query) and, where it is known, a digest of the body. `HEAD` counts as
    /// `GET`.
    pub fn of(method: &str, target: &str, body: Option<B256>) -> Self {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut bytes = Vec::with_capacity(48 + method.len() + target.len());
        for part in [method.as_bytes(), target.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        if let Some(body) = body {
            bytes.extend_from_slice(body.as_slice());
        }
        Self(keccak256(bytes))
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An answer matched to an offer: who claims to have paid what, not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The requirement that it answers: the seller's own, never the one that the client echoed.
    pub requirement: Requirement,
    /// What was signed.
    pub authorization: Authorization,
    /// What it spends: all of the keys are reserved, or none.
    pub spends: Vec<SpendKey>,
    /// The bytes.
    pub wire: Wire,
    /// Why the protocol would refuse it, where the credential answers an offer of this seller that has ended, or was made
    /// for another request. The ledger is asked first: what was paid already gets its outcome, and no new offer.
    pub objection: Option<Reason>,
    /// The client's own name for what he asks for, where his protocol carries one: a second payment under it, of the same
    /// payer for the same request, is not taken. x402: the id of the extension `payment-identifier`.
    pub id: Option<Box<str>>,
}

impl Claim {
    /// A claim with the spend keys of its authorization.
    pub fn new(requirement: Requirement, authorization: Authorization, wire: Wire) -> Self {
        let spends = authorization.spends(&requirement.chain, &requirement.asset);
        Self {
            requirement,
            authorization,
            spends,
            wire,
            objection: None,
            id: None,
        }
    }

    /// The amount to be settled.
    pub fn amount(&self) -> Amount {
        self.requirement.price.ceiling()
    }
}

/// What judging a claim came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The authorization is the payer's, and fits the requirement. When nothing was known of the payer's code, it holds
    /// on condition that the payer has none.
    Valid {
        /// Who pays.
        payer: Party,
    },
    /// It is not acceptable.
    Invalid(Reason),
    /// Only the chain can tell.
    NeedsChain,
}

/// What a handler may know of the payment for the request that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paid {
    /// Who pays.
    pub payer: Party,
    /// How much, in atomic units of the asset.
    pub amount: Amount,
    /// The requirement that was answered, with chain, asset and payee.
    pub requirement: Requirement,
    /// In which protocol.
    pub protocol: ProtocolId,
    /// The transaction, when the money has moved; `None` when it is owed and moves after the handler.
    pub transaction: Option<Box<str>>,
}

impl Paid {
    /// What `payer` pays for `claim`; `transaction` when it is settled already.
    pub fn new(claim: &Claim, payer: Party, transaction: Option<Box<str>>) -> Self {
        Self {
            payer,
            amount: claim.amount(),
            requirement: claim.requirement.clone(),
            protocol: claim.wire.protocol,
            transaction,
        }
    }

    /// Whether the money has moved already.
    pub fn settled(&self) -> bool {
        self.transaction.is_some()
    }
}

impl From<SpendKey> for String {
    fn from(key: SpendKey) -> Self {
        String::from(&*key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_method_target_and_body() {
        let get = RequestDigest::of("GET", "/a?b", None);
        assert_eq!(get, RequestDigest::of("HEAD", "/a?b", None));
        for other in [
            RequestDigest::of("POST", "/a?b", None),
            RequestDigest::of("GET", "/a?c", None),
            RequestDigest::of("GET/", "a?b", None),
            RequestDigest::of("GET", "/a?b", Some(B256::ZERO)),
        ] {
            assert_ne!(get, other);
        }
        let get = Requested::new("GET", "/a?b", None);
        assert_eq!(get, Requested::new("HEAD", "/a?b", None));
        assert_eq!(get.digest(), RequestDigest::of("GET", "/a?b", None));
        for other in [
            Requested::new("POST", "/a?b", None),
            Requested::new("GET", "/a?c", None),
            Requested::new("GET", "/a?b", Some(B256::ZERO)),
        ] {
            assert_ne!(get, other);
            assert_ne!(get.digest(), other.digest());
        }
    }
}
