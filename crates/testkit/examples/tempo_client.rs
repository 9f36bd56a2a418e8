//! A buyer on Tempo: it asks once, pays with an MPP charge, and tells the receipt in its last line.
//!
//! Reads `TEMPO_KEY`, `TEMPO_RPC_URL`, `RESOURCE_URL`, and, where they are set, `TEMPO_CHAIN` (42431) and `TEMPO_MODE`: `push`
//! sends the transaction itself, everything else leaves it to the seller. It pays at most $1.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/env.rs"]
mod env;
#[path = "e2e/tempo.rs"]
mod tempo_env;

use http402_core::{
    Authorization, TokenDomain,
    asset::{Asset, Assets},
    ledger::Ledger,
};
use http402_ledger::Memory;
use http402_mpp::{
    Challenge, Credential, Receipt, credential,
    http::MppClient,
    method::tempo::{Charge, Payload},
};
use http402_reqwest::{
    PayingClient, Tokio,
    flow::client::{Allowance, Policy},
};
use http402_tempo::{Finality, Node, Order, Payer, Reader, Rpc, View, Wallet};
use http402_verify::LocalKey;
use serde_json::{Value, json};
use std::{process::ExitCode, sync::Arc};
use tempo_env::PATH_USD;

const MOST: &str = "$1";
/// Three cents for the fee of one payment.
const FEE: u128 = 30_000_000_000_000_000;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(told) => {
            println!("{told}");
            let paid = told["status"] == 200 && !told["receipt"].is_null();
            if paid {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            println!("{}", json!({ "error": error.to_string() }));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Value, env::Fault> {
    let key = LocalKey::from_hex(&env::need(&["TEMPO_KEY"])?)?;
    let url = env::need(&["RESOURCE_URL"])?;
    let number = tempo_env::chain()?;
    let provider = env::provider(&env::need(&["TEMPO_RPC_URL"])?)?;
    let node: Arc<dyn Node> =
        Arc::new(Rpc::new(provider, Arc::new(Tokio)).finality(Finality::Depth(0)));
    if env::first(&["TEMPO_MODE"]).as_deref() == Some("push") {
        return push(node, key, number, &url).await;
    }
    let domain = TokenDomain::new("pathUSD", "1");
    let asset = Asset::evm(number, PATH_USD, "pathUSD", 6, &domain);
    let policy = Policy::new()
        .allow(Allowance::of(&asset, MOST)?.per_hour(MOST)?)
        .read_transactions(Arc::new(Reader::new(FEE)))
        .prove_identity();
    let wallet = Wallet::connect(&*node).await?.client("http402");
    let ledger: Arc<dyn Ledger> = Arc::new(Memory::new());
    let buyer = http402_reqwest::buyer(policy, Arc::new(key), ledger)
        .protocol(MppClient::new(Assets::known()).wallet(wallet))
        .chain_view(Arc::new(View::new().chain(number, node)));
    let client = PayingClient::new(buyer)?;
    let response = client.get(&url).send().await?;
    told(response).await
}

/// Pays with a transaction that is sent from here.
async fn push(
    node: Arc<dyn Node>,
    key: LocalKey,
    number: u64,
    url: &str,
) -> Result<Value, env::Fault> {
    let payer = Payer::new(node, Arc::new(key), Arc::new(Tokio));
    let http = reqwest::Client::new();
    let refused = http.get(url).send().await?;
    let values = refused.headers().get_all("www-authenticate").iter();
    let found = Challenge::parse_all(values.map(reqwest::header::HeaderValue::as_bytes));
    let challenge = found.into_iter().next().ok_or("no challenge")??;
    let charge = Charge::parse(challenge.request())?;
    let reference = challenge.reference();
    let order = Order::of(&charge, reference, challenge.expires())?;
    let signed = payer.pull(&order).await?;
    let sent = Authorization::TempoHash(payer.push(&signed).await?);
    let payload = Payload::of(&sent).ok_or("nothing was sent")?;
    let account = sent.payer().and_then(|payer| payer.evm());
    let source = account.map(|account| credential::source(number, account));
    let credential = Credential::new(&challenge, source.as_deref(), &payload.encode())?;
    let paid = http.get(url).header("authorization", credential.header());
    told(paid.send().await?).await
}

async fn told(response: reqwest::Response) -> Result<Value, env::Fault> {
    let status = response.status().as_u16();
    let receipt = response.headers().get("payment-receipt").cloned();
    let receipt = receipt.map(|value| Receipt::decode(value.as_bytes()));
    let receipt = match receipt.transpose()? {
        Some(receipt) => json!({"method": &*receipt.method, "reference": &*receipt.reference}),
        None => Value::Null,
    };
    let body = response.text().await?;
    Ok(json!({"status": status, "receipt": receipt, "body": body}))
}
