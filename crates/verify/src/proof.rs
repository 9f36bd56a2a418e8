//! Proof of who asks, for an MPP charge of nothing.

use crate::{Signature, Verifier};
use http402_core::{
    Party, Price, Reason, Requirement, TransferMethod, Verdict, authorization::MppProof,
};

impl Verifier {
    /// The account's own key is recognised here. Anything else may be a key that the account allows, which only the chain can
    /// tell: on Tempo an account without code has such keys, too.
    pub(crate) fn proof(&self, requirement: &Requirement, proof: &MppProof) -> Verdict {
        if requirement.transfer != TransferMethod::Native {
            return Verdict::Invalid(Reason::MethodMismatch);
        }
        if requirement.price != Price::Nothing {
            return Verdict::Invalid(Reason::AmountMismatch);
        }
        let Some(chain) = requirement.chain.evm() else {
            return Verdict::Invalid(Reason::UnsupportedNetwork);
        };
        let digest = proof.document(chain).digest();
        let right = Signature::parse(&proof.signature)
            .is_some_and(|signature| self.engine.check(&digest, &signature, &proof.account));
        if right {
            return Verdict::Valid {
                payer: Party::Evm(proof.account),
            };
        }
        Verdict::NeedsChain
    }
}
