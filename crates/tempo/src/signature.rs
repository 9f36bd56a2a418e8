//! The signatures that Tempo accounts have, as far as their form goes.

use alloy_primitives::{Address, B256, keccak256};
use http402_verify::{Signature, engine::Engine};

/// What a P-256 signature begins with.
const P256: u8 = 0x01;
/// What a WebAuthn signature begins with.
const WEBAUTHN: u8 = 0x02;
/// What the signature of an access key begins with, in its older form.
const KEYCHAIN: u8 = 0x03;
/// The same, in the form that signs the account, too.
const KEYCHAIN_V2: u8 = 0x04;

const SECP256K1_LEN: usize = 65;
const P256_LEN: usize = 130;
/// 0x02, at most 2048 bytes.
const WEBAUTHN_LEN: std::ops::RangeInclusive<usize> = 129..=2049;

/// A signature of a Tempo account, by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// The account's own key.
    Own(Key<'a>),
    /// An access key, for the account that it names.
    Access {
        account: Address,
        /// Whether the account is part of what is signed.
        bound: bool,
        key: Key<'a>,
    },
}

/// A signature of one key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// 65 bytes without a prefix.
    Secp256k1(&'a [u8]),
    /// P-256 or WebAuthn, with the public key that it says to be of; only the chain verifies it here.
    Public { address: Address, bytes: &'a [u8] },
}

impl std::fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl<'a> Form<'a> {
    /// Reads a signature; 65 bytes are always one of secp256k1, whatever they begin with.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        if bytes.len() == SECP256K1_LEN || !matches!(kind, KEYCHAIN | KEYCHAIN_V2) {
            return Key::read(bytes).map(Self::Own);
        }
        let (account, inner) = rest.split_first_chunk::<20>()?;
        Some(Self::Access {
            account: Address::from(account),
            bound: kind == KEYCHAIN_V2,
            key: Key::read(inner)?,
        })
    }

    /// The account that it says to be of. For a key of secp256k1 that is the one that made it.
    pub(crate) fn account(&self, digest: &B256, engine: &dyn Engine) -> Option<Address> {
        match self {
            Self::Own(key) => key.address(digest, engine),
            Self::Access { account, .. } => Some(*account),
        }
    }

    /// What the key signs, for a digest that the account is asked to sign.
    pub(crate) fn digest(&self, digest: &B256) -> B256 {
        match self {
            Self::Access {
                account,
                bound: true,
                ..
            } => {
                let mut bytes = [0; 53];
                bytes[0] = KEYCHAIN_V2;
                bytes[1..33].copy_from_slice(digest.as_slice());
                bytes[33..].copy_from_slice(account.as_slice());
                keccak256(bytes)
            }
            _ => *digest,
        }
    }

    /// The key that signed.
    pub(crate) fn key(&self) -> Key<'a> {
        match self {
            Self::Own(key) | Self::Access { key, .. } => *key,
        }
    }
}

impl<'a> Key<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() == SECP256K1_LEN {
            return Some(Self::Secp256k1(bytes));
        }
        // The coordinates are the last 64 bytes, but for a flag after those of P-256.
        let end = match *bytes.first()? {
            P256 if bytes.len() == P256_LEN => bytes.len() - 1,
            WEBAUTHN if WEBAUTHN_LEN.contains(&bytes.len()) => bytes.len(),
            _ => return None,
        };
        let point = bytes.get(end - 64..end)?;
        Some(Self::Public {
            address: Address::from_slice(&keccak256(point)[12..]),
            bytes,
        })
    }

    /// The address of the key: recovered, or of the public key that stands in the signature.
    pub(crate) fn address(&self, digest: &B256, engine: &dyn Engine) -> Option<Address> {
        match self {
            Self::Secp256k1(bytes) => engine.recover(digest, &Signature::parse(bytes)?),
            Self::Public { address, .. } => Some(*address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http402_verify::{LocalKey, engine::K256};

    #[test]
    fn s45_a_signature_is_of_the_kind_that_its_form_says() {
        let key = LocalKey::from_bytes(&[7; 32]).unwrap();
        let digest = B256::repeat_byte(9);
        let signature = key.sign_digest(&digest);
        let own = Form::read(&signature).unwrap();
        assert_eq!(own.account(&digest, &K256), Some(key.address()));

        let mut passkey = vec![WEBAUTHN];
        passkey.resize(129, 5);
        let form = Form::read(&passkey).unwrap();
        let expected = Address::from_slice(&keccak256([5; 64])[12..]);
        assert_eq!(form.account(&digest, &K256), Some(expected));
        // The same bytes are no P-256 signature, and 65 of them are one of secp256k1.
        passkey[0] = P256;
        assert_eq!(Form::read(&passkey), None);
        assert!(matches!(
            Form::read(&[1; 65]),
            Some(Form::Own(Key::Secp256k1(_)))
        ));
        for bad in [&[][..], &[1], &[3; 21], &[3; 40], &[9; 130]] {
            assert_eq!(Form::read(bad), None);
        }
    }

    #[test]
    fn an_access_key_names_its_account_and_signs_it_in_the_newer_form() {
        let key = LocalKey::from_bytes(&[7; 32]).unwrap();
        let account = Address::repeat_byte(3);
        let digest = B256::repeat_byte(9);
        for (prefix, bound) in [(KEYCHAIN, false), (KEYCHAIN_V2, true)] {
            let mut bytes = vec![prefix];
            bytes.extend_from_slice(account.as_slice());
            bytes.extend_from_slice(&key.sign_digest(&digest));
            let form = Form::read(&bytes).unwrap();
            assert_eq!(form.account(&digest, &K256), Some(account));
            assert_eq!(form.digest(&digest) != digest, bound);
            let signer = form.key().address(&form.digest(&digest), &K256);
            assert_eq!(signer == Some(key.address()), !bound);
        }
        // An access key within an access key is none.
        assert_eq!(Form::read(&[3; 86 + 21]), None);
    }
}
