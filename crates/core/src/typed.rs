//! EIP-712 documents: what a wallet shows and signs, and the digest of it.
//!
//! The digest here follows the document, whatever it is; `http402-verify` has faster ones for the documents it knows.

use crate::keccak256;
use alloc::{boxed::Box, string::String, vec::Vec};
use alloy_primitives::{Address, B256, Bytes, U256};

/// An EIP-712 document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedData {
    /// The domain it is bound to.
    pub domain: Domain,
    /// The struct types of the message: the primary one and those it refers to.
    pub types: Vec<StructType>,
    /// The name of the primary type.
    pub primary: &'static str,
    /// The values of the primary type, in the order of its fields.
    pub message: Vec<Value>,
}

/// An EIP-712 domain; absent members are not part of its type.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Domain {
    /// `name`.
    pub name: Option<Box<str>>,
    /// `version`.
    pub version: Option<Box<str>>,
    /// `chainId`.
    pub chain_id: Option<U256>,
    /// `verifyingContract`.
    pub verifying_contract: Option<Address>,
}

/// A struct type of an EIP-712 document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructType {
    /// Its name.
    pub name: &'static str,
    /// The names and the Solidity types of its fields.
    pub fields: &'static [(&'static str, &'static str)],
}

/// A value of an EIP-712 message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// `address`.
    Address(Address),
    /// `uintN`.
    Uint(U256),
    /// `bytes32`.
    Fixed(B256),
    /// `bytes`.
    Bytes(Bytes),
    /// `string`.
    Text(Box<str>),
    /// A struct of one of the document's types.
    Struct(&'static str, Vec<Value>),
    /// An array of values of one type.
    Array(Vec<Value>),
}

impl Domain {
    /// `hashStruct(eip712Domain)`, the separator of the domain.
    pub fn separator(&self) -> B256 {
        let mut kind = String::from("EIP712Domain(");
        let mut words: Vec<B256> = Vec::with_capacity(5);
        let mut member = |declaration: &str, word: B256| {
            if !words.is_empty() {
                kind.push(',');
            }
            kind.push_str(declaration);
            words.push(word);
        };
        if let Some(name) = &self.name {
            member("string name", keccak256(name.as_bytes()));
        }
        if let Some(version) = &self.version {
            member("string version", keccak256(version.as_bytes()));
        }
        if let Some(chain) = self.chain_id {
            member("uint256 chainId", chain.into());
        }
        if let Some(contract) = self.verifying_contract {
            member("address verifyingContract", contract.into_word());
        }
        kind.push(')');
        words.insert(0, keccak256(kind.as_bytes()));
        keccak256(words.concat())
    }
}

impl TypedData {
    /// The digest that is signed: `keccak256(0x1901 ‖ domain separator ‖ hashStruct(message))`.
    pub fn digest(&self) -> B256 {
        let mut bytes = [0u8; 66];
        bytes[0] = 0x19;
        bytes[1] = 0x01;
        bytes[2..34].copy_from_slice(self.domain.separator().as_slice());
        bytes[34..].copy_from_slice(self.hash_struct(self.primary, &self.message).as_slice());
        keccak256(bytes)
    }

    /// The type's encoding: its own declaration, then those of the types it refers to, by name.
    pub fn encode_type(&self, name: &str) -> String {
        let mut referred: Vec<&StructType> = Vec::new();
        self.collect(name, &mut referred);
        let mut out = String::new();
        let rest = referred.get(1..).unwrap_or_default();
        let mut rest: Vec<_> = rest.iter().collect();
        rest.sort_by_key(|kind| kind.name);
        for kind in referred
            .first()
            .into_iter()
            .chain(rest.into_iter().copied().collect::<Vec<_>>().iter())
        {
            out.push_str(kind.name);
            out.push('(');
            for (at, (field, solidity)) in kind.fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(solidity);
                out.push(' ');
                out.push_str(field);
            }
            out.push(')');
        }
        out
    }

    fn collect<'a>(&'a self, name: &str, into: &mut Vec<&'a StructType>) {
        let Some(kind) = self.types.iter().find(|kind| kind.name == name) else {
            return;
        };
        if into.iter().any(|seen| seen.name == kind.name) {
            return;
        }
        into.push(kind);
        for (_, solidity) in kind.fields {
            self.collect(solidity.trim_end_matches("[]"), into);
        }
    }

    fn hash_struct(&self, name: &str, values: &[Value]) -> B256 {
        let mut bytes = Vec::with_capacity(32 * (values.len() + 1));
        bytes.extend_from_slice(keccak256(self.encode_type(name)).as_slice());
        for value in values {
            bytes.extend_from_slice(self.word(value).as_slice());
        }
        keccak256(bytes)
    }

    fn word(&self, value: &Value) -> B256 {
        match value {
            Value::Address(address) => address.into_word(),
            Value::Uint(number) => (*number).into(),
            Value::Fixed(word) => *word,
            Value::Bytes(bytes) => keccak256(bytes),
            Value::Text(text) => keccak256(text.as_bytes()),
            Value::Struct(name, values) => self.hash_struct(name, values),
            Value::Array(values) => {
                let words: Vec<B256> = values.iter().map(|value| self.word(value)).collect();
                keccak256(words.concat())
            }
        }
    }
}

/// What a wallet is asked to sign. The spending policy sees it before the signer does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToSign {
    /// An EIP-712 document. The digest is that of the document.
    TypedData {
        /// The document, for wallets that show it or compute the digest themselves.
        document: TypedData,
        /// Its digest, for wallets that sign digests.
        digest: B256,
    },
    /// A transaction, encoded for signing.
    Transaction {
        /// The bytes that are hashed.
        bytes: Bytes,
        /// Their digest.
        digest: B256,
    },
    /// A message that the wallet prefixes and hashes by EIP-191.
    Message(Bytes),
}

impl ToSign {
    /// The document with its digest.
    pub fn typed(document: TypedData) -> Self {
        let digest = document.digest();
        Self::TypedData { document, digest }
    }

    /// The 32 bytes that an ECDSA key signs.
    pub fn digest(&self) -> B256 {
        match self {
            Self::TypedData { digest, .. } | Self::Transaction { digest, .. } => *digest,
            Self::Message(message) => alloy_primitives::eip191_hash_message(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// The example of EIP-712 itself: `Mail` from Cow to Bob.
    #[test]
    fn the_example_of_the_standard() {
        let person = |name: &str, wallet: &str| {
            Value::Struct(
                "Person",
                vec![
                    Value::Text(name.into()),
                    Value::Address(wallet.parse().unwrap()),
                ],
            )
        };
        let mail = TypedData {
            domain: Domain {
                name: Some("Ether Mail".into()),
                version: Some("1".into()),
                chain_id: Some(U256::from(1)),
                verifying_contract: Some(
                    "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
                        .parse()
                        .unwrap(),
                ),
            },
            types: vec![
                StructType {
                    name: "Mail",
                    fields: &[("from", "Person"), ("to", "Person"), ("contents", "string")],
                },
                StructType {
                    name: "Person",
                    fields: &[("name", "string"), ("wallet", "address")],
                },
            ],
            primary: "Mail",
            message: vec![
                person("Cow", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
                person("Bob", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"),
                Value::Text("Hello, Bob!".into()),
            ],
        };
        assert_eq!(
            mail.encode_type("Mail"),
            "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
        );
        let digest = mail.digest();
        let expected = "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
        assert_eq!(digest, expected.parse::<B256>().unwrap());
        assert_eq!(ToSign::typed(mail).digest(), digest);
    }
}
