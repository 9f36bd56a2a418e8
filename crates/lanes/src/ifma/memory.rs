//! Between memory and registers.

use crate::{
    Entry,
    cpu::{__m512i, _mm512_shuffle_i64x2, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64},
};

pub(super) use crate::cpu::{load, store};

/// Rows become columns: the element j of the vector i is that i of the vector j of the result.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    // Pairs of rows, elements 0 2 4 6 and 1 3 5 7.
    let (a0, a1) = (_mm512_unpacklo_epi64(r0, r1), _mm512_unpackhi_epi64(r0, r1));
    let (a2, a3) = (_mm512_unpacklo_epi64(r2, r3), _mm512_unpackhi_epi64(r2, r3));
    let (a4, a5) = (_mm512_unpacklo_epi64(r4, r5), _mm512_unpackhi_epi64(r4, r5));
    let (a6, a7) = (_mm512_unpacklo_epi64(r6, r7), _mm512_unpackhi_epi64(r6, r7));
    // Fours of rows: the elements 0 and 4, then 2 and 6, of rows 0 to 3 and of rows 4 to 7; and the odd ones alike.
    let b0 = _mm512_shuffle_i64x2::<0b10_00_10_00>(a0, a2);
    let b1 = _mm512_shuffle_i64x2::<0b11_01_11_01>(a0, a2);
    let b2 = _mm512_shuffle_i64x2::<0b10_00_10_00>(a1, a3);
    let b3 = _mm512_shuffle_i64x2::<0b11_01_11_01>(a1, a3);
    let b4 = _mm512_shuffle_i64x2::<0b10_00_10_00>(a4, a6);
    let b5 = _mm512_shuffle_i64x2::<0b11_01_11_01>(a4, a6);
    let b6 = _mm512_shuffle_i64x2::<0b10_00_10_00>(a5, a7);
    let b7 = _mm512_shuffle_i64x2::<0b11_01_11_01>(a5, a7);
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(b0, b4),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(b2, b6),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(b1, b5),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(b3, b7),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(b0, b4),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(b2, b6),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(b1, b5),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(b3, b7),
    ]
}

/// One entry for each lane, as the four limbs of all x and of all y.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn gather(entries: [&Entry; 8]) -> [__m512i; 8] {
    let [e0, e1, e2, e3, e4, e5, e6, e7] = entries;
    transpose([
        load(&e0.0),
        load(&e1.0),
        load(&e2.0),
        load(&e3.0),
        load(&e4.0),
        load(&e5.0),
        load(&e6.0),
        load(&e7.0),
    ])
}
