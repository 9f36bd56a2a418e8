//! The field of the curve's coordinates: numbers modulo p = 2^256 - 2^32 - 977.

use super::{
    inverse::Modulus,
    limbs::{add4, from_bytes, mac, mul4, square4, sub4, to_bytes},
};

/// 2^256 - p. Whatever stands at 2^256 comes back at 2^0 times this.
const FOLD: u64 = 0x1_0000_03d1;

/// p.
const P: [u64; 4] = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];

/// p, for its inverses.
const MODULUS: Modulus = Modulus::new(P, 0x27c7_f6e2_2dda_cacf);

/// An element of the field, as any number below 2^256 that is congruent to it: zero may stand as p.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field([u64; 4]);

impl Field {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);
    /// The 7 of y² = x³ + 7.
    pub(super) const SEVEN: Self = Self([7, 0, 0, 0]);

    pub(super) const fn from_limbs(limbs: [u64; 4]) -> Self {
        Self(limbs)
    }

    /// Of 32 bytes, big-endian; a number of p or more is taken modulo p.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(from_bytes(bytes))
    }

    /// The one number below p, big-endian.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        to_bytes(&self.canonical().0)
    }

    /// The limbs of a number below 2^256.
    pub(super) fn limbs(self) -> [u64; 4] {
        self.0
    }

    fn canonical(self) -> Self {
        // Below 2^256 = p + FOLD, so that p is taken away at most once.
        let (reduced, borrow) = sub4(&self.0, &P);
        if borrow == 0 { Self(reduced) } else { self }
    }

    #[inline(always)]
    pub(super) fn is_zero(self) -> bool {
        let [a, b, c, d] = self.0;
        a | b | c | d == 0 || (a ^ P[0]) | !(b & c & d) == 0
    }

    pub(super) fn equals(self, other: Self) -> bool {
        self.sub(other).is_zero()
    }

    /// Whether the one number below p is odd.
    pub(super) fn is_odd(self) -> bool {
        self.canonical().0[0] & 1 == 1
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        let (sum, carry) = add4(&self.0, &other.0);
        let (low, carry) = sum[0].overflowing_add(carry.wrapping_neg() & FOLD);
        let sum = [low, sum[1], sum[2], sum[3]];
        Self(if carry { carried(sum, 1) } else { sum })
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        let (difference, borrow) = sub4(&self.0, &other.0);
        let (low, borrow) = difference[0].overflowing_sub(borrow.wrapping_neg() & FOLD);
        let difference = [low, difference[1], difference[2], difference[3]];
        Self(if borrow {
            borrowed(difference)
        } else {
            difference
        })
    }

    #[inline(always)]
    pub(super) fn negate(self) -> Self {
        Self::ZERO.sub(self)
    }

    #[inline(always)]
    pub(super) fn negate_if(self, negative: bool) -> Self {
        // Without a branch, whose way nobody could foresee.
        let mask = u64::from(negative).wrapping_neg();
        let other = self.negate();
        let chosen = |at: usize| self.0[at] ^ (mask & (self.0[at] ^ other.0[at]));
        Self([chosen(0), chosen(1), chosen(2), chosen(3)])
    }

    /// Half of it: of it or of it plus p, whichever is even.
    #[inline(always)]
    pub(super) fn half(self) -> Self {
        let odd = (self.0[0] & 1).wrapping_neg();
        let (r, carry) = add4(&self.0, &[P[0] & odd, odd, odd, odd]);
        Self([
            r[0] >> 1 | r[1] << 63,
            r[1] >> 1 | r[2] << 63,
            r[2] >> 1 | r[3] << 63,
            r[3] >> 1 | carry << 63,
        ])
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        Self::reduce(&mul4(&self.0, &other.0))
    }

    #[inline(always)]
    pub(super) fn square(self) -> Self {
        Self::reduce(&square4(&self.0))
    }

    #[inline(always)]
    fn reduce(wide: &[u64; 8]) -> Self {
        let (r0, c) = mac(wide[0], wide[4], FOLD, 0);
        let (r1, c) = mac(wide[1], wide[5], FOLD, c);
        let (r2, c) = mac(wide[2], wide[6], FOLD, c);
        let (r3, c) = mac(wide[3], wide[7], FOLD, c);
        // c is at most FOLD: what comes back a second time has 67 bits.
        let (r0, c) = mac(r0, c, FOLD, 0);
        let (r1, carry) = r1.overflowing_add(c);
        let out = [r0, r1, r2, r3];
        Self(if carry { carried(out, 2) } else { out })
    }

    fn square_times(self, times: u32) -> Self {
        (0..times).fold(self, |power, _| power.square())
    }

    /// A number whose square it is, if there is one: its power (p + 1)/4.
    ///
    /// The exponent is 223 ones, a zero, 22 ones and the bits 00001100: powers to runs of ones are made of shorter runs.
    pub(super) fn square_root(self) -> Option<Self> {
        let ones2 = self.square().mul(self);
        let ones3 = ones2.square().mul(self);
        let ones6 = ones3.square_times(3).mul(ones3);
        let ones11 = ones6.square_times(3).mul(ones3).square_times(2).mul(ones2);
        let ones22 = ones11.square_times(11).mul(ones11);
        let ones44 = ones22.square_times(22).mul(ones22);
        let ones88 = ones44.square_times(44).mul(ones44);
        let ones176 = ones88.square_times(88).mul(ones88);
        let ones220 = ones176.square_times(44).mul(ones44);
        let ones223 = ones220.square_times(3).mul(ones3);
        let root = ones223.square_times(23).mul(ones22);
        let root = root.square_times(6).mul(ones2).square_times(2);
        root.square().equals(self).then_some(root)
    }

    /// 1 divided by it; zero for zero.
    pub(super) fn invert(self) -> Self {
        Self(MODULUS.invert(&self.canonical().0))
    }

    /// Inverts all of them with one inversion and three multiplications each; zeros stay.
    pub(super) fn invert_all(all: &mut [Self]) {
        let mut product = Self::ONE;
        let before: Vec<Self> = all
            .iter()
            .map(|one| {
                let before = product;
                if !one.is_zero() {
                    product = product.mul(*one);
                }
                before
            })
            .collect();
        let mut inverse = product.invert();
        for (one, before) in all.iter_mut().zip(before).rev() {
            if !one.is_zero() {
                let this = inverse.mul(before);
                inverse = inverse.mul(*one);
                *one = this;
            }
        }
    }
}

/// One more at this limb and those above. Hardly ever needed, and never left out.
#[cold]
#[inline(never)]
fn carried(mut limbs: [u64; 4], from: usize) -> [u64; 4] {
    for limb in &mut limbs[from..] {
        let (sum, carry) = limb.overflowing_add(1);
        *limb = sum;
        if !carry {
            return limbs;
        }
    }
    // Past 2^256, which leaves less than 2^68 in the limbs: FOLD goes to the first two.
    let (low, carry) = limbs[0].overflowing_add(FOLD);
    limbs[0] = low;
    limbs[1] = limbs[1].wrapping_add(u64::from(carry));
    limbs
}

/// One less at the limbs above the first.
#[cold]
#[inline(never)]
fn borrowed(mut limbs: [u64; 4]) -> [u64; 4] {
    for limb in &mut limbs[1..] {
        let (difference, borrow) = limb.overflowing_sub(1);
        *limb = difference;
        if !borrow {
            return limbs;
        }
    }
    // Below zero, which leaves at least 2^256 - FOLD in the limbs: the first one is at least 2^64 - FOLD.
    limbs[0] = limbs[0].wrapping_sub(FOLD);
    limbs
}
