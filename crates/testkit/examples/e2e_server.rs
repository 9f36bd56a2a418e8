//! A seller for the end-to-end harness of the x402 repository: `/protected` costs $0.001.
//!
//! Reads `PORT` (4021), `EVM_NETWORK` or `NETWORK`, `EVM_PAYEE_ADDRESS` or `ADDRESS`, `FACILITATOR_URL`, and, where they are
//! set, `EVM_ASSET`, `EVM_RPC_URL` and `EVM_ALSO` (offers on other networks beside it).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[path = "e2e/env.rs"]
mod env;
#[path = "e2e/stop.rs"]
mod stop;

use axum::{
    Router,
    http::header::CONTENT_TYPE,
    response::IntoResponse,
    routing::{get, post},
};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    ChainId, Party, TokenDomain,
    asset::Asset,
    seam::{Clock, Facilitator},
};
use http402_evm::{Finality, View};
use http402_facilitator::{Remote, Reqwest};
use http402_flow::server::NoEvents;
use http402_ledger::Memory;
use http402_tower::Tokio;
use http402_verify::Verifier;
use http402_x402::http::{X402V1, X402V2};
use std::{process::ExitCode, sync::Arc, time::SystemTime};
use stop::Stop;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            println!(
                "{}",
                serde_json::json!({"success": false, "error": error.to_string()})
            );
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), env::Fault> {
    let (chain, number) = env::chain()?;
    let (asset, assets) = env::asset(&chain, number)?;
    let payee = env::need(&["EVM_PAYEE_ADDRESS", "ADDRESS"])?;
    let url = env::need(&["FACILITATOR_URL"])?;
    let port = stop::port(4021)?;
    let running = Tokio::new();
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let mut remote = Remote::builder(&url, Arc::new(Reqwest::new()?), clock.clone());
    if let Some(rpc) = env::first(&["EVM_RPC_URL"]) {
        let view =
            View::new(clock.clone()).chain(number, env::provider(&rpc)?, Finality::Finalized);
        remote = remote.chain_view(Arc::new(view));
    }
    let facilitator: Arc<dyn Facilitator> = Arc::new(remote.build()?);
    let seams = Seams {
        judge: Arc::new(Verifier::new(assets)),
        facilitator,
        ledger: Arc::new(Memory::new()),
        clock,
        spawn: Arc::new(running.clone()),
        events: Arc::new(NoEvents),
    };
    let mut prices = Vec::new();
    for other in also()? {
        prices.push(other.price("$0.001", &payee)?);
    }
    prices.push(asset.price("$0.001", &payee)?);
    let paywall = PayLayer::builder(seams)
        .protocol(X402V2)
        .protocol(X402V1)
        .base_url(format!("http://localhost:{port}"))
        .describe("Access to a protected endpoint", "application/json")
        .price(prices)
        .build()?;
    let stop = Stop::default();
    let close = stop.clone();
    let app = Router::new()
        .route(
            "/protected",
            get(async |_: Paid| protected()).layer(paywall),
        )
        .route("/health", get(async || json(r#"{"status":"ok"}"#.into())))
        .route(
            "/close",
            post(async move || {
                close.now();
                json(r#"{"message":"closing"}"#.into())
            }),
        );
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Server listening on http://localhost:{port}");
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.told())
        .await?;
    running.drain().await;
    Ok(())
}

/// `EVM_ALSO`: more offers of the same price, `CHAIN/TOKEN` with spaces between, to be made before the one of the network.
/// The tokens have 6 decimals and the domain of USDC.
fn also() -> Result<Vec<Asset>, env::Fault> {
    let text = env::first(&["EVM_ALSO"]).unwrap_or_default();
    let offers = text.split_whitespace().map(|offer| {
        let (chain, token) = offer
            .split_once('/')
            .ok_or("EVM_ALSO: CHAIN/TOKEN is expected")?;
        let chain: ChainId = chain.parse()?;
        let number = chain.evm().ok_or("EVM_ALSO: not an EVM network")?;
        let token = Party::parse(&chain, token)?
            .evm()
            .ok_or("EVM_ALSO: not an address")?;
        Ok(Asset::evm(
            number,
            token,
            "TOKEN",
            6,
            &TokenDomain::new("USDC", "2"),
        ))
    });
    offers.collect()
}

fn protected() -> impl IntoResponse {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let timestamp = utc(now.as_secs());
    json(format!(
        r#"{{"message":"Protected endpoint accessed successfully","timestamp":"{timestamp}"}}"#
    ))
}

fn json(body: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body)
}

/// Seconds since 1970 as RFC 3339, in the proleptic Gregorian calendar.
fn utc(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap = |year: u64| {
        (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
    };
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let months = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}
