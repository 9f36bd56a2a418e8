use crate::{ChainId, ParseError, hex, keccak256};
use alloc::boxed::Box;
use alloy_primitives::Address;
use core::fmt;

/// The longest name of a party on a chain that is not an EVM chain, in bytes.
const MAX_OTHER: usize = 128;

/// Somebody or something with an address on a chain: payer, payee, token, contract.
///
/// Parties are compared decoded: the case of hexadecimal digits, and a checksum, play no part.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Party {
    /// 20 bytes on an EVM chain.
    Evm(Address),
    /// The text that another kind of chain, or another binding, names a party with.
    Other(Box<str>),
}

impl Party {
    /// Reads the text that names a party on `chain`.
    ///
    /// # Errors
    /// On an EVM chain, when the text is not `0x` and 40 hexadecimal digits; elsewhere, when it is empty, longer than
    /// 128 bytes, or has a character outside printable ASCII.
    pub fn parse(chain: &ChainId, text: &str) -> Result<Self, ParseError> {
        if chain.namespace() == "eip155" {
            return evm_address(text).map(Self::Evm);
        }
        if text.is_empty() || text.len() > MAX_OTHER {
            return Err(ParseError::new("party", "must have 1 to 128 characters"));
        }
        match text.bytes().position(|b| !b.is_ascii_graphic()) {
            Some(at) => Err(ParseError::new("party", "character not allowed").at(at)),
            None => Ok(Self::Other(text.into())),
        }
    }

    /// The address, when it is a party of an EVM chain.
    pub fn evm(&self) -> Option<Address> {
        match self {
            Self::Evm(address) => Some(*address),
            Self::Other(_) => None,
        }
    }
}

fn evm_address(text: &str) -> Result<Address, ParseError> {
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| ParseError::new("address", "0x expected").at(0))?;
    if digits.len() != 40 {
        return Err(ParseError::new("address", "40 hexadecimal digits expected"));
    }
    let mut bytes = [0; 20];
    hex::decode(digits.as_bytes(), &mut bytes)
        .map_err(|at| ParseError::new("address", "hexadecimal digit expected").at((2 + at) & !1))?;
    Ok(Address::new(bytes))
}

/// `0x` and the address with the checksum of EIP-55: a letter is a capital where the hash of the digits has its high bit.
fn checksum(address: &Address) -> [u8; 42] {
    let mut text = [b'0'; 42];
    text[1] = b'x';
    hex::digits(address.as_slice(), &mut text[2..]);
    let hash = keccak256(&text[2..]);
    for (pair, byte) in text[2..].chunks_exact_mut(2).zip(hash) {
        for (digit, high) in pair.iter_mut().zip([byte & 0x80, byte & 0x08]) {
            if high != 0 {
                digit.make_ascii_uppercase();
            }
        }
    }
    text
}

impl From<Address> for Party {
    fn from(address: Address) -> Self {
        Self::Evm(address)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evm(address) => {
                f.write_str(core::str::from_utf8(&checksum(address)).unwrap_or_default())
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn case_and_checksum_play_no_part() {
        let chain = ChainId::eip155(1);
        let lower = Party::parse(&chain, "0x036cbd53842c5426634e7929541ec2318f3dcf7e").unwrap();
        let mixed = Party::parse(&chain, "0x036CbD53842c5426634e7929541eC2318f3dCF7e").unwrap();
        let wrong_checksum =
            Party::parse(&chain, "0x036CBd53842c5426634e7929541eC2318f3dCF7e").unwrap();
        assert!(lower == mixed && mixed == wrong_checksum);
        for bad in [
            "",
            "0x",
            "036cbd53842c5426634e7929541ec2318f3dcf7e",
            "0x036cbd53842c5426634e7929541ec2318f3dcf7g",
            "0x036cbd53842c5426634e7929541ec2318f3dcf7e0",
            "0X036cbd53842c5426634e7929541ec2318f3dcf7e",
        ] {
            assert!(Party::parse(&chain, bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn the_checksum_is_that_of_others(bytes in any::<[u8; 20]>()) {
            let address = Address::new(bytes);
            prop_assert_eq!(Party::Evm(address).to_string(), address.to_checksum(None));
        }
    }

    #[test]
    fn other_chains_keep_their_text() {
        let chain = "cloud:402".parse().unwrap();
        assert_eq!(
            Party::parse(&chain, "merchant").unwrap(),
            Party::Other("merchant".into())
        );
        assert!(Party::parse(&chain, "").is_err());
        assert!(Party::parse(&chain, "a b").is_err());
    }
}
