//! The lanes, and the one door to them.

mod field;
mod keccak;
mod memory;
mod points;
mod tree;

use crate::{Digits, Entry, Fixed, Invert, Known, NEW, Numbers, Points};

/// The lanes of this CPU, which has AVX-512F and AVX-512 IFMA: that there is a value proves it.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(());

impl Lanes {
    /// The lanes, if this CPU has them.
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        there.then_some(Self(()))
    }

    /// In each lane u·R + v·G, where R is the point whose x is given and whose y is odd where the bit of the lane is set, and
    /// which lanes have such a point: the sums of the others mean nothing.
    ///
    /// u is given as the digits of a and b with u = a + b·λ, between -16 and 16, and v·G by the last argument. The x are
    /// below p.
    pub fn new_points(
        &self,
        x: &Numbers,
        odd: u8,
        halves: [&[Digits; NEW]; 2],
        fixed: &Fixed<'_>,
    ) -> (Points, u8) {
        #[expect(
            unsafe_code,
            reason = "the compiler can not know the CPU, and `self` does"
        )]
        // SAFETY: there is a `self`, so that `detect` found every feature that the function needs.
        unsafe {
            points::new_points(x, odd, halves, fixed)
        }
    }

    /// In each lane u·Q + v·G, for eight sums at a time. `fixed` are the multiples 1 to 256 of 2^(9·i) times G, for i from 0
    /// to 28. What is inverted is shared by all of them, and changes nothing in any.
    pub fn known_points(
        &self,
        all: &[Known<'_>],
        fixed: &[Entry],
        invert: Invert<'_>,
    ) -> Vec<Points> {
        #[expect(
            unsafe_code,
            reason = "the compiler can not know the CPU, and `self` does"
        )]
        // SAFETY: there is a `self`, so that `detect` found every feature that the function needs.
        unsafe {
            points::known_points(all, fixed, invert)
        }
    }

    /// The keccak-256 of eight inputs.
    ///
    /// # Panics
    /// When their lengths differ.
    pub fn keccak(&self, inputs: [&[u8]; 8]) -> [[u8; 32]; 8] {
        let length = inputs[0].len();
        assert!(
            inputs.iter().all(|input| input.len() == length),
            "inputs of different lengths"
        );
        #[expect(
            unsafe_code,
            reason = "the compiler can not know the CPU, and `self` does"
        )]
        // SAFETY: there is a `self`, so that `detect` found every feature that the function needs.
        unsafe {
            keccak::keccak(inputs)
        }
    }
}
