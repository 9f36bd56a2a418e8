//! The encoding of the payment headers: JSON in UTF-8, in base64 of the standard alphabet (x402 v2, HTTP transport).
//!
//! Padding is written, and may be missing when read, as the reference packages do. The URL-safe alphabet, white space and
//! bits after the end are refused.

use http402_core::{
    ParseError,
    base64::{self, Alphabet},
};

/// The longest value of a payment header that is looked at, in bytes: with every extension echoed a real one has about 8 KiB.
pub const MAX_LEN: usize = 64 * 1024;

/// The text in a header's value. `what` names the header in errors.
///
/// # Errors
/// When it is too long, not base64, or not UTF-8.
pub fn decode(what: &'static str, value: &[u8]) -> Result<String, ParseError> {
    if value.len() > MAX_LEN {
        return Err(ParseError::new(what, "longer than 65536 bytes"));
    }
    let bytes = base64::decode(value, Alphabet::Standard)
        .map_err(|at| ParseError::new(what, "not standard base64").at(at))?;
    String::from_utf8(bytes)
        .map_err(|error| ParseError::new(what, "not UTF-8").at(error.utf8_error().valid_up_to()))
}

/// The value of a header with this text.
pub fn encode(text: &str) -> String {
    base64::encode(text.as_bytes(), Alphabet::Standard, true)
}
