//! One route, three protocols, over sockets: what a seller answers to x402 v1, x402 v2 and MPP, and that a credential opens
//! what it was made for and nothing else.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

mod binding;
mod shape;
mod spent;

use crate::{
    evm_scene::provider,
    scene::{PAYER, SETTLER, dev, usdc},
};
use alloy_primitives::U256;
use axum::{
    Router,
    http::{StatusCode as Status, Uri},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    Amount, ChainId, Party, Requirement, TransferMethod,
    asset::Assets,
    ledger::Ledger,
    protocol::{ClientProtocol, Refused},
    seam::{Clock, Entropy, Facilitator},
};
use http402_evm::Settler;
use http402_flow::{
    client::{Allowance, Policy},
    server::NoEvents,
};
use http402_ledger::Memory;
use http402_mpp::{
    KeyRing,
    http::{Mpp, MppClient},
};
use http402_reqwest::{OsEntropy, PayingClient, buyer};
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};
use http402_tower::{DigestBodyLayer, Tokio};
use http402_verify::{LocalKey, Verifier};
use http402_x402::{
    V2,
    http::{X402V1, X402V2},
};
use reqwest::Method;
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const CHAIN: u64 = 84_532;
/// The price of everything but `/dear`, in atomic units.
const CENT: u64 = 10_000;
const PAYEE: usize = 5;
/// A development account without any of the token.
const SECRET: [u8; 32] = [7; 32];

struct Shop {
    url: String,
    chain: Chain,
    served: Arc<AtomicUsize>,
}

/// What came back.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    url: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The last part of the problem's type.
    fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.rsplit('/').next().unwrap_or_default().into()
    }

    fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Whether it asks for payment, in any protocol.
    fn offers(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        self.has("payment-required") || self.has("www-authenticate") || text.contains("\"accepts\"")
    }
}

impl Shop {
    async fn open() -> Self {
        let chain = Chain::builder().build();
        let running = Tokio::new();
        let clock: Arc<dyn Clock> = Arc::new(running.clone());
        let verifier = Arc::new(Verifier::new(Assets::known()));
        let gas = DEV_ACCOUNTS[SETTLER].signer();
        let settler = Settler::builder(verifier.clone(), clock.clone())
            .chain(CHAIN, provider(&chain.connect()), gas)
            .kind(V2, "exact")
            .build()
            .unwrap();
        let facilitator: Arc<dyn Facilitator> = Arc::new(settler);
        let seams = Seams {
            judge: verifier,
            facilitator,
            ledger: Arc::new(Memory::new()),
            clock,
            spawn: Arc::new(running),
            events: Arc::new(NoEvents),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::new(AtomicUsize::new(0));
        let router = router(&url, &seams, &served);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, chain, served }
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// What the payee has.
    fn earned(&self) -> u64 {
        usdc(&self.chain).balance_of(dev(PAYEE)).to::<u64>() - START
    }

    async fn ask(&self, method: Method, target: &str, headers: HeaderMap, body: &str) -> Reply {
        let url = format!("{}{target}", self.url);
        let client = reqwest::Client::new();
        let request = client.request(method, &url).headers(headers);
        let response = request.body(body.to_owned()).send().await.unwrap();
        Reply {
            status: StatusCode::from_u16(response.status().as_u16()).unwrap(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
            url,
        }
    }

    async fn get(&self, target: &str, headers: &HeaderMap) -> Reply {
        self.ask(Method::GET, target, headers.clone(), "").await
    }

    /// A credential for what is sold there, not presented yet.
    async fn answer(&self, protocol: &dyn ClientProtocol, target: &str) -> HeaderMap {
        answer(
            protocol,
            &payer(),
            &self.get(target, &HeaderMap::new()).await,
        )
    }
}

/// What development accounts have at first.
const START: u64 = 1_000_000_000_000;

fn payer() -> LocalKey {
    LocalKey::from_bytes(&DEV_ACCOUNTS[PAYER].publicly_known_key().0).unwrap()
}

/// Who has nothing.
fn pauper() -> LocalKey {
    LocalKey::from_bytes(&[9; 32]).unwrap()
}

fn protocols() -> [Box<dyn ClientProtocol>; 3] {
    [Box::new(X402V1), Box::new(X402V2), mpp()]
}

fn mpp() -> Box<dyn ClientProtocol> {
    Box::new(MppClient::new(Assets::known()))
}

/// The answer to an offer on the chain that there is.
fn answer(protocol: &dyn ClientProtocol, key: &LocalKey, refused: &Reply) -> HeaderMap {
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED);
    let now = Tokio::new().now();
    let response = Refused::new(
        &refused.url,
        refused.status,
        &refused.headers,
        &refused.body,
        now,
    );
    let offers = protocol.offers(&response).unwrap();
    let chain = ChainId::eip155(CHAIN);
    let offer = offers
        .usable
        .iter()
        .find(|offer| offer.requirement.chain == chain)
        .unwrap();
    let payer = Party::Evm(key.address());
    let draft = protocol
        .draft(offer, &payer, now, OsEntropy.bytes32().0)
        .unwrap();
    let signature = key.sign_digest(&draft.to_sign.digest().0);
    let answer = protocol.answer(offer, &draft, &signature).unwrap();
    answer.headers().iter().cloned().collect()
}

fn price(text: &str) -> Requirement {
    let assets = Assets::known();
    let usdc = assets.of_chain(&ChainId::eip155(CHAIN)).unwrap();
    usdc.price(text, &dev(PAYEE).to_string()).unwrap()
}

/// What only MPP can ask for.
fn tempo() -> Requirement {
    let token = Party::Evm(
        "0x20c0000000000000000000000000000000000000"
            .parse()
            .unwrap(),
    );
    let payee = Party::Evm(dev(PAYEE));
    let chain = ChainId::eip155(42_431);
    let mut requirement =
        Requirement::exactly(Amount::from(CENT), chain, token, payee, None).upfront();
    requirement.transfer = TransferMethod::Native;
    requirement
}

fn router(url: &str, seams: &Seams, served: &Arc<AtomicUsize>) -> Router {
    let realm = url.trim_start_matches("http://");
    let charges = Mpp::new(realm, KeyRing::new(&SECRET).unwrap(), OsEntropy).unwrap();
    let layer = |prices: Vec<Requirement>| {
        PayLayer::builder(seams.clone())
            .protocol(X402V2)
            .protocol(X402V1)
            .protocol(charges.clone())
            .base_url(url)
            .describe("A report", "text/plain")
            .price(prices)
            .build()
            .unwrap()
    };
    let count = served.clone();
    let handler = move |uri: Uri, _: Paid| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { format!("sold {uri}") }
    };
    let fails = async |_: Paid| (Status::INTERNAL_SERVER_ERROR, "broken");
    let tries = Arc::new(AtomicUsize::new(0));
    let flaky = async move |_: Paid| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => (Status::BAD_GATEWAY, "once more"),
        _ => (Status::OK, "sold"),
    };
    let cent = || vec![price("$0.01")];
    // The body is read before the price is asked for: the layer lies around the route.
    let bound = post(async |_: Paid, body: String| body).layer(layer(cent()));
    let bound = Router::new()
        .route("/bound", bound)
        .layer(DigestBodyLayer::new(1024));
    Router::new()
        .route(
            "/report",
            get(handler.clone()).layer(layer(vec![tempo(), price("$0.01")])),
        )
        .route("/other", get(handler.clone()).layer(layer(cent())))
        .route(
            "/dear",
            get(handler.clone()).layer(layer(vec![price("$0.02")])),
        )
        .route(
            "/first",
            get(handler).layer(layer(vec![price("$0.01").upfront()])),
        )
        .route("/fails", get(fails).layer(layer(cent())))
        .route(
            "/fails-paid",
            get(fails).layer(layer(vec![price("$0.01").upfront()])),
        )
        .route("/flaky", get(flaky).layer(layer(cent())))
        .merge(bound)
}
