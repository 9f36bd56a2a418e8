//! Hexadecimal digits of either case, read strictly and written in lower case.

use alloc::string::String;

/// In what a digit is worth: it is none.
const NONE: u16 = 1 << 8;

/// What each byte is worth as the first and as the second digit of a byte.
static WORTH: [[u16; 256]; 2] = {
    let mut worth = [[NONE; 256]; 2];
    let mut value = 0;
    while value < 16 {
        let digit = DIGITS[value];
        let (lower, upper) = (digit as usize, digit.to_ascii_uppercase() as usize);
        worth[0][lower] = (value as u16) << 4;
        worth[0][upper] = (value as u16) << 4;
        worth[1][lower] = value as u16;
        worth[1][upper] = value as u16;
        value += 1;
    }
    worth
};

/// The digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
};

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Fills `out` with what pairs of digits say: without a prefix, and exactly as many as it takes.
///
/// # Errors
/// With the offset of the first byte that is no digit, or at which there are too few or too many of them.
pub fn decode(digits: &[u8], out: &mut [u8]) -> Result<(), usize> {
    let expected = out.len().saturating_mul(2);
    if digits.len() != expected {
        return Err(digits.len().min(expected));
    }
    let mut all = 0;
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let worth = WORTH[0][usize::from(pair[0])] | WORTH[1][usize::from(pair[1])];
        all |= worth;
        *byte = worth as u8;
    }
    if all & NONE == 0 {
        return Ok(());
    }
    let bad = |byte: &u8| WORTH[0][usize::from(*byte)] == NONE;
    Err(digits.iter().position(bad).unwrap_or(expected))
}

/// Writes the digits of as many bytes as there is room for.
pub(crate) fn digits(bytes: &[u8], out: &mut [u8]) {
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}

/// Appends the digits of `bytes`, without a prefix.
pub fn encode(bytes: &[u8], out: &mut String) {
    for bytes in bytes.chunks(32) {
        let mut digits = [b'0'; 64];
        self::digits(bytes, &mut digits);
        let digits = core::str::from_utf8(&digits[..2 * bytes.len()]);
        out.push_str(digits.expect("digits are ASCII"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn both_cases_are_read_and_everything_else_has_a_place() {
        let mut out = [0; 4];
        assert_eq!(decode(b"0aF9bCdE", &mut out), Ok(()));
        assert_eq!(out, [0x0a, 0xf9, 0xbc, 0xde]);
        assert_eq!(decode(b"0aF9bC", &mut out), Err(6));
        assert_eq!(decode(b"0aF9bCdE0", &mut out), Err(8));
        // One that is no digit does not hide the other of its byte.
        assert_eq!(decode(b"01gg4567", &mut out), Err(2));
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"01234567";
                text[at] = byte;
                let read = decode(&text, &mut out);
                assert_eq!(read.is_ok(), byte.is_ascii_hexdigit(), "{byte}");
                assert_eq!(read.err().unwrap_or(at), at);
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let mut text = String::new();
        encode(&bytes, &mut text);
        let mut out = [0; 256];
        assert_eq!(decode(text.as_bytes(), &mut out), Ok(()));
        assert_eq!(out[..], bytes[..]);
        assert_eq!(text, text.to_lowercase());
    }
}
