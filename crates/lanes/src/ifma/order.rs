//! Eight numbers modulo the order n of the curve: quotients of them, and their halves.

use super::{
    field::{Constant, Field, LIMB, TOP, packed, splat},
    memory::store,
    product::{Factor, handed_on, inverted},
};
use crate::{
    Fractions, Invert, Numbers, Quotients, Signed,
    cpu::{
        __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
        _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_setzero_si512, _mm512_slli_epi64,
        _mm512_srli_epi64, _mm512_test_epi64_mask,
    },
};

/// Three limbs: numbers below 2^156, or in two's complement of as many bits.
type Short = [u64; 3];

/// 2^256 - n.
const FOLD: Short = [0xd_a173_2fc9_bebf, 0x1_950b_75fc_4402, 0x145_5123];
/// 16 times that: what stands at 2^260.
const FOLD_16: Short = [0xa_1732_fc9b_ebf0, 0x9_50b7_5fc4_402d, 0x1455_1231];

/// (A1, -B1) and (A2, A1) span the lattice of all (a, b) with a + b·λ = 0; these are -A1, -A2 and B1.
const MINUS_A1: Short = [0x3_6f1b_6d7b_14eb, 0xd_e582_b943_2179, 0xf_ffff_ffcf_792d];
const MINUS_A2: Short = [0xe_ef72_62bb_3028, 0x0_8571_d0c0_9a83, 0xf_ffff_feeb_35af];
const B1: Short = [0x4_7fa9_0abf_e4c3, 0xd_6010_e882_86f5, 0xe4_437e];
/// A1 and B1 times 2^384/n, rounded.
const BY_A1: Constant = [
    0x3_209a_45db_b031,
    0x1_471e_8ca7_fe89,
    0x2_84eb_153d_aa8a,
    0x6_bcde_86c9_0e49,
    0x3086_d221_a7d4,
];
const BY_B1: Constant = [
    0x1_b4ae_8ac4_7f71,
    0xa_c9df_506c_6157,
    0xa_bfe4_c422_1208,
    0x8_8286_f547_fa90,
    0xe443_7ed6_010e,
];

/// Adds the products of limbs to their columns; their high halves belong one column up.
macro_rules! products {
    ($columns:ident, $a:expr, $b:expr, $(($i:literal, $j:literal))*) => {
        $(
            $columns[$i + $j] = _mm512_madd52lo_epu64($columns[$i + $j], $a[$i], splat($b[$j]));
            $columns[$i + $j + 1] =
                _mm512_madd52hi_epu64($columns[$i + $j + 1], $a[$i], splat($b[$j]));
        )*
    };
}

/// A number modulo n: limbs below 2^52, but for what a factor may keep, and the last one at most 2^48 + 2^10.
#[derive(Clone, Copy)]
struct Scalar(Factor);

impl Scalar {
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    fn of(numbers: &Numbers) -> Self {
        Self(*Field::from_numbers(numbers))
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn times(&self, other: &Self) -> Self {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = self.0.times(&other.0).columns();
        let zero = _mm512_setzero_si512();
        // Below 2^254 stand at 2^260, and come back times 2^133.
        let upper = handed_on([c5, c6, c7, c8, c9]).0;
        let mut d = [c0, c1, c2, c3, c4, zero, zero, zero];
        products!(d, upper, FOLD_16, (0, 0)(0, 1)(0, 2)(1, 0)(1, 1)(1, 2));
        products!(d, upper, FOLD_16, (2, 0)(2, 1)(2, 2)(3, 0)(3, 1)(3, 2));
        products!(d, upper, FOLD_16, (4, 0)(4, 1)(4, 2));
        // Then 2^128 at most.
        let [d0, d1, d2, d3, d4, d5, d6, d7] = d;
        let upper = handed_on([d5, d6, d7, zero, zero]).0;
        let mut e = [d0, d1, d2, d3, d4, zero];
        products!(
            e,
            upper,
            FOLD_16,
            (0, 0)(0, 1)(0, 2)(1, 0)(1, 1)(1, 2)(2, 0)(2, 1)(2, 2)
        );
        let [e0, e1, e2, e3, e4, beyond] = e;
        Self(brought_down([e0, e1, e2, e3, e4], beyond))
    }

    /// What is below 2^256.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn numbers(&self) -> Numbers {
        let below = brought_down(self.0.tight().0.0, _mm512_setzero_si512());
        packed(below.tight().0).map(|limb| store(limb))
    }

    /// Another in the lanes where it is zero itself, which is tight and below n.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    fn or_if_zero(&self, other: &Self) -> Self {
        let [l0, l1, l2, l3, l4] = self.0.0;
        let any = _mm512_or_si512(_mm512_or_si512(l0, l1), _mm512_or_si512(l2, l3));
        let any = _mm512_or_si512(any, l4);
        Self(other.0.replaced(_mm512_test_epi64_mask(any, any), &self.0))
    }

    /// a and b of less than 2^128 with a + b·λ = it: what is left when the next point of the lattice is taken away.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn halves(&self) -> [Signed<2>; 2] {
        let (first, second) = (high(&self.0, &BY_A1), high(&self.0, &BY_B1));
        let [l0, l1, l2, ..] = self.0.tight().0.0;
        let a = low([l0, l1, l2], &first, &MINUS_A1);
        let a = low(a, &second, &MINUS_A2);
        let b = low([_mm512_setzero_si512(); 3], &first, &B1);
        let b = low(b, &second, &MINUS_A1);
        [signed(a), signed(b)]
    }
}

/// What is above 2^256, and stands `beyond` at 2^260, comes back as FOLD: less than 2^16 times.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn brought_down(mut l: [__m512i; 5], beyond: __m512i) -> Factor {
    let above = [_mm512_add_epi64(
        _mm512_srli_epi64::<48>(l[4]),
        _mm512_slli_epi64::<4>(beyond),
    )];
    l[4] = _mm512_and_si512(l[4], splat(TOP));
    products!(l, above, FOLD, (0, 0)(0, 1)(0, 2));
    handed_on(l)
}

/// a·b/2^384, rounded: below 2^128, as its limbs for a multiplication. Products of less than 2^208 are left out.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn high(a: &Factor, b: &Constant) -> [__m512i; 3] {
    let mut c = [_mm512_setzero_si512(); 10];
    c[7] = splat(1 << 19);
    products!(
        c,
        a.0,
        b,
        (0, 3)(0, 4)(1, 2)(1, 3)(1, 4)(2, 1)(2, 2)(2, 3)(2, 4)
    );
    products!(
        c,
        a.0,
        b,
        (3, 0)(3, 1)(3, 2)(3, 3)(3, 4)(4, 0)(4, 1)(4, 2)(4, 3)(4, 4)
    );
    for at in 3..9 {
        c[at + 1] = _mm512_add_epi64(c[at + 1], _mm512_srli_epi64::<52>(c[at]));
    }
    // Bit 384 is the bit 20 of the column 7.
    let limb = |at: usize| _mm512_and_si512(c[at], splat(LIMB));
    let join =
        |low, high| _mm512_or_si512(_mm512_srli_epi64::<20>(low), _mm512_slli_epi64::<32>(high));
    [
        join(limb(7), c[8]),
        join(limb(8), c[9]),
        _mm512_srli_epi64::<20>(c[9]),
    ]
}

/// sum + a·b modulo 2^156.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn low(sum: [__m512i; 3], a: &[__m512i; 3], b: &Short) -> [__m512i; 3] {
    let [c0, c1, c2] = sum;
    let zero = _mm512_setzero_si512();
    let mut c = [c0, c1, c2, zero];
    products!(c, a, b, (0, 0)(0, 1)(1, 0)(0, 2)(1, 1)(2, 0));
    let [c0, c1, c2, _] = c;
    [c0, c1, c2]
}

/// Of columns that are a number below 2^128 in size, modulo 2^156.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn signed([c0, c1, c2]: [__m512i; 3]) -> Signed<2> {
    let zero = _mm512_setzero_si512();
    let carried = |limbs: [__m512i; 3]| {
        let [l0, l1, l2, ..] = handed_on([limbs[0], limbs[1], limbs[2], zero, zero]).0;
        [l0, l1, l2].map(|limb| _mm512_and_si512(limb, splat(LIMB)))
    };
    let plain = carried([c0, c1, c2]);
    let negative = _mm512_test_epi64_mask(plain[2], splat(1 << 51));
    // 2^156 less it.
    let from = |limb, top| _mm512_mask_sub_epi64(limb, negative, splat(top), limb);
    let size = carried([
        from(plain[0], LIMB + 1),
        from(plain[1], LIMB),
        from(plain[2], LIMB),
    ]);
    let low = _mm512_or_si512(size[0], _mm512_slli_epi64::<52>(size[1]));
    let high = _mm512_or_si512(
        _mm512_srli_epi64::<12>(size[1]),
        _mm512_slli_epi64::<40>(size[2]),
    );
    Signed {
        size: [store(low), store(high)],
        negative,
    }
}

/// The quotients of each, with one inversion of eight numbers.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn quotients(all: &[Fractions], invert: Invert<'_>) -> Vec<Quotients> {
    let one = Scalar(*Field::constant(&[1, 0, 0, 0, 0]));
    let mut product = one;
    let mut before = Vec::with_capacity(all.len());
    for fractions in all {
        // A zero would be in the way of the others of its lane.
        let below = Scalar::of(&fractions.below).or_if_zero(&one);
        before.push((product, below));
        product = product.times(&below);
    }
    let of_product = |product: &Factor| {
        let product = Scalar(*product).numbers().map(|limb| limb[0]);
        Scalar::of(&invert(product).map(|limb| [limb; 8])).0
    };
    let times = |a: &Factor, b: &Factor| Scalar(*a).times(&Scalar(*b)).0;
    let mut inverse = Scalar(inverted(&product.0, times, of_product));
    let mut quotients = Vec::with_capacity(all.len());
    for (fractions, (before, below)) in all.iter().zip(before).rev() {
        let this = inverse.times(&before);
        inverse = inverse.times(&below);
        let halves = this.times(&Scalar::of(&fractions.first)).halves();
        let size = this.times(&Scalar::of(&fractions.second)).numbers();
        quotients.push(Quotients {
            halves,
            whole: Signed { size, negative: 0 },
        });
    }
    quotients.reverse();
    quotients
}
