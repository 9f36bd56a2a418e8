//! Known tokens: where they are, how many decimals they have, and with which EIP-712 domain their authorizations are signed.
//!
//! Wire crates, the spending policy and the judge read the same table. A domain that differs from the known one is refused:
//! a server that could choose it could have the buyer sign for another token.

use crate::{Amount, ChainId, ParseError, Party, Requirement, TokenDomain, TransferMethod};
use alloc::{borrow::Cow, boxed::Box, vec::Vec};
use alloy_primitives::{Address, hex};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asset {
    /// Its chain.
    pub chain: ChainId,
    /// Its address there.
    pub address: Party,
    /// Its symbol, for people.
    pub symbol: Cow<'static, str>,
    /// How many decimals its amounts have.
    pub decimals: u8,
    /// The name of its EIP-712 domain.
    pub name: Cow<'static, str>,
    /// The version of its EIP-712 domain.
    pub version: Cow<'static, str>,
    /// How it is moved by default.
    pub transfer: TransferMethod,
}

impl Asset {
    /// A token with EIP-3009 on an EVM chain.
    pub fn evm(
        chain: u64,
        address: Address,
        symbol: &str,
        decimals: u8,
        domain: &TokenDomain,
    ) -> Self {
        let owned = |text: &str| Cow::Owned(text.into());
        Self {
            chain: ChainId::eip155(chain),
            address: Party::Evm(address),
            symbol: owned(symbol),
            decimals,
            name: owned(&domain.name),
            version: owned(&domain.version),
            transfer: TransferMethod::Eip3009,
        }
    }

    /// The EIP-712 name and version.
    pub fn domain(&self) -> TokenDomain {
        TokenDomain::new(&self.name, &self.version)
    }

    /// The requirement to pay `price`, decimal text with an optional `$`, to `pay_to` in this token.
    ///
    /// # Errors
    /// When the price or the payee can not be read; see [`Amount::from_money`].
    pub fn price(&self, price: &str, pay_to: &str) -> Result<Requirement, ParseError> {
        let mut requirement = Requirement::exactly(
            Amount::from_money(price, self.decimals)?,
            self.chain.clone(),
            self.address.clone(),
            Party::parse(&self.chain, pay_to).map_err(|error| error.inside("pay_to"))?,
            Some(self.domain()),
        );
        requirement.transfer = self.transfer;
        Ok(requirement)
    }
}

/// The tokens that a program knows.
#[derive(Clone, Debug)]
pub struct Assets(Box<[Asset]>);

impl Assets {
    /// The default stablecoins of the x402 packages.
    pub fn known() -> Self {
        Self(KNOWN.iter().map(Row::asset).collect())
    }

    /// No tokens at all.
    pub fn none() -> Self {
        Self(Box::new([]))
    }

    /// The same, with one more; it takes the place of one with the same chain and address.
    #[must_use]
    pub fn with(self, asset: Asset) -> Self {
        let mut all: Vec<Asset> = self.0.into_vec();
        match all
            .iter_mut()
            .find(|known| known.chain == asset.chain && known.address == asset.address)
        {
            Some(known) => *known = asset,
            None => all.push(asset),
        }
        Self(all.into())
    }

    /// The token at this address.
    pub fn find(&self, chain: &ChainId, address: &Party) -> Option<&Asset> {
        self.0
            .iter()
            .find(|asset| asset.chain == *chain && asset.address == *address)
    }

    /// The default token of a chain: the first of it.
    pub fn of_chain(&self, chain: &ChainId) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.chain == *chain)
    }

    /// The token of a chain with this symbol.
    pub fn by_symbol(&self, chain: &ChainId, symbol: &str) -> Option<&Asset> {
        self.0
            .iter()
            .find(|asset| asset.chain == *chain && asset.symbol.eq_ignore_ascii_case(symbol))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.0.iter()
    }
}

impl Default for Assets {
    fn default() -> Self {
        Self::known()
    }
}

struct Row {
    chain: u64,
    address: [u8; 20],
    symbol: &'static str,
    name: &'static str,
    version: &'static str,
    decimals: u8,
    transfer: TransferMethod,
}

impl Row {
    fn asset(&self) -> Asset {
        Asset {
            chain: ChainId::eip155(self.chain),
            address: Party::Evm(Address::new(self.address)),
            symbol: Cow::Borrowed(self.symbol),
            decimals: self.decimals,
            name: Cow::Borrowed(self.name),
            version: Cow::Borrowed(self.version),
            transfer: self.transfer,
        }
    }
}

const fn known(
    chain: u64,
    address: &str,
    symbol: &'static str,
    name: &'static str,
    version: &'static str,
    decimals: u8,
    transfer: TransferMethod,
) -> Row {
    let address = match hex::const_decode_to_array(address.as_bytes()) {
        Ok(address) => address,
        Err(_) => panic!("40 hexadecimal digits"),
    };
    Row {
        chain,
        address,
        symbol,
        name,
        version,
        decimals,
        transfer,
    }
}

#[rustfmt::skip]
const KNOWN: &[Row] = &[
    known(8453, "833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(84532, "036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(1, "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(43114, "B97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(4326, "FAfDdbb3FC7688494971a79cc65DCa3EF82079E7", "MegaUSD", "MegaUSD", "1", 18, TransferMethod::Permit2),
    known(143, "754704Bc059F8C67012fEd69BC8A327a5aafb603", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(988, "779Ded0c9e1022225f8E0630b35a9b54bE713736", "USDT0", "USDT0", "1", 6, TransferMethod::Eip3009),
    known(2201, "78Cf24370174180738C5B8E352B6D14c83a6c9A9", "USDT0", "USDT0", "1", 6, TransferMethod::Eip3009),
    known(137, "3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(42161, "af88d065e77c8cC2239327C5EDb3A432268e5831", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(421614, "75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", "USDC", "USD Coin", "2", 6, TransferMethod::Eip3009),
    known(31612, "dD468A1DDc392dcdbEf6db6e34E89AA338F9F186", "mUSD", "Mezo USD", "1", 18, TransferMethod::Permit2),
    known(31611, "118917a40FAF1CD7a13dB0Ef56C86De7973Ac503", "mUSD", "Mezo USD", "1", 18, TransferMethod::Permit2),
    known(723487, "33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "SBC", "Stable Coin", "1", 6, TransferMethod::Permit2),
    known(72344, "33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "SBC", "Stable Coin", "1", 6, TransferMethod::Permit2),
    known(36900, "9cb8142aEBBcdc60AF7c97Af897A67A8f3CA71C2", "USDC.e", "USDC.e", "2", 6, TransferMethod::Eip3009),
    known(190415, "401eCb1D350407f13ba348573E5630B83638E30D", "USDC.e", "Bridged USDC", "2", 6, TransferMethod::Eip3009),
    known(181228, "401eCb1D350407f13ba348573E5630B83638E30D", "USDC.e", "Bridged USDC", "2", 6, TransferMethod::Eip3009),
    known(50, "fA2958CB79b0491CC627c1557F441eF849Ca8eb1", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(51, "b5AB69F7bBada22B28e79C8FFAECe55eF1c771D4", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(38833, "A5b8BF902b2844dA17d4506cc827F7F1681735E7", "USDC", "USDC", "1", 6, TransferMethod::Permit2),
    known(14, "e7cd86e13AC4309349F30B3435a9d337750fC82D", "USDT0", "USD₮0", "1", 6, TransferMethod::Eip3009),
    known(42220, "cebA9300f2b948710d2653dD7B07f33A8B32118C", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(42220, "48065fbBE25f71C9282ddf5e1cD6D6A887483D5e", "USDT", "Tether USD", "1", 6, TransferMethod::Eip3009),
    known(42220, "D2ab3C9A02DBBAB236BfEC45D1d755DF4267F771", "USAT", "Tether America USD", "1", 6, TransferMethod::Eip3009),
    known(11142220, "01C5C0122039549AD1493B8220cABEdD739BC44E", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(1329, "e15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
    known(1328, "4fCF1784B31630811181f670Aea7A7bEF803eaED", "USDC", "USDC", "2", 6, TransferMethod::Eip3009),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tokens_are_found_by_chain_and_address() {
        let assets = Assets::known();
        let base = ChainId::eip155(8453);
        let usdc = assets.of_chain(&base).unwrap();
        assert_eq!(
            (usdc.symbol.as_ref(), usdc.name.as_ref(), usdc.decimals),
            ("USDC", "USD Coin", 6)
        );
        assert_eq!(assets.find(&base, &usdc.address), Some(usdc));
        assert_eq!(assets.find(&ChainId::eip155(1), &usdc.address), None);
        let celo = ChainId::eip155(42_220);
        assert_eq!(assets.of_chain(&celo).unwrap().symbol, "USDC");
        assert_eq!(assets.by_symbol(&celo, "usdt").unwrap().name, "Tether USD");
    }

    #[test]
    fn a_configured_token_replaces_a_known_one() {
        let base = Assets::known()
            .of_chain(&ChainId::eip155(8453))
            .unwrap()
            .clone();
        let mut changed = base.clone();
        changed.name = "Coin".into();
        let count = Assets::known().iter().count();
        let assets = Assets::known().with(changed);
        assert_eq!(assets.iter().count(), count);
        assert_eq!(
            assets.find(&base.chain, &base.address).unwrap().name,
            "Coin"
        );
    }

    #[test]
    fn a_price_is_in_the_tokens_decimals() {
        let assets = Assets::known();
        let usdc = assets.of_chain(&ChainId::eip155(84_532)).unwrap();
        let requirement = usdc
            .price("$0.01", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
            .unwrap();
        assert_eq!(requirement.price.ceiling(), Amount::from(10_000));
        assert!(
            usdc.price("$0.0000001", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
                .is_err()
        );
        assert_eq!(usdc.price("$1", "0x").unwrap_err().what(), "pay_to.address");
    }
}
