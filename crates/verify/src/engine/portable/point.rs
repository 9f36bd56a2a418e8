//! Points of y² = x³ + 7. The formulas use no constant of the curve, so that they hold on the curves y² = x³ + 7·z⁶ too,
//! which are the same curve in other coordinates.

use super::field::Field;

#[cfg(feature = "lanes")]
pub(super) use http402_lanes::Entry;

/// A point of a table: the four limbs of x, then those of y. It is one line of the cache.
#[cfg(not(feature = "lanes"))]
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Entry(pub(super) [u64; 8]);

/// What x is multiplied by where λ multiplies a point.
const BETA: Field = Field::from_limbs([
    0xc139_6c28_7195_01ee,
    0x9cf0_4975_12f5_8995,
    0x6e64_479e_ac34_34e9,
    0x7ae9_6a2b_657c_0710,
]);

/// A point that is not the one at infinity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine {
    pub(super) x: Field,
    pub(super) y: Field,
}

/// The point (x/z², y/z³), or the one at infinity where z is zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jacobian {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Field,
}

impl Affine {
    pub(super) const GENERATOR: Self = Self {
        x: Field::from_limbs([
            0x59f2_815b_16f8_1798,
            0x029b_fcdb_2dce_28d9,
            0x55a0_6295_ce87_0b07,
            0x79be_667e_f9dc_bbac,
        ]),
        y: Field::from_limbs([
            0x9c47_d08f_fb10_d4b8,
            0xfd17_b448_a685_5419,
            0x5da4_fbfc_0e11_08a8,
            0x483a_da77_26a3_c465,
        ]),
    };

    pub(super) fn entry(self) -> Entry {
        let ([a, b, c, d], [e, f, g, h]) = (self.x.limbs(), self.y.limbs());
        Entry([a, b, c, d, e, f, g, h])
    }

    #[inline(always)]
    pub(super) fn from_entry(Entry([a, b, c, d, e, f, g, h]): Entry) -> Self {
        Self {
            x: Field::from_limbs([a, b, c, d]),
            y: Field::from_limbs([e, f, g, h]),
        }
    }

    /// The point of this x whose y is odd, or even; `None` when the curve has none.
    pub(super) fn lift(x: Field, odd: bool) -> Option<Self> {
        let y = x.square().mul(x).add(Field::SEVEN).square_root()?;
        let y = y.negate_if(y.is_odd() != odd);
        Some(Self { x, y })
    }

    #[inline(always)]
    pub(super) fn negate_if(self, negative: bool) -> Self {
        Self {
            x: self.x,
            y: self.y.negate_if(negative),
        }
    }

    /// λ times it.
    #[inline(always)]
    pub(super) fn endomorphism(self) -> Self {
        Self {
            x: self.x.mul(BETA),
            y: self.y,
        }
    }

    pub(super) fn jacobian(self) -> Jacobian {
        Jacobian {
            x: self.x,
            y: self.y,
            z: Field::ONE,
        }
    }

    /// x and y, big-endian, as an address is made of them.
    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.x.to_bytes());
        bytes[32..].copy_from_slice(&self.y.to_bytes());
        bytes
    }
}

impl Jacobian {
    pub(super) const INFINITY: Self = Self {
        x: Field::ONE,
        y: Field::ONE,
        z: Field::ZERO,
    };

    pub(super) fn is_infinity(self) -> bool {
        self.z.is_zero()
    }

    /// λ times it.
    #[inline(always)]
    pub(super) fn endomorphism(self) -> Self {
        let x = self.x.mul(BETA);
        Self { x, ..self }
    }

    /// Twice it. No point has order two, and infinity stays: z is y·z.
    #[inline]
    pub(super) fn double(self) -> Self {
        // Products that need not wait for each other stand side by side: a CPU sees no more than about four ahead.
        let xx = self.x.square();
        let yy = self.y.square();
        let slope = xx.add(xx.half());
        let slopes = slope.square();
        let xyy = self.x.mul(yy);
        let yyyy = yy.square();
        let z = self.y.mul(self.z);
        let x = slopes.sub(xyy.add(xyy));
        let y = slope.mul(xyy.sub(x)).sub(yyyy);
        Self { x, y, z }
    }

    /// The sum with a point that has z = 1.
    #[inline]
    pub(super) fn add_affine(self, other: Affine) -> Self {
        self.add_affine_ratio(other).0
    }

    /// The sum, and what z was multiplied by, where it was.
    #[inline]
    pub(super) fn add_affine_ratio(self, other: Affine) -> (Self, Field) {
        if self.is_infinity() {
            return (other.jacobian(), Field::ONE);
        }
        // In an order in which neighbours need not wait for each other, as in a doubling.
        let zz = self.z.square();
        let across = other.x.mul(zz).sub(self.x);
        let zzz = zz.mul(self.z);
        let square = across.square();
        let up = other.y.mul(zzz).sub(self.y);
        if across.is_zero() {
            return (self.add_same_x(up), Field::ONE);
        }
        let v = self.x.mul(square);
        let ups = up.square();
        let cube = square.mul(across);
        let x = ups.sub(v.add(v)).sub(cube);
        let z = self.z.mul(across);
        let ycube = self.y.mul(cube);
        let y = up.mul(v.sub(x)).sub(ycube);
        let sum = Self { x, y, z };
        (sum, across)
    }

    /// The sum with a point of the same x: the same point, or its negative.
    #[cold]
    fn add_same_x(self, up: Field) -> Self {
        if up.is_zero() {
            self.double()
        } else {
            Self::INFINITY
        }
    }

    /// With the inverse of z, which is not zero.
    pub(super) fn affine_by(self, inverse: Field) -> Affine {
        let square = inverse.square();
        Affine {
            x: self.x.mul(square),
            y: self.y.mul(square.mul(inverse)),
        }
    }

    /// `None` for infinity.
    pub(super) fn affine(self) -> Option<Affine> {
        (!self.is_infinity()).then(|| self.affine_by(self.z.invert()))
    }

    /// All of them with one inversion; `None` for infinity.
    pub(super) fn affine_all(points: &[Self]) -> Vec<Option<Affine>> {
        let mut inverses: Vec<Field> = points.iter().map(|point| point.z).collect();
        Field::invert_all(&mut inverses);
        points
            .iter()
            .zip(inverses)
            .map(|(point, inverse)| (!point.is_infinity()).then(|| point.affine_by(inverse)))
            .collect()
    }
}
