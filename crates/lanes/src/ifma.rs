//! The lanes, and the one door to them.

mod digits;
mod field;
mod keccak;
mod memory;
mod multiples;
mod order;
mod points;
mod product;
mod sums;
#[cfg(test)]
mod tests;
mod tree;

use crate::{
    Answers, Cells, Entry, Fractions, Invert, Known, New, Points, Quotients,
    cpu::{called, there},
};

/// The lanes of this CPU, which has AVX-512F and AVX-512 IFMA: that there is a value proves it.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(());

impl Lanes {
    /// The lanes, if this CPU has them.
    pub fn detect() -> Option<Self> {
        there().then_some(Self(()))
    }

    /// Quotients modulo the order, which `invert` is for too.
    pub fn quotients(&self, all: &[Fractions], invert: Invert<'_>) -> Vec<Quotients> {
        called!(self, order::quotients(all, invert))
    }

    /// In each lane u·R + v·G, for eight sums at a time. `fixed` are the multiples 1 to 256 of 2^(9·i) times G, for i from 0 to
    /// 28. What is inverted is shared by all of them, and changes nothing in any.
    pub fn new_points(&self, all: &[New], fixed: &[Entry], invert: Invert<'_>) -> Vec<Points> {
        called!(self, sums::new_points(all, fixed, invert))
    }

    /// In each lane whether u·Q + v·G is the point that it is to be, for eight sums at a time. `cells` say which multiples of Q
    /// digits ask for. `fixed` are the multiples 1 to 256
    /// of 2^(9·i) times G, for i from 0 to 28. What is inverted is shared by all of them, and changes nothing in any.
    pub fn known_points(
        &self,
        all: &[Known<'_>],
        cells: &Cells,
        fixed: &[Entry],
        invert: Invert<'_>,
    ) -> Vec<Answers> {
        called!(self, sums::known_points(all, cells, fixed, invert))
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
        called!(self, keccak::keccak(inputs))
    }
}
