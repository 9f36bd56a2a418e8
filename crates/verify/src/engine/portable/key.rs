//! A known key, with a table of its multiples.

use super::{
    field::Field,
    fixed::{self, generator_terms},
    point::{Affine, Entry, Jacobian},
    ring::{FOUR, Term, Turned, terms},
    scalar::Scalar,
};
use crate::Signature;
use http402_core::B256;
use std::array::from_fn;

/// How many digits of four bits make up both halves of a scalar; every fourth one has a place in the table.
pub(super) const COUNT: usize = 33;
/// How many digits lie between two that have a place.
const APART: usize = 4;
/// How many places there are beside the last one, which asks for its first multiple alone.
const PLACES: usize = COUNT / APART;
/// The multiples of each place.
const EACH: usize = 43;

/// The multiples of 2^(16·i) times a key, for i from 0 to 7, and 2^128 times it.
#[derive(Debug)]
pub(super) struct Table(Box<[Entry]>);

/// The bytes of a table.
pub(super) const BYTES: usize = (PLACES * EACH + 1) * size_of::<Entry>();

impl Table {
    pub(super) fn new(key: Affine) -> Self {
        let mut base = key.jacobian();
        let places: [Jacobian; PLACES] = from_fn(|_| {
            let this = base;
            base = (0..4 * APART).fold(base, |point, _| point.double());
            this
        });
        let mut all = Vec::with_capacity(PLACES * EACH + 1);
        all.extend(FOUR.multiples(&places));
        // 2^128 times a point of prime order is not infinity.
        all.extend(base.affine().map(Affine::entry));
        Self(all.into_boxed_slice())
    }

    /// The multiples of each place.
    #[cfg(feature = "lanes")]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The point R = s⁻¹(z·G + r·Q) that the signature has to be of, given the inverse of s.
    pub(super) fn point(&self, digest: &B256, signature: &Signature, inverse: Scalar) -> Jacobian {
        let z = Scalar::from_bytes(&digest.0);
        let r = Scalar::from_bytes(signature.r());
        let generator = generator_terms(z.mul(inverse));
        let key = self.terms(r.mul(inverse));
        let last: [&Term; PLACES + 1 + fixed::COUNT] =
            from_fn(|at| match at.checked_sub(PLACES + 1) {
                None => &key[APART * at],
                Some(at) => &generator[at],
            });
        doubled(&key).add(last).sum()
    }

    /// `times` the key.
    #[cfg(test)]
    pub(super) fn multiply(&self, times: Scalar) -> Jacobian {
        let key = self.terms(times);
        let last: [&Term; PLACES + 1] = from_fn(|at| &key[APART * at]);
        doubled(&key).add(last).sum()
    }

    fn terms(&self, times: Scalar) -> [Term; COUNT] {
        let digits = FOUR.digits(&times.halves());
        let entry = |at: usize| &self.0[EACH * (at / APART)..][digits[at].entry];
        terms(&digits, from_fn(entry))
    }
}

/// The sum of the terms of all places but every fourth, each doubled as often as it has to be.
fn doubled(terms: &[Term; COUNT]) -> Turned {
    // Four times terms are added, each of which leaves one multiplication more to be made: none at last.
    let mut sum = Turned::new(Jacobian::INFINITY, 2);
    for from in (1..APART).rev() {
        let own: [&Term; PLACES] = from_fn(|place| &terms[APART * place + from]);
        sum = (0..4).fold(sum.add(own), |sum, _| sum.double());
    }
    sum
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
