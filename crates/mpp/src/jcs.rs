//! Canonical JSON (RFC 8785), for documents with whole numbers alone: a number with a fraction or an exponent has no place
//! in a payment, and is refused.

use http402_core::{
    ParseError,
    json::{Document, Json},
};

/// The largest whole number that every reader keeps, 2^53 - 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// The canonical text of a value.
///
/// # Errors
/// When it holds a number that is not whole, or beyond 2^53 - 1.
pub fn canonical(json: Json<'_>) -> Result<Box<str>, ParseError> {
    let mut out = String::with_capacity(json.raw().len());
    value(json, &mut out)?;
    Ok(out.into())
}

/// The canonical text of a JSON text.
///
/// # Errors
/// As [`canonical`], and when it is no JSON.
pub fn canonicalize(text: &str) -> Result<Box<str>, ParseError> {
    canonical(Document::parse(text)?.root())
}

fn value(json: Json<'_>, out: &mut String) -> Result<(), ParseError> {
    if let Some(text) = json.as_text() {
        quote(text, out);
    } else if let Some(number) = json.as_number() {
        out.push_str(whole(number)?);
    } else if let Some(items) = json.as_array() {
        out.push('[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                out.push(',');
            }
            value(item, out)?;
        }
        out.push(']');
    } else if let Some(members) = json.as_object() {
        let mut sorted: Vec<_> = members.collect();
        // By UTF-16 code units, which is not the order of UTF-8 above U+D7FF.
        sorted.sort_by(|(one, _), (two, _)| one.encode_utf16().cmp(two.encode_utf16()));
        out.push('{');
        for (at, (name, member)) in sorted.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quote(name, out);
            out.push(':');
            value(member, out)?;
        }
        out.push('}');
    } else {
        // `null`, `true` and `false` have one spelling.
        out.push_str(json.raw());
    }
    Ok(())
}

fn whole(number: &str) -> Result<&str, ParseError> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    match digits.parse::<u64>() {
        Ok(0) => Ok("0"),
        Ok(value) if value <= MAX_SAFE => Ok(number),
        Ok(_) => Err(ParseError::new("number", "beyond 2^53 - 1")),
        Err(_) => Err(ParseError::new("number", "not whole")),
    }
}

/// A string with the escapes that JSON needs and no others (RFC 8785 section 3.2.2.2).
fn quote(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
