//! `Authorization: Payment …`: what a client answers (core draft, section 5.2).

use crate::{SCHEME, base64url, challenge::Challenge, param};
use http402_core::{
    Address, ParseError, Party,
    json::{Document, Json, Object},
};
use std::fmt;

/// The longest credential that is looked at, in characters.
pub const MAX_LEN: usize = 64 * 1024;

/// A challenge, echoed, with what pays it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    challenge: Challenge,
    source: Option<Box<str>>,
    payload: Box<str>,
    raw: Box<str>,
}

impl Credential {
    /// An answer to a challenge; `payload` is the text of a JSON object.
    ///
    /// # Errors
    /// When the payload is no JSON object.
    pub fn new(
        challenge: &Challenge,
        source: Option<&str>,
        payload: &str,
    ) -> Result<Self, ParseError> {
        let raw = Object::new()
            .raw("challenge", &challenge.to_json())
            .maybe_text("source", source)
            .raw("payload", payload)
            .finish();
        Self::parse(&raw)
    }

    /// Reads the JSON document. Members that are not known are kept.
    ///
    /// # Errors
    /// When it is no JSON, or `challenge` or `payload` are missing or can not be read.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::read(Document::parse(text)?.root())
    }

    /// The same, of a value in a document.
    ///
    /// # Errors
    /// As [`Credential::parse`].
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        let echoed = json
            .object("challenge")?
            .ok_or_else(|| ParseError::new("challenge", "missing"))?;
        let payload = json
            .object("payload")?
            .ok_or_else(|| ParseError::new("payload", "missing"))?;
        Ok(Self {
            challenge: Challenge::from_json(echoed).map_err(|error| error.inside("challenge"))?,
            source: json.text("source")?.map(Into::into),
            payload: payload.raw().into(),
            raw: json.raw().into(),
        })
    }

    /// Reads the token after the scheme's name.
    ///
    /// # Errors
    /// When it is longer than [`MAX_LEN`], not base64url of UTF-8, or as [`Credential::parse`].
    pub fn decode(token: &str) -> Result<Self, ParseError> {
        Self::parse(&base64url::decode_text(
            "credential",
            token.as_bytes(),
            MAX_LEN,
        )?)
        .map_err(|error| error.inside("credential"))
    }

    /// The token after the scheme's name.
    pub fn encode(&self) -> String {
        base64url::encode(&*self.raw)
    }

    /// The value of a field.
    pub fn header(&self) -> String {
        format!("{SCHEME} {}", self.encode())
    }

    /// The credentials of this scheme in the value of a field: their tokens, or what is wrong.
    pub fn tokens(value: &[u8]) -> Vec<Result<Box<str>, ParseError>> {
        let missing = || ParseError::new("credential", "token expected");
        let Ok(schemes) = param::read(value) else {
            // Too long, or too much: it is one of ours if it begins like one.
            let ours = value
                .get(..SCHEME.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(SCHEME.as_bytes()));
            let error = ParseError::new("credential", "longer than 65536 bytes");
            return if ours { vec![Err(error)] } else { Vec::new() };
        };
        let ours = schemes.into_iter().filter_map(|scheme| match scheme {
            Ok(scheme) if scheme.is(SCHEME) => {
                Some(scheme.token68.filter(|_| scheme.params.is_empty()))
            }
            Err((name, _)) if name.eq_ignore_ascii_case(SCHEME) => Some(None),
            _ => None,
        });
        ours.map(|token| token.ok_or_else(missing)).collect()
    }

    /// The echoed challenge.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// `source`: who says to pay, a DID.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The text of `payload`.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The JSON text, as it was read.
    pub fn as_json(&self) -> &str {
        &self.raw
    }
}

/// Without payload and encoding: who holds them can have the payment made.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("challenge", &self.challenge)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// `did:pkh:eip155:<chain>:<address>`, the name of an account on an EVM chain.
pub fn source(chain: u64, account: Address) -> String {
    format!("did:pkh:eip155:{chain}:{account}")
}

/// The chain and the account of a `did:pkh`.
///
/// # Errors
/// When it is another kind of DID, or its chain is not written in the one way.
pub fn parse_source(text: &str) -> Result<(u64, Address), ParseError> {
    let bad = |why| ParseError::new("source", why);
    let rest = text
        .strip_prefix("did:pkh:eip155:")
        .ok_or_else(|| bad("did:pkh:eip155 expected"))?;
    let (chain, account) = rest
        .split_once(':')
        .ok_or_else(|| bad("chain and account expected"))?;
    let number: u64 = chain.parse().map_err(|_| bad("not a chain's number"))?;
    if number.to_string() != chain {
        return Err(bad("not a chain's number"));
    }
    let party = Party::parse(&http402_core::ChainId::eip155(number), account)
        .map_err(|error| error.inside("source"))?;
    party
        .evm()
        .map(|account| (number, account))
        .ok_or_else(|| bad("not an account"))
}
