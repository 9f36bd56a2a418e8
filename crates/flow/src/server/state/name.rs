//! A payer's own name for what he asks for, as one more key of his claim.
//!
//! The key is reserved, settled and kept with the keys of what is spent, in the same writes. So a second payment under the same
//! name finds what became of the first, in whatever phase it is.

use super::*;
use http402_core::Party;

/// What a key of a name begins with. Spend keys of protocols begin otherwise.
const NAME: &str = "name:";

/// Names of different payers are different keys, and a key shows neither.
fn key(payer: &Party, id: &str) -> SpendKey {
    let payer = payer.to_string();
    let mut bytes = Vec::with_capacity(8 + payer.len() + id.len());
    bytes.extend_from_slice(&(payer.len() as u64).to_be_bytes());
    bytes.extend_from_slice(payer.as_bytes());
    bytes.extend_from_slice(id.as_bytes());
    SpendKey::new(format!("{NAME}{:#x}", keccak256(bytes)))
}

fn has_name(claim: &Claim) -> bool {
    claim
        .spends
        .iter()
        .any(|key| key.as_str().starts_with(NAME))
}

impl Presented {
    /// The same, with the payer's name for it. Only for a payer who has been shown to be the one.
    pub(crate) fn named(mut self, payer: &Party, id: Option<&str>) -> Self {
        if let Some(id) = id.filter(|_| !has_name(&self.claim)) {
            Arc::make_mut(&mut self.claim).spends.push(key(payer, id));
        }
        self
    }

    /// The key of the payer's name for it.
    pub(crate) fn name(&self) -> Option<Key> {
        let mut spends = self.claim.spends.iter();
        let name = spends.find(|key| key.as_str().starts_with(NAME));
        name.map(Key::from)
    }
}

impl Judged {
    /// Gives it the payer's name; `false` when it has one, or there is none.
    pub(crate) fn name(&mut self, id: Option<&str>) -> bool {
        let Some(id) = id.filter(|_| !has_name(&self.claim)) else {
            return false;
        };
        let key = key(&self.payer, id);
        Arc::make_mut(&mut self.claim).spends.push(key);
        true
    }
}
