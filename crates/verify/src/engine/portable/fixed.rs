//! Multiples of the generator, from a table of 256 KiB that all engines of a process share.

use super::{
    digits::booth,
    point::{Affine, Jacobian},
    scalar::Scalar,
};
use std::sync::LazyLock;

/// Digits of eight bits.
const WIDTH: u32 = 8;
/// How many make up a number below 2^255.
const COUNT: usize = 32;
/// The multiples of each place: 1 to 128.
const EACH: usize = 1 << (WIDTH - 1);

static TABLE: LazyLock<Box<[Affine]>> = LazyLock::new(|| {
    let places = (0..COUNT).scan(Affine::GENERATOR.jacobian(), |base, _| {
        let this = *base;
        *base = (0..WIDTH).fold(*base, |point, _| point.double());
        Some(this)
    });
    multiples(&places.collect::<Vec<_>>(), EACH)
});

/// 1 to `each` times every one of the bases, none of which is infinity.
pub(super) fn multiples(bases: &[Jacobian], each: usize) -> Box<[Affine]> {
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
    affine.map(|point| point.expect(FINITE)).collect()
}

/// `start` plus `times` the generator.
pub(super) fn add_generator(start: Jacobian, times: Scalar) -> Jacobian {
    let table: &[Affine] = &TABLE;
    let (negative, number) = times.smaller();
    let digits = booth::<WIDTH, COUNT>(&number);
    let places = digits.iter().zip(table.chunks_exact(EACH));
    places.fold(start, |sum, (digit, multiples)| {
        add_digit(sum, multiples, *digit, negative)
    })
}

/// `sum` plus the multiple that the digit asks for.
#[inline(always)]
pub(super) fn add_digit(sum: Jacobian, multiples: &[Affine], digit: i16, negate: bool) -> Jacobian {
    match usize::from(digit.unsigned_abs()).checked_sub(1) {
        None => sum,
        Some(at) => sum.add_affine(multiples[at].negate_if((digit < 0) != negate)),
    }
}
