//! Engines: who does the arithmetic of the curve.
//!
//! An engine is a value. A feature only makes one available; a program chooses in its `main`, and every engine gives the same
//! answers.

mod portable;

#[cfg(feature = "lanes")]
pub use portable::Lanes;
pub use portable::{Keys, Portable};

use crate::Signature;
use http402_core::{Address, B256, keccak256};
use std::{fmt, sync::Arc};

/// A signature that a payer is said to have made of a digest.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is what a check takes, and nothing else can matter to it"
)]
pub struct Check {
    /// What was signed.
    pub digest: B256,
    /// The signature.
    pub signature: Signature,
    /// Who is said to have made it.
    pub payer: Address,
}

/// Recovers the address that made a signature, and answers whether it is the expected one.
///
/// All but [`recover`](Engine::recover) follows from it: an engine that has a faster way gives the same answers.
pub trait Engine: Send + Sync + fmt::Debug {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// The address whose key made this signature of this digest; `None` when no key did.
    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address>;

    /// Whether `payer` made this signature of this digest.
    fn check(&self, digest: &B256, signature: &Signature, payer: &Address) -> bool {
        self.recover(digest, signature).as_ref() == Some(payer)
    }

    /// [`recover`](Engine::recover) for each item, in order. No item's answer depends on another's.
    fn recover_all(&self, items: &[(B256, Signature)]) -> Vec<Option<Address>> {
        let all = items.iter();
        all.map(|(digest, signature)| self.recover(digest, signature))
            .collect()
    }

    /// The keccak-256 of each input, in order.
    fn keccak_all(&self, inputs: &[&[u8]]) -> Vec<B256> {
        inputs.iter().map(keccak256).collect()
    }

    /// [`check`](Engine::check) for each item, in order. No item's answer depends on another's.
    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        let all = checks.iter();
        all.map(|check| self.check(&check.digest, &check.signature, &check.payer))
            .collect()
    }
}

impl<E: Engine + ?Sized> Engine for Arc<E> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        (**self).recover(digest, signature)
    }

    fn check(&self, digest: &B256, signature: &Signature, payer: &Address) -> bool {
        (**self).check(digest, signature, payer)
    }

    fn recover_all(&self, items: &[(B256, Signature)]) -> Vec<Option<Address>> {
        (**self).recover_all(items)
    }

    fn keccak_all(&self, inputs: &[&[u8]]) -> Vec<B256> {
        (**self).keccak_all(inputs)
    }

    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        (**self).check_all(checks)
    }
}

/// The address of an uncompressed public key without its leading 4.
pub(crate) fn address(point: &[u8]) -> Address {
    Address::from_slice(&keccak256(point)[12..])
}

/// The engine of RustCrypto's k256: pure Rust, and the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct K256;

impl Engine for K256 {
    fn name(&self) -> &'static str {
        "k256"
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        use k256::ecdsa::{RecoveryId, Signature as Scalars, VerifyingKey};
        let scalars = Scalars::from_scalars(*signature.r(), *signature.s()).ok()?;
        // x = r: a v of 29 or 30, for x = r + n, is not accepted by contracts, and `Signature` has none.
        let id = RecoveryId::new(signature.odd(), false);
        let key = VerifyingKey::recover_from_prehash(digest.as_slice(), &scalars, id).ok()?;
        let point = key.to_sec1_point(false);
        Some(address(point.as_bytes().get(1..)?))
    }
}

/// The engine of libsecp256k1, which is written in C.
#[cfg(feature = "libsecp256k1")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Libsecp256k1;

#[cfg(feature = "libsecp256k1")]
impl Engine for Libsecp256k1 {
    fn name(&self) -> &'static str {
        "libsecp256k1"
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        use secp256k1::{
            Message,
            ecdsa::{RecoverableSignature, RecoveryId},
        };
        let mut compact = [0; 64];
        compact[..32].copy_from_slice(signature.r());
        compact[32..].copy_from_slice(signature.s());
        let id = if signature.odd() {
            RecoveryId::One
        } else {
            RecoveryId::Zero
        };
        let scalars = RecoverableSignature::from_compact(&compact, id).ok()?;
        let key = scalars.recover_ecdsa(Message::from_digest(digest.0)).ok()?;
        Some(address(&key.serialize_uncompressed()[1..]))
    }
}
