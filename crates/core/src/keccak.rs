//! Keccak-256, one input at a time (Bertoni, Daemen, Peeters and Van Assche, "The Keccak reference", 2011).
//!
//! Six words of the state are held complemented ("Keccak implementation overview", 2012, section 2.2), which leaves five of the
//! twenty-five complements of a round: a CPU without an instruction for `!a & b` does a fifth less.

use alloy_primitives::B256;

/// The bytes that are absorbed at once.
const RATE: usize = 136;

/// What is added to the first word in each round.
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// The words that are held complemented.
const COMPLEMENTED: [usize; 6] = [1, 2, 8, 12, 17, 20];

/// The five words that make up a plane, each with what its column adds, rotated.
macro_rules! plane {
    ($a:ident $d:ident $(($at:literal, $by:literal))*) => {
        [$(($a[$at] ^ $d[$at % 5]).rotate_left($by)),*]
    };
}

/// The keccak-256 of an input.
///
/// ```
/// let topic = http402_core::keccak256("Transfer(address,address,uint256)");
/// assert_eq!(topic.to_string(), "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// ```
pub fn keccak256(input: impl AsRef<[u8]>) -> B256 {
    hash(input.as_ref())
}

fn hash(input: &[u8]) -> B256 {
    let mut state = [0; 25];
    let mut blocks = input.chunks_exact(RATE);
    for block in &mut blocks {
        absorb(&mut state, block);
    }
    let rest = blocks.remainder();
    let mut last = [0; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x01;
    last[RATE - 1] ^= 0x80;
    absorb(&mut state, &last);
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    hash.into()
}

fn absorb(state: &mut [u64; 25], block: &[u8]) {
    for (word, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        *word ^= u64::from_le_bytes(bytes);
    }
    let mut words = complemented(*state);
    for pair in ROUNDS.chunks_exact(2) {
        words = round(&round(&words, pair[0]), pair[1]);
    }
    *state = complemented(words);
}

fn complemented(mut state: [u64; 25]) -> [u64; 25] {
    for at in COMPLEMENTED {
        state[at] = !state[at];
    }
    state
}

#[inline(always)]
fn round(a: &[u64; 25], constant: u64) -> [u64; 25] {
    let c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    let c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    let c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    let c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    let c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    let d = [
        c4 ^ c1.rotate_left(1),
        c0 ^ c2.rotate_left(1),
        c1 ^ c3.rotate_left(1),
        c2 ^ c4.rotate_left(1),
        c3 ^ c0.rotate_left(1),
    ];
    let [b0, b1, b2, b3, b4] = plane!(a d (0, 0)(6, 44)(12, 43)(18, 21)(24, 14));
    let [e0, e1, e2, e3, e4] = [
        b0 ^ (b1 | b2) ^ constant,
        b1 ^ (!b2 | b3),
        b2 ^ (b3 & b4),
        b3 ^ (b4 | b0),
        b4 ^ (b0 & b1),
    ];
    let [b0, b1, b2, b3, b4] = plane!(a d (3, 28)(9, 20)(10, 3)(16, 45)(22, 61));
    let [e5, e6, e7, e8, e9] = [
        b0 ^ (b1 | b2),
        b1 ^ (b2 & b3),
        b2 ^ (b3 | !b4),
        b3 ^ (b4 | b0),
        b4 ^ (b0 & b1),
    ];
    let [b0, b1, b2, b3, b4] = plane!(a d (1, 1)(7, 6)(13, 25)(19, 8)(20, 18));
    let [e10, e11, e12, e13, e14] = [
        b0 ^ (b1 | b2),
        b1 ^ (b2 & b3),
        b2 ^ (!b3 & b4),
        !b3 ^ (b4 | b0),
        b4 ^ (b0 & b1),
    ];
    let [b0, b1, b2, b3, b4] = plane!(a d (4, 27)(5, 36)(11, 10)(17, 15)(23, 56));
    let [e15, e16, e17, e18, e19] = [
        b0 ^ (b1 & b2),
        b1 ^ (b2 | b3),
        b2 ^ (!b3 | b4),
        !b3 ^ (b4 & b0),
        b4 ^ (b0 | b1),
    ];
    let [b0, b1, b2, b3, b4] = plane!(a d (2, 62)(8, 55)(14, 39)(15, 41)(21, 2));
    [
        e0,
        e1,
        e2,
        e3,
        e4,
        e5,
        e6,
        e7,
        e8,
        e9,
        e10,
        e11,
        e12,
        e13,
        e14,
        e15,
        e16,
        e17,
        e18,
        e19,
        b0 ^ (!b1 & b2),
        !b1 ^ (b2 | b3),
        b2 ^ (b3 & b4),
        b3 ^ (b4 | b0),
        b4 ^ (b0 & b1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn it_is_the_keccak_of_others_at_every_length() {
        let mut input = Vec::new();
        for length in 0..=3 * RATE {
            assert_eq!(keccak256(&input), alloy_primitives::keccak256(&input));
            input.push(((length * 167) >> 3) as u8);
        }
    }
}
