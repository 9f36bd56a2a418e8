//! Requests a second over loopback sockets: a handler behind the axum adapter, and the same handler without it.
//! `cargo bench -p http402-benches --bench http`.
//!
//! One load generator for all, of as many connections, kept alive; cases take turns, a few milliseconds each, and a ratio is the
//! median over the rounds of what the bare handler took to what a case took in the same round. Beside it stands the same ratio
//! of the time that the server's threads ran: requests a second depend on who else wants the CPU, and that does not. The last
//! columns are what the load generator itself ran for one request, and the ratio of what both ran: that of the requests a second
//! when no CPU ever waits, which they do, and the longer the less there is to do for a request.
//!
//! The server has a thread for each CPU, as tokio and axum have unless told otherwise, and the load generator one more. Then it has
//! one thread: beside a load generator that waits for it, a handler that does nothing is as fast as the load generator.
//!
//! Two handlers say what a paywall can reach at best: one that answers with the paywall's 402, ready made, and one that checks a
//! signature with a known key, by the portable engine, and does nothing else.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]
#![allow(clippy::print_stdout, reason = "the table is what is read")]

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
    routing::get,
};
use http402_benches::{cpu, median, paywall::paywall, scene::Scene, used, used_by_all};
use http402_verify::{
    Signature,
    engine::{Check, Engine, Keys, Portable},
};
use memchr::memmem;
use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tower_service::Service as _;

/// The allocator of a server that is busy: glibc's takes a sixth of a paid request's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections that are open at once.
const CONNECTIONS: usize = 32;
/// Requests in one round: as many that its end, where connections run out of work one after the other, does not count.
const REQUESTS: usize = 2048;
/// How many payers take turns.
const PAYERS: u64 = 64;

/// The server, on threads of its own for as long as the process lives.
fn serve(scene: &Scene, runtime: Runtime) -> SocketAddr {
    let handler = async || "goods";
    let paid = get(handler).layer(paywall(scene));
    let refused = runtime.block_on(refusal(Router::new().route("/x", paid.clone())));
    let check = known_key();
    let app = Router::new()
        .route("/bare", get(handler))
        .route("/402", get(async move || refused.clone()))
        .route("/check", get(async move || check()))
        .route("/x", paid);
    let (tell, told) = mpsc::channel();
    let thread = std::thread::Builder::new().name("server".into());
    let server = thread.spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    server.unwrap();
    told.recv().unwrap()
}

/// What a request without a payment gets.
async fn refusal(mut router: Router) -> (StatusCode, HeaderMap, Bytes) {
    let request = Request::get("/x").header("host", "api.example.com");
    let response = router.call(request.body(Body::empty()).unwrap()).await;
    let (head, body) = response.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, body)
}

/// A handler that checks a signature with a known key, of one payer after the other.
fn known_key() -> impl Fn() -> &'static str + Clone + Send + Sync + 'static {
    let engine = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    let scenes = (1..=PAYERS).map(|payer| Scene::again(u8::try_from(payer).unwrap(), [9; 32]));
    let checks = scenes.map(|scene| Check {
        digest: scene.digest,
        signature: Signature::parse(&scene.signature).unwrap(),
        payer: scene.claim.authorization.payer().unwrap().evm().unwrap(),
    });
    let checks: Arc<[Check]> = checks.collect();
    let next = Arc::new(AtomicUsize::new(0));
    move || {
        let at = next.fetch_add(1, Ordering::Relaxed) % checks.len();
        let check = &checks[at];
        assert!(engine.check(&check.digest, &check.signature, &check.payer));
        "goods"
    }
}

fn one_thread() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn all_threads() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().unwrap()
}

/// One connection, and what was read from it and not looked at.
struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads the response, whose status is to be this.
    async fn ask(&mut self, request: &[u8], status: &str) {
        self.stream.write_all(request).await.unwrap();
        while !whole(&self.unread) {
            let read = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert!(read > 0, "the server hung up");
        }
        assert_eq!(&self.unread[9..12], status.as_bytes());
        self.unread.clear();
    }
}

/// Whether this is a whole response. A response that is longer must not cost the load generator more than it has to.
fn whole(bytes: &[u8]) -> bool {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        return false;
    };
    let name = b"\r\ncontent-length: ";
    let length = memmem::find(&bytes[..end], name).unwrap() + name.len();
    let digits = bytes[length..].iter().take_while(|byte| **byte != b'\r');
    let body = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    assert!(bytes.len() <= end + 4 + body, "more than was asked for");
    bytes.len() == end + 4 + body
}

/// How long all connections take for their requests, and how long the server's threads and the load generator run for them, in
/// seconds.
struct Took {
    waited: f64,
    server: f64,
    load: f64,
}

/// The load generator.
struct Load {
    runtime: Runtime,
    connections: Vec<Connection>,
}

impl Load {
    fn new(server: SocketAddr) -> Self {
        let runtime = one_thread();
        let connections = runtime.block_on(async {
            let mut all = Vec::new();
            for _ in 0..CONNECTIONS {
                let stream = TcpStream::connect(server).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let unread = Vec::with_capacity(4096);
                all.push(Connection { stream, unread });
            }
            all
        });
        Self {
            runtime,
            connections,
        }
    }

    fn run(&mut self, requests: &mut dyn FnMut() -> Vec<u8>, status: &'static str) -> Took {
        let all = (0..REQUESTS).map(|_| requests()).collect();
        // This thread is the load generator, and the others are the server.
        let ran = || (used_by_all().saturating_sub(used()), used());
        let before = ran();
        let waited = self.wait(all, status);
        let after = ran();
        Took {
            waited: waited.as_secs_f64(),
            server: (after.0 - before.0).as_secs_f64(),
            load: (after.1 - before.1).as_secs_f64(),
        }
    }

    fn wait(&mut self, all: Vec<Vec<u8>>, status: &'static str) -> Duration {
        let all: Arc<[Vec<u8>]> = all.into();
        let next = Arc::new(AtomicUsize::new(0));
        let connections = std::mem::take(&mut self.connections);
        let (time, connections) = self.runtime.block_on(async {
            let begin = Instant::now();
            let tasks: Vec<_> = connections
                .into_iter()
                .map(|mut connection| {
                    let (all, next) = (all.clone(), next.clone());
                    tokio::spawn(async move {
                        // Whoever is free takes the next one.
                        while let Some(request) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                            connection.ask(request, status).await;
                        }
                        connection
                    })
                })
                .collect();
            let mut back = Vec::new();
            for task in tasks {
                back.push(task.await.unwrap());
            }
            (begin.elapsed(), back)
        });
        self.connections = connections;
        time
    }
}

fn request(path: &str, payment: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: api.example.com\r\n{payment}\r\n").into_bytes()
}

/// Another payment every time, of one payer after the other.
fn payments() -> impl FnMut() -> Vec<u8> {
    let mut count = 0_u64;
    move || {
        count += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&count.to_be_bytes());
        let payer = u8::try_from(count % PAYERS).unwrap() + 1;
        let scene = Scene::again(payer, nonce);
        let value = scene.headers["payment-signature"].to_str().unwrap();
        request("/x", &format!("payment-signature: {value}\r\n"))
    }
}

/// What is asked for, over and over.
struct Case {
    name: &'static str,
    target: Option<f64>,
    status: &'static str,
    requests: Box<dyn FnMut() -> Vec<u8>>,
    took: Vec<Took>,
}

impl Case {
    fn new(
        name: &'static str,
        status: &'static str,
        requests: impl FnMut() -> Vec<u8> + 'static,
    ) -> Self {
        Self {
            name,
            target: None,
            status,
            requests: Box::new(requests),
            took: Vec::new(),
        }
    }

    fn aim(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }
}

/// The bare handler first.
fn cases() -> [Case; 5] {
    let plain = |path| move || request(path, "");
    [
        Case::new("bare handler", "200", plain("/bare")),
        Case::new("402 without a payment", "402", plain("/x")).aim(0.9),
        Case::new("handler that answers with that 402", "402", plain("/402")),
        Case::new(
            "paid, verified here, 64 payers who came back",
            "200",
            payments(),
        )
        .aim(0.45),
        Case::new(
            "handler that checks with a known key, and nothing else",
            "200",
            plain("/check"),
        ),
    ]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let rounds = if bench { 61 } else { 1 };
    // For a profile: only the cases whose names contain this.
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    println!("CPU: {}", cpu());
    let servers = [
        ("a thread for each CPU", all_threads(), true),
        ("one thread", one_thread(), false),
    ];
    for (name, runtime, targets) in servers {
        let mut load = Load::new(serve(&Scene::new(1), runtime));
        let mut cases = cases();
        for case in &mut cases {
            // Every payer comes back.
            load.run(&mut case.requests, case.status);
        }
        for _ in 0..rounds {
            for (at, case) in cases.iter_mut().enumerate() {
                if at == 0 || only.is_none_or(|only| case.name.contains(only)) {
                    case.took.push(load.run(&mut case.requests, case.status));
                }
            }
        }
        println!("\nThe server has {name}.\n\n{}", table(&cases, targets));
    }
}

fn table(cases: &[Case], targets: bool) -> String {
    let mut out = String::from(
        "| case | requests a second | of the bare handler | target | the server ran, µs | of that, the bare handler | the load generator ran, µs | of both, the bare handler |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let all = REQUESTS as f64;
    for case in cases {
        let pairs = || cases[0].took.iter().zip(&case.took);
        let ratio = median(
            pairs()
                .map(|(bare, own)| bare.waited / own.waited)
                .collect(),
        );
        let ran = median(
            pairs()
                .map(|(bare, own)| bare.server / own.server)
                .collect(),
        );
        let both = |took: &Took| took.server + took.load;
        let both = median(pairs().map(|(bare, own)| both(bare) / both(own)).collect());
        let of = |part: fn(&Took) -> f64| median(case.took.iter().map(part).collect()) / all;
        let requests = 1.0 / of(|took| took.waited);
        let (server, load) = (of(|took| took.server) * 1e6, of(|took| took.load) * 1e6);
        let target = match case.target.filter(|_| targets) {
            None => String::new(),
            Some(target) if ratio >= target => format!("{target:.2}"),
            Some(target) => format!("{target:.2}, missed"),
        };
        let _ = writeln!(
            out,
            "| {} | {requests:.0} | {ratio:.3} | {target} | {server:.1} | {ran:.3} | {load:.1} | {both:.3} |",
            case.name
        );
    }
    out
}
