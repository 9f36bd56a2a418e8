//! RLP, as much of it as the frame of a transaction needs. Only the shortest form of a length is read.

use crate::ParseError;
use alloc::vec::Vec;

/// An item, with its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) raw: &'a [u8],
    payload: &'a [u8],
    list: bool,
}

impl<'a> Item<'a> {
    /// The bytes of a string.
    pub(super) fn bytes(&self) -> Result<&'a [u8], ParseError> {
        if self.list {
            Err(error("bytes expected"))
        } else {
            Ok(self.payload)
        }
    }

    /// A number below 2^64, without leading zeros.
    pub(super) fn number(&self) -> Result<u64, ParseError> {
        let bytes = self.bytes()?;
        if bytes.len() > 8 || bytes.first() == Some(&0) {
            return Err(error("not a number"));
        }
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// The items of a list, and nothing after it.
pub(super) fn list(bytes: &[u8]) -> Result<Vec<Item<'_>>, ParseError> {
    let (outer, rest) = item(bytes)?;
    if !outer.list || !rest.is_empty() {
        return Err(error("one list expected"));
    }
    let mut items = Vec::new();
    let mut rest = outer.payload;
    while !rest.is_empty() {
        let (item, after) = item(rest)?;
        items.push(item);
        rest = after;
    }
    Ok(items)
}

fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), ParseError> {
    let short = || error("too short");
    let first = *bytes.first().ok_or_else(short)?;
    let (header, length, list) = match first {
        0..=0x7f => (0, 1, false),
        0x80..=0xb7 => (1, usize::from(first - 0x80), false),
        0xb8..=0xbf => long(bytes, usize::from(first - 0xb7), false)?,
        0xc0..=0xf7 => (1, usize::from(first - 0xc0), true),
        _ => long(bytes, usize::from(first - 0xf7), true)?,
    };
    let end = header
        .checked_add(length)
        .ok_or_else(|| error("too long"))?;
    let (raw, rest) = bytes.split_at_checked(end).ok_or_else(short)?;
    let payload = raw.get(header..).unwrap_or_default();
    if first == 0x81 && payload.first().is_some_and(|byte| *byte < 0x80) {
        return Err(error("not the shortest form"));
    }
    Ok((Item { raw, payload, list }, rest))
}

fn long(bytes: &[u8], size: usize, list: bool) -> Result<(usize, usize, bool), ParseError> {
    let digits = bytes.get(1..=size).ok_or_else(|| error("too short"))?;
    if size > 4 || digits.first() == Some(&0) {
        return Err(error("a length is too long"));
    }
    let length = digits
        .iter()
        .fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
    if length < 56 {
        return Err(error("not the shortest form"));
    }
    Ok((1 + size, length, list))
}

fn error(why: &'static str) -> ParseError {
    ParseError::new("transaction", why)
}

fn header(base: u8, length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(length) if length < 56 => out.push(base + length),
        _ => {
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let digits = bytes.get(zeros..).unwrap_or_default();
            // At most eight digits.
            out.push(base + 55 + u8::try_from(digits.len()).unwrap_or(8));
            out.extend_from_slice(digits);
        }
    }
}

/// A string.
pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 9);
    if !matches!(bytes, [0..=0x7f]) {
        header(0x80, bytes.len(), &mut out);
    }
    out.extend_from_slice(bytes);
    out
}

/// A list of encoded items.
pub(super) fn encode<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    let length = items.iter().map(|item| item.as_ref().len()).sum();
    let mut out = Vec::with_capacity(length + 9);
    header(0xc0, length, &mut out);
    for item in items {
        out.extend_from_slice(item.as_ref());
    }
    out
}
