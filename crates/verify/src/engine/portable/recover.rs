//! The key that made a signature: Q = r⁻¹(s·R - z·G), where R is the point whose x is r.

use super::{
    digits::{SPARSE, sparse},
    field::Field,
    fixed::add_generator,
    point::{Affine, Jacobian},
    scalar::Scalar,
};
use crate::Signature;
use http402_core::B256;

/// The odd multiples of R: 1 to 15.
const ODD: usize = 8;

/// The key, given the inverse of r; `None` where r is no x of the curve, or the key would be infinity.
pub(super) fn recover(digest: &B256, signature: &Signature, inverse: Scalar) -> Option<Jacobian> {
    // r is below n and so below p: x is r itself, and never r + n.
    let point = Affine::lift(Field::from_bytes(signature.r()), signature.odd())?;
    let z = Scalar::from_bytes(&digest.0);
    let s = Scalar::from_bytes(signature.s());
    let key = multiply(point, s.mul(inverse));
    let key = add_generator(key, z.mul(inverse).negate());
    (!key.is_infinity()).then_some(key)
}

/// `times` a point, by both halves of the number at once (Gallant, Lambert and Vanstone, 2001).
pub(super) fn multiply(point: Affine, times: Scalar) -> Jacobian {
    let [first, second] = times.split().map(sparse);
    let (odd, z) = odd_multiples(point);
    let turned = odd.map(Affine::endomorphism);
    let mut sum = Jacobian::INFINITY;
    for at in (0..SPARSE).rev() {
        if !sum.is_infinity() {
            sum = sum.double();
        }
        for (digit, table) in [(first[at], &odd), (second[at], &turned)] {
            if digit != 0 {
                let multiple = table[usize::from(digit.unsigned_abs() / 2)];
                sum = sum.add_affine(multiple.negate_if(digit < 0));
            }
        }
    }
    sum.z = sum.z.mul(z);
    sum
}

/// 1, 3, 5, … times a point, all with the one z that comes with them: on the curve with that z they have z = 1, and a sum
/// that is made of them there gets its z multiplied by it.
fn odd_multiples(point: Affine) -> ([Affine; ODD], Field) {
    let twice = point.jacobian().double();
    // On the curve where twice the point has z = 1.
    let square = twice.z.square();
    let step = Affine {
        x: twice.x,
        y: twice.y,
    };
    let mut sum = Affine {
        x: point.x.mul(square),
        y: point.y.mul(square.mul(twice.z)),
    }
    .jacobian();
    let mut all = [sum; ODD];
    let mut ratios = [Field::ONE; ODD];
    for (slot, ratio) in all.iter_mut().zip(&mut ratios).skip(1) {
        (sum, *ratio) = sum.add_affine_ratio(step);
        *slot = sum;
    }
    // From the last one, whose z becomes everyone's, back to the first.
    let mut factor = Field::ONE;
    let mut odd = [step; ODD];
    for at in (0..ODD).rev() {
        let square = factor.square();
        odd[at] = Affine {
            x: all[at].x.mul(square),
            y: all[at].y.mul(square.mul(factor)),
        };
        factor = factor.mul(ratios[at]);
    }
    (odd, sum.z.mul(twice.z))
}
