//! Networks: the short names of version 1 and the CAIP-2 ids of version 2.

use http402_core::{ChainId, ParseError};

/// The names of version 1 on EVM chains, with their chains.
const EVM: &[(&str, u64)] = &[
    ("ethereum", 1),
    ("sepolia", 11_155_111),
    ("abstract", 2_741),
    ("abstract-testnet", 11_124),
    ("base-sepolia", 84_532),
    ("base", 8_453),
    ("avalanche-fuji", 43_113),
    ("avalanche", 43_114),
    ("iotex", 4_689),
    ("sei", 1_329),
    ("sei-testnet", 1_328),
    ("polygon", 137),
    ("polygon-amoy", 80_002),
    ("peaq", 3_338),
    ("story", 1_514),
    ("educhain", 41_923),
    ("skale-base-sepolia", 324_705_682),
    ("megaeth", 4_326),
    ("monad", 143),
    ("stable", 988),
    ("stable-testnet", 2_201),
    ("celo", 42_220),
    ("flare", 14),
];

const SOLANA: &[(&str, &str)] = &[
    ("solana", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"),
    ("solana-devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"),
    ("solana-testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"),
];

/// The EVM networks that the last packages of version 1 know. Its clients throw on any other in an offer.
const OFFERED: &[&str] = &[
    "abstract",
    "abstract-testnet",
    "base-sepolia",
    "base",
    "avalanche-fuji",
    "avalanche",
    "iotex",
    "sei",
    "sei-testnet",
    "polygon",
    "polygon-amoy",
    "peaq",
    "story",
    "educhain",
    "skale-base-sepolia",
];

/// The chain of a version 1 name.
pub fn chain(name: &str) -> Option<ChainId> {
    let evm = EVM
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| ChainId::eip155(*number));
    evm.or_else(|| {
        SOLANA
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, id)| id.parse().ok())
    })
}

/// The version 1 name of a chain.
pub fn name(chain: &ChainId) -> Option<&'static str> {
    match chain.evm() {
        Some(number) => EVM
            .iter()
            .find(|(_, known)| *known == number)
            .map(|(name, _)| *name),
        None => {
            let text = chain.to_string();
            SOLANA
                .iter()
                .find(|(_, id)| *id == text)
                .map(|(name, _)| *name)
        }
    }
}

/// The version 1 name of a chain that every client of version 1 can read in an offer.
pub fn offered(chain: &ChainId) -> Option<&'static str> {
    name(chain).filter(|name| OFFERED.contains(name))
}

/// The chain of a version 1 name or a CAIP-2 id.
///
/// # Errors
/// When it is neither.
pub fn resolve(text: &str) -> Result<ChainId, ParseError> {
    match chain(text) {
        Some(chain) => Ok(chain),
        None if text.contains(':') => text.parse(),
        None => Err(ParseError::new(
            "network",
            "neither a CAIP-2 id nor a name of version 1",
        )),
    }
}
