//! A facilitator for the end-to-end harness of the x402 repository.
//!
//! Reads `PORT` (4022), `EVM_PRIVATE_KEY`, `EVM_NETWORK` or `NETWORK`, `EVM_RPC_URL`, and, where they are set, `EVM_ASSET` and
//! `EVM_PAYEE_ADDRESS` (without it, anybody may be paid).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[path = "e2e/env.rs"]
mod env;
#[path = "e2e/stop.rs"]
mod stop;

use alloy_signer_local::PrivateKeySigner;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use http402_core::{Party, seam::Clock};
use http402_evm::{Finality, Settler};
use http402_facilitator::server::{Allowed, Server};
use http402_ledger::Memory;
use http402_tower::Tokio;
use http402_verify::Verifier;
use http402_x402::{V1, V2, request::MAX_LEN};
use std::{process::ExitCode, sync::Arc};
use stop::Stop;
use tokio::net::TcpListener;

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
    let (chain, number) = env::chain()?;
    let (asset, assets) = env::asset(&chain, number)?;
    let key = env::need(&["EVM_PRIVATE_KEY"])?;
    let signer: PrivateKeySigner = key
        .parse()
        .map_err(|_| "EVM_PRIVATE_KEY is not a private key")?;
    let account = Party::Evm(signer.address());
    let rpc = env::need(&["EVM_RPC_URL"])?;
    let port = stop::port(4022)?;
    let running = Tokio::new();
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let settler = Settler::builder(Arc::new(Verifier::new(assets.clone())), clock.clone())
        .chain(number, env::provider(&rpc)?, signer)
        .assets(assets)
        .finality(Finality::Finalized)
        .kind(V2, "exact")
        .kind(V1, "exact")
        .build()?;
    let allowed = Allowed::nothing().asset(chain.clone(), asset.address.clone());
    let allowed = match env::first(&["EVM_PAYEE_ADDRESS"]) {
        Some(payee) => allowed.payee(Party::parse(&chain, &payee)?),
        None => allowed.any_payee(),
    };
    let server = Server::builder(
        Arc::new(settler),
        Arc::new(Memory::new()),
        clock,
        Arc::new(running.clone()),
    )
    .allow(allowed)
    .signers([account])
    .build()?;
    let stop = Stop::default();
    let close = stop.clone();
    let app = Router::new()
        .route(
            "/close",
            post(async move || {
                close.now();
                "closing"
            }),
        )
        .fallback(move |request: Request| answer(server.clone(), request));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Facilitator listening on http://localhost:{port}");
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.told())
        .await?;
    running.drain().await;
    Ok(())
}

async fn answer(server: Server, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_LEN).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = Request::from_parts(head, body.to_vec().into());
    let response = server.answer(request).await;
    response.map(|body| Body::from(body.to_vec()))
}
