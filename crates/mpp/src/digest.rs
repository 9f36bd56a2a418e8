//! The digest of a request's body (RFC 9530), SHA-256 alone.
//!
//! Written is `sha-256=<base64>`, as all packages do. Read is also the structured form `sha-256=:<base64>:` of the RFC, with
//! or without padding.

use crate::base64url;
use http402_core::ParseError;
use sha2::{Digest, Sha256};

const NAME: &str = "sha-256=";

/// The digest of a body.
pub fn of(body: &[u8]) -> Box<str> {
    let hash: [u8; 32] = Sha256::digest(body).into();
    format!("{NAME}{}", base64url::standard(&hash)).into()
}

/// Whether the text names the one algorithm that is known; the digest itself is read when it is compared.
pub(crate) fn named(text: &str) -> Result<(), ParseError> {
    match text.strip_prefix(NAME) {
        Some(value) if !value.is_empty() => Ok(()),
        _ => Err(ParseError::new("digest", "sha-256 expected")),
    }
}

/// The 32 bytes of a digest in either spelling.
///
/// # Errors
/// When it is another algorithm, or not 32 bytes of base64.
pub fn parse(text: &str) -> Result<[u8; 32], ParseError> {
    named(text)?;
    let value = text.strip_prefix(NAME).unwrap_or_default();
    let value = match value.strip_prefix(':') {
        Some(inner) => inner
            .strip_suffix(':')
            .ok_or_else(|| ParseError::new("digest", "colon expected"))?,
        None => value,
    };
    let bytes = base64url::decode("digest", value.as_bytes(), 64)?;
    bytes
        .try_into()
        .map_err(|_| ParseError::new("digest", "32 bytes expected"))
}

/// Whether a digest, in either spelling, is that of this body.
pub fn matches(text: &str, body: &[u8]) -> bool {
    let hash: [u8; 32] = Sha256::digest(body).into();
    parse(text) == Ok(hash)
}
