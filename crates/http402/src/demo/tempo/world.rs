use super::anvil::{Anvil, CHAIN};
use crate::{
    demo::{
        tape::Tape,
        world::{BUDGET, LIMIT, Wallet, door, party},
    },
    runtime::{Fault, provider},
    serve::serve,
};
use alloy_provider::{DynProvider, Provider};
use axum::{Router, routing::get};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    Address, Bytes, Party, Price, Requirement, TokenDomain, TransferMethod, U256,
    asset::{Asset, Assets},
    seam::{Clock, Entropy},
};
use http402_flow::{
    client::{Allowance, Policy},
    server::NoEvents,
};
use http402_ledger::Memory;
use http402_mpp::{
    KeyRing, MPP,
    http::{Mpp, MppClient},
    method::tempo::Options,
};
use http402_reqwest::PayingClient;
use http402_tempo::{Finality, Node, Reader, Rpc, Settler, Sponsor, View};
use http402_testkit::chain::DEV_ACCOUNTS;
use http402_tower::{OsEntropy, Tokio};
use http402_verify::{LocalKey, Verifier};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Who is who among the accounts that the chain begins with.
const SPONSOR: usize = 0;
const SHOP: usize = 1;
const BUYER: usize = 2;
/// The token that all of them have, and that fees are paid in.
const PATH_USD: Address = Address::new([
    0x20, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
/// Where fees go.
pub(super) const FEES: Address = Address::new([
    0xfe, 0xec, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
/// Three cents, the most that the buyer bears for the fee of one payment, in attodollars.
const MOST: u128 = 30_000_000_000_000_000;

/// One route of the shop.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) price: &'static str,
    pub(super) title: &'static str,
    options: fn(Options) -> Options,
    body: &'static str,
}

impl Route {
    /// Whether somebody else pays the fee.
    pub(super) fn sponsored(&self) -> bool {
        (self.options)(Options::default()).fee_payer
    }
}

pub(super) const ROUTES: [Route; 3] = [
    Route {
        path: "/weather",
        price: "$0.01",
        title: "the shop sends the transaction, the buyer pays its fee",
        options: Options::pull_only,
        body: r#"{"place":"Lisbon","sky":"clear","celsius":21}"#,
    },
    Route {
        path: "/report",
        price: "$0.25",
        title: "a sponsor of the shop pays the fee",
        options: Options::sponsored,
        body: r#"{"report":"all is well","pages":1}"#,
    },
    Route {
        path: "/members",
        price: "$0",
        title: "nothing is paid, and who asks is proven",
        options: std::convert::identity,
        body: r#"{"welcome":true}"#,
    },
];

/// A chain in a process of its own, a shop with a sponsor, and a buyer.
pub(super) struct World {
    anvil: Anvil,
    provider: DynProvider,
    node: Rpc,
    pub(super) asset: Asset,
    pub(super) shop: String,
    pub(super) tape: Arc<Tape>,
    pub(super) wallet: Arc<Wallet>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    running: Tokio,
}

impl World {
    pub(super) async fn open() -> Result<Self, Fault> {
        let anvil = Anvil::start().await?;
        let provider = provider(&anvil.url)?;
        // In block 0 it is the year 1970.
        let _: Value = provider.raw_request("evm_mine".into(), json!([])).await?;
        let running = Tokio::new();
        let clock: Arc<dyn Clock> = Arc::new(running.clone());
        let node = Rpc::new(provider.clone(), clock).finality(Finality::Depth(0));
        let asset = Asset::evm(
            CHAIN,
            PATH_USD,
            "pathUSD",
            6,
            &TokenDomain::new("pathUSD", "1"),
        );
        let (listener, shop) = door().await?;
        let (stop, stopped) = watch::channel(false);
        let tape = Arc::<Tape>::default();
        let sells = sells(&running, &node, &asset, &shop)?;
        let server = serve_on(listener, stopped, tape.clone(), sells);
        Ok(Self {
            anvil,
            provider,
            node,
            asset,
            shop,
            tape,
            wallet: Arc::new(Wallet::of(BUYER)?),
            stop,
            server,
            running,
        })
    }

    /// A buyer with a budget, who reads what he signs and proves who he is.
    pub(super) async fn buyer(&self) -> Result<PayingClient, Fault> {
        let policy = Policy::new()
            .allow(Allowance::of(&self.asset, LIMIT)?.per_hour(BUDGET)?)
            .read_transactions(Arc::new(Reader::new(MOST)))
            .prove_identity();
        let wallet = http402_tempo::Wallet::connect(&self.node).await?;
        let view = View::new().chain(CHAIN, Arc::new(self.node.clone()));
        let ledger = Arc::new(Memory::new());
        let buyer = http402_reqwest::buyer(policy, self.wallet.clone(), ledger)
            .protocol(MppClient::new(Assets::known()).wallet(wallet))
            .chain_view(Arc::new(view));
        Ok(PayingClient::new(buyer)?)
    }

    /// Who takes part, and where what they pay for the chain goes.
    pub(super) fn people() -> [(&'static str, Party); 4] {
        [
            ("buyer", party(BUYER)),
            ("shop", party(SHOP)),
            ("sponsor", party(SPONSOR)),
            ("fees", Party::Evm(FEES)),
        ]
    }

    /// What all of them have, in atomic units.
    pub(super) async fn holdings(&self) -> Result<[U256; 4], Fault> {
        let mut all = [U256::ZERO; 4];
        for (units, (_, who)) in all.iter_mut().zip(Self::people()) {
            let address = who.evm().unwrap_or_default();
            // balanceOf(address)
            let mut input = vec![0x70, 0xa0, 0x82, 0x31];
            input.extend_from_slice(address.into_word().as_slice());
            let answer = self.node.read(PATH_USD, Bytes::from(input)).await?;
            let answer = answer.ok_or("the token does not tell balances")?;
            *units = U256::try_from_be_slice(&answer).ok_or("the token tells no number")?;
        }
        Ok(all)
    }

    /// The receipt of a transaction, as the node has it.
    pub(super) async fn receipt(&self, transaction: &str) -> Result<Value, Fault> {
        let asked = json!([transaction]);
        let answer = self
            .provider
            .raw_request("eth_getTransactionReceipt".into(), asked);
        Ok(answer.await?)
    }

    /// Stops the shop, waits for what is owed, and ends the chain.
    pub(super) async fn close(self) -> Result<(), Fault> {
        let _ = self.stop.send(true);
        let _ = self.server.await;
        self.running.drain().await;
        self.anvil.stop().await?;
        Ok(())
    }
}

fn serve_on(
    listener: TcpListener,
    stopped: watch::Receiver<bool>,
    tape: Arc<Tape>,
    sells: Router,
) -> JoinHandle<()> {
    tokio::spawn(serve(listener, stopped, move |request| {
        tape.clone().through(sells.clone(), request)
    }))
}

/// The shop: three routes, each paid in its own way.
fn sells(running: &Tokio, node: &Rpc, asset: &Asset, shop: &str) -> Result<Router, Fault> {
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let sponsor = LocalKey::from_bytes(&DEV_ACCOUNTS[SPONSOR].publicly_known_key().0)?;
    let settler = Settler::builder(clock.clone())
        .sponsored(
            CHAIN,
            node.clone(),
            Sponsor::new(Arc::new(sponsor), PATH_USD),
        )
        .kind(MPP, "tempo")
        .build()?;
    let seams = Seams {
        judge: Arc::new(Verifier::new(Assets::known())),
        facilitator: Arc::new(settler),
        ledger: Arc::new(Memory::new()),
        clock,
        spawn: Arc::new(running.clone()),
        events: Arc::new(NoEvents),
    };
    let keys = KeyRing::new(OsEntropy.bytes32().as_slice())?;
    let realm = shop.trim_start_matches("http://");
    let charges = Mpp::new(realm, keys, OsEntropy)?;
    let mut router = Router::new();
    for route in &ROUTES {
        let options = (route.options)(Options::default());
        let layer = PayLayer::builder(seams.clone())
            .protocol(charges.clone().tempo(options))
            .base_url(shop)
            .describe(&route.path[1..], "application/json")
            .price(vec![requirement(asset, route.price)?])
            .build()?;
        let handler = get(move |_: Paid| async move { route.body });
        router = router.route(route.path, handler.layer(layer));
    }
    Ok(router)
}

fn requirement(asset: &Asset, price: &str) -> Result<Requirement, Fault> {
    let free = price == "$0";
    let amount = if free { "$0.01" } else { price };
    let mut requirement = asset.price(amount, &party(SHOP).to_string())?.upfront();
    requirement.transfer = TransferMethod::Native;
    requirement.domain = None;
    if free {
        requirement.price = Price::Nothing;
    }
    Ok(requirement)
}
