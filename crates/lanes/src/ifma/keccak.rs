//! Keccak-256 of eight inputs (Bertoni, Daemen, Peeters and Van Assche, "The Keccak reference", 2011).

use super::memory::{load, store};
use crate::cpu::{
    __m512i, _mm512_rolv_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_ternarylogic_epi64,
    _mm512_xor_si512,
};

/// The bytes that are absorbed at once.
const RATE: usize = 136;

/// What is added to the first lane in each round.
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

/// By how much the word x + 5·y is rotated.
const ROTATIONS: [u64; 25] = [
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
];

/// a ^ b ^ c.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn rotate(a: __m512i, by: u64) -> __m512i {
    _mm512_rolv_epi64(a, _mm512_set1_epi64(by as i64))
}

#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn permute(state: &mut [__m512i; 25]) {
    let mut a = *state;
    for round in ROUNDS {
        let mut sums = [_mm512_setzero_si512(); 5];
        for x in 0..5 {
            sums[x] = xor3(xor3(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
        }
        let mut b = [_mm512_setzero_si512(); 25];
        for x in 0..5 {
            let turned = rotate(sums[(x + 1) % 5], 1);
            for y in 0..5 {
                let word = xor3(a[x + 5 * y], sums[(x + 4) % 5], turned);
                b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(word, ROTATIONS[x + 5 * y]);
            }
        }
        for y in 0..5 {
            for x in 0..5 {
                // a ^ (!b & c).
                a[x + 5 * y] = _mm512_ternarylogic_epi64::<0xd2>(
                    b[x + 5 * y],
                    b[(x + 1) % 5 + 5 * y],
                    b[(x + 2) % 5 + 5 * y],
                );
            }
        }
        a[0] = _mm512_xor_si512(a[0], _mm512_set1_epi64(round as i64));
    }
    *state = a;
}

#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn keccak(inputs: [&[u8]; 8]) -> [[u8; 32]; 8] {
    let mut state = [_mm512_setzero_si512(); 25];
    let length = inputs[0].len();
    // One block more than there are full ones: the end is always marked.
    for block in 0..=length / RATE {
        let from = RATE * block;
        let mut words = [[0; RATE / 8]; 8];
        for (words, input) in words.iter_mut().zip(inputs) {
            *words = absorbed(&input[from..]);
        }
        for (at, state) in state.iter_mut().take(RATE / 8).enumerate() {
            *state = _mm512_xor_si512(*state, load(&words.each_ref().map(|words| words[at])));
        }
        permute(&mut state);
    }
    let mut out = [[0; 32]; 8];
    for word in 0..4 {
        for (lane, limb) in store(state[word]).iter().enumerate() {
            out[lane][8 * word..][..8].copy_from_slice(&limb.to_le_bytes());
        }
    }
    out
}

/// The words of the block that begins here: padded, when the input ends in it.
fn absorbed(rest: &[u8]) -> [u64; RATE / 8] {
    let mut block = [0; RATE];
    let take = rest.len().min(RATE);
    block[..take].copy_from_slice(&rest[..take]);
    if take < RATE {
        block[take] ^= 0x01;
        block[RATE - 1] ^= 0x80;
    }
    let mut words = [0; RATE / 8];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(8)) {
        *word = bytes
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    }
    words
}
