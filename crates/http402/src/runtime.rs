//! What every command needs of the world: providers, keys, and time.

use alloy_provider::{DynProvider, Provider, RootProvider};
use alloy_rpc_client::RpcClient;
use http402_testkit::chain::Connection;
use std::error::Error;

pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// A provider over HTTP.
pub(crate) fn provider(url: &str) -> Result<DynProvider, Fault> {
    let url = url.parse().map_err(|_| format!("not a url: {url}"))?;
    Ok(RootProvider::<alloy_network::Ethereum>::new(RpcClient::new_http(url)).erased())
}

/// A provider of the embedded chain.
pub(crate) fn embedded(connection: Connection) -> DynProvider {
    RootProvider::<alloy_network::Ethereum>::new(RpcClient::new(connection, true)).erased()
}

/// Returns when this process is told to end, so that what it has begun can end before.
pub(crate) async fn interrupted() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
