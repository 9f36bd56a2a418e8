//! RFC 3339 timestamps, to the second.
//!
//! A fraction is read and dropped: what expires within a second counts as expired at its begin.

use http402_core::{ParseError, Timestamp};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

fn error(why: &'static str) -> ParseError {
    ParseError::new("timestamp", why)
}

/// Reads `2026-11-22T06:19:07.525Z`, or with an offset like `+02:00`. What lies before 1970 is the epoch.
///
/// # Errors
/// When the text has another form, or a part is out of its range.
pub fn parse(text: &str) -> Result<Timestamp, ParseError> {
    let mut from = Digits(text.as_bytes());
    let year = from.number(4)?;
    from.expect(b"-")?;
    let month = from.number(2)?;
    from.expect(b"-")?;
    let day = from.number(2)?;
    from.expect(b"Tt")?;
    let hour = from.number(2)?;
    from.expect(b":")?;
    let minute = from.number(2)?;
    from.expect(b":")?;
    let second = from.number(2)?;
    let fits = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return Err(error("out of range"));
    }
    from.fraction()?;
    let offset = from.offset()?;
    if !from.0.is_empty() {
        return Err(error("bytes after the offset"));
    }
    let secs = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Ok(Timestamp::from_secs(u64::try_from(secs).unwrap_or(0)))
}

/// The time in UTC, without a fraction. What lies after the year 9999 is its last second.
pub fn format(at: Timestamp) -> String {
    let secs = at.secs().min(LAST);
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, count: usize) -> Result<i64, ParseError> {
        let (digits, rest) = self
            .0
            .split_at_checked(count)
            .filter(|(digits, _)| digits.iter().all(u8::is_ascii_digit))
            .ok_or_else(|| error("digits expected"))?;
        self.0 = rest;
        Ok(digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn expect(&mut self, any: &[u8]) -> Result<u8, ParseError> {
        match self.0.split_first() {
            Some((first, rest)) if any.contains(first) => {
                self.0 = rest;
                Ok(*first)
            }
            _ => Err(error("another character expected")),
        }
    }

    fn fraction(&mut self) -> Result<(), ParseError> {
        if self.expect(b".").is_err() {
            return Ok(());
        }
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        self.0 = self.0.get(count..).unwrap_or_default();
        match count {
            0 => Err(error("digits expected")),
            _ => Ok(()),
        }
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Result<i64, ParseError> {
        let sign = match self.expect(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Ok(0),
        };
        let hours = self.number(2)?;
        self.expect(b":")?;
        let minutes = self.number(2)?;
        if hours > 23 || minutes > 59 {
            return Err(error("offset out of range"));
        }
        Ok(sign * (hours * 3_600 + minutes * 60))
    }
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March: February, of changing length, is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let before = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of a day, counted from 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_the_rfc() {
        for (text, secs) in [
            ("1985-04-12T23:20:50.52Z", 482_196_050),
            ("1996-12-19T16:39:57-08:00", 851_042_397),
            ("1990-12-31T23:59:60Z", 662_688_000),
            ("1990-12-31T15:59:60-08:00", 662_688_000),
            ("2026-11-22t06:19:07.525z", 1_795_328_347),
            ("1970-01-01T00:00:00Z", 0),
            ("1937-01-01T12:00:27.87+00:20", 0),
            ("9999-12-31T23:59:59Z", LAST),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
        ] {
            assert_eq!(parse(text).map(Timestamp::secs), Ok(secs), "{text}");
        }
        for bad in [
            "",
            "2026-11-22",
            "2026-11-22 06:19:07Z",
            "2026-11-22T06:19:07",
            "2026-11-22T06:19:07.Z",
            "2026-13-22T06:19:07Z",
            "2026-02-29T06:19:07Z",
            "2026-11-22T24:19:07Z",
            "2026-11-22T06:60:07Z",
            "2026-11-22T06:19:61Z",
            "2026-11-22T06:19:07+24:00",
            "2026-11-22T06:19:07Z ",
            "+026-11-22T06:19:07Z",
            "2026-11-22T06:19:07+0100",
            "1795328347",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn written_then_read_is_the_same(secs in 0..=LAST) {
            let at = Timestamp::from_secs(secs);
            prop_assert_eq!(parse(&format(at)), Ok(at));
        }

        #[test]
        fn the_next_second_is_one_later(secs in 0..LAST) {
            let text = format(Timestamp::from_secs(secs + 1));
            prop_assert!(text > format(Timestamp::from_secs(secs)));
        }

        #[test]
        fn nothing_panics(text in "[-0-9TZtz:+. ]{0,40}|\\PC{0,30}") {
            let _ = parse(&text);
        }
    }
}
