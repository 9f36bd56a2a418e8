//! A transport for alloy's providers that needs no socket.

use std::future;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll};

use alloy_json_rpc::{RequestPacket, ResponsePacket};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use tower_service::Service;

use super::Chain;
use super::gate::Gate;

/// A [`Gate`] to a chain that an alloy provider uses as its transport, for tests with a paused clock or without
/// IO. Clones share the gate.
///
/// ```
/// use alloy::providers::{Provider, ProviderBuilder};
/// use alloy::rpc::client::RpcClient;
/// use http402_testkit::chain::Chain;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Chain::builder().build().connect();
/// let provider = ProviderBuilder::new().connect_client(RpcClient::new(connection.clone(), true));
/// assert_eq!(provider.get_chain_id().await?, 84532);
/// assert_eq!(connection.seen(), ["eth_chainId"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    gate: Arc<Gate>,
}

impl Connection {
    pub(super) fn new(chain: Chain) -> Self {
        let gate = Arc::new(Gate::new(chain));
        Self { gate }
    }
}

impl Deref for Connection {
    type Target = Gate;

    fn deref(&self) -> &Gate {
        &self.gate
    }
}

impl Service<RequestPacket> for Connection {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let gate = Arc::clone(&self.gate);
        match packet.serialize() {
            Ok(request) => Box::pin(async move { exchange(&gate, request.get()).await }),
            Err(error) => Box::pin(future::ready(Err(TransportError::SerError(error)))),
        }
    }
}

async fn exchange(gate: &Gate, request: &str) -> Result<ResponsePacket, TransportError> {
    let answer = gate.exchange(request.as_bytes()).await;
    let (status, body) = answer.map_err(TransportErrorKind::custom)?;
    let text = || String::from_utf8_lossy(&body).into_owned();
    if status != 200 {
        return Err(TransportErrorKind::http_error(status, text()));
    }
    serde_json::from_slice(&body).map_err(|error| TransportError::deser_err(error, text()))
}
