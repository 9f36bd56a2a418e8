//! A seller on Tempo, whose routes are paid by MPP charges: `/pull` and `/push` by a transaction, `/sponsored` by one whose fee
//! the seller pays, `/splits` in two parts, and `/proof` with nothing but proof of who asks.
//!
//! Reads `PORT` (4041), `TEMPO_RPC_URL`, `TEMPO_PAYEE`, `TEMPO_PARTNER`, `TEMPO_SPONSOR_KEY`, and, where it is set,
//! `TEMPO_CHAIN` (42431).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/env.rs"]
mod env;
#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/stop.rs"]
mod stop;
#[path = "e2e/tempo.rs"]
mod tempo_env;

use axum::{Router, routing::get};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    Amount, ChainId, Leg, Party, Price, Requirement, TransferMethod, U256,
    asset::Assets,
    seam::{Clock, Facilitator},
};
use http402_flow::server::NoEvents;
use http402_ledger::Memory;
use http402_mpp::{KeyRing, MPP, http::Mpp, method::tempo::Options};
use http402_tempo::{Finality, Rpc, Settler, Sponsor};
use http402_tower::{OsEntropy, Tokio};
use http402_verify::{LocalKey, Verifier};
use std::{process::ExitCode, sync::Arc};
use stop::Stop;
use tempo_env::PATH_USD;
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
    let number = tempo_env::chain()?;
    let port = stop::port(4041)?;
    let running = Tokio::new();
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let provider = env::provider(&env::need(&["TEMPO_RPC_URL"])?)?;
    let rpc = Rpc::new(provider, Arc::clone(&clock)).finality(Finality::Depth(0));
    let sponsor = LocalKey::from_hex(&env::need(&["TEMPO_SPONSOR_KEY"])?)?;
    let settler = Settler::builder(Arc::clone(&clock))
        .sponsored(number, rpc, Sponsor::new(Arc::new(sponsor), PATH_USD))
        .kind(MPP, "tempo")
        .build()?;
    let facilitator: Arc<dyn Facilitator> = Arc::new(settler);
    let seams = Seams {
        judge: Arc::new(Verifier::new(Assets::known())),
        facilitator,
        ledger: Arc::new(Memory::new()),
        clock,
        spawn: Arc::new(running.clone()),
        events: Arc::new(NoEvents),
    };
    let price = Prices::read(number)?;
    let any = Options::default();
    let mut app = Router::new();
    for (path, options, requirement) in [
        ("/pull", any.pull_only(), price.of(10_000)),
        ("/push", any.push_only(), price.of(20_000)),
        ("/sponsored", any.sponsored(), price.of(10_000)),
        ("/splits", any, price.split(30_000, 10_000)),
        ("/proof", any, price.nothing()),
    ] {
        let keys = KeyRing::new(tempo_env::SECRET)?;
        let paywall = PayLayer::builder(seams.clone())
            .protocol(Mpp::new("127.0.0.1", keys, OsEntropy)?.tempo(options))
            .base_url(format!("http://127.0.0.1:{port}"))
            .describe("What was asked for", "application/json")
            .price(vec![requirement])
            .build()?;
        let serve = async |paid: Paid| format!(r#"{{"payer":"{}"}}"#, paid.payer);
        app = app.route(path, get(serve).layer(paywall));
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Server listening on http://127.0.0.1:{port}");
    axum::serve(listener, app)
        .with_graceful_shutdown(Stop::default().told())
        .await?;
    running.drain().await;
    Ok(())
}

struct Prices {
    chain: ChainId,
    payee: Party,
    partner: Party,
}

impl Prices {
    fn read(number: u64) -> Result<Self, env::Fault> {
        let chain = ChainId::eip155(number);
        let party = |name| Ok::<_, env::Fault>(Party::parse(&chain, &env::need(&[name])?)?);
        let (payee, partner) = (party("TEMPO_PAYEE")?, party("TEMPO_PARTNER")?);
        Ok(Self {
            chain,
            payee,
            partner,
        })
    }

    fn of(&self, units: u64) -> Requirement {
        let amount = Amount::from_units(U256::from(units));
        let (chain, payee) = (self.chain.clone(), self.payee.clone());
        let mut requirement =
            Requirement::exactly(amount, chain, Party::Evm(PATH_USD), payee, None).upfront();
        requirement.transfer = TransferMethod::Native;
        requirement
    }

    fn split(&self, units: u64, part: u64) -> Requirement {
        let mut requirement = self.of(units);
        requirement.splits.push(Leg {
            to: self.partner.clone(),
            amount: Amount::from_units(U256::from(part)),
        });
        requirement
    }

    fn nothing(&self) -> Requirement {
        let mut requirement = self.of(1);
        requirement.price = Price::Nothing;
        requirement
    }
}
