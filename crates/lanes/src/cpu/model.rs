//! The same on any CPU, one lane after the other: what the Intel 64 manual (volume 2) says of each instruction, under the name
//! of its intrinsic. It is far slower than code that has no lanes, and is there to be tested and read.
#![expect(non_camel_case_types, reason = "the names are those of Intel")]

use crate::Limbs;
use std::array::from_fn;

/// Eight lanes, the lowest first.
#[derive(Clone, Copy)]
pub(crate) struct __m512i(Limbs);

/// One bit for each lane.
pub(crate) type __mmask8 = u8;

/// It is always there.
#[cfg(http402_lanes_model)]
pub(crate) fn there() -> bool {
    true
}

/// Calls a function of the lanes, which needs nothing here.
#[cfg(http402_lanes_model)]
macro_rules! called {
    ($lanes:expr, $call:expr) => {{
        let _: &crate::Lanes = $lanes;
        $call
    }};
}

#[cfg(http402_lanes_model)]
pub(crate) use called;

pub(crate) fn load(limbs: &Limbs) -> __m512i {
    __m512i(*limbs)
}

pub(crate) fn store(vector: __m512i) -> Limbs {
    vector.0
}

/// The bits of a factor.
const FACTOR: u64 = (1 << 52) - 1;

/// Each lane by itself.
#[inline]
fn each(a: __m512i, b: __m512i, lane: impl Fn(u64, u64) -> u64) -> __m512i {
    __m512i(from_fn(|at| lane(a.0[at], b.0[at])))
}

/// The lanes for which it holds.
#[inline]
fn mask(a: __m512i, b: __m512i, holds: impl Fn(u64, u64) -> bool) -> __mmask8 {
    (0..8).fold(0, |mask, at| {
        mask | __mmask8::from(holds(a.0[at], b.0[at])) << at
    })
}

pub(crate) fn _mm512_setzero_si512() -> __m512i {
    __m512i([0; 8])
}

pub(crate) fn _mm512_set1_epi64(a: i64) -> __m512i {
    __m512i([a as u64; 8])
}

pub(crate) fn _mm512_add_epi64(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, u64::wrapping_add)
}

pub(crate) fn _mm512_sub_epi64(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, u64::wrapping_sub)
}

pub(crate) fn _mm512_mask_add_epi64(src: __m512i, k: __mmask8, a: __m512i, b: __m512i) -> __m512i {
    _mm512_mask_blend_epi64(k, src, _mm512_add_epi64(a, b))
}

pub(crate) fn _mm512_mask_sub_epi64(src: __m512i, k: __mmask8, a: __m512i, b: __m512i) -> __m512i {
    _mm512_mask_blend_epi64(k, src, _mm512_sub_epi64(a, b))
}

/// `b` in the lanes of the mask, and `a` in the others.
pub(crate) fn _mm512_mask_blend_epi64(k: __mmask8, a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(
        |at| if k >> at & 1 == 1 { b.0[at] } else { a.0[at] },
    ))
}

/// The lower 52 bits of the product of 52 bits of `b` and of `c`, and `a`.
pub(crate) fn _mm512_madd52lo_epu64(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let low = |b, c| product(b, c) as u64 & FACTOR;
    _mm512_add_epi64(a, each(b, c, low))
}

/// The upper 52 bits of the same, and `a`.
pub(crate) fn _mm512_madd52hi_epu64(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let high = |b, c| (product(b, c) >> 52) as u64;
    _mm512_add_epi64(a, each(b, c, high))
}

#[inline]
fn product(a: u64, b: u64) -> u128 {
    u128::from(a & FACTOR) * u128::from(b & FACTOR)
}

pub(crate) fn _mm512_and_si512(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, |a, b| a & b)
}

pub(crate) fn _mm512_or_si512(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, |a, b| a | b)
}

pub(crate) fn _mm512_xor_si512(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, |a, b| a ^ b)
}

/// Of three bits, the bit of `IMM8` that they are the number of, that of `a` being the highest.
pub(crate) fn _mm512_ternarylogic_epi64<const IMM8: i32>(
    a: __m512i,
    b: __m512i,
    c: __m512i,
) -> __m512i {
    __m512i(from_fn(|at| {
        (0..8).fold(0, |word, row| {
            if IMM8 >> row & 1 == 0 {
                return word;
            }
            // The bits that are those of this row.
            let like = |of: u64, place: u32| if row >> place & 1 == 1 { of } else { !of };
            word | like(a.0[at], 2) & like(b.0[at], 1) & like(c.0[at], 0)
        })
    }))
}

pub(crate) fn _mm512_slli_epi64<const IMM8: u32>(a: __m512i) -> __m512i {
    _mm512_sllv_epi64(a, _mm512_set1_epi64(i64::from(IMM8)))
}

pub(crate) fn _mm512_srli_epi64<const IMM8: u32>(a: __m512i) -> __m512i {
    _mm512_srlv_epi64(a, _mm512_set1_epi64(i64::from(IMM8)))
}

/// A shift by 64 or more leaves nothing.
pub(crate) fn _mm512_sllv_epi64(a: __m512i, count: __m512i) -> __m512i {
    each(a, count, |a, by| if by < 64 { a << by } else { 0 })
}

/// A shift by 64 or more leaves nothing.
pub(crate) fn _mm512_srlv_epi64(a: __m512i, count: __m512i) -> __m512i {
    each(a, count, |a, by| if by < 64 { a >> by } else { 0 })
}

pub(crate) fn _mm512_rolv_epi64(a: __m512i, b: __m512i) -> __m512i {
    each(a, b, |a, by| a.rotate_left((by % 64) as u32))
}

pub(crate) fn _mm512_cmpeq_epu64_mask(a: __m512i, b: __m512i) -> __mmask8 {
    mask(a, b, |a, b| a == b)
}

pub(crate) fn _mm512_cmpge_epu64_mask(a: __m512i, b: __m512i) -> __mmask8 {
    mask(a, b, |a, b| a >= b)
}

pub(crate) fn _mm512_cmpgt_epu64_mask(a: __m512i, b: __m512i) -> __mmask8 {
    mask(a, b, |a, b| a > b)
}

pub(crate) fn _mm512_test_epi64_mask(a: __m512i, b: __m512i) -> __mmask8 {
    mask(a, b, |a, b| a & b != 0)
}

pub(crate) fn _mm512_testn_epi64_mask(a: __m512i, b: __m512i) -> __mmask8 {
    mask(a, b, |a, b| a & b == 0)
}

/// What begins `IMM8` lanes above the lowest of `b`, where `a` follows upon `b`.
pub(crate) fn _mm512_alignr_epi64<const IMM8: i32>(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|at| {
        let from = at + (IMM8 % 8) as usize;
        if from < 8 { b.0[from] } else { a.0[from - 8] }
    }))
}

/// Two pairs of lanes of `a`, then two of `b`, each chosen by two bits.
pub(crate) fn _mm512_shuffle_i64x2<const IMM8: i32>(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|at| {
        let from = if at < 4 { a } else { b };
        let pair = IMM8 >> (2 * (at / 2)) & 3;
        from.0[2 * pair as usize + at % 2]
    }))
}

/// Of each pair of lanes the lower, of `a` and of `b`.
pub(crate) fn _mm512_unpacklo_epi64(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|at| [a, b][at % 2].0[at - at % 2]))
}

/// Of each pair of lanes the upper, of `a` and of `b`.
pub(crate) fn _mm512_unpackhi_epi64(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|at| [a, b][at % 2].0[at - at % 2 + 1]))
}
