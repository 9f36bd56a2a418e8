use alloc::{borrow::Cow, string::String};
use core::fmt;

/// Text that could not be read: says what was being read, where, and what is wrong with it.
///
/// It never holds a piece of the input, so that it may be logged and sent to a peer.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    what: Cow<'static, str>,
    why: Cow<'static, str>,
    at: Option<usize>,
}

impl ParseError {
    /// `what` names the thing that was read, `why` what is wrong with it, both in lower case.
    pub fn new(what: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            at: None,
        }
    }

    /// The same error, with the byte offset at which it was found.
    #[must_use]
    pub fn at(mut self, byte: usize) -> Self {
        self.at = Some(byte);
        self
    }

    /// The same error inside `outer`: `amount` inside `accepts[0]` reads `accepts[0].amount`.
    #[must_use]
    pub fn inside(mut self, outer: &str) -> Self {
        let mut path = String::from(outer);
        if !self.what.starts_with('[') {
            path.push('.');
        }
        path.push_str(&self.what);
        self.what = Cow::Owned(path);
        self
    }

    /// What was being read, as a path: `payload.authorization.value`.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What is wrong with it.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The byte offset of the fault, where it is known.
    pub fn offset(&self) -> Option<usize> {
        self.at
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        match self.at {
            Some(at) => write!(f, " at byte {at}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl core::error::Error for ParseError {}
