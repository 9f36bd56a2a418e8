use crate::{
    ChainId, SpendKey, hex,
    typed::{Domain, StructType, TypedData, Value},
};
use alloc::{string::String, vec};
use alloy_primitives::{Address, B256, Bytes, U256};
use core::fmt;

/// A voucher of a payment channel of Tempo (`Tempo Stream Channel`, version 1): out of this channel the payee may take so much
/// in all. A later voucher for more takes the place of an earlier one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Voucher {
    /// The channel's id.
    pub channel: B256,
    /// How much may be taken in all, in atomic units.
    pub cumulative: u128,
    /// The contract that holds what was deposited.
    pub escrow: Address,
    /// Whose signature counts for this channel, as its escrow says: the credential has no say in it.
    pub signer: Address,
    /// The signature as it was sent. Empty until signed.
    pub signature: Bytes,
}

impl Voucher {
    /// The EIP-712 type of the message.
    pub const TYPE: StructType = StructType {
        name: "Voucher",
        fields: &[("channelId", "bytes32"), ("cumulativeAmount", "uint128")],
    };

    /// The name of its EIP-712 domain.
    pub const DOMAIN: &str = "Tempo Stream Channel";

    /// The version of its EIP-712 domain.
    pub const VERSION: &str = "1";

    /// The key of its channel, whose watermark it moves.
    pub fn spend_key(&self, chain: &ChainId) -> SpendKey {
        // In place, as for payments: it is made for every request of a session.
        let mut key = String::with_capacity(8 + chain.length() + 1 + 42 + 1 + 66);
        key.push_str("voucher:");
        chain.write(&mut key);
        key.push_str(":0x");
        hex::encode(self.escrow.as_slice(), &mut key);
        key.push_str(":0x");
        hex::encode(self.channel.as_slice(), &mut key);
        SpendKey::new(key)
    }

    /// The document that is signed, for the EVM chain `chain`.
    pub fn document(&self, chain: u64) -> TypedData {
        TypedData {
            domain: Domain {
                name: Some(Self::DOMAIN.into()),
                version: Some(Self::VERSION.into()),
                chain_id: Some(U256::from(chain)),
                verifying_contract: Some(self.escrow),
            },
            types: vec![Self::TYPE],
            primary: Self::TYPE.name,
            message: vec![
                Value::Fixed(self.channel),
                Value::Uint(U256::from(self.cumulative)),
            ],
        }
    }
}

/// Without the signature: who holds it can have it executed.
impl fmt::Debug for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voucher")
            .field("channel", &self.channel)
            .field("cumulative", &self.cumulative)
            .field("escrow", &self.escrow)
            .field("signer", &self.signer)
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
    use alloy_primitives::keccak256;
    use std::{format, string::ToString};

    fn voucher(cumulative: u128) -> Voucher {
        Voucher {
            channel: B256::repeat_byte(7),
            cumulative,
            escrow: "0x33b901018174DDabE4841042ab76ba85D4e24f25"
                .parse()
                .unwrap(),
            signer: Address::repeat_byte(1),
            signature: Bytes::from_static(&[0x5a; 65]),
        }
    }

    /// The hashes of the type and of the main network's domain are those of the packages.
    #[test]
    fn the_document_is_that_of_the_peers() {
        let hash = |text: &str| text.parse::<B256>().unwrap();
        let mut message =
            hash("0xe97c93f01d3ef8eaba1586553df13308f236815bf4ea49c7b696895d8f5ea68a").to_vec();
        message.extend_from_slice(&[7; 32]);
        message.extend_from_slice(&U256::from(u128::MAX).to_be_bytes::<32>());
        let mut outer = vec![0x19, 0x01];
        outer.extend_from_slice(
            hash("0xc3eb96493d8b195ca1671190861b10909e09ea4f1662c5a577f2bcc7ecf47eb8").as_slice(),
        );
        outer.extend_from_slice(keccak256(message).as_slice());
        let document = voucher(u128::MAX).document(4_217);
        assert_eq!(document.digest(), keccak256(outer));
    }

    #[test]
    fn vouchers_of_one_channel_share_a_key_and_show_no_signature() {
        let chain = ChainId::eip155(4_217);
        let key = voucher(1).spend_key(&chain);
        assert_eq!(key, voucher(2).spend_key(&chain));
        assert_eq!(
            key.to_string(),
            "voucher:eip155:4217:0x33b901018174ddabe4841042ab76ba85d4e24f25:\
             0x0707070707070707070707070707070707070707070707070707070707070707"
        );
        assert!(!format!("{:?}", voucher(1)).contains("5a5a"));
    }
}
