//! Changes that parsers care about.

/// Xorshift: the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// Numbers that begin at a seed, which is not 0.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, below a bound.
    pub fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap_or(0)
    }
}

/// Bytes that parsers care about.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0061",
    b"null",
    b"0",
    b"-",
    b"1e9",
    b".",
    b" ",
    b"\0",
    b"\xff",
    b"=",
    b"0x",
    b"$",
    b"true",
    b"\"x402Version\":2,",
    b"99999999999999999999",
];

/// The bytes with a few changes.
pub fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.next(3) {
        let at = numbers.next(out.len() + 1);
        match numbers.next(5) {
            0 if at < out.len() => out[at] ^= 1 << numbers.next(8),
            1 if at < out.len() => {
                out.remove(at);
            }
            2 => out.truncate(at),
            3 => {
                let end = (at + numbers.next(40)).min(out.len());
                let again = out[at.min(end)..end].to_vec();
                out.splice(at..at, again);
            }
            _ => {
                let piece = PIECES[numbers.next(PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
        }
    }
    out
}
