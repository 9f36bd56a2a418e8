//! The one tokenizer of authentication fields (RFC 9110 section 11): `WWW-Authenticate`, `Authorization` and what is written
//! like them.
//!
//! ```text
//! field     = *( "," OWS ) [ element *( OWS "," OWS [ element ] ) ]
//! element   = scheme [ 1*SP ( token68 / param ) ] / param
//! param     = token BWS "=" BWS ( token / quoted-string )
//! ```
//! A field is cut at the commas that stand outside of quotes, then each element is read: time and memory are linear in its
//! length. Bytes are ISO-8859-1. In a quoted string `\uhhhh` is a UTF-16 unit, and any other `\x` is `x`.
//!
//! A scheme has its parameters from its own element on: `Payment, id=x` is refused.
//!
//! What can not be read spoils the scheme that it stands in, and no other. Names are compared in lower case, and one that
//! stands twice is refused. What follows a closing quote up to the next comma is dropped, as the packages do.

use http402_core::ParseError;

/// The longest field value that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;
/// The largest number of schemes in a value, and of parameters of a scheme.
pub const MAX_ITEMS: usize = 64;

/// A scheme in a field, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheme {
    /// Its name, as it was written.
    pub name: Box<str>,
    /// The credentials in one token, where they are.
    pub token68: Option<Box<str>>,
    /// Its parameters: names in lower case, values decoded.
    pub params: Vec<(Box<str>, Box<str>)>,
}

impl Scheme {
    /// Whether it has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of a parameter, by its name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| &**value)
    }
}

/// What came of a scheme: itself, or its name with what is wrong in it.
pub type Read = Result<Scheme, (Box<str>, ParseError)>;

/// The schemes of one field value, in order. Elements before the first scheme are dropped.
///
/// # Errors
/// When the value is longer than [`MAX_LINE`], or has too many elements.
pub fn read(value: &[u8]) -> Result<Vec<Read>, ParseError> {
    if value.len() > MAX_LINE {
        return Err(error("longer than 65536 bytes"));
    }
    let mut all: Vec<Read> = Vec::new();
    let elements = Elements { value, at: 0 };
    for element in elements {
        let Element { at, bytes, closed } = element;
        let mut cursor = Cursor { bytes, at: 0 };
        let Some(word) = cursor.token() else {
            spoil(&mut all, error("token expected").at(at));
            continue;
        };
        let spaces = cursor.space();
        if cursor.peek() == Some(b'=') {
            let param = cursor.value().map(|value| (lower(word), value));
            add(&mut all, param.and_then(closed_only(closed)), at);
            continue;
        }
        if all.len() >= MAX_ITEMS {
            return Err(error("too many schemes"));
        }
        all.push(scheme(word, &mut cursor, spaces, closed, at));
    }
    Ok(all)
}

fn error(why: &'static str) -> ParseError {
    ParseError::new("field", why)
}

fn lower(name: &str) -> Box<str> {
    name.to_ascii_lowercase().into()
}

/// A quote that is not ended spoils its parameter.
fn closed_only<T>(closed: bool) -> impl Fn(T) -> Result<T, ParseError> {
    move |value| {
        if closed {
            Ok(value)
        } else {
            Err(error("quoted string not ended"))
        }
    }
}

/// The last scheme can not be read.
fn spoil(all: &mut [Read], why: ParseError) {
    if let Some(last) = all.last_mut()
        && let Ok(scheme) = last
    {
        *last = Err((std::mem::take(&mut scheme.name), why));
    }
}

fn add(all: &mut [Read], param: Result<(Box<str>, Box<str>), ParseError>, at: usize) {
    let Some(Ok(last)) = all.last_mut() else {
        return;
    };
    let why = match param {
        Ok((name, _)) if last.get(&name).is_some() => error("a parameter stands twice"),
        Ok(_) if last.params.len() >= MAX_ITEMS => error("too many parameters"),
        Ok(_) if last.params.is_empty() => error("parameters after a comma"),
        Ok(param) => {
            last.params.push(param);
            return;
        }
        Err(why) => why,
    };
    spoil(all, why.at(at));
}

/// A scheme and what stands after it in its element.
fn scheme(name: &str, cursor: &mut Cursor<'_>, spaces: usize, closed: bool, at: usize) -> Read {
    let mut scheme = Scheme {
        name: name.into(),
        token68: None,
        params: Vec::new(),
    };
    let rest = cursor.rest();
    if rest.is_empty() {
        return Ok(scheme);
    }
    let bad = |why: ParseError| Err((name.into(), why.at(at)));
    if spaces == 0 {
        return bad(error("white space expected after the scheme"));
    }
    if let Some(token) = token68(rest) {
        scheme.token68 = Some(token.into());
        return Ok(scheme);
    }
    let Some(word) = cursor.token() else {
        return bad(error("parameter expected"));
    };
    cursor.space();
    match cursor.value().and_then(closed_only(closed)) {
        Ok(value) => scheme.params.push((lower(word), value)),
        Err(why) => return bad(why),
    }
    Ok(scheme)
}

fn token68(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.trim_end_matches('=');
    // To the end in any case: many bytes at once are looked at sooner than one after the other.
    let other = body
        .bytes()
        .fold(false, |other, byte| other | !in_token68(byte));
    (!body.is_empty() && !other).then_some(text)
}

/// The bytes of a token68 but for the padding: letters, digits and `-._~+/`.
#[inline(always)]
fn in_token68(byte: u8) -> bool {
    // From `-` to `9` there are `.`, `/` and the digits.
    byte.is_ascii_alphabetic()
        | (b'-'..=b'9').contains(&byte)
        | (byte == b'_')
        | (byte == b'~')
        | (byte == b'+')
}

/// The pieces of a value between the commas outside of quotes, without the white space around them.
struct Elements<'a> {
    value: &'a [u8],
    at: usize,
}

struct Element<'a> {
    at: usize,
    bytes: &'a [u8],
    closed: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        while self.at < self.value.len() {
            let from = self.at;
            let rest = self.value.get(from..).unwrap_or_default();
            let (length, quoted) = element(rest);
            self.at = from + length + 1;
            let bytes = rest.get(..length).unwrap_or_default();
            let start = bytes.iter().take_while(|b| space(**b)).count();
            let bytes = bytes.get(start..).unwrap_or_default();
            let end = bytes.iter().rev().take_while(|b| space(**b)).count();
            let bytes = bytes.get(..bytes.len() - end).unwrap_or_default();
            if !bytes.is_empty() {
                return Some(Element {
                    at: from + start,
                    bytes,
                    closed: !quoted,
                });
            }
        }
        None
    }
}

/// How long the first element is, and whether a quote is not ended in it.
fn element(rest: &[u8]) -> (usize, bool) {
    // A credential is one element, and long.
    if !parted(rest) {
        return (rest.len(), false);
    }
    let (mut quoted, mut at) = (false, 0);
    loop {
        let tail = rest.get(at..).unwrap_or_default();
        let mut bytes = tail.iter();
        let next = if quoted {
            bytes.position(|byte| matches!(byte, b'"' | b'\\'))
        } else {
            bytes.position(|byte| matches!(byte, b'"' | b','))
        };
        let Some(next) = next else {
            return (rest.len(), quoted);
        };
        at += next;
        match tail.get(next) {
            Some(b',') => return (at, quoted),
            Some(b'"') => quoted = !quoted,
            // What is escaped is passed over with its backslash.
            _ => at += 1,
        }
        at += 1;
    }
}

/// Whether there is a comma or a quote. No more than 256 bytes behind the first one are looked at, so that many short elements do
/// not take longer than one.
fn parted(rest: &[u8]) -> bool {
    rest.chunks(256).any(parts)
}

/// The same, to the end in any case: many bytes at once are looked at sooner than one after the other. The compiler does so only
/// where this stands alone.
#[inline(never)]
fn parts(some: &[u8]) -> bool {
    let part = |byte: u8| (byte == b',') | (byte == b'"');
    some.iter().fold(false, |any, byte| any | part(*byte))
}

fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) -> usize {
        let count = self.rest().iter().take_while(|b| space(**b)).count();
        self.at += count;
        count
    }

    fn token(&mut self) -> Option<&'a str> {
        let length = self.rest().iter().take_while(|b| token(**b)).count();
        let word = self.rest().get(..length).filter(|word| !word.is_empty())?;
        self.at += length;
        std::str::from_utf8(word).ok()
    }

    /// `"=" BWS ( token / quoted-string )`.
    fn value(&mut self) -> Result<Box<str>, ParseError> {
        if self.peek() != Some(b'=') {
            return Err(error("equals sign expected"));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return self.quoted();
        }
        let value = self
            .token()
            .ok_or_else(|| error("token or quoted string expected"))?;
        match self.rest() {
            [] => Ok(value.into()),
            _ => Err(error("character not allowed in a token")),
        }
    }

    fn quoted(&mut self) -> Result<Box<str>, ParseError> {
        let mut out = Text::default();
        loop {
            let byte = self
                .peek()
                .ok_or_else(|| error("quoted string not ended"))?;
            self.at += 1;
            match byte {
                b'"' => return out.finish(),
                b'\\' => match self.unit() {
                    Some(unit) => out.unit(unit)?,
                    None => {
                        let byte = self
                            .peek()
                            .ok_or_else(|| error("quoted string not ended"))?;
                        self.at += 1;
                        out.push(byte)?;
                    }
                },
                other => out.push(other)?,
            }
        }
    }

    /// The four digits of `uhhhh`, after a backslash.
    fn unit(&mut self) -> Option<u16> {
        let [b'u', digits @ ..] = self.rest() else {
            return None;
        };
        let digits = digits.first_chunk::<4>()?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let text = std::str::from_utf8(digits).ok()?;
        let unit = u16::from_str_radix(text, 16).ok()?;
        self.at += 5;
        Some(unit)
    }
}

/// Text that is put together from Latin-1 bytes and UTF-16 units.
#[derive(Default)]
struct Text {
    out: String,
    high: Option<u16>,
}

impl Text {
    fn push(&mut self, byte: u8) -> Result<(), ParseError> {
        if self.high.is_some() {
            return Err(error("lone surrogate"));
        }
        if byte == 0x7f || (byte < 0x20 && byte != b'\t') {
            return Err(error("control character in a quoted string"));
        }
        self.out.push(char::from(byte));
        Ok(())
    }

    fn unit(&mut self, unit: u16) -> Result<(), ParseError> {
        let units = match self.high.take() {
            Some(high) => vec![high, unit],
            None if (0xd800..0xdc00).contains(&unit) => {
                self.high = Some(unit);
                return Ok(());
            }
            None => vec![unit],
        };
        let text = String::from_utf16(&units).map_err(|_| error("lone surrogate"))?;
        if text.chars().any(char::is_control) {
            return Err(error("control character in a quoted string"));
        }
        self.out.push_str(&text);
        Ok(())
    }

    fn finish(self) -> Result<Box<str>, ParseError> {
        match self.high {
            Some(_) => Err(error("lone surrogate")),
            None => Ok(self.out.into()),
        }
    }
}

/// tchar (RFC 9110 section 5.6.2).
fn token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Appends `name="value"`, in ASCII alone: what is not printable ASCII becomes `\uhhhh`.
///
/// # Errors
/// When the value holds a control character: a line break would end the field.
pub fn write(name: &str, value: &str, out: &mut String) -> Result<(), ParseError> {
    use std::fmt::Write;
    out.push_str(name);
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if c.is_control() => {
                return Err(ParseError::new(
                    name.to_owned(),
                    "control character in a parameter",
                ));
            }
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    Ok(())
}
