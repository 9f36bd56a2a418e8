//! The signatures that Tempo accounts have (TIP-1020).
//!
//! | form | bytes |
//! |---|---|
//! | secp256k1 | `r ‖ s ‖ v`, 65 bytes |
//! | P-256 | `01 ‖ r ‖ s ‖ x ‖ y ‖ h`, 130 bytes; with h other than 0 the SHA-256 of the digest was signed |
//! | WebAuthn | `02 ‖ authenticatorData ‖ clientDataJSON ‖ r ‖ s ‖ x ‖ y`, at most 2049 bytes |
//! | access key | `03 ‖ account ‖ one of the above`; with 04 the account is part of what is signed |
//!
//! Here they are taken apart; whether the key has signed is for [http402-verify](http402_verify).

use alloy_primitives::{Address, B256, keccak256};
use http402_core::json::{Document, Json};
use http402_mpp::base64url;
use http402_verify::{
    Signature,
    engine::Engine,
    p256::{self, AUTHENTICATOR},
};

/// What a P-256 signature begins with.
const P256: u8 = 0x01;
/// What a WebAuthn signature begins with.
const WEBAUTHN: u8 = 0x02;
/// What the signature of an access key begins with, in its older form.
const KEYCHAIN: u8 = 0x03;
/// The same, in the form that signs the account, too.
const KEYCHAIN_V2: u8 = 0x04;

const SECP256K1_LEN: usize = 65;
/// 0x02, at most 2048 bytes.
const MAX_WEBAUTHN_LEN: usize = 2049;

/// The account whose own key made this signature of this digest; `None` when none did, or it is in no form that is known here.
/// Access keys are for the chain to tell.
///
/// ```
/// use http402_tempo::signature;
/// use http402_verify::engine::K256;
///
/// assert_eq!(signature::signer(&K256, &[7; 32].into(), &[0; 65]), None);
/// ```
pub fn signer(engine: &dyn Engine, digest: &B256, signature: &[u8]) -> Option<Address> {
    match Form::read(signature)? {
        Form::Own(key) => key.signer(digest, engine),
        Form::Access { .. } => None,
    }
}

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
    /// Of P-256, of the digest or of its SHA-256.
    P256 { signed: &'a [u8; 128], hashed: bool },
    /// A passkey's.
    WebAuthn {
        authenticator: &'a [u8; AUTHENTICATOR],
        client: &'a [u8],
        signed: &'a [u8; 128],
    },
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

    /// The account that it is of, when its key has signed. That an access key is one of the account's only the chain tells.
    pub(crate) fn account(&self, digest: &B256, engine: &dyn Engine) -> Option<Address> {
        let signer = self.key().signer(&self.digest(digest), engine)?;
        match self {
            Self::Own(_) => Some(signer),
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
        match bytes.split_first()? {
            (&P256, rest) => {
                let (signed, flag) = rest.split_first_chunk()?;
                let [flag] = flag else { return None };
                let hashed = *flag != 0;
                Some(Self::P256 { signed, hashed })
            }
            (&WEBAUTHN, rest) if bytes.len() <= MAX_WEBAUTHN_LEN => {
                let (data, signed) = rest.split_last_chunk()?;
                let (authenticator, client) = data.split_first_chunk()?;
                Some(Self::WebAuthn {
                    authenticator,
                    client,
                    signed,
                })
            }
            _ => None,
        }
    }

    /// The address of the key, when it has signed this digest.
    pub(crate) fn signer(&self, digest: &B256, engine: &dyn Engine) -> Option<Address> {
        match self {
            Self::Secp256k1(bytes) => engine.recover(digest, &Signature::parse(bytes)?),
            Self::P256 {
                signed,
                hashed: false,
            } => p256::signer(digest, signed),
            Self::P256 {
                signed,
                hashed: true,
            } => p256::hashed(digest, signed),
            Self::WebAuthn {
                authenticator,
                client,
                signed,
            } => asserts(client, digest)
                .then(|| p256::asserted(authenticator, client, signed))
                .flatten(),
        }
    }
}

/// Whether client data are of an assertion with this digest as challenge (WebAuthn level 2, section 5.8.1).
fn asserts(client: &[u8], digest: &B256) -> bool {
    let text = std::str::from_utf8(client).ok();
    let Some(json) = text.and_then(|text| Document::parse(text).ok()) else {
        return false;
    };
    let text = |name| json.root().get(name).and_then(Json::as_text);
    text("type") == Some("webauthn.get")
        && text("challenge") == Some(&*base64url::encode(digest.as_slice()))
}

#[cfg(test)]
mod tests;
