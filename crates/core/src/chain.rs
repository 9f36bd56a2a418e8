use crate::ParseError;
use alloc::{boxed::Box, string::String};
use core::{fmt, str::FromStr};

/// A chain, as CAIP-2 names it: `namespace:reference`, for example `eip155:8453`.
///
/// Grammar (CAIP-2): the namespace has 3 to 8 characters of `-a-z0-9`, the reference 1 to 32 of `-_a-zA-Z0-9`.
/// Two ids are equal when their text is: `eip155:01` is a valid id and not the chain 1.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Eip155(u64),
    Other(Box<str>),
}

impl ChainId {
    /// The EVM chain with this number.
    pub const fn eip155(number: u64) -> Self {
        Self(Repr::Eip155(number))
    }

    /// The chain's number, when it is an EVM chain.
    pub fn evm(&self) -> Option<u64> {
        match self.0 {
            Repr::Eip155(number) => Some(number),
            Repr::Other(_) => None,
        }
    }

    /// How long its text is.
    pub(crate) fn length(&self) -> usize {
        match &self.0 {
            Repr::Eip155(number) => 8 + number.checked_ilog10().unwrap_or(0) as usize,
            Repr::Other(text) => text.len(),
        }
    }

    /// Appends its text.
    pub(crate) fn write(&self, out: &mut String) {
        match &self.0 {
            Repr::Eip155(number) => {
                let mut digits = [0; 20];
                let mut rest = *number;
                let mut from = digits.len();
                loop {
                    from -= 1;
                    digits[from] = b'0' + (rest % 10) as u8;
                    rest /= 10;
                    if rest == 0 {
                        break;
                    }
                }
                out.push_str("eip155:");
                out.push_str(core::str::from_utf8(&digits[from..]).unwrap_or_default());
            }
            Repr::Other(text) => out.push_str(text),
        }
    }

    /// The part before the colon: `eip155`, `solana`, ….
    pub fn namespace(&self) -> &str {
        match &self.0 {
            Repr::Eip155(_) => "eip155",
            Repr::Other(text) => text.split(':').next().unwrap_or(""),
        }
    }
}

impl From<&ChainId> for String {
    fn from(chain: &ChainId) -> Self {
        let mut text = Self::with_capacity(chain.length());
        chain.write(&mut text);
        text
    }
}

impl FromStr for ChainId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (namespace, reference) = text
            .split_once(':')
            .ok_or_else(|| ParseError::new("chain id", "colon expected"))?;
        if !(3..=8).contains(&namespace.len()) {
            return Err(ParseError::new("chain id", "namespace must have 3 to 8 characters").at(0));
        }
        if !(1..=32).contains(&reference.len()) {
            return Err(
                ParseError::new("chain id", "reference must have 1 to 32 characters")
                    .at(namespace.len() + 1),
            );
        }
        let in_namespace = |b: &u8| matches!(b, b'-' | b'a'..=b'z' | b'0'..=b'9');
        let in_reference =
            |b: &u8| matches!(b, b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9');
        if let Some(at) = namespace.bytes().position(|b| !in_namespace(&b)) {
            return Err(ParseError::new("chain id", "character not allowed in a namespace").at(at));
        }
        if let Some(at) = reference.bytes().position(|b| !in_reference(&b)) {
            return Err(
                ParseError::new("chain id", "character not allowed in a reference")
                    .at(namespace.len() + 1 + at),
            );
        }
        Ok(Self(match (namespace, canonical_number(reference)) {
            ("eip155", Some(number)) => Repr::Eip155(number),
            _ => Repr::Other(text.into()),
        }))
    }
}

fn canonical_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Eip155(number) => write!(f, "eip155:{number}"),
            Repr::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn caip2_charset_and_lengths() {
        for good in [
            "eip155:1",
            "eip155:01",
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            "cloudflare-x:1",
            "abc:a_b-C",
        ] {
            let parsed = good.parse::<ChainId>();
            if good.starts_with("cloudflare-x") {
                assert!(parsed.is_err(), "namespace of 12 characters");
            } else {
                let parsed = parsed.unwrap();
                assert_eq!(parsed.to_string(), good);
                assert_eq!(String::from(&parsed), good);
            }
        }
        for bad in [
            "",
            ":",
            "eip155:",
            ":1",
            "ab:1",
            "EIP155:1",
            "eip155:1:2",
            "eip155:1 ",
            "eip155",
            "eip155:é",
        ] {
            assert!(bad.parse::<ChainId>().is_err(), "{bad:?}");
        }
        assert!(
            "abc:123456789012345678901234567890123"
                .parse::<ChainId>()
                .is_err()
        );
    }

    #[test]
    fn a_leading_zero_is_another_chain() {
        assert_eq!("eip155:01".parse::<ChainId>().unwrap().evm(), None);
        assert_eq!(
            "eip155:8453".parse::<ChainId>().unwrap(),
            ChainId::eip155(8453)
        );
    }

    proptest! {
        #[test]
        fn parse_then_print_is_the_identity(text in "[-a-z0-9]{2,9}:[-_a-zA-Z0-9]{0,33}|.{0,20}") {
            if let Ok(chain) = text.parse::<ChainId>() {
                prop_assert_eq!(chain.to_string(), text);
            }
        }
    }
}
