//! A known key, with a table of its multiples.

use super::{
    digits::booth_half,
    field::Field,
    fixed::{add_digit, add_generator, multiples},
    point::{Affine, Jacobian},
    scalar::Scalar,
};
use crate::Signature;
use http402_core::B256;

/// Digits of six bits.
const WIDTH: u32 = 6;
/// How many make up half a scalar; every second one has a place in the table.
const COUNT: usize = 22;
/// The multiples of each place: 1 to 32.
const EACH: usize = 1 << (WIDTH - 1);

/// The multiples 1 to 32 of 2^(12·i) times a key, for i from 0 to 10.
#[derive(Debug)]
pub(super) struct Table(Box<[Affine]>);

/// The bytes of a table.
pub(super) const BYTES: usize = COUNT / 2 * EACH * size_of::<Affine>();

impl Table {
    pub(super) fn new(key: Affine) -> Self {
        let places = (0..COUNT / 2).scan(key.jacobian(), |base, _| {
            let this = *base;
            *base = (0..2 * WIDTH).fold(*base, |point, _| point.double());
            Some(this)
        });
        Self(multiples(&places.collect::<Vec<_>>(), EACH))
    }

    /// The point R = s⁻¹(z·G + r·Q) that the signature has to be of, given the inverse of s.
    pub(super) fn point(&self, digest: &B256, signature: &Signature, inverse: Scalar) -> Jacobian {
        let z = Scalar::from_bytes(&digest.0);
        let r = Scalar::from_bytes(signature.r());
        add_generator(self.multiply(r.mul(inverse)), z.mul(inverse))
    }

    /// `times` the key.
    pub(super) fn multiply(&self, times: Scalar) -> Jacobian {
        let [first, second] = times.split().map(booth_half::<WIDTH, COUNT>);
        // The digits of odd places first, then six doublings, then those of even places.
        let sum = self.half(Jacobian::INFINITY, &first, &second, 1);
        let sum = (0..WIDTH).fold(sum, |point, _| point.double());
        self.half(sum, &first, &second, 0)
    }

    fn half(&self, start: Jacobian, first: &[i16], second: &[i16], from: usize) -> Jacobian {
        let digits = first.iter().zip(second).skip(from).step_by(2);
        let places = digits.zip(self.0.chunks_exact(EACH));
        places.fold(start, |sum, ((first, second), multiples)| {
            let sum = add_digit(sum, multiples, *first, false);
            match usize::from(second.unsigned_abs()).checked_sub(1) {
                None => sum,
                Some(at) => {
                    let multiple = multiples[at].endomorphism();
                    sum.add_affine(multiple.negate_if(*second < 0))
                }
            }
        })
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
