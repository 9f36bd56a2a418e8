//! Many claims at once, for whoever has many anyway. A batch is whatever waits: nothing here waits for more.

use crate::{Verifier, engine::Check};
use http402_core::{
    Authorization, Claim, Party, Reason, Verdict,
    seam::{Judge, Known},
};

/// What a claim still asks for, when everything but the curve has been looked at.
pub(crate) enum Asks {
    Nothing(Verdict),
    Engine {
        check: Check,
        /// Whether the payer is known to have no code, so that a wrong signature is the last word.
        absent: bool,
    },
}

/// The verdict on a signature that is not the payer's.
pub(crate) fn wrong(absent: bool) -> Verdict {
    if absent {
        Verdict::Invalid(Reason::Signature)
    } else {
        Verdict::NeedsChain
    }
}

fn answered(right: bool, check: &Check, absent: bool) -> Verdict {
    if right {
        Verdict::Valid {
            payer: Party::Evm(check.payer),
        }
    } else {
        wrong(absent)
    }
}

impl Verifier {
    pub(crate) fn finish(&self, asks: Asks) -> Verdict {
        match asks {
            Asks::Nothing(verdict) => verdict,
            Asks::Engine { check, absent } => {
                let Check {
                    digest,
                    signature,
                    payer,
                } = &check;
                answered(self.engine.check(digest, signature, payer), &check, absent)
            }
        }
    }

    /// Judges each claim, in order. Every verdict is the one that [`judge`](Judge::judge) gives for the claim alone, whatever
    /// the others are; an engine may share work among them.
    pub fn judge_batch(&self, claims: &[(&Claim, &Known)]) -> Vec<Verdict> {
        let asks = claims
            .iter()
            .map(|(claim, known)| match &claim.authorization {
                Authorization::Eip3009(signed) => {
                    self.eip3009_asks(&claim.requirement, signed, known)
                }
                _ => Asks::Nothing(self.judge(claim, known)),
            });
        let asks: Vec<Asks> = asks.collect();
        let checks = asks.iter().filter_map(|asks| match asks {
            Asks::Nothing(_) => None,
            Asks::Engine { check, .. } => Some(*check),
        });
        let mut answers = self
            .engine
            .check_all(&checks.collect::<Vec<_>>())
            .into_iter();
        let verdicts = asks.into_iter().map(|asks| match asks {
            Asks::Nothing(verdict) => verdict,
            // An engine that answers too little has not said that a signature is right.
            Asks::Engine { check, absent } => {
                answered(answers.next().unwrap_or(false), &check, absent)
            }
        });
        verdicts.collect()
    }
}
