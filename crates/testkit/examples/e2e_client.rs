//! A buyer for the end-to-end harness of the x402 repository: it asks once, pays, and tells the result in its last line.
//!
//! Reads `EVM_PRIVATE_KEY`, `RESOURCE_SERVER_URL`, `ENDPOINT_PATH` (`/protected`), and, where they are set, `EVM_NETWORK` or
//! `NETWORK`, `EVM_ASSET` and `EVM_RPC_URL`. It pays at most $1.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[path = "e2e/env.rs"]
mod env;

use http402_core::ledger::Ledger;
use http402_evm::{Finality, View};
use http402_ledger::Memory;
use http402_reqwest::{
    PayingClient, Payments, Tokio,
    flow::client::{Allowance, Payment, Policy},
};
use http402_verify::LocalKey;
use http402_x402::http::{X402V1, X402V2};
use serde_json::{Value, json};
use std::{process::ExitCode, sync::Arc};

const MOST: &str = "$1";

#[tokio::main]
async fn main() -> ExitCode {
    let (code, result) = match run().await {
        Ok(result) if result["success"] == true => {
            println!("Client test completed successfully");
            (ExitCode::SUCCESS, result)
        }
        Ok(result) => {
            println!("the payment did not succeed: {}", result["error"]);
            (ExitCode::FAILURE, result)
        }
        Err(error) => {
            println!("{error}");
            (
                ExitCode::FAILURE,
                json!({"success": false, "error": error.to_string()}),
            )
        }
    };
    println!("{result}");
    code
}

async fn run() -> Result<Value, env::Fault> {
    let wallet = LocalKey::from_hex(&env::need(&["EVM_PRIVATE_KEY"])?)?;
    let server = env::need(&["RESOURCE_SERVER_URL"])?;
    let path = env::first(&["ENDPOINT_PATH"]).unwrap_or_else(|| "/protected".into());
    let (chain, number) = env::chain()?;
    let (_, assets) = env::asset(&chain, number)?;
    let mut policy = Policy::new();
    for asset in assets.iter() {
        policy = policy.allow(Allowance::of(asset, MOST)?.per_hour(MOST)?);
    }
    let ledger: Arc<dyn Ledger> = Arc::new(Memory::new());
    let mut buyer = http402_reqwest::buyer(policy, Arc::new(wallet), ledger)
        .protocol(X402V2)
        .protocol(X402V1);
    if let Some(rpc) = env::first(&["EVM_RPC_URL"]) {
        let view =
            View::new(Arc::new(Tokio)).chain(number, env::provider(&rpc)?, Finality::Finalized);
        buyer = buyer.chain_view(Arc::new(view));
    }
    let client = PayingClient::new(buyer)?;
    let url = format!(
        "{}/{}",
        server.trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    let response = client.get(url).send().await?;
    let status = response.status();
    let payment = response.payment().cloned();
    let text = response.text().await?;
    let data = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let (told, error) = match payment {
        Some(Payment::Paid {
            attempt,
            receipt: Some(receipt),
        }) => {
            let told = json!({
                "success": true,
                "status": "settled",
                "transaction": receipt.transaction,
                "network": receipt.chain.to_string(),
                "payer": attempt.payer.to_string(),
            });
            (told, None)
        }
        Some(Payment::None) | None => (Value::Null, None),
        Some(other) => (Value::Null, Some(format!("{other:?}"))),
    };
    let mut result = json!({
        "success": status.is_success() && error.is_none(),
        "data": data,
        "status_code": status.as_u16(),
        "payment_response": told,
    });
    if !status.is_success() || error.is_some() {
        result["error"] = json!(error.unwrap_or_else(|| format!("the server answered {status}")));
    }
    Ok(result)
}
