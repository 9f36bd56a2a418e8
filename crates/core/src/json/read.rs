//! Reading.

use super::{Decoded, Document, Json, Kind, MAX_DEPTH, Node, Span};
use crate::ParseError;
use alloc::{boxed::Box, string::String, vec::Vec};

/// An array or object that is not closed.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Its place among the values.
    at: usize,
    object: bool,
    /// A bit for each of its keys; two keys that share one may be equal.
    seen: u64,
    shared: bool,
}

#[cold]
fn error(why: &'static str, at: usize) -> ParseError {
    ParseError::new("json", why).at(at)
}

/// Reads a text, value by value: what is open is kept in a list, and nothing calls itself.
pub(super) fn document(text: &str) -> Result<Document<'_>, ParseError> {
    if u32::try_from(text.len()).is_err() {
        return Err(error("longer than 4 GiB", 0));
    }
    let bytes = text.as_bytes();
    let mut document = Document {
        text,
        // Room for most documents: a value of those that are signed takes more than twenty bytes.
        nodes: Vec::with_capacity(bytes.len() / 20 + 2),
        decoded: Vec::new(),
    };
    let mut open = [Open::default(); MAX_DEPTH];
    let mut depth = 0;
    let mut at = space(bytes, 0);
    loop {
        let mut key = Span::default();
        let mut escaped_key = false;
        if let Some(top) = open[..depth].last_mut().filter(|top| top.object) {
            if bytes.get(at) != Some(&b'"') {
                return Err(error("key expected", at));
            }
            let from = at + 1;
            let end = plain(bytes, from);
            let bit;
            if bytes.get(end) == Some(&b'"') {
                key = span(from, end);
                bit = mark(&bytes[from..end]);
                at = end + 1;
            } else {
                let read = special(text, from, end)?;
                bit = mark(read.0.as_bytes());
                document.decoded.push(Decoded {
                    at: document.nodes.len() as u32,
                    own: false,
                    text: read.0,
                });
                escaped_key = true;
                at = read.1;
            }
            top.shared |= top.seen & bit != 0;
            top.seen |= bit;
            at = space(bytes, at);
            if bytes.get(at) != Some(&b':') {
                return Err(error("colon expected", at));
            }
            at = space(bytes, at + 1);
        }
        let from = at;
        let mut opened = None;
        let kind = match bytes.get(at) {
            Some(b'"') => {
                let end = plain(bytes, at + 1);
                if bytes.get(end) == Some(&b'"') {
                    at = end + 1;
                    Kind::Plain
                } else {
                    let read = special(text, from + 1, end)?;
                    document.decoded.push(Decoded {
                        at: document.nodes.len() as u32,
                        own: true,
                        text: read.0,
                    });
                    at = read.1;
                    Kind::Escaped
                }
            }
            Some(bracket @ (b'{' | b'[')) => {
                if depth >= MAX_DEPTH {
                    return Err(error("too deep", at));
                }
                let object = *bracket == b'{';
                open[depth] = Open {
                    at: document.nodes.len(),
                    object,
                    ..Open::default()
                };
                depth += 1;
                at = space(bytes, at + 1);
                opened = Some(if object { b'}' } else { b']' });
                if object { Kind::Object } else { Kind::Array }
            }
            Some(b'-' | b'0'..=b'9') => {
                at = number(bytes, at)?;
                Kind::Number
            }
            Some(b't') => word(bytes, &mut at, b"true", Kind::True)?,
            Some(b'f') => word(bytes, &mut at, b"false", Kind::False)?,
            Some(b'n') => word(bytes, &mut at, b"null", Kind::Null)?,
            _ => return Err(error("value expected", at)),
        };
        document.nodes.push(Node {
            key,
            escaped_key,
            kind,
            text: span(from, at),
            end: document.nodes.len() as u32 + 1,
        });
        if opened.is_some_and(|close| bytes.get(at) != Some(&close)) {
            continue;
        }
        // What comes after a value: the next one, or the end of what it lies in.
        loop {
            at = space(bytes, at);
            let Some(top) = open[..depth].last() else {
                if at < bytes.len() {
                    return Err(error("bytes after the value", at));
                }
                return Ok(document);
            };
            match (bytes.get(at), top.object) {
                (Some(b','), _) => {
                    at = space(bytes, at + 1);
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    at += 1;
                    let end = document.nodes.len() as u32;
                    let node = &mut document.nodes[top.at];
                    node.text.to = at as u32;
                    node.end = end;
                    if top.shared && doubled(&document, top.at) {
                        let opened = document.nodes[top.at].text.from as usize;
                        return Err(error("a key stands twice in the object", opened));
                    }
                    depth -= 1;
                }
                (_, true) => return Err(error("comma or brace expected", at)),
                (_, false) => return Err(error("comma or bracket expected", at)),
            }
        }
    }
}

fn span(from: usize, to: usize) -> Span {
    // Texts are shorter than 4 GiB.
    Span {
        from: from as u32,
        to: to as u32,
    }
}

/// Behind the white space that is at `at`.
#[inline(always)]
fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(at) {
        at += 1;
    }
    at
}

/// One of 64 bits for a key. Those that usually stand together have different ones.
#[inline(always)]
pub(super) fn mark(key: &[u8]) -> u64 {
    let (first, last) = match key {
        [] => (0, 0),
        [one] => (*one, *one),
        [first, .., last] => (*first, *last),
    };
    1 << ((key.len() + usize::from(first) + 31 * usize::from(last)) % 64)
}

/// Whether two members of the object at `at` have one key.
#[cold]
fn doubled(document: &Document<'_>, at: usize) -> bool {
    let object = Json { document, at };
    let mut keys: Vec<&str> = object.members().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

fn word(bytes: &[u8], at: &mut usize, word: &[u8], kind: Kind) -> Result<Kind, ParseError> {
    if !bytes[*at..].starts_with(word) {
        return Err(error("value expected", *at));
    }
    *at += word.len();
    Ok(kind)
}

/// Behind the number that begins at `at`.
fn number(bytes: &[u8], mut at: usize) -> Result<usize, ParseError> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Ok(at)
}

fn digits(bytes: &[u8], from: usize) -> Result<usize, ParseError> {
    let mut at = from;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at == from {
        return Err(error("digit expected", at));
    }
    Ok(at)
}

/// Where the first quote, backslash or control character stands from `from` on, or the text ends.
#[inline(always)]
pub(super) fn plain(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut rest = bytes.get(from..).unwrap_or_default();
    while let Some((word, tail)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        // With its second bit turned the quote stands right above the control characters, and all others above it. What is
        // subtracted turns the high bit of the first byte that is meant, and perhaps that of bytes behind it.
        let low = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
        let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
        let found = (low | backslash) & !word & (ONES << 7);
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = tail;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let found = rest.iter().position(special);
    bytes.len() - rest.len() + found.unwrap_or(rest.len())
}

/// A string that does not end at `at`, where its first special character is, decoded; and the place behind it.
#[cold]
fn special(text: &str, from: usize, at: usize) -> Result<(Box<str>, usize), ParseError> {
    let mut out = String::from(&text[from..at]);
    let mut reader = Escapes { text, at };
    loop {
        match reader.peek() {
            Some(b'"') => return Ok((out.into(), reader.at + 1)),
            Some(b'\\') => {
                reader.at += 1;
                out.push(reader.escape()?);
            }
            Some(0..=0x1f) => return Err(reader.error("control character in a string")),
            Some(_) => {
                let from = reader.at;
                reader.at = plain(text.as_bytes(), from);
                out.push_str(&text[from..reader.at]);
            }
            None => return Err(reader.error("string not ended")),
        }
    }
}

struct Escapes<'a> {
    text: &'a str,
    at: usize,
}

impl Escapes<'_> {
    fn error(&self, why: &'static str) -> ParseError {
        error(why, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.error("unknown escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, ParseError> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("lone surrogate"));
        }
        if !self.text[self.at..].starts_with("\\u") {
            return Err(self.error("lone surrogate"));
        }
        self.at += 2;
        let second = self.unit()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(self.error("lone surrogate"));
        }
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(code).ok_or_else(|| self.error("lone surrogate"))
    }

    fn unit(&mut self) -> Result<u32, ParseError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.error("four hexadecimal digits expected"))?;
        self.at += 4;
        Ok(unit)
    }
}
