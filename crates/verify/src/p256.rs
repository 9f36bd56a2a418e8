//! Signatures over P-256: of a digest, and of what an authenticator of WebAuthn asserts.
//!
//! A signature is `r ‖ s ‖ x ‖ y`, 128 bytes, with the key that is said to have made it: P-256 has no recovery. `s` is in the
//! lower half. The account of a key is the end of keccak-256 of `x ‖ y`, as Tempo has it. The curve is the crate p256's.
//!
//! What envelope carries a signature, and what a browser's client data say in their JSON, is for the crate that reads them.

use crate::engine::address;
use ::p256::ecdsa::{Signature as Scalars, VerifyingKey, signature::hazmat::PrehashVerifier};
use http402_core::{Address, B256};
use k256::sha2::{Digest, Sha256};

/// (n - 1)/2 of P-256, the largest `s` that is accepted.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// `authenticatorData` without extensions, in bytes (WebAuthn level 2, section 6.1).
pub const AUTHENTICATOR: usize = 37;
/// Where its flags stand.
const FLAGS: usize = 32;
/// The user was present (0x01), or verified (0x04).
const PRESENT: u8 = 0x05;
/// Attested credentials (0x40) or extensions (0x80) follow, which assertions of Tempo accounts do not have.
const MORE: u8 = 0xc0;

/// The account whose key made this signature of this digest; `None` when it did not.
///
/// ```
/// use http402_verify::p256;
///
/// assert_eq!(p256::signer(&[7; 32].into(), &[0; 128]), None);
/// ```
pub fn signer(digest: &B256, signed: &[u8; 128]) -> Option<Address> {
    verified(&digest.0, signed)
}

/// The same for signers that can only sign what they have hashed themselves: of the SHA-256 of the digest.
pub fn hashed(digest: &B256, signed: &[u8; 128]) -> Option<Address> {
    verified(&Sha256::digest(digest).into(), signed)
}

/// The account whose authenticator made this assertion over client data (WebAuthn level 2, section 7.2), with the user
/// present. That the client data are of an assertion, and of the right challenge, is for the caller to see.
pub fn asserted(
    authenticator: &[u8; AUTHENTICATOR],
    client: &[u8],
    signed: &[u8; 128],
) -> Option<Address> {
    let flags = authenticator[FLAGS];
    if flags & PRESENT == 0 || flags & MORE != 0 {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(authenticator);
    hash.update(Sha256::digest(client));
    verified(&hash.finalize().into(), signed)
}

/// The account of the key, when the signature is of the message with this hash.
fn verified(hash: &[u8; 32], signed: &[u8; 128]) -> Option<Address> {
    let (scalars, point) = signed.split_at(64);
    if scalars[32..] > HALF[..] {
        return None;
    }
    let mut encoded = [4; 65];
    encoded[1..].copy_from_slice(point);
    let key = VerifyingKey::from_sec1_bytes(&encoded).ok()?;
    let scalars = Scalars::from_slice(scalars).ok()?;
    key.verify_prehash(hash, &scalars).ok()?;
    Some(address(point))
}
