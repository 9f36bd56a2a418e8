//! The instructions themselves.

use crate::Limbs;

pub(crate) use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512,
    _mm512_cmpeq_epu64_mask, _mm512_cmpge_epu64_mask, _mm512_cmpgt_epu64_mask,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_add_epi64, _mm512_mask_blend_epi64,
    _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_rolv_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_sllv_epi64,
    _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_sub_epi64, _mm512_ternarylogic_epi64,
    _mm512_test_epi64_mask, _mm512_testn_epi64_mask, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};
use std::arch::x86_64::{_mm512_loadu_si512, _mm512_storeu_si512};

/// Whether this CPU has them.
pub(crate) fn there() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// Calls a function that needs them, with a value that proves that they are there.
macro_rules! called {
    ($lanes:expr, $call:expr) => {{
        let _: &crate::Lanes = $lanes;
        #[expect(
            unsafe_code,
            reason = "the compiler can not know the CPU, and a `Lanes` does"
        )]
        // SAFETY: there is a `Lanes`, so that `there` found every feature that the function needs.
        unsafe {
            $call
        }
    }};
}

pub(crate) use called;

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn load(limbs: &Limbs) -> __m512i {
    #[expect(unsafe_code, reason = "intrinsics that load take a pointer")]
    // SAFETY: 64 bytes can be read behind a reference to eight limbs, and the instruction asks for no alignment.
    unsafe {
        _mm512_loadu_si512(limbs.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn store(vector: __m512i) -> Limbs {
    let mut limbs = [0; 8];
    #[expect(unsafe_code, reason = "intrinsics that store take a pointer")]
    // SAFETY: 64 bytes can be written behind a reference to eight limbs, and the instruction asks for no alignment.
    unsafe {
        _mm512_storeu_si512(limbs.as_mut_ptr().cast(), vector);
    }
    limbs
}
