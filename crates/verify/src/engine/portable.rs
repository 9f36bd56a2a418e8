//! The engine of this crate: the whole of the curve in safe Rust, for one public purpose.

mod cache;
mod digits;
mod field;
mod fixed;
mod inverse;
mod key;
mod limbs;
mod point;
mod recover;
mod ring;
mod scalar;
#[cfg(test)]
mod tests;
#[cfg(feature = "lanes")]
mod vector;

pub use cache::Keys;
#[cfg(feature = "lanes")]
pub use vector::Lanes;

use super::{Check, Engine, address};
use crate::Signature;
use http402_core::{Address, B256};
use key::{Table, has_x, named};
use point::{Affine, Jacobian};
use recover::recover;
use scalar::Scalar;
use std::sync::Arc;

/// The engine of this crate: safe Rust without any package, in variable time, for what is public anyway. With [`Keys`] it
/// checks payers who come back by tables of their keys.
///
/// `ALGORITHMS.md` beside the crate's README says what it does, and why that is right.
#[derive(Clone, Debug, Default)]
pub struct Portable {
    keys: Option<Arc<Keys>>,
}

impl Portable {
    /// An engine that remembers nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// An engine that remembers the keys of payers who come back.
    pub fn with_keys(keys: Arc<Keys>) -> Self {
        Self { keys: Some(keys) }
    }

    fn find(&self, payer: &Address) -> Option<Arc<Table>> {
        self.keys.as_ref()?.find(payer)
    }

    /// Whether the recovered key is the payer's.
    fn accept(&self, key: Option<(Affine, Address)>, payer: &Address) -> bool {
        let Some((key, address)) = key else {
            return false;
        };
        let right = address == *payer;
        if let (true, Some(keys)) = (right, &self.keys) {
            keys.right(payer, key);
        }
        right
    }

    /// Answers each check, those of known keys and the others together.
    fn answer(
        &self,
        checks: &[Check],
        known_all: impl FnOnce(&[(&Check, &Table)]) -> Vec<bool>,
        keys_of: impl FnOnce(&[Signed<'_>]) -> Vec<Option<(Affine, Address)>>,
    ) -> Vec<bool> {
        let tables: Vec<_> = checks.iter().map(|check| self.find(&check.payer)).collect();
        let both = || checks.iter().zip(&tables);
        let known = both().filter_map(|(check, table)| Some((check, table.as_deref()?)));
        let mut known = known_all(&known.collect::<Vec<_>>()).into_iter();
        let unknown = both().filter(|(_, table)| table.is_none());
        let unknown = unknown.map(|(check, _)| (&check.digest, &check.signature));
        let mut keys = keys_of(&unknown.collect::<Vec<_>>()).into_iter();
        let answers = both().map(|(check, table)| match table {
            Some(_) => known.next().unwrap_or(false),
            None => self.accept(keys.next().flatten(), &check.payer),
        });
        answers.collect()
    }
}

/// A digest, and a signature that may be one of it.
type Signed<'a> = (&'a B256, &'a Signature);

fn addressed(key: Affine) -> (Affine, Address) {
    (key, address(&key.to_bytes()))
}

impl Engine for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        Some(address(&key_of(digest, signature)?.to_bytes()))
    }

    fn check(&self, digest: &B256, signature: &Signature, payer: &Address) -> bool {
        let Some(table) = self.find(payer) else {
            return self.accept(key_of(digest, signature).map(addressed), payer);
        };
        let inverse = Scalar::from_bytes(signature.s()).invert();
        let point = table.point(digest, signature, inverse);
        has_x(point, signature) && named(point.affine(), signature)
    }

    fn recover_all(&self, items: &[(B256, Signature)]) -> Vec<Option<Address>> {
        let all = items.iter().map(|(digest, signature)| (digest, signature));
        let keys = keys_of(&all.collect::<Vec<_>>()).into_iter();
        keys.map(|key| Some(address(&key?.to_bytes()))).collect()
    }

    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        self.answer(checks, known_all, |items| {
            let keys = keys_of(items).into_iter();
            keys.map(|key| key.map(addressed)).collect()
        })
    }
}

fn key_of(digest: &B256, signature: &Signature) -> Option<Affine> {
    let inverse = Scalar::from_bytes(signature.r()).invert();
    recover(digest, signature, inverse)?.affine()
}

/// The keys of many signatures, with two inversions for all of them.
fn keys_of(items: &[Signed<'_>]) -> Vec<Option<Affine>> {
    let r = |(_, signature): &Signed<'_>| Scalar::from_bytes(signature.r());
    let mut inverses: Vec<_> = items.iter().map(r).collect();
    Scalar::invert_all(&mut inverses);
    let points = items.iter().zip(inverses);
    let points = points.map(|((digest, signature), inverse)| {
        recover(digest, signature, inverse).unwrap_or(Jacobian::INFINITY)
    });
    Jacobian::affine_all(&points.collect::<Vec<_>>())
}

/// Whether each of many signatures is of its known key, with two inversions for all of them.
fn known_all(items: &[(&Check, &Table)]) -> Vec<bool> {
    let s = |(check, _): &(&Check, &Table)| Scalar::from_bytes(check.signature.s());
    let mut inverses: Vec<_> = items.iter().map(s).collect();
    Scalar::invert_all(&mut inverses);
    let points = items.iter().zip(inverses);
    let points = points
        .map(|((check, table), inverse)| table.point(&check.digest, &check.signature, inverse));
    let points = Jacobian::affine_all(&points.collect::<Vec<_>>());
    let answers = items.iter().zip(points);
    answers
        .map(|((check, _), point)| named(point, &check.signature))
        .collect()
}
