//! A chain with an endpoint, the tool's own facilitator in a process of its own, and a shop that settles through it.

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use http402_axum::{Paid, PayLayer, Seams};
use http402_core::{
    ChainId,
    asset::Assets,
    seam::{Clock, Facilitator},
};
use http402_facilitator::{Remote, Reqwest};
use http402_flow::server::NoEvents;
use http402_ledger::Memory;
use http402_mpp::{KeyRing, http::Mpp};
use http402_reqwest::OsEntropy;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS, Endpoint};
use http402_tower::Tokio;
use http402_verify::Verifier;
use http402_x402::http::{X402V1, X402V2};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) const GAS: usize = 0;
pub(crate) const PAYEE: usize = 1;
pub(crate) const PAYER: usize = 2;

pub(crate) fn key(account: usize) -> String {
    DEV_ACCOUNTS[account].publicly_known_key().to_string()
}

/// A process that ends with its owner.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is removed with its owner.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("http402-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file can be written");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the tool's facilitator with these arguments, on a port that it chooses, and waits until it listens.
pub(crate) fn facilitator(arguments: &[&str]) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_http402"))
        .args(["facilitator", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .env("HTTP402_KEY", key(GAS))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let mut line = String::new();
    let mut lines = BufReader::new(child.stderr.take().expect("its errors are piped"));
    lines.read_line(&mut line).expect("it says something");
    let url = line
        .trim()
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "it listens: {line}");
    // Keeps reading, so that it can keep writing.
    std::thread::spawn(move || lines.lines().for_each(drop));
    Running { child, url }
}

pub(crate) struct Shop {
    pub(crate) chain: Chain,
    pub(crate) endpoint: Endpoint,
    _facilitator: Running,
    pub(crate) url: String,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The same, with more arguments for its facilitator.
    pub(crate) async fn with(more: &[&str]) -> Self {
        let chain = Chain::builder().build();
        let endpoint = chain.serve().expect("loopback is there");
        let rpc = format!("eip155:84532={}", endpoint.url());
        let payee = DEV_ACCOUNTS[PAYEE].address().to_string();
        let mut arguments = vec![
            "--rpc",
            &rpc,
            "--asset",
            "eip155:84532/USDC",
            "--payee",
            &payee,
        ];
        arguments.extend(more);
        let facilitator = facilitator(&arguments);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback is there");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = router(&url, &facilitator.url);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            chain,
            endpoint,
            _facilitator: facilitator,
            url,
        }
    }

    /// What an account has of the token, in atomic units.
    pub(crate) fn holds(&self, account: usize) -> u128 {
        let usdc = Assets::known()
            .of_chain(&ChainId::eip155(84532))
            .expect("known")
            .clone();
        let token = self.chain.token(usdc.address.evm().expect("a contract"));
        token.balance_of(DEV_ACCOUNTS[account].address()).to()
    }
}

fn router(url: &str, facilitator: &str) -> Router {
    let running = Tokio::new();
    let clock: Arc<dyn Clock> = Arc::new(running.clone());
    let transport = Arc::new(Reqwest::new().expect("reqwest starts"));
    let remote = Remote::builder(facilitator, transport, clock.clone())
        .build()
        .expect("a remote");
    let remote: Arc<dyn Facilitator> = Arc::new(remote);
    let seams = Seams {
        judge: Arc::new(Verifier::new(Assets::known())),
        facilitator: remote,
        ledger: Arc::new(Memory::new()),
        clock,
        spawn: Arc::new(running),
        events: Arc::new(NoEvents),
    };
    let usdc = Assets::known()
        .of_chain(&ChainId::eip155(84532))
        .expect("known")
        .clone();
    let realm = url.trim_start_matches("http://");
    let keys = KeyRing::new(&[7; 32]).expect("a secret of 32 bytes");
    let charges = Mpp::new(realm, keys, OsEntropy).expect("a realm");
    let price = |price: &str| {
        let payee = DEV_ACCOUNTS[PAYEE].address().to_string();
        let layer = PayLayer::builder(seams.clone())
            .protocol(X402V2)
            .protocol(X402V1)
            .protocol(charges.clone())
            .base_url(url)
            .price(vec![usdc.price(price, &payee).expect("a price")]);
        layer.build().expect("a paywall")
    };
    let served = Arc::new(AtomicUsize::new(0));
    let numbered =
        async move |_: Paid| format!("number {}\n", served.fetch_add(1, Ordering::SeqCst));
    let fails = async |_: Paid| (StatusCode::INTERNAL_SERVER_ERROR, "broken\n");
    Router::new()
        .route("/numbered", get(numbered).layer(price("$0.01")))
        .route("/fails", get(fails).layer(price("$0.01")))
        .route("/free", get(async || "free\n"))
        .route(
            "/weather",
            get(async |_: Paid| "sunny\n").layer(price("$0.01")),
        )
        .route(
            "/echo",
            post(async |_: Paid, body: String| body).layer(price("$0.02")),
        )
        .route("/dear", get(async |_: Paid| "dear\n").layer(price("$5")))
}
