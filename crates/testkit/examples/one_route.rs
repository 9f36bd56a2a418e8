//! A seller with one priced route for everybody: x402 in both versions and MPP on an EVM chain, and MPP on Tempo.
//!
//! Reads `PORT` (4051); `EVM_RPC_URL`, `EVM_PRIVATE_KEY` (who pays for gas), `EVM_PAYEE_ADDRESS`, and, where they are set,
//! `EVM_NETWORK` and `EVM_ASSET`; `TEMPO_RPC_URL` and, where it is set, `TEMPO_CHAIN` (42431).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[path = "e2e/env.rs"]
mod env;
#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/stop.rs"]
mod stop;
#[path = "e2e/tempo.rs"]
mod tempo_env;

use alloy_signer_local::PrivateKeySigner;
use axum::{Router, routing::get};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    ChainId, Requirement, TokenDomain, TransferMethod,
    asset::{Asset, Assets},
    seam::{Clock, Facilitator},
};
use http402_flow::server::{Facilitators, NoEvents};
use http402_ledger::Memory;
use http402_mpp::{KeyRing, MPP, http::Mpp};
use http402_tower::{OsEntropy, Tokio};
use http402_verify::Verifier;
use http402_x402::{
    V1, V2,
    http::{X402V1, X402V2},
};
use std::{process::ExitCode, sync::Arc};
use stop::Stop;
use tempo_env::PATH_USD;
use tokio::net::TcpListener;

const PRICE: &str = "$0.01";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), env::Fault> {
    let port = stop::port(4051)?;
    let running = Tokio::new();
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let (chain, number) = env::chain()?;
    let (usdc, assets) = env::asset(&chain, number)?;
    let tempo = tempo_env::chain()?;
    let payee = env::need(&["EVM_PAYEE_ADDRESS"])?;
    let seams = Seams {
        judge: Arc::new(Verifier::new(assets.clone())),
        facilitator: Arc::new(
            Facilitators::new()
                .chain(chain, settles(number, &assets, &clock)?)
                .chain(ChainId::eip155(tempo), settles_on_tempo(tempo, &clock)?),
        ),
        ledger: Arc::new(Memory::new()),
        clock,
        spawn: Arc::new(running.clone()),
        events: Arc::new(NoEvents),
    };
    let keys = KeyRing::new(tempo_env::SECRET)?;
    let paywall = PayLayer::builder(seams)
        .protocol(X402V2)
        .protocol(X402V1)
        .protocol(Mpp::new("127.0.0.1", keys, OsEntropy)?)
        .base_url(format!("http://127.0.0.1:{port}"))
        .describe("What everybody may buy", "application/json")
        .price(vec![
            usdc.price(PRICE, &payee)?,
            on_tempo(tempo, PRICE, &payee)?,
        ])
        .build()?;
    let serve = async |paid: Paid| {
        format!(
            r#"{{"payer":"{}","protocol":"{}"}}"#,
            paid.payer, paid.protocol
        )
    };
    let app = Router::new().route("/sold", get(serve).layer(paywall));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Server listening on http://127.0.0.1:{port}");
    axum::serve(listener, app)
        .with_graceful_shutdown(Stop::default().told())
        .await?;
    running.drain().await;
    Ok(())
}

fn settles(
    number: u64,
    assets: &Assets,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Facilitator>, env::Fault> {
    let gas: PrivateKeySigner = env::need(&["EVM_PRIVATE_KEY"])?
        .parse()
        .map_err(|_| "EVM_PRIVATE_KEY is not a private key")?;
    let provider = env::provider(&env::need(&["EVM_RPC_URL"])?)?;
    let judge = Arc::new(Verifier::new(assets.clone()));
    let settler = http402_evm::Settler::builder(judge, Arc::clone(clock))
        .chain(number, provider, gas)
        .assets(assets.clone())
        .finality(http402_evm::Finality::Finalized)
        .kind(V2, "exact")
        .kind(V1, "exact")
        .kind(MPP, "evm")
        .build()?;
    Ok(Arc::new(settler))
}

fn settles_on_tempo(
    number: u64,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Facilitator>, env::Fault> {
    let provider = env::provider(&env::need(&["TEMPO_RPC_URL"])?)?;
    let node = http402_tempo::Rpc::new(provider, Arc::clone(clock))
        .finality(http402_tempo::Finality::Depth(0));
    let settler = http402_tempo::Settler::builder(Arc::clone(clock))
        .chain(number, node)
        .kind(MPP, "tempo")
        .build()?;
    Ok(Arc::new(settler))
}

/// The same price in the token of Tempo, to be paid by a transaction.
fn on_tempo(number: u64, price: &str, payee: &str) -> Result<Requirement, env::Fault> {
    let domain = TokenDomain::new("pathUSD", "1");
    let token = Asset::evm(number, PATH_USD, "pathUSD", 6, &domain);
    let mut requirement = token.price(price, payee)?.upfront();
    requirement.transfer = TransferMethod::Native;
    requirement.domain = None;
    Ok(requirement)
}
