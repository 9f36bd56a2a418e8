//! Many claims at once, for whoever has many anyway. A batch is whatever waits: nothing here waits for more.

use crate::{Signature, Verifier, engine::Check, typed::Typed};
use http402_core::{Address, Claim, Party, Reason, Verdict, seam::Known};

/// What a claim still asks for, when everything but the curve has been looked at.
pub(crate) enum Asks {
    Nothing(Verdict),
    Engine {
        message: Typed,
        signature: Signature,
        payer: Address,
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

fn answered(right: bool, payer: Address, absent: bool) -> Verdict {
    if right {
        Verdict::Valid {
            payer: Party::Evm(payer),
        }
    } else {
        wrong(absent)
    }
}

impl Verifier {
    pub(crate) fn finish(&self, asks: Asks) -> Verdict {
        match asks {
            Asks::Nothing(verdict) => verdict,
            Asks::Engine {
                message,
                signature,
                payer,
                absent,
            } => {
                let right = self.engine.check(&message.digest(), &signature, &payer);
                answered(right, payer, absent)
            }
        }
    }

    /// Judges each claim, in order. Every verdict is the one that [`judge`](Judge::judge) gives for the claim alone, whatever
    /// the others are; an engine may share work among them.
    pub fn judge_batch(&self, claims: &[(&Claim, &Known)]) -> Vec<Verdict> {
        let asks = claims.iter().map(|(claim, known)| self.asks(claim, known));
        self.finish_all(asks.collect())
    }

    /// [`finish`](Self::finish) for each, in order.
    pub(crate) fn finish_all(&self, asks: Vec<Asks>) -> Vec<Verdict> {
        if asks.len() == 1 {
            return asks.into_iter().map(|asks| self.finish(asks)).collect();
        }
        let mut answers = self.engine.check_all(&self.checks(&asks)).into_iter();
        let verdicts = asks.into_iter().map(|asks| match asks {
            Asks::Nothing(verdict) => verdict,
            // An engine that answers too little has not said that a signature is right.
            Asks::Engine { payer, absent, .. } => {
                answered(answers.next().unwrap_or(false), payer, absent)
            }
        });
        verdicts.collect()
    }
    /// What is asked of the engine, the digests of all made together.
    fn checks(&self, asks: &[Asks]) -> Vec<Check> {
        let asked = || {
            asks.iter().filter_map(|asks| match asks {
                Asks::Nothing(_) => None,
                Asks::Engine {
                    message,
                    signature,
                    payer,
                    ..
                } => Some((message, signature, payer)),
            })
        };
        let messages: Vec<&Typed> = asked().map(|(message, ..)| message).collect();
        let digests = Typed::digests(&messages, &*self.engine);
        let both = asked().zip(digests);
        both.map(|((_, signature, payer), digest)| Check {
            digest,
            signature: *signature,
            payer: *payer,
        })
        .collect()
    }
}
