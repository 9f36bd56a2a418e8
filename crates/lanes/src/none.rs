//! Where there are no such lanes at all.

use crate::{Answers, Cells, Entry, Fractions, Invert, Known, New, Points, Quotients};

/// Lanes of a CPU that has none: there is no value of it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no variants")]
pub enum Lanes {}

impl Lanes {
    /// `None`.
    pub fn detect() -> Option<Self> {
        None
    }

    /// Never called.
    pub fn quotients(&self, _: &[Fractions], _: Invert<'_>) -> Vec<Quotients> {
        match *self {}
    }

    /// Never called.
    pub fn new_points(&self, _: &[New], _: &[Entry], _: Invert<'_>) -> Vec<Points> {
        match *self {}
    }

    /// Never called.
    pub fn known_points(
        &self,
        _: &[Known<'_>],
        _: &Cells,
        _: &[Entry],
        _: Invert<'_>,
    ) -> Vec<Answers> {
        match *self {}
    }

    /// Never called.
    pub fn keccak(&self, _: [&[u8]; 8]) -> [[u8; 32]; 8] {
        match *self {}
    }
}
