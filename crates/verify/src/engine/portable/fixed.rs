//! Multiples of the generator, from a table of 278 KiB that all engines of a process share.

use super::{
    point::{Affine, Entry, Jacobian},
    ring::{FIVE, Term, Turned, terms},
    scalar::Scalar,
};
use std::{array::from_fn, sync::LazyLock};

/// How many digits of five bits make up both halves of a scalar.
pub(super) const COUNT: usize = 26;
/// The multiples of each place.
const EACH: usize = 171;

static TABLE: LazyLock<Box<[Entry]>> = LazyLock::new(|| {
    let mut base = Affine::GENERATOR.jacobian();
    let places: [Jacobian; COUNT] = from_fn(|_| {
        let this = base;
        base = (0..5).fold(base, |point, _| point.double());
        this
    });
    FIVE.multiples(&places).into_boxed_slice()
});

/// The multiples of the generator that make up a number times it.
pub(super) fn generator_terms(times: Scalar) -> [Term; COUNT] {
    let digits = FIVE.digits::<COUNT>(&times.halves());
    let table = table();
    let entry = |at: usize| &table[EACH * at..][..EACH][digits[at].entry];
    terms(&digits, from_fn(entry))
}

/// The multiples of each place.
pub(super) fn table() -> &'static [Entry] {
    &TABLE
}

/// `start` plus `times` the generator.
pub(super) fn add_generator(start: Jacobian, times: Scalar) -> Jacobian {
    let terms = generator_terms(times);
    Turned::new(start, 0).add(terms.each_ref()).sum()
}
