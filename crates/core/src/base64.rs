//! Base64 (RFC 4648), read strictly: what is no digit is refused, and so are bits after the end, so that a text has one meaning.
//!
//! Padding may be missing, or stand where it belongs; both are common on the wire.

use alloc::{string::String, vec, vec::Vec};

/// Which digits stand for 62 and 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 4648 has two")]
pub enum Alphabet {
    /// `+` and `/` (section 4).
    Standard,
    /// `-` and `_` (section 5).
    UrlSafe,
}

/// In a digit's number: it is none.
const NONE: u32 = 1 << 31;

/// What each byte stands for as the first, second, third and fourth of four digits.
type Worth = [[u32; 256]; 4];

static STANDARD: Worth = worth(&digits(Alphabet::Standard));
static URL_SAFE: Worth = worth(&digits(Alphabet::UrlSafe));

const fn digits(alphabet: Alphabet) -> [u8; 64] {
    let mut digits = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if matches!(alphabet, Alphabet::UrlSafe) {
        digits[62] = b'-';
        digits[63] = b'_';
    }
    digits
}

const fn worth(digits: &[u8; 64]) -> Worth {
    let mut worth = [[NONE; 256]; 4];
    let mut value = 0;
    while value < 64 {
        let mut place = 0;
        while place < 4 {
            worth[place][digits[value] as usize] = (value as u32) << (18 - 6 * place);
            place += 1;
        }
        value += 1;
    }
    worth
}

/// The bytes that a text stands for.
///
/// # Errors
/// With the offset of the first byte that can not stand where it does: one that is no digit, a last digit with bits after the
/// end, padding that does not belong there; or with the length of a text that ends within a byte.
///
/// ```
/// use http402_core::base64::{Alphabet, decode};
///
/// assert_eq!(decode(b"e30=", Alphabet::Standard), Ok(b"{}".to_vec()));
/// assert_eq!(decode(b"e30", Alphabet::Standard), Ok(b"{}".to_vec()));
/// assert_eq!(decode(b"e31=", Alphabet::Standard), Err(2));
/// ```
pub fn decode(text: &[u8], alphabet: Alphabet) -> Result<Vec<u8>, usize> {
    let worth = match alphabet {
        Alphabet::Standard => &STANDARD,
        Alphabet::UrlSafe => &URL_SAFE,
    };
    let text = unpadded(text);
    let rest = &text[text.len() / 4 * 4..];
    let whole = text.len() / 4 * 3;
    // Exactly, so that it can become a part of something else as it is.
    let mut bytes = Vec::with_capacity(whole + rest.len().saturating_sub(1));
    bytes.resize(whole, 0);
    let mut all = 0;
    let eights = text.chunks_exact(8);
    let mut sixes = bytes.chunks_exact_mut(6);
    // Two numbers at once: they are written in two pieces instead of six.
    for (six, eight) in (&mut sixes).zip(eights.clone()) {
        let first = number(worth, [eight[0], eight[1], eight[2], eight[3]]);
        let second = number(worth, [eight[4], eight[5], eight[6], eight[7]]);
        all |= first | second;
        six.copy_from_slice(&joined(first, second)[..6]);
    }
    let last = (sixes.into_remainder(), eights.remainder());
    if let ([a, b, c], [one, two, three, four, ..]) = last {
        let number = number(worth, [*one, *two, *three, *four]);
        all |= number;
        [_, *a, *b, *c] = number.to_be_bytes();
    }
    let [a, b, c] = match *rest {
        [] => [b'A'; 3],
        [_] => return Err(first_bad(worth, text).unwrap_or(text.len())),
        [a, b] => [a, b, b'A'],
        [a, b, c, ..] => [a, b, c],
    };
    let last = number(worth, [a, b, c, b'A']);
    all |= last;
    if all & NONE != 0 {
        return Err(first_bad(worth, text).unwrap_or(text.len()));
    }
    let [_, a, b, c] = last.to_be_bytes();
    let (kept, over): (&[u8], _) = match rest.len() {
        0 => (&[], 0),
        2 => (&[a], b),
        _ => (&[a, b], c),
    };
    if over != 0 {
        return Err(text.len() - 1);
    }
    bytes.extend_from_slice(kept);
    Ok(bytes)
}

/// Without the padding at its end, where that makes the last four digits whole.
fn unpadded(text: &[u8]) -> &[u8] {
    let padded = match text {
        [.., b'=', b'='] if text.len() % 4 == 0 => 2,
        [.., b'='] if text.len() % 4 == 0 => 1,
        _ => 0,
    };
    &text[..text.len() - padded]
}

#[inline(always)]
fn number(worth: &Worth, [a, b, c, d]: [u8; 4]) -> u32 {
    worth[0][usize::from(a)]
        | worth[1][usize::from(b)]
        | worth[2][usize::from(c)]
        | worth[3][usize::from(d)]
}

/// The three bytes of one number and those of the next.
#[inline(always)]
fn joined(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) << 40 | u64::from(second) << 16).to_be_bytes()
}

fn first_bad(worth: &Worth, text: &[u8]) -> Option<usize> {
    let bad = |byte: &u8| worth[3][usize::from(*byte)] == NONE;
    text.iter().position(bad)
}

/// The text of bytes, padded or not.
///
/// ```
/// use http402_core::base64::{Alphabet, encode};
///
/// assert_eq!(encode(b"{}", Alphabet::Standard, true), "e30=");
/// assert_eq!(encode(b"{}", Alphabet::UrlSafe, false), "e30");
/// ```
///
/// # Panics
/// Never: digits are ASCII.
pub fn encode(bytes: &[u8], alphabet: Alphabet, padded: bool) -> String {
    const DIGITS: [[u8; 64]; 2] = [digits(Alphabet::Standard), digits(Alphabet::UrlSafe)];
    let digits = &DIGITS[usize::from(alphabet == Alphabet::UrlSafe)];
    let mut text = vec![b'='; bytes.len().div_ceil(3) * 4];
    let threes = bytes.chunks_exact(3);
    let rest = threes.remainder();
    let mut fours = text.chunks_exact_mut(4);
    let digit = |number: u32| digits[number as usize % 64];
    let digits = |all| {
        [
            digit(all >> 18),
            digit(all >> 12),
            digit(all >> 6),
            digit(all),
        ]
    };
    for (three, four) in threes.zip(&mut fours) {
        four.copy_from_slice(&digits(u32::from_be_bytes([
            0, three[0], three[1], three[2],
        ])));
    }
    if let Some(four) = fours.next() {
        let mut all = [0; 4];
        all[1..=rest.len()].copy_from_slice(rest);
        let all = digits(u32::from_be_bytes(all));
        four[..=rest.len()].copy_from_slice(&all[..=rest.len()]);
    }
    if !padded {
        let missing = (3 - bytes.len() % 3) % 3;
        text.truncate(text.len() - missing);
    }
    String::from_utf8(text).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{
        Engine,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
    };
    use proptest::prelude::*;

    /// The well-known package, which takes padding or its absence.
    fn other(alphabet: Alphabet) -> GeneralPurpose {
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(
            match alphabet {
                Alphabet::Standard => &base64::alphabet::STANDARD,
                Alphabet::UrlSafe => &base64::alphabet::URL_SAFE,
            },
            config,
        )
    }

    const BOTH: [Alphabet; 2] = [Alphabet::Standard, Alphabet::UrlSafe];

    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, padded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            for alphabet in BOTH {
                let bare = padded.trim_end_matches('=');
                assert_eq!(encode(bytes.as_bytes(), alphabet, true), padded);
                assert_eq!(encode(bytes.as_bytes(), alphabet, false), bare);
                for text in [padded, bare] {
                    assert_eq!(decode(text.as_bytes(), alphabet).unwrap(), bytes.as_bytes());
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, at) in [
            ("Z", 1),
            ("AAAAZ", 5),
            ("Z!", 1),
            ("Z=", 1),
            ("ZQ=", 2),
            ("ZQ===", 2),
            ("ZR==", 1),
            ("e31=", 2),
            ("AAAAe31", 6),
            ("====", 0),
            ("AAAA=", 4),
            ("AAAA====", 4),
            ("A===", 1),
            ("=AAA", 0),
            ("AA=A", 2),
            ("AAAA\nAAAA", 4),
            ("AAAA AAA", 4),
            ("!!AA", 0),
            ("!A!A", 0),
            ("A!!A", 1),
            ("A!A!", 1),
            ("AA!!", 2),
            ("!AA!", 0),
            // In both halves of eight, and in eight and the four after it: one does not hide the other.
            ("!AAA!AAA", 0),
            ("AAA!AAA!", 3),
            ("AA!AAAAAAA!A", 2),
            ("AAAAAA!AAA!A", 6),
            ("AAAAAAAAA!AA", 9),
        ] {
            assert_eq!(
                decode(text.as_bytes(), Alphabet::Standard),
                Err(at),
                "{text:?}"
            );
        }
        assert_eq!(decode(b"-_-_", Alphabet::Standard), Err(0));
        assert_eq!(decode(b"A+/A", Alphabet::UrlSafe), Err(1));
    }

    #[test]
    fn every_byte_in_every_place() {
        for alphabet in BOTH {
            for byte in 0..=u8::MAX {
                for place in 0..12 {
                    let mut text = *b"Wm9vYmFyWm9v";
                    text[place] = byte;
                    let wanted = other(alphabet).decode(text).ok();
                    // The package forgives less padding than belongs there only where none of it is here.
                    assert_eq!(decode(&text, alphabet).ok(), wanted, "{byte} at {place}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_package_reads_and_writes(bytes: Vec<u8>) {
            for alphabet in BOTH {
                let text = encode(&bytes, alphabet, true);
                prop_assert_eq!(&text, &other(alphabet).encode(&bytes));
                prop_assert_eq!(decode(text.as_bytes(), alphabet), Ok(bytes.clone()));
                let bare = encode(&bytes, alphabet, false);
                prop_assert_eq!(text.trim_end_matches('='), &bare);
                prop_assert_eq!(decode(bare.as_bytes(), alphabet), Ok(bytes.clone()));
            }
            let bare = general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(bare, encode(&bytes, Alphabet::UrlSafe, false));
        }

        #[test]
        fn nearly_right_texts_are_read_alike(text in "[A-Za-z0-9+/_=-]{0,12}|[A-D]{0,9}={0,3}") {
            for alphabet in BOTH {
                let (ours, theirs) = (decode(text.as_bytes(), alphabet), other(alphabet).decode(&text));
                // Padding is whole here, or missing: one of two signs is not enough.
                let half = text.len() % 4 == 3 && text.ends_with('=');
                prop_assert_eq!(ours.ok(), theirs.ok().filter(|_| !half));
            }
        }
    }
}
