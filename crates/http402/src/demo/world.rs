use super::tape::Tape;
use crate::{
    runtime::{Fault, embedded},
    serve::{Closed, serve},
};
use axum::{Router, routing::get};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    ChainId, Party, Requirement,
    asset::{Asset, Assets},
    seam::{Boxed, Clock, Entropy, Facilitator, SeamError, Signer, Spawn},
    typed::ToSign,
};
use http402_evm::{Finality, Settler, View};
use http402_facilitator::{Remote, Reqwest, server};
use http402_flow::{
    client::{Allowance, Policy},
    server::NoEvents,
};
use http402_ledger::Memory;
use http402_mpp::{
    KeyRing,
    http::{Mpp, MppClient},
};
use http402_reqwest::PayingClient;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS, Token};
use http402_tower::{OsEntropy, Tokio};
use http402_verify::{LocalKey, Verifier};
use http402_x402::{
    V1, V2,
    http::{X402V1, X402V2},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Who is who among the accounts that the chain begins with.
const GAS: usize = 0;
const SHOP: usize = 1;
const BUYER: usize = 2;

/// One route of the shop.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) price: &'static str,
    pub(super) order: &'static str,
    body: &'static str,
}

pub(super) const ROUTES: [Route; 3] = [
    Route {
        path: "/weather",
        price: "$0.01",
        order: "served first, then settled",
        body: r#"{"place":"Lisbon","sky":"clear","celsius":21}"#,
    },
    Route {
        path: "/report",
        price: "$0.25",
        order: "settled first, then served",
        body: r#"{"report":"all is well","pages":1}"#,
    },
    Route {
        path: "/dataset",
        price: "$0.50",
        order: "served first, then settled",
        body: r#"{"rows":1000000}"#,
    },
];

/// What a buyer speaks.
#[derive(Clone, Copy)]
pub(super) enum Speaks {
    /// Both versions of x402.
    X402,
    /// Version 1 alone.
    X402V1,
    /// The `Payment` scheme.
    Mpp,
}

/// What one payment may cost, and what all of an hour may.
pub(super) const LIMIT: &str = "$0.50";
pub(super) const BUDGET: &str = "$0.60";

/// A wallet that counts its signatures.
pub(super) struct Wallet {
    key: LocalKey,
    signatures: AtomicU32,
}

impl Wallet {
    /// That of an account which the chain begins with.
    pub(super) fn of(account: usize) -> Result<Self, Fault> {
        Ok(Self {
            key: LocalKey::from_bytes(&DEV_ACCOUNTS[account].publicly_known_key().0)?,
            signatures: AtomicU32::new(0),
        })
    }

    pub(super) fn signatures(&self) -> u32 {
        self.signatures.load(Ordering::SeqCst)
    }
}

impl Signer for Wallet {
    fn party(&self) -> Party {
        self.key.party()
    }

    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<http402_core::Bytes, SeamError>> {
        self.signatures.fetch_add(1, Ordering::SeqCst);
        self.key.sign(what)
    }
}

/// A chain, a facilitator, a shop and a buyer.
pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) token: Token,
    pub(super) asset: Asset,
    pub(super) facilitator: String,
    pub(super) shop: String,
    pub(super) tape: Arc<Tape>,
    pub(super) wallet: Arc<Wallet>,
    clock: Arc<dyn Clock>,
    view: Arc<View>,
    ledger: Arc<Memory>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    running: Tokio,
}

pub(super) fn party(account: usize) -> Party {
    Party::Evm(DEV_ACCOUNTS[account].address())
}

pub(super) async fn door() -> Result<(TcpListener, String), Fault> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

impl World {
    pub(super) async fn open() -> Result<Self, Fault> {
        let chain = Chain::builder().build();
        let id = chain.chain_id();
        let assets = Assets::known();
        let asset = assets
            .of_chain(&ChainId::eip155(id))
            .ok_or("the chain has a known token")?;
        let asset = asset.clone();
        let contract = asset.address.evm().ok_or("the token is a contract")?;
        let running = Tokio::new();
        let clock: Arc<dyn Clock> = Arc::new(running.clone());
        let finality = Finality::Depth(0);
        let provider = embedded(chain.connect());
        let view = View::new(clock.clone()).chain(id, provider, finality);
        let (facilitator_door, facilitator) = door().await?;
        let (shop_door, shop) = door().await?;
        let (stop, stopped) = watch::channel(false);
        let mut world = Self {
            token: chain.token(contract),
            chain,
            asset,
            facilitator,
            shop,
            tape: Arc::default(),
            wallet: Arc::new(Wallet::of(BUYER)?),
            clock,
            view: Arc::new(view),
            ledger: Arc::new(Memory::new()),
            stop,
            servers: Vec::new(),
            running,
        };
        let settles = world.settles()?;
        let sells = world.sells()?;
        let tape = world.tape.clone();
        world.servers.push(tokio::spawn(serve(
            facilitator_door,
            stopped.clone(),
            move |request| {
                let mut settles = settles.clone();
                async move {
                    tower_service::Service::call(&mut settles, request)
                        .await
                        .map_err(|_| Closed)
                }
            },
        )));
        world
            .servers
            .push(tokio::spawn(serve(shop_door, stopped, move |request| {
                tape.clone().through(sells.clone(), request)
            })));
        Ok(world)
    }

    /// The facilitator: it settles this token for this shop, and pays the gas.
    fn settles(&self) -> Result<server::Server, Fault> {
        let judge = Arc::new(Verifier::new(Assets::known()));
        let settler = Settler::builder(judge, self.clock.clone())
            .chain(
                self.chain.chain_id(),
                embedded(self.chain.connect()),
                DEV_ACCOUNTS[GAS].signer(),
            )
            .kind(V2, "exact")
            .kind(V1, "exact")
            .build()?;
        let allowed = server::Allowed::nothing()
            .asset(self.asset.chain.clone(), self.asset.address.clone())
            .payee(party(SHOP));
        let spawn: Arc<dyn Spawn> = Arc::new(self.running.clone());
        let ledger = Arc::new(Memory::new());
        let server = server::Server::builder(Arc::new(settler), ledger, self.clock.clone(), spawn)
            .allow(allowed)
            .signers([party(GAS)])
            .build()?;
        Ok(server)
    }

    /// The shop: three routes with a price, paid in either version of x402 or by the `Payment` scheme.
    fn sells(&self) -> Result<Router, Fault> {
        let transport = Arc::new(Reqwest::new()?);
        let remote = Remote::builder(&self.facilitator, transport, self.clock.clone())
            .chain_view(self.view.clone())
            .build()?;
        let facilitator: Arc<dyn Facilitator> = Arc::new(remote);
        let seams = Seams {
            judge: Arc::new(Verifier::new(Assets::known())),
            facilitator,
            ledger: Arc::new(Memory::new()),
            clock: self.clock.clone(),
            spawn: Arc::new(self.running.clone()),
            events: Arc::new(NoEvents),
        };
        let keys = KeyRing::new(OsEntropy.bytes32().as_slice())?;
        let realm = self.shop.trim_start_matches("http://");
        let charges = Mpp::new(realm, keys, OsEntropy)?;
        let mut router = Router::new();
        for route in &ROUTES {
            let layer = PayLayer::builder(seams.clone())
                .protocol(X402V2)
                .protocol(X402V1)
                .protocol(charges.clone())
                .base_url(&self.shop)
                .describe(&route.path[1..], "application/json")
                .price(vec![self.requirement(route)?])
                .build()?;
            let handler = get(move |_: Paid| async move { route.body });
            router = router.route(route.path, handler.layer(layer));
        }
        Ok(router)
    }

    fn requirement(&self, route: &Route) -> Result<Requirement, Fault> {
        let requirement = self.asset.price(route.price, &party(SHOP).to_string())?;
        Ok(match route.order.starts_with("settled") {
            true => requirement.upfront(),
            false => requirement,
        })
    }

    /// A buyer with the budget. All share one wallet and one budget.
    pub(super) fn buyer(&self, speaks: Speaks) -> Result<PayingClient, Fault> {
        let allowance = Allowance::of(&self.asset, LIMIT)?.per_hour(BUDGET)?;
        let buyer = http402_reqwest::buyer(
            Policy::new().allow(allowance),
            self.wallet.clone(),
            self.ledger.clone(),
        )
        .chain_view(self.view.clone());
        let buyer = match speaks {
            Speaks::X402 => buyer.protocol(X402V2).protocol(X402V1),
            Speaks::X402V1 => buyer.protocol(X402V1),
            Speaks::Mpp => buyer.protocol(MppClient::new(Assets::known())),
        };
        Ok(PayingClient::new(buyer)?)
    }

    /// What somebody has of the token, in atomic units.
    pub(super) fn holds(&self, who: &Party) -> http402_core::U256 {
        who.evm()
            .map(|address| self.token.balance_of(address))
            .unwrap_or_default()
    }

    pub(super) fn people() -> [(&'static str, Party); 3] {
        [
            ("buyer", party(BUYER)),
            ("shop", party(SHOP)),
            ("facilitator", party(GAS)),
        ]
    }

    /// Stops the servers and waits for what is owed.
    pub(super) async fn close(self) {
        let _ = self.stop.send(true);
        for server in self.servers {
            let _ = server.await;
        }
        self.running.drain().await;
    }
}
