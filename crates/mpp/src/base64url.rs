//! base64url without padding, as every document of the scheme is encoded.
//!
//! What others send may be in the standard alphabet and may be padded, as the packages read it. Bits after the end are
//! refused, so a text has one meaning.

use http402_core::{
    ParseError,
    base64::{self, Alphabet},
};

/// The bytes that a text of at most `cap` bytes encodes. `what` names it in errors.
///
/// # Errors
/// When it is too long, or not base64.
pub fn decode(what: &'static str, text: &[u8], cap: usize) -> Result<Vec<u8>, ParseError> {
    if text.len() > cap {
        return Err(ParseError::new(what, format!("longer than {cap} bytes")));
    }
    let decoded = match base64::decode(text, Alphabet::UrlSafe) {
        // The standard alphabet is looked for where the other one ends, and not in every text.
        Err(at) if matches!(text.get(at), Some(b'+' | b'/')) => {
            let swapped = text.iter().map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            });
            base64::decode(&swapped.collect::<Vec<u8>>(), Alphabet::UrlSafe)
        }
        decoded => decoded,
    };
    decoded.map_err(|at| ParseError::new(what, "not base64url").at(at))
}

/// The text that a text encodes: [`decode`], and UTF-8.
///
/// # Errors
/// As [`decode`], and when it is not UTF-8.
pub fn decode_text(what: &'static str, text: &[u8], cap: usize) -> Result<String, ParseError> {
    String::from_utf8(decode(what, text, cap)?)
        .map_err(|error| ParseError::new(what, "not UTF-8").at(error.utf8_error().valid_up_to()))
}

/// Bytes in base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    base64::encode(bytes.as_ref(), Alphabet::UrlSafe, false)
}

/// Exactly 32 bytes in the one text that [`encode`] gives them.
pub(crate) fn exact(text: &str) -> Option<[u8; 32]> {
    let bytes = base64::decode(text.as_bytes(), Alphabet::UrlSafe).ok()?;
    let bytes = bytes.try_into().ok()?;
    (!text.ends_with('=')).then_some(bytes)
}

/// Bytes in base64 of the standard alphabet, padded.
pub(crate) fn standard(bytes: &[u8]) -> String {
    base64::encode(bytes, Alphabet::Standard, true)
}
