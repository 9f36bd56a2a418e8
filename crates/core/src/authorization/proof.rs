use super::ChallengeRef;
use crate::typed::{Domain, StructType, TypedData, Value};
use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Bytes, U256};
use core::fmt;

/// Proof of who asks, without a payment: what answers an MPP charge of nothing. EIP-712 domain `MPP`, version 3.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MppProof {
    /// What it answers.
    pub challenge: ChallengeRef,
    /// Who says to be asking.
    pub account: Address,
    /// The signature as it was sent; of any length, a wallet with access keys wraps it. Empty until signed.
    pub signature: Bytes,
}

impl MppProof {
    /// The EIP-712 type of the message.
    pub const TYPE: StructType = StructType {
        name: "Proof",
        fields: &[
            ("account", "address"),
            ("challengeId", "string"),
            ("realm", "string"),
        ],
    };

    /// The document that the account signs, on the EVM chain `chain`.
    pub fn document(&self, chain: u64) -> TypedData {
        TypedData {
            domain: Domain {
                name: Some("MPP".into()),
                version: Some("3".into()),
                chain_id: Some(U256::from(chain)),
                verifying_contract: None,
            },
            types: vec![Self::TYPE],
            primary: Self::TYPE.name,
            message: self.values(),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::Address(self.account),
            Value::Text(self.challenge.id().into()),
            Value::Text(self.challenge.realm().into()),
        ]
    }
}

/// Without the signature.
impl fmt::Debug for MppProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MppProof")
            .field("challenge", &self.challenge)
            .field("account", &self.account)
            .field(
                "signature",
                &format_args!("[{} bytes]", self.signature.len()),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, keccak256};
    use std::format;

    fn proof() -> MppProof {
        MppProof {
            challenge: ChallengeRef::new("api.example.com", "abc"),
            account: Address::repeat_byte(7),
            signature: Bytes::from_static(&[0x5a; 65]),
        }
    }

    #[test]
    fn the_type_hash_is_that_of_version_3() {
        let text = proof().document(42_431).encode_type("Proof");
        assert_eq!(
            text,
            "Proof(address account,string challengeId,string realm)"
        );
        let expected = "0x2b28baf137d62921565067a537df5458031448411120925bd6f753e0dcd50683";
        assert_eq!(keccak256(text), expected.parse::<B256>().unwrap());
    }

    #[test]
    fn s24_every_part_is_signed() {
        let digest = |proof: &MppProof, chain| proof.document(chain).digest();
        let base = digest(&proof(), 1);
        assert_ne!(base, digest(&proof(), 2));
        for other in [
            MppProof {
                account: Address::repeat_byte(8),
                ..proof()
            },
            MppProof {
                challenge: ChallengeRef::new("api.example.com", "abd"),
                ..proof()
            },
            MppProof {
                challenge: ChallengeRef::new("api.example.org", "abc"),
                ..proof()
            },
        ] {
            assert_ne!(base, digest(&other, 1));
        }
    }

    #[test]
    fn s84_the_signature_is_not_printed() {
        assert!(!format!("{:?}", proof()).contains("5a5a"));
    }
}
