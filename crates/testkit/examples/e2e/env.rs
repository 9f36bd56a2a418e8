//! What the end-to-end programs read from their environment.

use alloy::{
    network::Ethereum,
    providers::{DynProvider, Provider, RootProvider},
    rpc::client::RpcClient,
};
use http402_core::{
    ChainId, Party, TokenDomain,
    asset::{Asset, Assets},
};
use http402_x402::network;
use std::error::Error;

/// Whatever went wrong.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// The first of these variables that is set and not empty.
pub(crate) fn first(names: &[&str]) -> Option<String> {
    let set = names.iter().filter_map(|name| std::env::var(name).ok());
    set.map(|text| text.trim().to_owned())
        .find(|text| !text.is_empty())
}

/// The same, and an error that names them.
pub(crate) fn need(names: &[&str]) -> Result<String, Fault> {
    first(names).ok_or_else(|| format!("{} is not set", names.join(" or ")).into())
}

/// `EVM_NETWORK` or `NETWORK`: a CAIP-2 id or a name of version 1.
pub(crate) fn chain() -> Result<(ChainId, u64), Fault> {
    let text = first(&["EVM_NETWORK", "NETWORK"]).unwrap_or_else(|| "eip155:84532".into());
    let chain = network::resolve(&text)?;
    let number = chain
        .evm()
        .ok_or_else(|| format!("{text} is not an EVM network"))?;
    Ok((chain, number))
}

/// `EVM_ASSET`, or the network's USDC; and the known assets with it.
pub(crate) fn asset(chain: &ChainId, number: u64) -> Result<(Asset, Assets), Fault> {
    let assets = Assets::known();
    let Some(text) = first(&["EVM_ASSET"]) else {
        let asset = assets
            .of_chain(chain)
            .ok_or_else(|| format!("no token of {chain} is known: set EVM_ASSET"))?;
        return Ok((asset.clone(), assets));
    };
    let address = Party::parse(chain, &text)?;
    if let Some(asset) = assets.find(chain, &address) {
        return Ok((asset.clone(), assets));
    }
    let domain = TokenDomain::new(
        &first(&["EVM_ASSET_NAME"]).unwrap_or_else(|| "USDC".into()),
        &first(&["EVM_ASSET_VERSION"]).unwrap_or_else(|| "2".into()),
    );
    let address = address.evm().ok_or("EVM_ASSET is not an address")?;
    let asset = Asset::evm(number, address, "TOKEN", 6, &domain);
    Ok((asset.clone(), assets.with(asset)))
}

/// A provider of the node at `url`.
pub(crate) fn provider(url: &str) -> Result<DynProvider, Fault> {
    let url = url.parse().map_err(|_| "EVM_RPC_URL is not a url")?;
    Ok(RootProvider::<Ethereum>::new(RpcClient::new_http(url)).erased())
}
