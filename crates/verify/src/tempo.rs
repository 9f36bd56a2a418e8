//! Signatures of Tempo accounts, in the forms of TIP-1020: secp256k1, P-256, and WebAuthn over P-256.
//!
//! | form | bytes |
//! |---|---|
//! | secp256k1 | `r ‖ s ‖ v`, 65 bytes |
//! | P-256 | `01 ‖ r ‖ s ‖ x ‖ y ‖ h`, 130 bytes; with h other than 0 the SHA-256 of the digest was signed |
//! | WebAuthn | `02 ‖ authenticatorData ‖ clientDataJSON ‖ r ‖ s ‖ x ‖ y`, at most 2049 bytes |
//!
//! `s` is in the lower half in all of them. The account of a P-256 key is the end of keccak-256 of `x ‖ y`. The curve is the
//! crate p256's. Signatures of access keys, which begin with 3, are for the chain to tell.

use crate::{
    Signature,
    engine::{Engine, address},
};
use http402_core::{Address, B256, json::Json};
use k256::sha2::{Digest, Sha256};
use p256::ecdsa::{Signature as Scalars, VerifyingKey, signature::hazmat::PrehashVerifier};

/// (n - 1)/2 of P-256, the largest `s` that is accepted.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// The longest WebAuthn signature, without its type, in bytes.
const MAX_WEBAUTHN: usize = 2048;
/// `authenticatorData` without extensions, in bytes (WebAuthn level 2, section 6.1).
const AUTHENTICATOR: usize = 37;
/// Where its flags stand.
const FLAGS: usize = 32;
/// The user was present, or verified.
const PRESENT: u8 = 0x01 | 0x04;
/// Attested credentials or extensions follow, which assertions of Tempo accounts do not have.
const MORE: u8 = 0x40 | 0x80;

/// The account that made this signature of this digest; `None` when none did, or it is in no form that is known here.
///
/// ```
/// use http402_verify::{engine::K256, tempo};
///
/// let digest = [7; 32].into();
/// assert_eq!(tempo::signer(&K256, &digest, &[0; 65]), None);
/// ```
pub fn signer(engine: &dyn Engine, digest: &B256, signature: &[u8]) -> Option<Address> {
    if signature.len() == 65 {
        return engine.recover(digest, &Signature::parse(signature)?);
    }
    match signature.split_first()? {
        (1, rest) => {
            let (key, hashed) = rest.split_first_chunk::<128>()?;
            match hashed {
                [0] => verified(&digest.0, key),
                [_] => verified(&Sha256::digest(digest).into(), key),
                _ => None,
            }
        }
        (2, rest) if rest.len() <= MAX_WEBAUTHN => {
            let (data, key) = rest.split_last_chunk::<128>()?;
            verified(&asserted(digest, data)?, key)
        }
        _ => None,
    }
}

/// The account of the key in `r ‖ s ‖ x ‖ y`, when the signature is of the message with this hash.
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

/// The hash that an authenticator signs, when its data are an assertion with this digest as challenge (WebAuthn level 2,
/// section 7.2).
fn asserted(digest: &B256, data: &[u8]) -> Option<[u8; 32]> {
    let (authenticator, client) = data.split_at_checked(AUTHENTICATOR)?;
    let flags = authenticator[FLAGS];
    if flags & PRESENT == 0 || flags & MORE != 0 {
        return None;
    }
    let json = Json::parse(std::str::from_utf8(client).ok()?).ok()?;
    let text = |name| json.get(name).and_then(Json::as_text);
    let right = text("type") == Some("webauthn.get")
        && text("challenge").is_some_and(|challenge| challenge.as_bytes() == base64url(digest));
    let mut hash = Sha256::new();
    hash.update(authenticator);
    hash.update(Sha256::digest(client));
    right.then(|| hash.finalize().into())
}

/// base64url without padding, of 32 bytes.
fn base64url(digest: &B256) -> [u8; 43] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = [0; 43];
    for (digits, bytes) in out.chunks_mut(4).zip(digest.chunks(3)) {
        let mut word = [0; 4];
        word[1..=bytes.len()].copy_from_slice(bytes);
        let word = u32::from_be_bytes(word);
        for (digit, shift) in digits.iter_mut().zip([18, 12, 6, 0]) {
            *digit = ALPHABET[(word >> shift & 63) as usize];
        }
    }
    out
}
