//! Writing.

use alloc::{boxed::Box, string::String};
use core::fmt;

/// Writes one JSON object, member by member, in ASCII alone.
#[derive(Clone, Debug)]
pub struct Object(String);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        // Room for most documents, so that they do not move while they grow.
        let mut text = String::with_capacity(256);
        text.push('{');
        Self(text)
    }

    fn name(&mut self, name: &str) -> &mut String {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(name, &mut self.0);
        self.0.push(':');
        &mut self.0
    }

    /// Adds a string.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        quote(text, self.name(name));
        self
    }

    /// Adds a string: the text of something.
    #[must_use]
    pub fn shown(mut self, name: &str, what: &impl fmt::Display) -> Self {
        use fmt::Write;
        let text = self.name(name);
        text.push('"');
        // Writing to a string does not fail.
        let _ = write!(Escaped(text), "{what}");
        text.push('"');
        self
    }

    /// Adds a string, if there is one.
    #[must_use]
    pub fn maybe_text(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// Adds JSON text as it is.
    #[must_use]
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name).push_str(json);
        self
    }

    /// Adds JSON text as it is, if there is some.
    #[must_use]
    pub fn maybe_raw(self, name: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.raw(name, json),
            None => self,
        }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn number(self, name: &str, number: u64) -> Self {
        self.raw(name, &alloc::format!("{number}"))
    }

    /// Adds a boolean.
    #[must_use]
    pub fn boolean(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// The text of the object.
    pub fn finish(self) -> Box<str> {
        self.into_string().into()
    }

    /// The same where it does not stay: it keeps the room that it was written in.
    pub fn into_string(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

/// The text of an array of JSON texts.
pub fn array<'a>(items: impl IntoIterator<Item = &'a str>) -> Box<str> {
    let mut out = String::from("[");
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(item);
    }
    out.push(']');
    out.into()
}

/// Appends `text` as a JSON string, in ASCII alone: it can stand in a header.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// Writes what stands between the quotes of a string.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, self.0);
        Ok(())
    }
}

fn escape(text: &str, out: &mut String) {
    use fmt::Write;
    // To the end in any case: many bytes at once are looked at sooner than one after the other.
    let odd = |byte: u8| !(b' '..=b'~').contains(&byte) | (byte == b'"') | (byte == b'\\');
    if !text.bytes().fold(false, |any, byte| any | odd(byte)) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}
