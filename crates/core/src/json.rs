//! JSON for documents that are worth money: strict where a lenient reader could be talked into two meanings, and lossless.
//!
//! [`Document::parse`] reads a text once, into one list of all its values. Every value is known by where it stands in the text,
//! so a part can be echoed byte for byte.
//! Refused: a key twice in one object (however it is spelled), bytes after the value, depth beyond [`MAX_DEPTH`], lone
//! surrogates, control characters in strings, a byte order mark, and everything else that RFC 8259 does not allow. Numbers keep
//! their text; amounts are never numbers.

mod read;
mod write;

pub use write::{Object, array, quote};

use crate::ParseError;
use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// How deep arrays and objects may lie in each other.
pub const MAX_DEPTH: usize = 32;

/// A text with what was read in it.
///
/// ```
/// use http402_core::json::Document;
///
/// let document = Document::parse(r#"{"a": [1, "two"]}"#)?;
/// let list = document.root().need("a")?;
/// assert_eq!(list.raw(), r#"[1, "two"]"#);
/// assert_eq!(list.items().nth(1).and_then(|item| item.as_text()), Some("two"));
/// # Ok::<(), http402_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Document<'a> {
    text: &'a str,
    /// The values, each before those that lie in it.
    nodes: Vec<Node>,
    /// The strings with escapes, decoded, in their order: of which value, and whether it is that value or its key.
    decoded: Vec<Decoded>,
}

/// A JSON value in a [`Document`].
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document<'a>,
    at: usize,
}

/// A value: small, as there is one for each of them.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// What is between the quotes of its key, where it is a member.
    key: Span,
    escaped_key: bool,
    kind: Kind,
    text: Span,
    /// The first value behind it that does not lie in it.
    end: u32,
}

/// Where something stands in the text.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: u32,
    to: u32,
}

/// A string with escapes, decoded.
#[derive(Clone, Debug)]
struct Decoded {
    at: u32,
    own: bool,
    text: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

impl<'a> Document<'a> {
    /// Reads one value, and nothing after it but white space.
    ///
    /// # Errors
    /// With the byte at which the text stops to be acceptable.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        read::document(text)
    }

    /// The value that the text is.
    pub fn root(&self) -> Json<'_> {
        Json {
            document: self,
            at: 0,
        }
    }

    fn part(&self, span: Span) -> &str {
        let part = self.text.get(span.from as usize..span.to as usize);
        part.unwrap_or_default()
    }

    fn key(&self, at: usize) -> &str {
        let node = &self.nodes[at];
        if node.escaped_key {
            return self.decoded(at, false);
        }
        self.part(node.key)
    }

    #[cold]
    fn decoded(&self, at: usize, own: bool) -> &str {
        let found = self
            .decoded
            .binary_search_by_key(&(at, own), |one| (one.at as usize, one.own));
        found.map_or("", |found| &self.decoded[found].text)
    }
}

impl<'a> Json<'a> {
    fn node(self) -> &'a Node {
        &self.document.nodes[self.at]
    }

    /// The text, from its first to its last byte.
    pub fn raw(self) -> &'a str {
        self.document.part(self.node().text)
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    /// The value of a string.
    pub fn as_text(self) -> Option<&'a str> {
        let Node { kind, text, .. } = *self.node();
        match kind {
            Kind::Plain => Some(self.document.part(Span {
                from: text.from + 1,
                to: text.to - 1,
            })),
            Kind::Escaped => Some(self.document.decoded(self.at, true)),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The value of a number that is written as a whole number below 2^64.
    pub fn as_u64(self) -> Option<u64> {
        self.as_number()?.parse().ok()
    }

    /// The text of a number.
    pub fn as_number(self) -> Option<&'a str> {
        (self.node().kind == Kind::Number).then(|| self.raw())
    }

    /// The values of an array.
    pub fn as_array(self) -> Option<Items<'a>> {
        (self.node().kind == Kind::Array).then(|| self.inside())
    }

    /// The members of an object, in order.
    pub fn as_object(self) -> Option<Members<'a>> {
        (self.node().kind == Kind::Object).then(|| Members(self.inside()))
    }

    /// The values of an array; none where it is something else.
    pub fn items(self) -> Items<'a> {
        self.as_array().unwrap_or_default()
    }

    /// The members of an object, in order; none where it is something else.
    pub fn members(self) -> Members<'a> {
        self.as_object().unwrap_or_default()
    }

    fn inside(self) -> Items<'a> {
        Items {
            document: Some(self.document),
            at: self.at + 1,
            end: self.node().end as usize,
        }
    }

    /// The value of a member; `None` when there is none, or it is `null`.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        let document = self.document;
        let own = self.node();
        let mut at = self.at + 1;
        if own.kind != Kind::Object {
            return None;
        }
        while at < own.end as usize {
            let member = &document.nodes[at];
            let Span { from, to } = member.key;
            let same = if member.escaped_key {
                document.decoded(at, false) == name
            } else {
                let key = from as usize..to as usize;
                key.len() == name.len() && document.text.as_bytes()[key] == *name.as_bytes()
            };
            if same {
                return (member.kind != Kind::Null).then_some(Json { document, at });
            }
            at = member.end as usize;
        }
        None
    }

    /// The value of a member that must be there.
    ///
    /// # Errors
    /// When it is missing or `null`.
    pub fn need(self, name: &'static str) -> Result<Json<'a>, ParseError> {
        self.get(name)
            .ok_or_else(|| ParseError::new(name, "missing"))
    }

    /// The text of a member that must be there.
    ///
    /// # Errors
    /// When it is missing or no string.
    pub fn need_text(self, name: &'static str) -> Result<&'a str, ParseError> {
        self.need(name)?
            .as_text()
            .ok_or_else(|| ParseError::new(name, "string expected"))
    }

    /// The text of a member that may be missing or `null`.
    ///
    /// # Errors
    /// When it is something else than a string.
    pub fn text(self, name: &'static str) -> Result<Option<&'a str>, ParseError> {
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
    pub fn object(self, name: &'static str) -> Result<Option<Json<'a>>, ParseError> {
        match self.get(name) {
            Some(value) if value.node().kind != Kind::Object => {
                Err(ParseError::new(name, "object expected"))
            }
            other => Ok(other),
        }
    }

    /// Whether both mean the same: members in any order, strings decoded, numbers as they are written.
    pub fn same(self, other: Json<'_>) -> bool {
        match (self.node().kind, other.node().kind) {
            (Kind::Number, Kind::Number) => self.raw() == other.raw(),
            (Kind::Null, Kind::Null) => true,
            (Kind::True, Kind::True) | (Kind::False, Kind::False) => true,
            (Kind::Plain | Kind::Escaped, Kind::Plain | Kind::Escaped) => {
                self.as_text() == other.as_text()
            }
            (Kind::Array, Kind::Array) => {
                let (one, two) = (self.items(), other.items());
                one.clone().count() == two.clone().count()
                    && one.zip(two).all(|(one, two)| one.same(two))
            }
            (Kind::Object, Kind::Object) => {
                let (one, two) = (self.members(), other.members());
                one.clone().count() == two.clone().count() && { one }.all(|(name, value)| {
                    { two.clone() }.any(|(key, other)| key == name && value.same(other))
                })
            }
            _ => false,
        }
    }
}

/// The values of an array.
#[derive(Clone, Debug, Default)]
pub struct Items<'a> {
    document: Option<&'a Document<'a>>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let document = self.document.filter(|_| self.at < self.end)?;
        let at = self.at;
        self.at = document.nodes[at].end as usize;
        Some(Json { document, at })
    }
}

/// The members of an object, in order.
#[derive(Clone, Debug, Default)]
pub struct Members<'a>(Items<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Json<'a>);

    fn next(&mut self) -> Option<(&'a str, Json<'a>)> {
        let value = self.0.next()?;
        Some((value.document.key(value.at), value))
    }
}

impl PartialEq for Document<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Document<'_> {}

/// Written alike, but for what stands around them.
impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Json<'_> {}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.text).finish()
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Json").field(&self.raw()).finish()
    }
}

#[cfg(test)]
mod tests;
