//! What a node says of balances: the one question that the suite asks of a chain.

use super::wire::{Heard, Wire, plain};
use http::Uri;
use http402_core::{Address, U256};
use serde_json::{Value, json};
use std::time::Duration;

/// A node on plain HTTP.
pub(super) struct Node {
    wire: Wire,
    authority: String,
    path: String,
}

impl Node {
    /// The node at this URL, if it is one of plain HTTP.
    pub(super) fn at(url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let authority = url.authority()?.to_string();
        let plain_http = url.scheme_str() == Some("http");
        plain_http.then(|| Self {
            wire: Wire {
                dial: plain(url.host().unwrap_or_default(), url.port_u16().unwrap_or(80)),
                patience: Duration::from_secs(10),
            },
            path: url.path().to_owned(),
            authority,
        })
    }

    async fn call(&self, method: &str, params: Value) -> Option<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let body = body.to_string();
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.path,
            self.authority,
            body.len()
        );
        let Heard::Answer(answer) = self.wire.send(request.as_bytes()).await else {
            return None;
        };
        let mut answer: Value = serde_json::from_slice(&answer.body).ok()?;
        Some(answer["result"].take())
    }

    /// The number of its chain.
    pub(super) async fn chain(&self) -> Option<u64> {
        let number = self.call("eth_chainId", json!([])).await?;
        u64::from_str_radix(number.as_str()?.strip_prefix("0x")?, 16).ok()
    }

    /// What an account holds of a token, in atomic units.
    pub(super) async fn holds(&self, token: Address, who: Address) -> Option<U256> {
        // balanceOf(address)
        let data = format!("0x70a08231{:0>64}", format!("{who:x}"));
        let call = json!([{"to": token.to_string(), "data": data}, "latest"]);
        let answer = self.call("eth_call", call).await?;
        U256::from_str_radix(answer.as_str()?.strip_prefix("0x")?, 16).ok()
    }
}
