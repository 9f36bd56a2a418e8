//! JSON for documents that are worth money: strict where a lenient reader could be talked into two meanings, and lossless.
//!
//! [`Json::parse`] reads a text once. Every value keeps the text that it was read from, so a part can be echoed byte for byte.
//! Refused: a key twice in one object (however it is spelled), bytes after the value, depth beyond [`MAX_DEPTH`], lone
//! surrogates, control characters in strings, a byte order mark, and everything else that RFC 8259 does not allow. Numbers keep
//! their text; amounts are never numbers.

mod write;

pub use write::{Object, array, quote};

use crate::ParseError;
use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};

/// How deep arrays and objects may lie in each other.
pub const MAX_DEPTH: usize = 32;

/// A JSON value, with the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<'a> {
    raw: &'a str,
    kind: Kind<'a>,
}

// Variants hold nothing that is smaller than a word, and values are written where they stay: copies of what was written in
// smaller pieces took a third of the time of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Null,
    True,
    False,
    Number,
    /// A string without escapes: what is between the quotes.
    Plain,
    /// A string with escapes, decoded.
    Escaped(Box<str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    const NULL: Self = Self {
        raw: "",
        kind: Kind::Null,
    };

    /// Reads one value, and nothing after it but white space.
    ///
    /// # Errors
    /// With the byte at which the text stops to be acceptable.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let mut reader = Reader { text, at: 0 };
        reader.space();
        let mut value = Json::NULL;
        reader.value(0, &mut value)?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.error("bytes after the value"));
        }
        Ok(value)
    }

    /// The text, from its first to its last byte.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The value of a string.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Plain => self.raw.get(1..self.raw.len() - 1),
            Kind::Escaped(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The value of a number that is written as a whole number below 2^64.
    pub fn as_u64(&self) -> Option<u64> {
        match self.kind {
            Kind::Number => self.raw.parse().ok(),
            _ => None,
        }
    }

    /// The text of a number.
    pub fn as_number(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Number => Some(self.raw),
            _ => None,
        }
    }

    /// The values of an array.
    pub fn as_array(&self) -> Option<&[Json<'a>]> {
        match &self.kind {
            Kind::Array(values) => Some(values),
            _ => None,
        }
    }

    /// The members of an object, in order.
    pub fn as_object(&self) -> Option<&[(Cow<'a, str>, Json<'a>)]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value of a member; `None` when there is none, or it is `null`.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        let (_, value) = self.as_object()?.iter().find(|(key, _)| key == name)?;
        (!value.is_null()).then_some(value)
    }

    /// The value of a member that must be there.
    ///
    /// # Errors
    /// When it is missing or `null`.
    pub fn need(&self, name: &'static str) -> Result<&Json<'a>, ParseError> {
        self.get(name)
            .ok_or_else(|| ParseError::new(name, "missing"))
    }

    /// The text of a member that must be there.
    ///
    /// # Errors
    /// When it is missing or no string.
    pub fn need_text(&self, name: &'static str) -> Result<&str, ParseError> {
        self.need(name)?
            .as_text()
            .ok_or_else(|| ParseError::new(name, "string expected"))
    }

    /// The text of a member that may be missing or `null`.
    ///
    /// # Errors
    /// When it is something else than a string.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ParseError> {
        self.get(name)
            .map(|value| {
                value
                    .as_text()
                    .ok_or_else(|| ParseError::new(name, "string expected"))
            })
            .transpose()
    }

    /// The member that may be missing or `null`, an object.
    ///
    /// # Errors
    /// When it is something else than an object.
    pub fn object(&self, name: &'static str) -> Result<Option<&Json<'a>>, ParseError> {
        match self.get(name) {
            Some(value) if value.as_object().is_none() => {
                Err(ParseError::new(name, "object expected"))
            }
            other => Ok(other),
        }
    }

    /// Whether both mean the same: members in any order, strings decoded, numbers as they are written.
    pub fn same(&self, other: &Json<'_>) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Number, Kind::Number) => self.raw == other.raw,
            (Kind::Null, Kind::Null) => true,
            (Kind::True, Kind::True) | (Kind::False, Kind::False) => true,
            (Kind::Plain | Kind::Escaped(_), Kind::Plain | Kind::Escaped(_)) => {
                self.as_text() == other.as_text()
            }
            (Kind::Array(one), Kind::Array(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Kind::Object(one), Kind::Object(two)) => {
                one.len() == two.len()
                    && one.iter().all(|(name, value)| {
                        two.iter()
                            .any(|(key, other)| key == name && value.same(other))
                    })
            }
            _ => false,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, why: &'static str) -> ParseError {
        ParseError::new("json", why).at(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Reads a value to where it is to stay.
    fn value(&mut self, depth: usize, out: &mut Json<'a>) -> Result<(), ParseError> {
        let from = self.at;
        out.kind = match self.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(_) => Kind::Plain,
                Cow::Owned(text) => Kind::Escaped(text.into()),
            },
            Some(b'{' | b'[') if depth >= MAX_DEPTH => return Err(self.error("too deep")),
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::True)?,
            Some(b'f') => self.word("false", Kind::False)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return Err(self.error("value expected")),
        };
        out.raw = self
            .text
            .get(from..self.at)
            .ok_or_else(|| self.error("value expected"))?;
        Ok(())
    }

    fn word(&mut self, word: &str, kind: Kind<'a>) -> Result<Kind<'a>, ParseError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error("value expected"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(Cow<'a, str>, Json<'a>)>, ParseError> {
        let opened = self.at;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        members.reserve(8);
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("key expected"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.error("colon expected"));
            }
            self.at += 1;
            self.space();
            members.push((key, Json::NULL));
            if let Some((_, value)) = members.last_mut() {
                self.value(depth + 1, value)?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("comma or brace expected")),
            }
        }
        self.at += 1;
        if doubled(&members) {
            return Err(ParseError::new("json", "a key stands twice in the object").at(opened));
        }
        Ok(members)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json<'a>>, ParseError> {
        let mut values = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(values);
        }
        loop {
            self.space();
            values.push(Json::NULL);
            if let Some(value) = values.last_mut() {
                self.value(depth + 1, value)?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("comma or bracket expected")),
            }
        }
        self.at += 1;
        Ok(values)
    }

    fn number(&mut self) -> Result<Kind<'a>, ParseError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from {
            Err(self.error("digit expected"))
        } else {
            Ok(())
        }
    }

    #[inline(always)]
    fn string(&mut self) -> Result<Cow<'a, str>, ParseError> {
        self.at += 1;
        let from = self.at;
        self.at += plain(&self.text.as_bytes()[from..]);
        if self.peek() != Some(b'"') {
            return self.special(from);
        }
        let text = &self.text[from..self.at];
        self.at += 1;
        Ok(Cow::Borrowed(text))
    }

    /// A string that does not end at what is next.
    #[cold]
    fn special(&mut self, from: usize) -> Result<Cow<'a, str>, ParseError> {
        match self.peek() {
            Some(b'\\') => self.escaped(from).map(Cow::Owned),
            Some(_) => Err(self.error("control character in a string")),
            None => Err(self.error("string not ended")),
        }
    }

    /// A string with escapes, from its first byte on.
    fn escaped(&mut self, from: usize) -> Result<String, ParseError> {
        let mut out = String::from(&self.text[from..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(0..=0x1f) => return Err(self.error("control character in a string")),
                Some(_) => {
                    let from = self.at;
                    self.at += plain(&self.text.as_bytes()[from..]);
                    out.push_str(&self.text[from..self.at]);
                }
                None => return Err(self.error("string not ended")),
            }
        }
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

/// How many bytes come before the first quote, backslash or control character.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The high bit of every byte that is below `limit`, and perhaps of bytes above such a one.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    for (at, word) in bytes.chunks_exact(8).enumerate() {
        let word = word
            .first_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word));
        let same = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let found = below(word, 0x20) | same(b'"') | same(b'\\');
        if found != 0 {
            return 8 * at + found.trailing_zeros() as usize / 8;
        }
    }
    let rest = bytes.len() / 8 * 8;
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let found = bytes[rest..].iter().position(special);
    found.map_or(bytes.len(), |at| rest + at)
}

/// Whether two members have one key. Small objects are compared pairwise, large ones sorted.
fn doubled(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    if members.len() <= 16 {
        let mut pairs = members.iter().enumerate();
        return pairs.any(|(at, (key, _))| members[..at].iter().any(|(other, _)| other == key));
    }
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn a_document_is_read_and_its_parts_keep_their_text() {
        let text = r#" {"a": [1, -2.5e+3 ,"x\n\u00e9\ud83d\ude00"],"b":{"c" : null},"d":true} "#;
        let json = Json::parse(text).unwrap();
        let items = json.get("a").unwrap().as_array().unwrap();
        assert_eq!(
            (items[0].as_u64(), items[1].as_number()),
            (Some(1), Some("-2.5e+3"))
        );
        assert_eq!(items[2].as_text(), Some("x\né😀"));
        assert_eq!(json.get("b").unwrap().raw(), r#"{"c" : null}"#);
        assert!(json.get("b").unwrap().get("c").is_none());
        assert_eq!(json.get("d").unwrap().as_bool(), Some(true));
    }

    #[test]
    fn strings_end_where_they_end() {
        for length in 0..40 {
            for stop in ["\"", "\\", "\n", "\u{0}", "\u{1f}", ""] {
                for filler in [
                    "a",
                    " ",
                    "!",
                    "#",
                    "[",
                    "]",
                    "~",
                    "\u{7f}",
                    "é",
                    "\u{10ffff}",
                ] {
                    let text = format!("{}{stop}{}", filler.repeat(length), "\"\n\\".repeat(3));
                    let special = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
                    assert_eq!(
                        plain(text.as_bytes()),
                        text.bytes().position(special).unwrap()
                    );
                    assert_eq!(
                        plain(filler.repeat(length).as_bytes()),
                        filler.len() * length
                    );
                }
            }
        }
    }

    #[test]
    fn s50_a_key_stands_once_however_it_is_spelled() {
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"b":1,"b":1}}]"#,
        ] {
            assert_eq!(
                Json::parse(bad).unwrap_err().why(),
                "a key stands twice in the object"
            );
        }
        let many: Vec<_> = (0..40).map(|at| format!("\"k{at}\":0")).collect();
        assert!(Json::parse(&format!("{{{}}}", many.join(","))).is_ok());
        assert!(Json::parse(&format!("{{{},\"k7\":1}}", many.join(","))).is_err());
    }

    #[test]
    fn s51_depth_trailing_bytes_and_other_grammar() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::parse(&deep(MAX_DEPTH)).is_ok());
        for depth in [MAX_DEPTH + 1, 1_000, 1_000_000] {
            assert!(Json::parse(&deep(depth)).is_err());
        }
        for bad in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "+1",
            ".5",
            "1e",
            "nul",
            "NaN",
            "'a'",
            "\"a",
            "\"\t\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "{} {}",
            "{}x",
            "\u{feff}{}",
            "{a:1}",
            "[1 2]",
            "\"\\u12",
            "\"\\u12é4\"",
        ] {
            assert!(Json::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Json::parse("{}x").unwrap_err().offset(), Some(2));
    }

    #[test]
    fn meaning_is_compared_without_order() {
        let one = Json::parse(r#"{"a":1,"b":["\u0078"]}"#).unwrap();
        let two = Json::parse(r#"{ "b" : ["x"], "a" : 1 }"#).unwrap();
        assert!(one.same(&two));
        assert!(!one.same(&Json::parse(r#"{"a":1.0,"b":["x"]}"#).unwrap()));
        assert!(!one.same(&Json::parse(r#"{"a":1,"b":["x"],"c":0}"#).unwrap()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in ".*", text in ".*", number in any::<u64>()) {
            let other = format!("{name}'");
            let written = Object::new().text(&name, &text).number(&other, number).finish();
            prop_assert!(written.is_ascii());
            let read = Json::parse(&written).unwrap();
            prop_assert_eq!(read.get(&name).unwrap().as_text(), Some(text.as_str()));
            prop_assert_eq!(read.get(&other).unwrap().as_u64(), Some(number));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,64}|[\\[\\]{}\",:\\\\u0-9a-f ]{0,64}") {
            if let Ok(json) = Json::parse(&text) {
                prop_assert_eq!(Json::parse(json.raw()), Ok(json));
            }
        }
    }
}
