//! What a seller says: offers in both versions at once, goods, and receipts.

use super::stage::{Credential, Reply, Taken};
use crate::attacks::{dialect::Dialect, payment::fresh};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// USDC on Base Sepolia: every client knows it.
pub(super) const TOKEN: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
pub(super) const NETWORK: [&str; 2] = ["eip155:84532", "base-sepolia"];
pub(super) const MAINNET: [&str; 2] = ["eip155:8453", "base"];
pub(super) const MAINNET_TOKEN: &str = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913";
/// Whom an honest seller has paid, and a hostile one. Nobody is known to have their keys.
pub(super) const SELLER: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
pub(super) const THIEF: &str = "0x000000000000000000000000000000000000bAd1";
/// What the goods cost, in atomic units: $0.001.
pub(super) const PRICE: u64 = 1_000;

/// One offer, before it is written in each version.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) scheme: &'static str,
    pub(super) network: [&'static str; 2],
    pub(super) asset: &'static str,
    pub(super) pay_to: &'static str,
    pub(super) amount: Value,
    pub(super) timeout: u64,
    pub(super) extra: Value,
    pub(super) description: String,
    pub(super) resource: String,
}

impl Terms {
    pub(super) fn honest(resource: impl Into<String>) -> Self {
        Self {
            scheme: "exact",
            network: NETWORK,
            asset: TOKEN,
            pay_to: SELLER,
            amount: json!(PRICE.to_string()),
            timeout: 60,
            extra: json!({"name": "USDC", "version": "2"}),
            description: "goods".into(),
            resource: resource.into(),
        }
    }

    pub(super) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn second(&self) -> Value {
        json!({
            "scheme": self.scheme, "network": self.network[0], "amount": self.amount, "asset": self.asset,
            "payTo": self.pay_to, "maxTimeoutSeconds": self.timeout, "extra": self.extra,
        })
    }

    fn first(&self) -> Value {
        json!({
            "scheme": self.scheme, "network": self.network[1], "maxAmountRequired": self.amount, "asset": self.asset,
            "payTo": self.pay_to, "maxTimeoutSeconds": self.timeout, "extra": self.extra,
            "resource": self.resource, "description": self.description, "mimeType": "text/plain",
        })
    }
}

/// A 402 before it is sent: the text of version 2 for the header, and that of version 1 for the body.
pub(super) struct Demand {
    pub(super) header: String,
    pub(super) body: String,
}

impl Demand {
    pub(super) fn of(offers: &[Terms]) -> Self {
        let (url, description) = offers
            .first()
            .map_or(("", ""), |terms| (&*terms.resource, &*terms.description));
        let header = json!({
            "x402Version": 2, "error": "Payment required",
            "resource": {"url": url, "description": description, "mimeType": "text/plain"},
            "accepts": offers.iter().map(Terms::second).collect::<Vec<_>>(),
        });
        let body = json!({
            "x402Version": 1, "error": "X-PAYMENT header is required",
            "accepts": offers.iter().map(Terms::first).collect::<Vec<_>>(),
        });
        Self {
            header: header.to_string(),
            body: body.to_string(),
        }
    }

    /// Changes the text of both.
    pub(super) fn edited(self, change: impl Fn(String) -> String) -> Self {
        Self {
            header: change(self.header),
            body: change(self.body),
        }
    }

    pub(super) fn reply(self) -> Reply {
        let header = STANDARD.encode(&self.header);
        answer(402, self.body, &[("payment-required", header)])
    }
}

/// The 402 with one offer.
pub(super) fn demand(terms: Terms) -> Reply {
    Demand::of(&[terms]).reply()
}

pub(super) fn answer(status: u16, body: impl Into<Bytes>, headers: &[(&str, String)]) -> Reply {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    Reply::Answer(response)
}

pub(super) fn redirect(status: u16, to: &str) -> Reply {
    answer(status, "", &[("location", to.to_owned())])
}

/// The goods, with a receipt for this credential.
pub(super) fn goods(credential: &Credential) -> Reply {
    let network = match credential.dialect {
        Dialect::X402V2 => NETWORK[0],
        Dialect::X402V1 => NETWORK[1],
    };
    let receipt = json!({
        "success": true, "transaction": fresh().to_string(), "network": network,
        "payer": credential.document["payload"]["authorization"]["from"],
    });
    let receipt = STANDARD.encode(receipt.to_string());
    let name = credential.dialect.receipt();
    answer(200, "{\"goods\":true}", &[(name, receipt)])
}

/// An honest seller.
pub(super) fn sells(urls: &[String], taken: &Taken) -> Reply {
    match taken.credentials.first() {
        Some(credential) => goods(credential),
        None => demand(Terms::honest(url(urls, taken.origin))),
    }
}

/// The URL of the goods at one of the sellers.
pub(super) fn url(urls: &[String], origin: usize) -> String {
    format!("{}/goods", urls.get(origin).map_or("", |url| url))
}
