//! Products: what they are made of, and how they come back to five limbs.

use super::field::{FOLD, Field, LIMB, Loose, TOP, splat};
use crate::cpu::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_srli_epi64,
};

/// A number to be multiplied. Multiplications read 52 bits of a limb and no more: what else is in one was handed on to the limb
/// above, and stays to save taking it away.
#[derive(Clone, Copy)]
pub(super) struct Factor(pub(super) [__m512i; 5]);

/// The ten columns of a product, or of a sum of two at most and of a loose number.
#[derive(Clone, Copy)]
pub(super) struct Product([__m512i; 10]);

/// A product whose upper columns came back to the lower ones: limbs below 2^58, and less than 2^38 at 2^260; or up to three times
/// as much.
#[derive(Clone, Copy)]
pub(super) struct Folded {
    limbs: [__m512i; 5],
    beyond: __m512i,
}

/// Adds the products of limbs to their columns; their high halves belong one column up.
macro_rules! products {
    ($columns:ident, $a:expr, $b:expr, $(($i:literal, $j:literal))*) => {
        $(
            $columns[$i + $j] = _mm512_madd52lo_epu64($columns[$i + $j], $a[$i], $b[$j]);
            $columns[$i + $j + 1] = _mm512_madd52hi_epu64($columns[$i + $j + 1], $a[$i], $b[$j]);
        )*
    };
}

/// The limb above gets what each has beyond 52 bits, and each keeps it too.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn handed_on(mut l: [__m512i; 5]) -> Factor {
    for at in 0..4 {
        l[at + 1] = _mm512_add_epi64(l[at + 1], _mm512_srli_epi64::<52>(l[at]));
    }
    Factor(l)
}

impl Factor {
    /// Another in the lanes of the mask, and itself in the others.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn replaced(&self, mask: __mmask8, other: &Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([
            _mm512_mask_blend_epi64(mask, a[0], b[0]),
            _mm512_mask_blend_epi64(mask, a[1], b[1]),
            _mm512_mask_blend_epi64(mask, a[2], b[2]),
            _mm512_mask_blend_epi64(mask, a[3], b[3]),
            _mm512_mask_blend_epi64(mask, a[4], b[4]),
        ])
    }

    /// Without what was handed on. The last limb has nothing to hand on.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn tight(&self) -> Field {
        let mut l = self.0;
        for limb in &mut l[..4] {
            *limb = _mm512_and_si512(*limb, splat(LIMB));
        }
        Field::of_limbs(l)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn times(&self, other: &Self) -> Product {
        Loose::zero().and(self, other)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn mul(&self, other: &Self) -> Field {
        self.times(other).tight()
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn squared(&self) -> Product {
        self.squared_and_twice([_mm512_setzero_si512(); 5])
    }

    /// Its square, and twice a number.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn squared_plus_twice(&self, twice: &Loose) -> Product {
        self.squared_and_twice(twice.0)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn squared_and_twice(&self, twice: [__m512i; 5]) -> Product {
        let (a, zero) = (&self.0, _mm512_setzero_si512());
        let [c0, c1, c2, c3, c4] = twice;
        let mut c = [c0, c1, c2, c3, c4, zero, zero, zero, zero, zero];
        // The products of different limbs count twice.
        products!(c, a, a, (0, 1)(0, 2)(0, 3)(0, 4));
        products!(c, a, a, (1, 2)(1, 3)(1, 4));
        products!(c, a, a, (2, 3)(2, 4));
        products!(c, a, a, (3, 4));
        for column in &mut c[..9] {
            *column = _mm512_slli_epi64::<1>(*column);
        }
        products!(c, a, a, (0, 0)(1, 1)(2, 2)(3, 3)(4, 4));
        Product(c)
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn square(&self) -> Field {
        self.squared().tight()
    }
}

/// The inverses of eight numbers, none of which is zero, by that of their product: `times` multiplies, and `invert` is given the
/// product in every lane.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn inverted(
    all: &Factor,
    times: impl Fn(&Factor, &Factor) -> Factor,
    invert: impl Fn(&Factor) -> Factor,
) -> Factor {
    // Of every lane the products of the others: one, two, and four.
    let one = rotated::<4>(all);
    let pairs = times(all, &one);
    let two = rotated::<2>(&pairs);
    let fours = times(&pairs, &two);
    let four = rotated::<1>(&fours);
    let others = times(&times(&one, &two), &four);
    times(&invert(&times(&fours, &four)), &others)
}

/// Each lane gets what is so many lanes above it.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn rotated<const BY: i32>(all: &Factor) -> Factor {
    Factor(all.0.map(|limb| _mm512_alignr_epi64::<BY>(limb, limb)))
}

impl Loose {
    /// It, and a product: what is added in the columns needs no carries of its own.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn and(&self, a: &Factor, b: &Factor) -> Product {
        let zero = _mm512_setzero_si512();
        let [c0, c1, c2, c3, c4] = self.0;
        Product([c0, c1, c2, c3, c4, zero, zero, zero, zero, zero]).and(a, b)
    }
}

impl Product {
    /// It, and one more product.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn and(self, a: &Factor, b: &Factor) -> Self {
        let (mut c, a, b) = (self.0, &a.0, &b.0);
        products!(c, a, b, (0, 0)(0, 1)(0, 2)(0, 3)(0, 4));
        products!(c, a, b, (1, 0)(1, 1)(1, 2)(1, 3)(1, 4));
        products!(c, a, b, (2, 0)(2, 1)(2, 2)(2, 3)(2, 4));
        products!(c, a, b, (3, 0)(3, 1)(3, 2)(3, 3)(3, 4));
        products!(c, a, b, (4, 0)(4, 1)(4, 2)(4, 3)(4, 4));
        Self(c)
    }

    #[inline]
    pub(super) fn columns(self) -> [__m512i; 10] {
        self.0
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn plus(mut self, other: &Loose) -> Self {
        for (column, limb) in self.0.iter_mut().zip(other.0) {
            *column = _mm512_add_epi64(*column, limb);
        }
        self
    }

    /// Of tight numbers, so that the whole is below 2^514, and a column the sum of at most eighteen halves of products, and of less
    /// than 2^57 in the lower five.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn folded(self) -> Folded {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = self.0;
        // The upper columns hand on what they have beyond 52 bits. The last one stays a limb.
        let upper = handed_on([c5, c6, c7, c8, c9]).0;
        // What stands at 2^260 comes back as 16·FOLD.
        let fold = [splat(FOLD << 4)];
        let mut low = [c0, c1, c2, c3, c4, _mm512_setzero_si512()];
        products!(low, upper, fold, (0, 0)(1, 0)(2, 0)(3, 0)(4, 0));
        let [l0, l1, l2, l3, l4, beyond] = low;
        Folded {
            limbs: [l0, l1, l2, l3, l4],
            beyond,
        }
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn tight(self) -> Field {
        self.factor().tight()
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn factor(self) -> Factor {
        self.folded().factor()
    }
}

impl Folded {
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn doubled(self) -> Self {
        Self {
            limbs: self.limbs.map(|limb| _mm512_slli_epi64::<1>(limb)),
            beyond: _mm512_slli_epi64::<1>(self.beyond),
        }
    }

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn tripled(self) -> Self {
        let twice = self.doubled();
        let mut limbs = self.limbs;
        for (limb, twice) in limbs.iter_mut().zip(twice.limbs) {
            *limb = _mm512_add_epi64(*limb, twice);
        }
        Self {
            limbs,
            beyond: _mm512_add_epi64(self.beyond, twice.beyond),
        }
    }

    /// Above 2^256: less than 2^12 of the fifth limb, and less than 2^40 at 2^260. The carry that the fifth limb is still to get
    /// is below 2^10.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn factor(self) -> Factor {
        let mut l = self.limbs;
        let above = _mm512_add_epi64(
            _mm512_srli_epi64::<48>(l[4]),
            _mm512_slli_epi64::<4>(self.beyond),
        );
        l[4] = _mm512_and_si512(l[4], splat(TOP));
        l[0] = _mm512_madd52lo_epu64(l[0], above, splat(FOLD));
        l[1] = _mm512_madd52hi_epu64(l[1], above, splat(FOLD));
        handed_on(l)
    }
}
