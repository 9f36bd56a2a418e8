use crate::{
    ChainId, Party, SpendKey, TokenDomain, Window, hex,
    typed::{Domain, StructType, TypedData, Value},
};
use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, B256, Bytes, U256};
use core::fmt;

/// An EIP-3009 `TransferWithAuthorization`, with its signature.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Eip3009 {
    /// Who pays.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// How much, in atomic units.
    pub value: U256,
    /// When it holds.
    pub window: Window,
    /// The payer's nonce: the token executes it once.
    pub nonce: B256,
    /// The signature as it was sent; of any length, a wallet with code may have signed. Empty until signed.
    pub signature: Bytes,
}

impl Eip3009 {
    /// The EIP-712 type of the message.
    pub const TYPE: StructType = StructType {
        name: "TransferWithAuthorization",
        fields: &[
            ("from", "address"),
            ("to", "address"),
            ("value", "uint256"),
            ("validAfter", "uint256"),
            ("validBefore", "uint256"),
            ("nonce", "bytes32"),
        ],
    };

    /// The key of what it spends: chain, token, payer and nonce, shared by transfer and receive.
    pub fn spend_key(&self, chain: &ChainId, asset: &Party) -> SpendKey {
        // Made for every payment: written in place, as the formatting machinery takes as long as reading the whole answer.
        let token = match asset {
            Party::Evm(_) => 42,
            Party::Other(token) => token.len(),
        };
        let mut key = String::with_capacity(8 + chain.length() + 1 + token + 1 + 42 + 1 + 66);
        key.push_str("eip3009:");
        chain.write(&mut key);
        key.push(':');
        let digits = |bytes: &[u8], key: &mut String| {
            key.push_str("0x");
            hex::encode(bytes, key);
        };
        match asset {
            Party::Evm(token) => digits(token.as_slice(), &mut key),
            Party::Other(token) => key.push_str(token),
        }
        key.push(':');
        digits(self.from.as_slice(), &mut key);
        key.push(':');
        digits(self.nonce.as_slice(), &mut key);
        SpendKey::new(key)
    }

    /// The document that the payer signs, for the token `contract` with this domain on the EVM chain `chain`.
    pub fn document(&self, domain: &TokenDomain, chain: u64, contract: Address) -> TypedData {
        TypedData {
            domain: Domain {
                name: Some((&*domain.name).into()),
                version: Some((&*domain.version).into()),
                chain_id: Some(U256::from(chain)),
                verifying_contract: Some(contract),
            },
            types: vec![Self::TYPE],
            primary: Self::TYPE.name,
            message: self.values(),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::Address(self.from),
            Value::Address(self.to),
            Value::Uint(self.value),
            Value::Uint(self.window.after),
            Value::Uint(self.window.before),
            Value::Fixed(self.nonce),
        ]
    }
}

/// Without the signature: who holds it can have it executed.
impl fmt::Debug for Eip3009 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eip3009")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("value", &self.value)
            .field("window", &self.window)
            .field("nonce", &self.nonce)
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
    use crate::Timestamp;
    use std::{format, string::ToString};

    fn signed() -> Eip3009 {
        Eip3009 {
            from: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
                .parse()
                .unwrap(),
            to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
                .parse()
                .unwrap(),
            value: U256::from(10_000),
            window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(1_700_000_060)),
            nonce: "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
                .parse()
                .unwrap(),
            signature: Bytes::from_static(&[0x5a; 65]),
        }
    }

    /// The digest that the TypeScript packages sign for this document.
    #[test]
    fn digest_equals_that_of_the_peers() {
        let token = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
            .parse()
            .unwrap();
        let document = signed().document(&TokenDomain::new("USDC", "2"), 84_532, token);
        let expected = "0xa28a932dc2c552dd950a5bfadeb9a856b9e1009ca17ed138248f68e83bf430b0";
        assert_eq!(document.digest(), expected.parse::<B256>().unwrap());
    }

    #[test]
    fn s84_the_signature_is_not_printed() {
        assert!(!format!("{:?}", signed()).contains("5a5a"));
    }

    #[test]
    fn the_key_is_the_same_text_forever() {
        let token = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
        let nonce = "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
        let of = |chain: &str, asset: &Party| {
            signed()
                .spend_key(&chain.parse().unwrap(), asset)
                .to_string()
        };
        let party = Party::parse(&ChainId::eip155(1), token).unwrap();
        let payer = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
        for chain in [
            "eip155:84532",
            "eip155:0",
            "eip155:18446744073709551615",
            "abc:x_Y",
        ] {
            let lower = token.to_lowercase();
            assert_eq!(
                of(chain, &party),
                format!("eip3009:{chain}:{lower}:{payer}:{nonce}")
            );
        }
        assert_eq!(
            of("abc:def", &Party::Other("coin".into())),
            format!("eip3009:abc:def:coin:{payer}:{nonce}")
        );
    }

    #[test]
    fn s04_the_signature_plays_no_part_in_the_key() {
        let chain = ChainId::eip155(84_532);
        let token = Party::parse(&chain, "0x036CbD53842c5426634e7929541eC2318f3dCF7e").unwrap();
        let other = Eip3009 {
            signature: Bytes::new(),
            ..signed()
        };
        assert_eq!(
            signed().spend_key(&chain, &token),
            other.spend_key(&chain, &token)
        );
        assert_ne!(
            signed().spend_key(&ChainId::eip155(8453), &token),
            other.spend_key(&chain, &token)
        );
    }
}
