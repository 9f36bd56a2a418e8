use alloy_primitives::Bytes;
use http402_core::{
    Party,
    seam::{Boxed, SeamError, Signer},
    typed::ToSign,
};
use std::fmt;

/// Any of alloy's signers as a wallet that pays: a keystore, a KMS, a hardware wallet.
///
/// It signs the digest of what it is given. The signature has `s` in the lower half and `v` 27 or 28, whatever the device
/// returns.
#[derive(Clone)]
pub struct AlloySigner<S>(S);

impl<S: alloy_signer::Signer + Send + Sync> AlloySigner<S> {
    /// This signer.
    pub fn new(signer: S) -> Self {
        Self(signer)
    }
}

impl<S: alloy_signer::Signer> fmt::Debug for AlloySigner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlloySigner")
            .field(&self.0.address())
            .finish()
    }
}

impl<S: alloy_signer::Signer + Send + Sync> Signer for AlloySigner<S> {
    fn party(&self) -> Party {
        Party::Evm(self.0.address())
    }

    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>> {
        Box::pin(async move {
            let signature = self.0.sign_hash(&what.digest()).await?;
            let signature = signature.normalize_s().unwrap_or(signature);
            Ok(Bytes::copy_from_slice(&signature.as_bytes()))
        })
    }
}
