use crate::{SpendKey, keccak256};
use alloc::{boxed::Box, format, vec::Vec};
use alloy_primitives::B256;

/// The challenge that an authorization answers: who made it (`realm`) and which one it is (`id`). One challenge is paid
/// once, whatever pays it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChallengeRef {
    realm: Box<str>,
    id: Box<str>,
}

impl ChallengeRef {
    /// The challenge `id` of `realm`.
    pub fn new(realm: &str, id: &str) -> Self {
        Self {
            realm: realm.into(),
            id: id.into(),
        }
    }

    /// Who made it.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Which one it is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key of the challenge itself. It is a hash: realm and id may be any text.
    pub fn spend_key(&self) -> SpendKey {
        let mut bytes = Vec::with_capacity(16 + self.realm.len() + self.id.len());
        for part in [&self.realm, &self.id] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        SpendKey::new(format!("challenge:{:#x}", keccak256(bytes)))
    }

    /// `keccak256(id ‖ realm)`, the nonce of an EIP-3009 authorization and the witness of a Permit2 one that pay this
    /// challenge (MPP evm charge).
    pub fn hash(&self) -> B256 {
        keccak256([self.id.as_bytes(), self.realm.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recomputed with another keccak.
    #[test]
    fn the_hash_is_that_of_the_peers() {
        let challenge = ChallengeRef::new("api.example.com", "kM9xPqWvT2nJrHsY4aDfEb");
        let expected = "0xd2d72dfca885760b79fc7ce459bc3ab304be7f63bbbfc1384bbf4a54ff0344cc";
        assert_eq!(challenge.hash(), expected.parse::<B256>().unwrap());
    }

    #[test]
    fn s23_realm_and_id_do_not_run_together_in_the_key() {
        let one = ChallengeRef::new("a", "bc").spend_key();
        assert_ne!(one, ChallengeRef::new("ab", "c").spend_key());
        assert_ne!(one, ChallengeRef::new("b", "bc").spend_key());
    }
}
