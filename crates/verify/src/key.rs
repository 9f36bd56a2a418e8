use alloy_primitives::hex;
use http402_core::{
    Address, Bytes, Party, keccak256,
    seam::{Boxed, SeamError, Signer},
    typed::ToSign,
};
use k256::ecdsa::SigningKey;
use std::fmt;
use zeroize::Zeroizing;

/// A wallet with its key in memory. The key is wiped when it is dropped, and printed nowhere.
#[derive(Clone)]
pub struct LocalKey {
    key: SigningKey,
    address: Address,
}

/// Bytes or text that are no private key. It says nothing about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a private key: 32 bytes, or 64 hexadecimal digits, between 1 and the order of the curve")
    }
}

impl std::error::Error for KeyError {}

impl LocalKey {
    /// The key of these 32 bytes, big-endian.
    ///
    /// # Errors
    /// When they are zero or not below the order of the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = SigningKey::from_slice(bytes).map_err(|_| KeyError)?;
        let point = key.verifying_key().to_sec1_point(false);
        let coordinates = point.as_bytes().get(1..).ok_or(KeyError)?;
        let address = Address::from_slice(&keccak256(coordinates)[12..]);
        Ok(Self { key, address })
    }

    /// The key of 64 hexadecimal digits, with or without `0x`.
    ///
    /// # Errors
    /// When the text is something else, or out of range.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| KeyError)?;
        Self::from_bytes(&bytes)
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest: 65 bytes, s in the lower half, v 27 or 28.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 65] {
        let (signature, id) = self.key.sign_prehash_recoverable(digest);
        let normal = signature.normalize_s();
        let flipped = normal != signature;
        let mut out = [0; 65];
        out[..64].copy_from_slice(&normal.to_bytes());
        out[64] = 27 + u8::from(id.is_y_odd() != flipped);
        out
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Signer for LocalKey {
    fn party(&self) -> Party {
        Party::Evm(self.address)
    }

    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>> {
        Box::pin(async move { Ok(Bytes::copy_from_slice(&self.sign_digest(&what.digest().0))) })
    }
}
