//! Requests a second over loopback sockets: a handler behind the axum adapter, and the same handler without it.
//! `cargo bench -p http402-benches --bench http`.
//!
//! One load generator for all, of as many connections, kept alive; cases take turns, a few milliseconds each, and a ratio is the
//! median over the rounds of what the bare handler took to what a case took in the same round. Beside it stands the same ratio
//! of the time that the server's threads ran: requests a second depend on who else wants the CPU, and that does not.
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

/// Connections that are open at once.
const CONNECTIONS: usize = 32;
/// Requests of one connection in one round.
const EACH: usize = 16;
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
    /// Sends a request and reads the response, whose status is to be this. The body of the response.
    async fn ask(&mut self, request: &[u8], status: &str) -> Vec<u8> {
        self.stream.write_all(request).await.unwrap();
        loop {
            if let Some((head, all)) = whole(&self.unread) {
                let found = std::str::from_utf8(&self.unread[9..12]).unwrap();
                assert_eq!(found, status);
                return self.unread.drain(..all).skip(head).collect();
            }
            let read = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert!(read > 0, "the server hung up");
        }
    }
}

/// The lengths of the head and of all of the response at the start, once it is there.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let name = "content-length: ";
    let body = head.lines().find_map(|line| line.strip_prefix(name))?;
    let all = end + body.parse::<usize>().unwrap();
    (bytes.len() >= all).then_some((end, all))
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

    /// How long all connections take for their requests, and how long the server's threads run for them, in seconds.
    fn run(&mut self, requests: &mut dyn FnMut() -> Vec<u8>, status: &'static str) -> (f64, f64) {
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS {
            all.push((0..EACH).map(|_| requests()).collect());
        }
        // This thread is the load generator, and the others are the server.
        let server = || used_by_all().saturating_sub(used());
        let before = server();
        let waited = self.wait(all, status);
        let ran = server() - before;
        (waited.as_secs_f64(), ran.as_secs_f64())
    }

    fn wait(&mut self, all: Vec<Vec<Vec<u8>>>, status: &'static str) -> Duration {
        let connections = std::mem::take(&mut self.connections);
        let (time, connections) = self.runtime.block_on(async {
            let begin = Instant::now();
            let tasks: Vec<_> = connections
                .into_iter()
                .zip(all)
                .map(|(mut connection, requests)| {
                    tokio::spawn(async move {
                        for request in requests {
                            connection.ask(&request, status).await;
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

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        61
    } else {
        1
    };
    println!("CPU: {}", cpu());
    let servers = [
        ("a thread for each CPU", all_threads(), true),
        ("one thread", one_thread(), false),
    ];
    for (name, runtime, targets) in servers {
        let mut load = Load::new(serve(&Scene::new(1), runtime));
        let mut paid = payments();
        // Every payer comes back.
        load.run(&mut paid, "200");
        let [mut bare, mut unpaid, mut refused, mut check] =
            ["/bare", "/x", "/402", "/check"].map(|path| move || request(path, ""));
        let mut times = [const { Vec::new() }; 5];
        for _ in 0..rounds {
            times[0].push(load.run(&mut bare, "200"));
            times[1].push(load.run(&mut unpaid, "402"));
            times[2].push(load.run(&mut refused, "402"));
            times[3].push(load.run(&mut paid, "200"));
            times[4].push(load.run(&mut check, "200"));
        }
        println!("\nThe server has {name}.\n\n{}", table(&times, targets));
    }
}

fn table(times: &[Vec<(f64, f64)>; 5], targets: bool) -> String {
    let mut out = String::from(
        "| case | requests a second | of the bare handler | target | the server ran, µs | of that, the bare handler |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    let cases = [
        ("bare handler", None),
        ("402 without a payment", Some(0.9)),
        ("handler that answers with that 402", None),
        ("paid, verified here, 64 payers who came back", Some(0.45)),
        (
            "handler that checks with a known key, and nothing else",
            None,
        ),
    ];
    for ((name, target), own) in cases.into_iter().zip(times) {
        let pairs = || times[0].iter().zip(own);
        let ratio = median(pairs().map(|(bare, own)| bare.0 / own.0).collect());
        let ran = median(pairs().map(|(bare, own)| bare.1 / own.1).collect());
        let all = (CONNECTIONS * EACH) as f64;
        let requests = all / median(own.iter().map(|one| one.0).collect());
        let each = median(own.iter().map(|one| one.1).collect()) / all * 1e6;
        let target = match target.filter(|_| targets) {
            None => String::new(),
            Some(target) if ratio >= target => format!("{target:.2}"),
            Some(target) => format!("{target:.2}, missed"),
        };
        let _ = writeln!(
            out,
            "| {name} | {requests:.0} | {ratio:.3} | {target} | {each:.1} | {ran:.3} |"
        );
    }
    out
}
