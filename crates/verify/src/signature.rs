use std::fmt;

/// The order of the curve, n.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// (n - 1) / 2, the largest `s` that is accepted.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A secp256k1 signature in the one form that tokens accept: `r ‖ s ‖ v`, with r in [1, n-1], s in [1, (n-1)/2], and v one
/// of 0, 1, 27, 28.
///
/// `s` in the upper half is refused here and not left to an engine: tokens refuse it when the payment is executed, and for
/// every signature it has a twin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    r: [u8; 32],
    s: [u8; 32],
    odd: bool,
}

impl Signature {
    /// Reads 65 bytes; `None` for anything that is not in that form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (r, rest) = bytes.split_first_chunk::<32>()?;
        let (s, v) = rest.split_first_chunk::<32>()?;
        let odd = match v {
            [0 | 27] => false,
            [1 | 28] => true,
            _ => return None,
        };
        Self::of(r, s, odd)
    }

    /// Reads the 64 bytes of ERC-2098, where the parity is the highest bit of s; `None` for anything else. Where it is accepted,
    /// a signature has two forms: the digest, and never the bytes, tells one from another.
    pub fn parse_compact(bytes: &[u8]) -> Option<Self> {
        let (r, rest) = bytes.split_first_chunk::<32>()?;
        let mut s = <[u8; 32]>::try_from(rest).ok()?;
        let odd = s[0] >> 7 == 1;
        s[0] &= 0x7f;
        Self::of(r, &s, odd)
    }

    fn of(r: &[u8; 32], s: &[u8; 32], odd: bool) -> Option<Self> {
        let zero = [0; 32];
        // Big-endian numbers compare as their bytes do.
        let in_range = *r > zero && *r < ORDER && *s > zero && *s <= HALF;
        in_range.then_some(Self { r: *r, s: *s, odd })
    }

    /// r, big-endian.
    pub fn r(&self) -> &[u8; 32] {
        &self.r
    }

    /// s, big-endian.
    pub fn s(&self) -> &[u8; 32] {
        &self.s
    }

    /// Whether the y coordinate of the point whose x coordinate is r is odd.
    pub fn odd(&self) -> bool {
        self.odd
    }

    /// The 65 bytes that contracts accept, with v 27 or 28.
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut out = [0; 65];
        out[..32].copy_from_slice(&self.r);
        out[32..64].copy_from_slice(&self.s);
        out[64] = 27 + u8::from(self.odd);
        out
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}
