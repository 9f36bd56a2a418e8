//! A known key, with a table of its multiples.

use super::{
    digits::booth_half,
    field::Field,
    fixed::{Term, generator_terms, multiples},
    point::{Affine, Entry, Jacobian},
    scalar::Scalar,
};
use crate::Signature;
use http402_core::B256;
use std::array::from_fn;

/// Digits of six bits.
pub(super) const WIDTH: u32 = 6;
/// How many make up half a scalar; every second one has a place in the table.
pub(super) const COUNT: usize = 22;
/// The multiples of each place: 1 to 32.
const EACH: usize = 1 << (WIDTH - 1);

/// The multiples 1 to 32 of 2^(12·i) times a key, for i from 0 to 10.
#[derive(Debug)]
pub(super) struct Table(Box<[Entry]>);

/// The bytes of a table.
pub(super) const BYTES: usize = COUNT / 2 * EACH * size_of::<Entry>();

impl Table {
    pub(super) fn new(key: Affine) -> Self {
        let places = (0..COUNT / 2).scan(key.jacobian(), |base, _| {
            let this = *base;
            *base = (0..2 * WIDTH).fold(*base, |point, _| point.double());
            Some(this)
        });
        Self(multiples(&places.collect::<Vec<_>>(), EACH))
    }

    /// The multiples 1 to 32 of each place.
    #[cfg(feature = "lanes")]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The point R = s⁻¹(z·G + r·Q) that the signature has to be of, given the inverse of s.
    pub(super) fn point(&self, digest: &B256, signature: &Signature, inverse: Scalar) -> Jacobian {
        let z = Scalar::from_bytes(&digest.0);
        let r = Scalar::from_bytes(signature.r());
        let generator = generator_terms(z.mul(inverse));
        let sum = self.multiply(r.mul(inverse));
        generator.iter().fold(sum, |sum, term| term.add_to(sum))
    }

    /// `times` the key.
    pub(super) fn multiply(&self, times: Scalar) -> Jacobian {
        let [first, second] = times.split().map(booth_half::<WIDTH, COUNT>);
        let terms: [[Term; 2]; COUNT] = from_fn(|at| {
            let multiples = &self.0[EACH * (at / 2)..][..EACH];
            [first[at], second[at]].map(|digit| Term::of(multiples, digit))
        });
        let add = |sum, [first, second]: &[Term; 2]| {
            let sum = first.add_to(sum);
            second.endomorphism().add_to(sum)
        };
        // The digits of odd places first, then six doublings, then those of even places.
        let odd = terms.iter().skip(1).step_by(2);
        let sum = odd.fold(Jacobian::INFINITY, add);
        let sum = (0..WIDTH).fold(sum, |point, _| point.double());
        terms.iter().step_by(2).fold(sum, add)
    }
}

/// Whether a point is the one that a signature names: x is r, as a number and not modulo n, and y is odd or even as v says.
/// Plain ECDSA would take either y; contracts recover, and do not.
pub(super) fn named(point: Option<Affine>, signature: &Signature) -> bool {
    point.is_some_and(|point| {
        point.x.to_bytes() == *signature.r() && point.y.is_odd() == signature.odd()
    })
}

/// The same before the inversion that y needs: whether x is r.
pub(super) fn has_x(point: Jacobian, signature: &Signature) -> bool {
    let r = Field::from_bytes(signature.r());
    !point.is_infinity() && r.mul(point.z.square()).equals(point.x)
}
