//! `Accept-Payment`: what a client can pay, and what it prefers (core draft, section 6).
//!
//! ```text
//! Accept-Payment = #( ( method / "*" ) "/" ( intent / "*" ) [ OWS ";" OWS "q=" qvalue ] )
//! ```

use crate::challenge;
use http402_core::ParseError;

/// The longest list that is looked at, in bytes.
pub const MAX_LEN: usize = 8 * 1024;
/// The largest number of ranges in a list.
const MAX_RANGES: usize = 64;

/// A list of ranges.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AcceptPayment {
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    method: Option<Box<str>>,
    intent: Option<Box<str>>,
    /// Thousandths.
    quality: u16,
}

impl AcceptPayment {
    /// Reads the values of the field.
    ///
    /// # Errors
    /// When they are too long together, or one of the ranges can not be read.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ParseError> {
        let mut ranges = Vec::new();
        let mut length = 0;
        for value in values {
            length += value.len();
            if length > MAX_LEN {
                return Err(error("longer than 8192 bytes"));
            }
            let text = std::str::from_utf8(value).map_err(|_| error("not ASCII"))?;
            for item in text.split(',').map(ows).filter(|item| !item.is_empty()) {
                if ranges.len() >= MAX_RANGES {
                    return Err(error("too many ranges"));
                }
                ranges.push(Range::parse(item)?);
            }
        }
        Ok(Self { ranges })
    }

    /// The list that asks for these methods and intents, the first most.
    ///
    /// # Errors
    /// When a name has not the form of one.
    pub fn of(offers: &[(&str, &str)]) -> Result<Self, ParseError> {
        let range = |(at, (method, intent)): (usize, &(&str, &str))| {
            challenge::method(method)?;
            challenge::intent(intent)?;
            let less = u16::try_from(at).unwrap_or(u16::MAX).min(9) * 100;
            Ok(Range {
                method: Some((*method).into()),
                intent: Some((*intent).into()),
                quality: 1000 - less,
            })
        };
        let ranges: Result<Vec<_>, ParseError> = offers.iter().enumerate().map(range).collect();
        Ok(Self { ranges: ranges? })
    }

    /// The value of the field.
    pub fn encode(&self) -> String {
        let any = |name: &Option<Box<str>>| name.as_deref().unwrap_or("*").to_owned();
        let range = |range: &Range| {
            let name = format!("{}/{}", any(&range.method), any(&range.intent));
            match range.quality {
                1000 => name,
                0 => format!("{name};q=0"),
                part => {
                    let digits = format!("{part:03}");
                    format!("{name};q=0.{}", digits.trim_end_matches('0'))
                }
            }
        };
        self.ranges.iter().map(range).collect::<Vec<_>>().join(", ")
    }

    /// How much an offer is wanted, in thousandths: by the range that fits it most closely, of those by the first. 0 when it
    /// is excluded, or no range fits.
    pub fn quality(&self, method: &str, intent: &str) -> u16 {
        let fits = |name: &Option<Box<str>>, wanted: &str| match name {
            Some(name) => **name == *wanted,
            None => true,
        };
        let mut best: Option<(usize, u16)> = None;
        for range in &self.ranges {
            if fits(&range.method, method) && fits(&range.intent, intent) {
                let close =
                    usize::from(range.method.is_some()) + usize::from(range.intent.is_some());
                if best.is_none_or(|(closest, _)| close > closest) {
                    best = Some((close, range.quality));
                }
            }
        }
        best.map_or(0, |(_, quality)| quality)
    }

    /// The offers in the order in which they are wanted, equals as they were, without those that are not. When that leaves
    /// none, all of them as they were: the list never makes a resource unpayable.
    pub fn order<T>(&self, offers: Vec<T>, name: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
        let quality = |offer: &T| {
            let (method, intent) = name(offer);
            self.quality(method, intent)
        };
        if offers.iter().all(|offer| quality(offer) == 0) {
            return offers;
        }
        let mut wanted: Vec<T> = offers
            .into_iter()
            .filter(|offer| quality(offer) > 0)
            .collect();
        wanted.sort_by_key(|offer| std::cmp::Reverse(quality(offer)));
        wanted
    }
}

impl Range {
    fn parse(item: &str) -> Result<Self, ParseError> {
        let mut parts = item.split(';').map(ows);
        let (method, intent) = parts
            .next()
            .and_then(|name| name.split_once('/'))
            .ok_or_else(|| error("method/intent expected"))?;
        let mut quality = 1000;
        for part in parts {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| error("parameter expected"))?;
            if ows(name).eq_ignore_ascii_case("q") {
                quality = weight(ows(value))?;
            }
        }
        let named = |text: &str, form: fn(&str) -> Result<(), ParseError>| match text {
            "*" => Ok(None),
            text => form(text).map(|()| Some(text.into())),
        };
        Ok(Self {
            method: named(method, challenge::method)?,
            intent: named(intent, challenge::intent)?,
            quality,
        })
    }
}

/// `qvalue` (RFC 9110 section 12.4.2), in thousandths.
fn weight(text: &str) -> Result<u16, ParseError> {
    let bad = || error("not a weight");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let part: u16 = format!("{part:0<3}").parse().map_err(|_| bad())?;
    match whole {
        "0" => Ok(part),
        "1" if part == 0 => Ok(1000),
        _ => Err(bad()),
    }
}

fn ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn error(why: &'static str) -> ParseError {
    ParseError::new("Accept-Payment", why)
}
