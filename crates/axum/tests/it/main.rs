//! No way to write a request reaches a paid handler without paying.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

use axum::{
    Router,
    body::Body,
    routing::{any, get, post},
};
use http::{HeaderMap, Request, StatusCode};
use http402_axum::{PayLayer, Seams};
use http402_core::{
    Amount, ChainId, Claim, ParseError, Party, Pending, ProtocolId, Reason, Requirement,
    Settlement, Step, Verdict,
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
    seam::{Boxed, Facilitator, Judge, Kind, Known, SeamError},
};
use http402_flow::server::NoEvents;
use http402_ledger::Memory;
use http402_tower::Tokio;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

/// Asks for payment, and takes none.
struct Deaf;

impl Protocol for Deaf {
    fn id(&self) -> ProtocolId {
        ProtocolId::new("deaf/1")
    }

    fn answers(&self, _: &HeaderMap) -> usize {
        0
    }

    fn claim(&self, _: &Asked<'_>, _: &HeaderMap) -> Result<Claim, ClaimError> {
        Err(ClaimError::Refused(Reason::NoMatchingOffer))
    }

    fn offer(&self, _: &Asked<'_>, _: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        out.member("pay", "true");
        Ok(())
    }

    fn report(&self, _: &Claim, _: &Settlement, _: Told, _: &mut HeaderMap) {}
}

/// Nobody has to be asked about a request without a payment.
struct Nobody;

impl Judge for Nobody {
    fn judge(&self, _: &Claim, _: &Known) -> Verdict {
        panic!("there is nothing to judge")
    }
}

impl Facilitator for Nobody {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, _: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        panic!("there is nothing to verify")
    }

    fn settle<'a>(&'a self, _: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        panic!("there is nothing to settle")
    }

    fn resolve<'a>(
        &'a self,
        _: &'a Claim,
        _: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        panic!("there is nothing to resolve")
    }
}

fn paywall() -> PayLayer {
    let chain = ChainId::eip155(84_532);
    let party = |text| Party::parse(&chain, text).unwrap();
    let token = party("0x036CbD53842c5426634e7929541eC2318f3dCF7e");
    let payee = party("0x209693Bc6afc0C5328bA36FaF03C514EF312287C");
    let price = Requirement::exactly(Amount::from(1000), chain.clone(), token, payee, None);
    let running = Tokio::new();
    let seams = Seams {
        judge: Arc::new(Nobody),
        facilitator: Arc::new(Nobody),
        ledger: Arc::new(Memory::new()),
        clock: Arc::new(running.clone()),
        spawn: Arc::new(running),
        events: Arc::new(NoEvents),
    };
    PayLayer::builder(seams)
        .protocol(Deaf)
        .base_url("https://api.example.com")
        .price(vec![price])
        .build()
        .unwrap()
}

/// The same routes in every way in which axum lets one mount a handler, with a paywall and without.
fn shop(count: &Arc<AtomicUsize>, paywall: Option<PayLayer>) -> Router {
    let ran = count.clone();
    let handler = move || {
        ran.fetch_add(1, Ordering::SeqCst);
        async { "goods" }
    };
    let goods = Router::new()
        .route("/paid", get(handler.clone()))
        .route("/order", post(handler.clone()))
        .route("/files/{*path}", get(handler.clone()))
        .route("/item/{id}", any(handler.clone()))
        .nest(
            "/api",
            Router::new().route("/v1/paid", get(handler.clone())),
        )
        .nest_service("/mounted", get(handler.clone()))
        .fallback(handler);
    match paywall {
        Some(paywall) => goods.layer(paywall),
        None => goods,
    }
}

/// Ways to write the paths of the shop that have opened a paywall somewhere.
fn targets() -> BTreeSet<String> {
    let paths = [
        "/paid",
        "/order",
        "/files/a.txt",
        "/item/1",
        "/api/v1/paid",
        "/mounted/x",
        "/nowhere",
    ];
    let mut all = BTreeSet::new();
    for path in paths {
        let rest = &path[1..];
        let first = &rest[..1];
        let hex = format!("%{:02x}", first.as_bytes()[0]);
        let upper = rest.to_uppercase();
        for target in [
            path.to_owned(),
            format!("{path}/"),
            format!("{path}//"),
            format!("/{path}"),
            format!("//{path}"),
            format!("/./{rest}"),
            format!("/x/../{rest}"),
            format!("/%2e/{rest}"),
            format!("/x/%2e%2e/{rest}"),
            format!("/x/..%2f{rest}"),
            format!("/%2F{rest}"),
            format!("/%2f{rest}"),
            format!("/%5C{rest}"),
            format!("/\\{rest}"),
            format!("\\{rest}"),
            format!("{path}%2f"),
            format!("{path}%2F"),
            format!("{path}%00"),
            format!("{path}%20"),
            format!("{path}%"),
            format!("{path}%c0"),
            format!("{path}%c0%af"),
            format!("{path}."),
            format!("{path};a=b"),
            format!("{path};"),
            format!("{path}?"),
            format!("{path}?free=true"),
            format!("{path}?/../public"),
            format!("{path}#x"),
            format!("/{hex}{}", &rest[1..]),
            format!("/{}{}", hex.to_uppercase(), &rest[1..]),
            format!("/%25{}{}", &hex[1..], &rest[1..]),
            format!("/{upper}"),
            format!("http://api.example.com{path}"),
            format!("http://other.example{path}"),
            format!("{path}/.."),
            format!("{path}/../{rest}"),
            format!("{path}/%2e%2e/{rest}"),
            format!("/public/..;/{rest}"),
            format!("{path}.json"),
            format!("{path}~"),
            format!("*{path}"),
        ] {
            all.insert(target);
        }
    }
    all
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "get", "PROPFIND",
];

/// Sends one request as it is written, and returns what comes back: nothing of it is made fit on the way.
async fn raw(port: u16, method: &str, target: &str, more: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server may close without an answer to what is no HTTP.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

async fn serve(app: Router) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

#[tokio::test]
async fn s54_no_way_to_write_a_request_reaches_the_handler_unpaid() {
    let (open, paid) = (Arc::default(), Arc::default());
    let free = serve(shop(&open, None)).await;
    let gated = serve(shop(&paid, Some(paywall()))).await;
    let mut tried = 0;
    let tricks = [
        "",
        "x-http-method-override: GET\r\n",
        "x-original-url: /public\r\nx-rewrite-url: /public\r\n",
        "origin: https://a.example\r\naccess-control-request-method: GET\r\n",
    ];
    for target in targets() {
        for (at, method) in METHODS.iter().enumerate() {
            let trick = tricks[at % tricks.len()];
            let preflight = *method == "OPTIONS" && trick.starts_with("origin");
            assert!(!preflight, "a preflight is let through by intention");
            let before = open.load(Ordering::SeqCst);
            let asked = raw(free, method, &target, trick).await;
            let answer = raw(gated, method, &target, trick).await;
            assert_eq!(
                paid.load(Ordering::SeqCst),
                0,
                "{method} {target} ran the handler"
            );
            let goods = b"goods";
            assert!(
                !answer.windows(goods.len()).any(|part| part == goods),
                "{method} {target} was served"
            );
            if open.load(Ordering::SeqCst) > before {
                tried += 1;
                let status = answer.get(9..12);
                assert_eq!(status, Some(&b"402"[..]), "{method} {target}");
            } else {
                // What the open shop does not serve either is no business of a paywall.
                assert!(
                    asked.is_empty() || asked.starts_with(b"HTTP/1.1 "),
                    "{target}"
                );
            }
        }
    }
    assert!(tried > 300, "{tried} requests reach a handler that is free");
}

#[tokio::test]
async fn s54_a_layer_of_one_route_gates_its_handlers_alone() {
    let count = Arc::new(AtomicUsize::new(0));
    let ran = count.clone();
    let handler = move || {
        ran.fetch_add(1, Ordering::SeqCst);
        async { "goods" }
    };
    let app = Router::new()
        .route("/paid", get(handler).layer(paywall()))
        .route("/free", get(async || "free"));
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(ask("GET", "/paid").await, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(ask("HEAD", "/paid").await, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(ask("GET", "/free").await, StatusCode::OK);
    assert_eq!(ask("GET", "/nowhere").await, StatusCode::NOT_FOUND);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
