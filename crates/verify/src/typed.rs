//! EIP-712 messages in buffers of fixed size: nothing is allocated between a claim and its digest.

use crate::engine::Engine;
use alloy_primitives::B256;
use http402_core::{Address, U256, keccak256};
use std::sync::LazyLock;

static DOMAIN_HASH: LazyLock<B256> = LazyLock::new(|| {
    keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
});

/// The separator of the domain of this name and version, on this chain, for this contract.
pub(crate) fn separator(name: &str, version: &str, chain: u64, contract: Address) -> B256 {
    let mut buffer = [0; 160];
    buffer[..32].copy_from_slice(DOMAIN_HASH.as_slice());
    buffer[32..64].copy_from_slice(keccak256(name.as_bytes()).as_slice());
    buffer[64..96].copy_from_slice(keccak256(version.as_bytes()).as_slice());
    buffer[120..128].copy_from_slice(&chain.to_be_bytes());
    buffer[140..].copy_from_slice(contract.as_slice());
    keccak256(buffer)
}

/// A message that is not hashed yet: the separator of its domain, and the words of its struct, the hash of its type first.
#[derive(Clone, Copy)]
pub(crate) struct Typed {
    separator: B256,
    words: [[u8; 32]; Self::WORDS],
    length: usize,
}

impl Typed {
    /// The most words that a message here has: EIP-3009 has six members.
    const WORDS: usize = 7;

    #[inline]
    pub(crate) fn new(separator: B256, type_hash: &B256) -> Self {
        let mut words = [[0; 32]; Self::WORDS];
        words[0] = type_hash.0;
        Self {
            separator,
            words,
            length: 1,
        }
    }

    #[inline]
    pub(crate) fn word(mut self, word: [u8; 32]) -> Self {
        self.words[self.length] = word;
        self.length += 1;
        self
    }

    #[inline]
    pub(crate) fn address(self, address: Address) -> Self {
        self.word(address.into_word().0)
    }

    #[inline]
    pub(crate) fn number(self, number: U256) -> Self {
        self.word(number.to_be_bytes())
    }

    fn message(&self) -> &[u8] {
        self.words[..self.length].as_flattened()
    }

    fn outer(&self, inner: &B256) -> [u8; 66] {
        let mut outer = [0; 66];
        outer[..2].copy_from_slice(&[0x19, 0x01]);
        outer[2..34].copy_from_slice(self.separator.as_slice());
        outer[34..].copy_from_slice(inner.as_slice());
        outer
    }

    /// What is signed.
    pub(crate) fn digest(&self) -> B256 {
        keccak256(self.outer(&keccak256(self.message())))
    }

    /// What is signed of each, in order.
    pub(crate) fn digests(all: &[&Self], engine: &dyn Engine) -> Vec<B256> {
        let messages: Vec<&[u8]> = all.iter().map(|one| one.message()).collect();
        let inner = engine.keccak_all(&messages);
        let outer: Vec<_> = all
            .iter()
            .zip(&inner)
            .map(|(one, hash)| one.outer(hash))
            .collect();
        let outer: Vec<&[u8]> = outer.iter().map(<[u8; 66]>::as_slice).collect();
        engine.keccak_all(&outer)
    }
}
