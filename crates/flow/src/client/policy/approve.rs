//! The policy sees what will be signed before the signer does.

use super::{Allowance, Denial, Policy};
use http402_core::{
    Authorization, Party, Price, Requirement, Timestamp,
    authorization::{Eip3009, MppProof},
    protocol::{Draft, Offer},
    seam::TransactionReader,
    typed::ToSign,
};
use std::{fmt, sync::Arc};

/// Who tells what transactions do.
#[derive(Clone, Default)]
pub(super) struct Transactions(pub(super) Option<Arc<dyn TransactionReader>>);

impl Transactions {
    pub(super) fn read(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.read() { "read" } else { "refused" })
    }
}

impl Policy {
    /// Sees the document before the signer does: it must be, field by field, the one that moves the offered amount of the
    /// known token to the payee, and nothing else.
    ///
    /// # Errors
    /// When it is anything else, or holds for longer than allowed.
    pub fn approve(
        &self,
        offer: &Offer,
        payer: &Party,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<(), Denial> {
        let asked = &offer.requirement;
        match (&draft.authorization, &asked.price) {
            (Authorization::Eip3009(transfer), Price::Exactly(_)) => {
                let (_, allowance) = self.allowance(asked).ok_or(Denial::Asset)?;
                if !moves(allowance, asked, payer, transfer, draft) {
                    return Err(Denial::Document);
                }
            }
            (Authorization::TempoTransaction(_), Price::Exactly(_)) => {
                let reader = self.transactions.0.as_ref().ok_or(Denial::Kind)?;
                reader
                    .pays_only(asked, payer, &draft.authorization, &draft.to_sign)
                    .map_err(Denial::Transaction)?;
            }
            (Authorization::MppProof(proof), Price::Nothing) if self.proves => {
                if !proves(asked, payer, proof, draft) {
                    return Err(Denial::Document);
                }
            }
            _ => return Err(Denial::Document),
        }
        if draft.spends != draft.authorization.spends(&asked.chain, &asked.asset) {
            return Err(Denial::Document);
        }
        let lives = draft.authorization.window();
        let lives = lives.map_or(0, |window| window.end().since(now));
        if lives > self.lifetime {
            return Err(Denial::Lifetime {
                asked: lives,
                longest: self.lifetime,
            });
        }
        Ok(())
    }
}

/// Whether the document moves what is asked for, by the token's own domain.
fn moves(
    allowance: &Allowance,
    asked: &Requirement,
    payer: &Party,
    transfer: &Eip3009,
    draft: &Draft,
) -> bool {
    let (Some(chain), Some(token)) = (asked.chain.evm(), asked.asset.evm()) else {
        return false;
    };
    let expected = ToSign::typed(transfer.document(&allowance.asset.domain(), chain, token));
    asked.price == Price::Exactly(http402_core::Amount::from_units(transfer.value))
        && asked.pay_to.evm() == Some(transfer.to)
        && payer.evm() == Some(transfer.from)
        && transfer.signature.is_empty()
        && draft.to_sign == expected
}

/// Whether the document says who asks, and nothing else.
fn proves(asked: &Requirement, payer: &Party, proof: &MppProof, draft: &Draft) -> bool {
    let Some(chain) = asked.chain.evm() else {
        return false;
    };
    payer.evm() == Some(proof.account)
        && proof.signature.is_empty()
        && draft.to_sign == ToSign::typed(proof.document(chain))
}
