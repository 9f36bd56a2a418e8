//! Eight numbers modulo p = 2^256 - 2^32 - 977, in five limbs of 52 bits.
//!
//! A [`Field`] is *tight*: every limb is below 2^52, and the last one at most 2^48 + 2^10. A [`Factor`] is one whose lower limbs may
//! hold more, which does not count, and can only be multiplied. A [`Loose`] is a sum of tight ones whose limbs have outgrown that;
//! to tighten it, or to make a factor of it, is the only thing that can be done with it.

use super::{
    memory::{load, store},
    product::{Factor, handed_on, inverted},
};
use crate::{
    Invert, Numbers,
    cpu::{
        __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epu64_mask,
        _mm512_cmpge_epu64_mask, _mm512_madd52lo_epu64, _mm512_mask_sub_epi64, _mm512_or_si512,
        _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srli_epi64,
        _mm512_sub_epi64, _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
    },
};
use std::ops::Deref;

/// The limbs of a constant.
pub(super) type Constant = [u64; 5];

/// p.
const P: Constant = [
    0xf_fffe_ffff_fc2f,
    0xf_ffff_ffff_ffff,
    0xf_ffff_ffff_ffff,
    0xf_ffff_ffff_ffff,
    0xffff_ffff_ffff,
];

/// 2^256 - p.
pub(super) const FOLD: u64 = 0x1_0000_03d1;
/// The bits of a limb.
pub(super) const LIMB: u64 = (1 << 52) - 1;
/// The bits of the last limb that are below 2^256.
pub(super) const TOP: u64 = (1 << 48) - 1;

#[derive(Clone, Copy)]
pub(super) struct Field(pub(super) Factor);

impl Deref for Field {
    type Target = Factor;

    #[inline(always)]
    fn deref(&self) -> &Factor {
        &self.0
    }
}

#[derive(Clone, Copy)]
pub(super) struct Loose(pub(super) [__m512i; 5]);

#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

impl Field {
    #[inline]
    pub(super) fn of_limbs(limbs: [__m512i; 5]) -> Self {
        Self(Factor(limbs))
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn constant(limbs: &Constant) -> Self {
        Self::of_limbs([
            splat(limbs[0]),
            splat(limbs[1]),
            splat(limbs[2]),
            splat(limbs[3]),
            splat(limbs[4]),
        ])
    }

    /// Of four limbs of 64 bits.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn unpack(x0: __m512i, x1: __m512i, x2: __m512i, x3: __m512i) -> Self {
        let mask = splat(LIMB);
        let join = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
        Self::of_limbs([
            _mm512_and_si512(x0, mask),
            join(_mm512_srli_epi64::<52>(x0), _mm512_slli_epi64::<12>(x1)),
            join(_mm512_srli_epi64::<40>(x1), _mm512_slli_epi64::<24>(x2)),
            join(_mm512_srli_epi64::<28>(x2), _mm512_slli_epi64::<36>(x3)),
            _mm512_srli_epi64::<16>(x3),
        ])
    }

    /// As four limbs of 64 bits.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn pack(self) -> [__m512i; 4] {
        packed(self.below_2_256().0)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn from_numbers(numbers: &Numbers) -> Self {
        Self::unpack(
            load(&numbers[0]),
            load(&numbers[1]),
            load(&numbers[2]),
            load(&numbers[3]),
        )
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn to_numbers(self) -> Numbers {
        let [x0, x1, x2, x3] = self.pack();
        [store(x0), store(x1), store(x2), store(x3)]
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn loose(&self) -> Loose {
        Loose(self.0.0)
    }

    /// Its negative.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn negative(&self) -> Loose {
        self.loose().taken_from::<2>()
    }

    /// Its negative in the lanes of the mask, and itself in the others.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn negative_if(&self, mask: __mmask8) -> Loose {
        let l = self.0.0;
        Loose([
            _mm512_mask_sub_epi64(l[0], mask, splat(2 * P[0]), l[0]),
            _mm512_mask_sub_epi64(l[1], mask, splat(2 * P[1]), l[1]),
            _mm512_mask_sub_epi64(l[2], mask, splat(2 * P[2]), l[2]),
            _mm512_mask_sub_epi64(l[3], mask, splat(2 * P[3]), l[3]),
            _mm512_mask_sub_epi64(l[4], mask, splat(2 * P[4]), l[4]),
        ])
    }

    /// Their difference.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn minus(&self, other: &Self) -> Loose {
        self.loose().plus(&other.negative())
    }

    /// Their difference, and its negative in the lanes of the mask.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn minus_or_back(&self, other: &Self, mask: __mmask8) -> Loose {
        let (a, b) = (self.0.0, other.0.0);
        // No limb of a tight number is above the same one of 2p.
        let limb = |at: usize| {
            let difference = _mm512_sub_epi64(a[at], b[at]);
            let sum = _mm512_add_epi64(splat(2 * P[at]), difference);
            _mm512_mask_sub_epi64(sum, mask, splat(2 * P[at]), difference)
        };
        Loose([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }

    /// The lanes in which it is zero modulo p. It is tight, and so below 2p, and has no other limbs than those of zero and p.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn zero(&self) -> __mmask8 {
        let l = self.0.0;
        let (zero, p) = (
            _mm512_testn_epi64_mask(l[0], l[0]),
            _mm512_cmpeq_epu64_mask(l[0], splat(P[0])),
        );
        // Nearly always neither is in any lane.
        if zero | p == 0 {
            return 0;
        }
        let rest = _mm512_or_si512(_mm512_or_si512(l[1], l[2]), _mm512_or_si512(l[3], l[4]));
        zero & _mm512_testn_epi64_mask(rest, rest) | p & self.at_least_p()
    }

    /// Another in the lanes of the mask, and itself in the others.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn replaced(&self, mask: __mmask8, other: &Self) -> Self {
        Self(self.0.replaced(mask, &other.0))
    }

    /// Congruent and below 2^256. What a tight number has beyond that is once 2^256 at most, and then the rest is small.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn below_2_256(self) -> Self {
        self.loose().tight()
    }

    /// The lanes in which a number below 2^256 is p or more.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    fn at_least_p(&self) -> __mmask8 {
        let l = self.0.0;
        _mm512_cmpge_epu64_mask(l[0], splat(P[0]))
            & _mm512_cmpeq_epu64_mask(l[1], splat(P[1]))
            & _mm512_cmpeq_epu64_mask(l[2], splat(P[2]))
            & _mm512_cmpeq_epu64_mask(l[3], splat(P[3]))
            & _mm512_cmpeq_epu64_mask(l[4], splat(P[4]))
    }

    /// The lanes in which it is odd, as a number below p.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn odd(&self) -> __mmask8 {
        let number = self.below_2_256();
        _mm512_test_epi64_mask(number.0.0[0], splat(1)) ^ number.at_least_p()
    }

    /// The lanes in which both are the same modulo p.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn same(&self, other: &Self) -> __mmask8 {
        self.minus(other).tight().zero()
    }
}

/// The inverses of numbers that are not zero, with one inversion.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn inverses(all: &Factor, invert: Invert<'_>) -> Factor {
    let one = |product: &Factor| {
        let product = product.tight().to_numbers().map(|limb| limb[0]);
        *Field::from_numbers(&invert(product).map(|limb| [limb; 8]))
    };
    inverted(all, |a, b| a.times(b).factor(), one)
}

/// Five limbs of a number below 2^256 as four of 64 bits.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn packed(Factor(l): Factor) -> [__m512i; 4] {
    [
        _mm512_or_si512(l[0], _mm512_slli_epi64::<52>(l[1])),
        _mm512_or_si512(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
        _mm512_or_si512(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
        _mm512_or_si512(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
    ]
}

/// The power (p + 1)/4 of each: a square root of what has one.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn roots(all: &[Field]) -> Vec<Field> {
    // Runs of ones out of shorter runs: 223 ones, a zero, 22 ones, 00001100.
    let all: &[Factor] = &all.iter().map(|one| **one).collect::<Vec<_>>();
    let ones2 = shifted_times(all, 1, all);
    let ones3 = shifted_times(&ones2, 1, all);
    let ones6 = shifted_times(&ones3, 3, &ones3);
    let ones9 = shifted_times(&ones6, 3, &ones3);
    let ones11 = shifted_times(&ones9, 2, &ones2);
    let ones22 = shifted_times(&ones11, 11, &ones11);
    let ones44 = shifted_times(&ones22, 22, &ones22);
    let ones88 = shifted_times(&ones44, 44, &ones44);
    let ones176 = shifted_times(&ones88, 88, &ones88);
    let ones220 = shifted_times(&ones176, 44, &ones44);
    let ones223 = shifted_times(&ones220, 3, &ones3);
    let power = shifted_times(&ones223, 23, &ones22);
    let mut power = shifted_times(&power, 6, &ones2);
    square_times(&mut power, 2);
    power.iter().map(|power| power.tight()).collect()
}

#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn square_times(all: &mut [Factor], times: u32) {
    for _ in 0..times {
        for one in &mut *all {
            *one = one.squared().factor();
        }
    }
}

/// The squares of the squares, so many times, multiplied with the others.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn shifted_times(all: &[Factor], times: u32, others: &[Factor]) -> Vec<Factor> {
    let mut powers = all.to_vec();
    square_times(&mut powers, times);
    for (power, other) in powers.iter_mut().zip(others) {
        *power = power.times(other).factor();
    }
    powers
}

impl Loose {
    /// Nothing.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn zero() -> Self {
        Self([_mm512_setzero_si512(); 5])
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn plus(&self, other: &Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([
            _mm512_add_epi64(a[0], b[0]),
            _mm512_add_epi64(a[1], b[1]),
            _mm512_add_epi64(a[2], b[2]),
            _mm512_add_epi64(a[3], b[3]),
            _mm512_add_epi64(a[4], b[4]),
        ])
    }

    /// 2^`BITS` times it; three at most.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn shifted<const BITS: u32>(&self) -> Self {
        let l = self.0;
        Self([
            _mm512_slli_epi64::<BITS>(l[0]),
            _mm512_slli_epi64::<BITS>(l[1]),
            _mm512_slli_epi64::<BITS>(l[2]),
            _mm512_slli_epi64::<BITS>(l[3]),
            _mm512_slli_epi64::<BITS>(l[4]),
        ])
    }

    /// It taken away from so many times p, of which half as many tight numbers, or as many times one, are in no limb more.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn taken_from<const P_TIMES: u64>(&self) -> Self {
        let l = self.0;
        let limb = |at: usize| _mm512_sub_epi64(splat(P_TIMES * P[at]), l[at]);
        Self([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }

    /// Limbs below 2^58 become those of a factor: the last one keeps its 48 bits, and what is above them comes back as FOLD at
    /// the bottom, less than 2^10 times.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn factor(&self) -> Factor {
        let mut l = self.0;
        let above = _mm512_srli_epi64::<48>(l[4]);
        l[4] = _mm512_and_si512(l[4], splat(TOP));
        l[0] = _mm512_madd52lo_epu64(l[0], above, splat(FOLD));
        handed_on(l)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn tight(&self) -> Field {
        self.factor().tight()
    }
}
