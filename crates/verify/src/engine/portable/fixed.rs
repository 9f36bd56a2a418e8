//! Multiples of the generator, from a table of 464 KiB that all engines of a process share.

use super::{
    digits::booth,
    point::{Affine, Entry, Jacobian},
    scalar::Scalar,
};
use std::{array::from_fn, sync::LazyLock};

/// Digits of nine bits.
const WIDTH: u32 = 9;
/// How many make up a number below 2^255.
pub(super) const COUNT: usize = 29;
/// The multiples of each place: 1 to 256.
const EACH: usize = 1 << (WIDTH - 1);

static TABLE: LazyLock<Box<[Entry]>> = LazyLock::new(|| {
    let places = (0..COUNT).scan(Affine::GENERATOR.jacobian(), |base, _| {
        let this = *base;
        *base = (0..WIDTH).fold(*base, |point, _| point.double());
        Some(this)
    });
    multiples(&places.collect::<Vec<_>>(), EACH)
});

/// 1 to `each` times every one of the bases, none of which is infinity.
pub(super) fn multiples(bases: &[Jacobian], each: usize) -> Box<[Entry]> {
    const FINITE: &str = "a small multiple of a point of prime order is not infinity";
    let bases = Jacobian::affine_all(bases);
    let mut all = Vec::with_capacity(bases.len() * each);
    for base in bases {
        let base = base.expect(FINITE);
        let mut sum = base.jacobian();
        for _ in 0..each {
            all.push(sum);
            sum = sum.add_affine(base);
        }
    }
    let affine = Jacobian::affine_all(&all).into_iter();
    affine.map(|point| point.expect(FINITE).entry()).collect()
}

/// The multiples of the generator that make up a number times it.
pub(super) fn generator_terms(times: Scalar) -> [Term; COUNT] {
    let digits = generator_digits(times);
    let table = table();
    from_fn(|at| Term::of(&table[EACH * at..][..EACH], digits[at]))
}

/// The digits of the multiples of the generator that make up a number times it.
pub(super) fn generator_digits(times: Scalar) -> [i16; COUNT] {
    let (negative, number) = times.smaller();
    let digits = booth::<WIDTH, COUNT>(&number);
    if negative {
        digits.map(|digit| -digit)
    } else {
        digits
    }
}

/// For each digit the multiples 1 to 256 of its place.
pub(super) fn table() -> &'static [Entry] {
    &TABLE
}

/// `start` plus `times` the generator.
pub(super) fn add_generator(start: Jacobian, times: Scalar) -> Jacobian {
    let terms = generator_terms(times);
    terms.iter().fold(start, |sum, term| term.add_to(sum))
}

/// A multiple out of a table, as one digit asks for it. Terms are taken out before they are added: tables are larger than the
/// nearest cache, and memory answers many questions at once as fast as one.
#[derive(Clone, Copy)]
pub(super) struct Term {
    point: Affine,
    sign: i8,
}

impl Term {
    #[inline(always)]
    pub(super) fn of(multiples: &[Entry], digit: i16) -> Self {
        let size = usize::from(digit.unsigned_abs());
        Self {
            point: Affine::from_entry(multiples[size.saturating_sub(1)]),
            sign: digit.signum() as i8,
        }
    }

    /// Its product with λ.
    #[inline(always)]
    pub(super) fn endomorphism(self) -> Self {
        Self {
            point: self.point.endomorphism(),
            sign: self.sign,
        }
    }

    #[inline(always)]
    pub(super) fn add_to(&self, sum: Jacobian) -> Jacobian {
        if self.sign == 0 {
            return sum;
        }
        sum.add_affine(self.point.negate_if(self.sign < 0))
    }
}
