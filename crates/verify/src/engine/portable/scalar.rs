//! Numbers modulo the order n of the curve, and their halves along its endomorphism.

use super::{
    inverse::Modulus,
    limbs::{add, add4, from_bytes, mac, mul4, sub4},
};

/// n.
const N: [u64; 4] = [
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    u64::MAX,
];

/// 2^256 - n, without its 129th bit.
const FOLD: [u64; 2] = [0x402d_a173_2fc9_bebf, 0x4551_2319_50b7_5fc4];

/// n, for its inverses.
const MODULUS: Modulus = Modulus::new(N, 0x34f2_0099_aa77_4ec1);

/// A number below n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scalar([u64; 4]);

/// A number between -2^128 and 2^128.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    pub(super) negative: bool,
    pub(super) size: u128,
}

impl Scalar {
    const ONE: Self = Self([1, 0, 0, 0]);

    /// Of 32 bytes, big-endian, modulo n.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self::below_two_n(from_bytes(bytes), 0)
    }

    /// Of a number below 2^256, modulo n.
    #[cfg(feature = "lanes")]
    pub(super) fn from_limbs(limbs: [u64; 4]) -> Self {
        Self::below_two_n(limbs, 0)
    }

    #[cfg(feature = "lanes")]
    pub(super) fn limbs(self) -> [u64; 4] {
        self.0
    }

    #[cfg(test)]
    pub(super) fn to_bytes(self) -> [u8; 32] {
        super::limbs::to_bytes(&self.0)
    }

    /// Of a number below 2n, with its 257th bit apart.
    fn below_two_n(limbs: [u64; 4], carry: u64) -> Self {
        let (reduced, borrow) = sub4(&limbs, &N);
        if carry != 0 || borrow == 0 {
            Self(reduced)
        } else {
            Self(limbs)
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == [0; 4]
    }

    pub(super) fn negate(self) -> Self {
        if self.is_zero() {
            self
        } else {
            Self(sub4(&N, &self.0).0)
        }
    }

    pub(super) fn mul(self, other: Self) -> Self {
        let wide = mul4(&self.0, &other.0);
        // What stands at 2^256 comes back times 2^256 - n, of 129 bits: of 512 bits first 386, then 260 are left, and at last
        // a number below 2n.
        let wide = fold(&wide);
        let [r0, r1, r2, r3, top, ..] = fold(&wide);
        let (r0, c) = mac(r0, top, FOLD[0], 0);
        let (r1, c) = mac(r1, top, FOLD[1], c);
        let (r2, c) = add(r2, top, c);
        let (r3, c) = add(r3, 0, c);
        Self::below_two_n([r0, r1, r2, r3], c)
    }

    /// 1 divided by it; zero for zero.
    pub(super) fn invert(self) -> Self {
        Self(MODULUS.invert(&self.0))
    }

    /// Inverts all of them, none of which is zero, with one inversion and three multiplications each.
    pub(super) fn invert_all(all: &mut [Self]) {
        let mut product = Self::ONE;
        let before: Vec<Self> = all
            .iter()
            .map(|one| {
                let before = product;
                product = product.mul(*one);
                before
            })
            .collect();
        let mut inverse = product.invert();
        for (one, before) in all.iter_mut().zip(before).rev() {
            let this = inverse.mul(before);
            inverse = inverse.mul(*one);
            *one = this;
        }
    }

    /// The two halves a, b with a + b·λ = self, where λ is what the endomorphism (x, y) → (β·x, y) multiplies by.
    ///
    /// The vectors (A1, -B1) and (A2, A1) span the lattice of all (a, b) with a + b·λ = 0. The lattice point next to
    /// (self, 0) is taken away: what is left is within half of each vector, |a| ≤ (A1 + A2)/2 and |b| ≤ (B1 + A1)/2, and a
    /// little for rounding, all below 2^128.
    pub(super) fn split(self) -> [Half; 2] {
        self.parts().map(Half::of)
    }

    /// The halves in two's complement.
    pub(super) fn halves(self) -> [[u64; 3]; 2] {
        self.parts().map(|[l0, l1, l2, _]| [l0, l1, l2])
    }

    /// The halves modulo 2^256.
    fn parts(self) -> [[u64; 4]; 2] {
        const A1: [u64; 4] = [0xe86c_90e4_9284_eb15, 0x3086_d221_a7d4_6bcd, 0, 0];
        const A2: [u64; 4] = [0x57c1_108d_9d44_cfd8, 0x14ca_50f7_a8e2_f3f6, 1, 0];
        const B1: [u64; 4] = [0x6f54_7fa9_0abf_e4c3, 0xe443_7ed6_010e_8828, 0, 0];
        // A1 and B1 times 2^384/n, rounded.
        const BY_A1: [u64; 4] = [
            0xe893_209a_45db_b031,
            0x3daa_8a14_71e8_ca7f,
            0xe86c_90e4_9284_eb15,
            0x3086_d221_a7d4_6bcd,
        ];
        const BY_B1: [u64; 4] = [
            0x1571_b4ae_8ac4_7f71,
            0x2212_08ac_9df5_06c6,
            0x6f54_7fa9_0abf_e4c4,
            0xe443_7ed6_010e_8828,
        ];
        let (first, second) = (high(&self.0, &BY_A1), high(&self.0, &BY_B1));
        let a = sub4(&self.0, &low(&first, &A1)).0;
        let a = sub4(&a, &low(&second, &A2)).0;
        let b = sub4(&low(&first, &B1), &low(&second, &A1)).0;
        [a, b]
    }
}

impl Half {
    /// Of a number in two's complement.
    fn of(limbs: [u64; 4]) -> Self {
        let negative = limbs[3] >> 63 == 1;
        let size = if negative {
            sub4(&[0; 4], &limbs).0
        } else {
            limbs
        };
        debug_assert!(size[2..] == [0; 2]);
        Self {
            negative,
            size: u128::from(size[1]) << 64 | u128::from(size[0]),
        }
    }
}

/// The low half plus the high half times 2^256 - n, which is FOLD and 2^128.
#[inline(always)]
fn fold(w: &[u64; 8]) -> [u64; 8] {
    let (r0, c) = mac(w[0], w[4], FOLD[0], 0);
    let (r1, c) = mac(w[1], w[5], FOLD[0], c);
    let (r2, c) = mac(w[2], w[6], FOLD[0], c);
    let (r3, r4) = mac(w[3], w[7], FOLD[0], c);
    let (r1, c) = mac(r1, w[4], FOLD[1], 0);
    let (r2, c) = mac(r2, w[5], FOLD[1], c);
    let (r3, c) = mac(r3, w[6], FOLD[1], c);
    let (r4, r5) = mac(r4, w[7], FOLD[1], c);
    let (r2, c) = add(r2, w[4], 0);
    let (r3, c) = add(r3, w[5], c);
    let (r4, c) = add(r4, w[6], c);
    let (r5, r6) = add(r5, w[7], c);
    [r0, r1, r2, r3, r4, r5, r6, 0]
}

/// a·b/2^384, rounded.
fn high(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let wide = mul4(a, b);
    add4(&[wide[6], wide[7], 0, 0], &[wide[5] >> 63, 0, 0, 0]).0
}

/// a·b modulo 2^256.
fn low(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let wide = mul4(a, b);
    [wide[0], wide[1], wide[2], wide[3]]
}
