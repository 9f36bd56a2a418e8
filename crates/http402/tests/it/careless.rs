//! A server and a client that do what they are told: the suite has to see it.

use crate::shop::{PAYEE, PAYER, key};
use axum::{Router, http::HeaderMap, response::IntoResponse, routing::any};
use base64::{Engine, engine::general_purpose::STANDARD};
use http402_core::{Bytes, TokenDomain, U256, Window, authorization::Eip3009};
use http402_testkit::{
    attacks::{Drive, Errand, Ran},
    chain::DEV_ACCOUNTS,
};
use http402_verify::LocalKey;
use serde_json::{Value, json};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

fn required(url: &str) -> (String, String) {
    let offer = |network: &str, amount: &str| {
        json!({
            "scheme": "exact", "network": network, amount: "1000", "payTo": DEV_ACCOUNTS[PAYEE].address(),
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "maxTimeoutSeconds": 60, "resource": url,
            "description": "", "mimeType": "", "extra": {"name": "USDC", "version": "2"},
        })
    };
    let second = json!({"x402Version": 2, "resource": {"url": url}, "accepts": [offer("eip155:84532", "amount")]});
    let first = json!({"x402Version": 1, "error": "", "accepts": [offer("base-sepolia", "maxAmountRequired")]});
    (STANDARD.encode(second.to_string()), first.to_string())
}

/// Serves whoever sends anything that looks like a payment, as often as he likes, on any path and with any headers.
pub(crate) async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback is there");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let served = Arc::new(AtomicUsize::new(0));
    let answer = move |headers: HeaderMap| {
        let served = served.clone();
        async move {
            let host = headers.get("host").and_then(|host| host.to_str().ok());
            let (second, first) = required(&format!("http://{}/goods", host.unwrap_or_default()));
            if headers.contains_key("payment-signature") || headers.contains_key("x-payment") {
                let number = served.fetch_add(1, Ordering::SeqCst);
                return (
                    [("cache-control", "public, max-age=60".to_owned())],
                    number.to_string(),
                )
                    .into_response();
            }
            let told = [
                ("payment-required", second),
                ("access-control-allow-origin", "https://evil.example".into()),
                ("access-control-allow-credentials", "true".into()),
            ];
            (http::StatusCode::PAYMENT_REQUIRED, told, first).into_response()
        }
    };
    let router = Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Signs every first offer, as often as it is asked, carries the credential along redirects, and prints it.
pub(crate) struct Careless(pub(crate) reqwest::Client);

impl Careless {
    fn sign(body: &str) -> Option<String> {
        let document: Value = serde_json::from_str(body).ok()?;
        let offer = &document["accepts"][0];
        let signer = LocalKey::from_hex(&key(PAYER)).expect("a key");
        let text = |name: &str| offer[name].as_str();
        let number = if offer["network"] == "base" {
            8453
        } else {
            84_532
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("after 1970").as_nanos();
        let seconds = U256::from(now / 1_000_000_000);
        let amount = &offer["maxAmountRequired"];
        let amount = amount
            .as_str()
            .map_or_else(|| amount.to_string(), str::to_owned);
        let mut message = Eip3009 {
            from: signer.address(),
            to: text("payTo")?.parse().ok()?,
            value: amount.parse().ok()?,
            window: Window {
                after: U256::ZERO,
                before: seconds + U256::from(offer["maxTimeoutSeconds"].as_u64()?),
            },
            nonce: http402_core::keccak256(now.to_be_bytes()),
            signature: Bytes::new(),
        };
        let extra = |name: &str| offer["extra"][name].as_str().unwrap_or_default();
        let domain = TokenDomain::new(extra("name"), extra("version"));
        let contract = text("asset")?.parse().ok()?;
        let digest = message.document(&domain, number, contract).digest();
        message.signature = Bytes::copy_from_slice(&signer.sign_digest(&digest.0));
        let answer = json!({
            "x402Version": 1, "scheme": offer["scheme"], "network": offer["network"],
            "payload": {"signature": message.signature, "authorization": {
                "from": message.from, "to": message.to, "value": message.value.to_string(),
                "validAfter": "0", "validBefore": message.window.before.to_string(), "nonce": message.nonce,
            }},
        });
        Some(STANDARD.encode(answer.to_string()))
    }
}

impl Drive for Careless {
    fn visit<'a>(&'a self, errand: &'a Errand) -> Pin<Box<dyn Future<Output = Ran> + Send + 'a>> {
        Box::pin(async move {
            let mut output = String::new();
            let mut credential = None;
            for _ in 0..6 {
                let mut request = self.0.get(&errand.url).timeout(Duration::from_secs(10));
                if let Some(credential) = &credential {
                    request = request.header("x-payment", credential);
                }
                let Ok(answer) = request.send().await else {
                    // Perhaps it was lost: another one.
                    credential = None;
                    continue;
                };
                if answer.status() != 402 {
                    break;
                }
                let body = answer.text().await.unwrap_or_default();
                let Some(signed) = Self::sign(&body) else {
                    break;
                };
                output.push_str(&signed);
                credential = Some(signed);
            }
            Ran {
                ended: true,
                code: Some(0),
                output,
            }
        })
    }
}
