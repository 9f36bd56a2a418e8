//! Proof of who asks, for a charge of nothing.

use crate::{
    AskError,
    abi::{KEYCHAIN, Keychain},
    node::Node,
    signature::Form,
};
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use http402_core::{Reason, Timestamp, authorization::MppProof};
use http402_verify::engine::Engine;

/// The longest signature that is looked at: an access key's passkey.
const MAX_LEN: usize = 2 * 1024 + 64;

/// A proof whose signature has a known form.
#[derive(Clone, Debug)]
pub(crate) struct Proof<'a> {
    account: Address,
    digest: B256,
    form: Form<'a>,
}

impl<'a> Proof<'a> {
    pub(crate) fn read(proof: &'a MppProof, chain: u64) -> Result<Self, Reason> {
        if proof.signature.len() > MAX_LEN {
            return Err(Reason::Signature);
        }
        let form = Form::read(&proof.signature).ok_or(Reason::Signature)?;
        match form {
            // The account in the envelope is the one that asks.
            Form::Access { account, .. } if account != proof.account => Err(Reason::Signature),
            form => Ok(Self {
                account: proof.account,
                digest: proof.document(chain).digest(),
                form,
            }),
        }
    }

    /// Whether the account's own key, or one of its access keys that is live at `now`, has signed.
    pub(crate) async fn check(
        &self,
        node: &dyn Node,
        engine: &dyn Engine,
        now: Timestamp,
    ) -> Result<Result<(), Reason>, AskError> {
        let digest = self.form.digest(&self.digest);
        let Some(signer) = self.form.key().signer(&digest, engine) else {
            return Ok(Err(Reason::Signature));
        };
        let own = matches!(self.form, Form::Own(_)) && signer == self.account;
        if own || live(node, self.account, signer, now).await? {
            Ok(Ok(()))
        } else {
            Ok(Err(Reason::Signature))
        }
    }
}

/// Whether an account has this access key, neither revoked nor expired.
async fn live(
    node: &dyn Node,
    account: Address,
    key: Address,
    now: Timestamp,
) -> Result<bool, AskError> {
    let call = Keychain::getKeyCall {
        account,
        keyId: key,
    };
    let answer = node.read(KEYCHAIN, call.abi_encode().into()).await?;
    let info = answer.and_then(|bytes| Keychain::getKeyCall::abi_decode_returns(&bytes).ok());
    Ok(info.is_some_and(|info| {
        // An unknown key is all zeros.
        info.keyId == key && !key.is_zero() && !info.isRevoked && info.expiry > now.secs()
    }))
}
