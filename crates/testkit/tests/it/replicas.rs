//! 64 copies of one authorization at once, over 8 processes of a seller on one store: one delivery and one settlement.
//!
//! `HTTP402_ROUNDS=1000 cargo nextest run --release -p http402-testkit replicas` is the long form.
#![allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http402_core::{
    Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, ParseError, Party, Pending,
    ProtocolId, Reason, Receipt, Requested, Requirement, Resource, Settlement, Step, Timestamp,
    Verdict, Window, Wire,
    authorization::Eip3009,
    ledger::Ledger,
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
    seam::{Boxed, Facilitator, Judge, Kind, Known, SeamError},
};
use http402_flow::server::{Arrival, Gate, Handled, NoEvents, Outcome, Seams, Till, drive};
use http402_ledger::{Postgres, Redis, Sqlite};
use http402_tower::Tokio;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::{BufRead, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

const PROCESSES: usize = 8;
const COPIES: usize = 8;
const STORE: &str = "HTTP402_TEST_STORE";
const SETTLER: &str = "HTTP402_TEST_SETTLER";

/// A payment in one header: the authorization's nonce.
struct Coin;

const COIN: ProtocolId = ProtocolId::new("coin/1");

impl Protocol for Coin {
    fn id(&self) -> ProtocolId {
        COIN
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all("x-pay").iter().count()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let nonce: u64 = headers["x-pay"].to_str().unwrap().parse().unwrap();
        let authorization = Authorization::Eip3009(Eip3009 {
            from: [0xcc; 20].into(),
            to: [0xbb; 20].into(),
            value: Amount::from(1000).units(),
            // One end for all copies: the nonce begins with the time at which the test began.
            window: Window::new(
                Timestamp::from_secs(0),
                Timestamp::from_secs((nonce >> 20) / 1000 + 7200),
            ),
            nonce: B256::left_padding_from(&nonce.to_be_bytes()),
            signature: Bytes::from_static(b"good"),
        });
        let wire = Wire {
            protocol: COIN,
            offer: Encoded::default(),
            answer: Encoded::new(nonce.to_string().into_bytes()),
        };
        Ok(Claim::new(
            asked.requirements[0].clone(),
            authorization,
            wire,
        ))
    }

    fn offer(&self, _: &Asked<'_>, _: &Reason, _: &mut Refusal) -> Result<(), ParseError> {
        Ok(())
    }

    fn report(&self, _: &Claim, _: &Settlement, _: Told, _: &mut HeaderMap) {}

    fn request_headers(&self) -> &[HeaderName] {
        static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-pay")];
        &NAMES
    }

    fn response_headers(&self) -> &[HeaderName] {
        &[]
    }
}

/// Finds every claim good, and asks the test to settle.
struct Settler(String);

fn payer(claim: &Claim) -> Party {
    claim.authorization.payer().unwrap()
}

impl Judge for Settler {
    fn judge(&self, claim: &Claim, _: &Known) -> Verdict {
        Verdict::Valid {
            payer: payer(claim),
        }
    }
}

impl Settler {
    async fn ask(&self, claim: &Claim) -> Result<Settlement, SeamError> {
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return Err("not a coin".into());
        };
        let mut stream = tokio::net::TcpStream::connect(&self.0).await?;
        stream
            .write_all(format!("{}\n", signed.nonce).as_bytes())
            .await?;
        let mut transaction = String::new();
        tokio::io::BufReader::new(stream)
            .read_line(&mut transaction)
            .await?;
        let chain = ChainId::eip155(84_532);
        Ok(Settlement::Settled(Receipt::new(
            Some(payer(claim)),
            claim.amount(),
            chain,
            transaction.trim(),
        )))
    }
}

impl Facilitator for Settler {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move {
            Ok(Verdict::Valid {
                payer: payer(claim),
            })
        })
    }

    fn settle<'a>(&'a self, claim: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(self.ask(claim))
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        _: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(self.ask(claim))
    }
}

/// The stores, as `kind address name`.
async fn open(store: &str) -> Arc<dyn Ledger> {
    let [kind, address, name] = store.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{store}");
    };
    match kind {
        "sqlite" => Arc::new(Sqlite::open(address).unwrap()),
        "redis" => {
            let builder = Redis::builder()
                .name(name)
                .survive_restart(false)
                .patience(Duration::from_secs(60));
            Arc::new(builder.connect(address).await.unwrap())
        }
        _ => {
            let builder = Postgres::builder()
                .schema(name)
                .connections(2)
                .patience(Duration::from_secs(60));
            Arc::new(builder.connect(address).await.unwrap())
        }
    }
}

/// One of the seller's processes: for each line that it hears it serves that many copies of that payment, and says how often
/// its handler ran and which answers there were. It is the child of the tests below, and does nothing by itself.
#[test]
fn child() {
    let (Ok(store), Ok(settler)) = (std::env::var(STORE), std::env::var(SETTLER)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let ledger = runtime.block_on(open(&store));
    let tokio = Arc::new(Tokio::new());
    let settler = Arc::new(Settler(settler));
    let seams = Seams {
        judge: settler.clone(),
        facilitator: settler,
        ledger,
        clock: tokio.clone(),
        spawn: tokio,
        events: Arc::new(NoEvents),
    };
    let gate = Gate::new(vec![Arc::new(Coin)])
        .unwrap()
        .wait(Duration::from_secs(120));
    let till = Till::new(seams, gate);
    let mut out = std::io::stdout();
    writeln!(out, "\nready").unwrap();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let nonce: u64 = line.parse().unwrap();
        let handled = Arc::new(AtomicUsize::new(0));
        let statuses = runtime.block_on(async {
            let copies: Vec<_> = (0..COPIES)
                .map(|_| tokio::spawn(serve(till.clone(), nonce, handled.clone())))
                .collect();
            let mut statuses = Vec::new();
            for copy in copies {
                statuses.push(copy.await.unwrap());
            }
            statuses
        });
        let said: Vec<_> = statuses
            .iter()
            .map(|status| status.as_str().to_owned())
            .collect();
        writeln!(
            out,
            "handled {} {}",
            handled.load(Ordering::SeqCst),
            said.join(" ")
        )
        .unwrap();
        out.flush().unwrap();
    }
}

async fn serve(till: Arc<Till>, nonce: u64, handled: Arc<AtomicUsize>) -> StatusCode {
    let chain = ChainId::eip155(84_532);
    let (asset, to) = (Party::Evm([0xaa; 20].into()), Party::Evm([0xbb; 20].into()));
    let requirement = Requirement::exactly(Amount::from(1000), chain, asset, to, None);
    // Served first and settled first in turn.
    let requirements = [if nonce.is_multiple_of(2) {
        requirement
    } else {
        requirement.upfront()
    }];
    let resource = Resource::new("https://seller.example/r");
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static("x-pay"), HeaderValue::from(nonce))]);
    let arrival = Arrival {
        body: None,
        method: &Method::GET,
        headers: &headers,
        request: Requested::new("GET", "/r", None),
        resource: &resource,
        requirements: &requirements,
    };
    let outcome = drive(&till, arrival, |_| async move {
        handled.fetch_add(1, Ordering::SeqCst);
        let body = Bytes::from_static(b"goods");
        Ok::<_, Infallible>(Handled {
            response: Response::new(body.clone()),
            body: Some(body),
        })
    });
    match outcome.await {
        Ok(Outcome::Served(response) | Outcome::Answered(response)) => response.status(),
        Err(never) => match never {},
    }
}

/// Settles every nonce that it is asked for, and counts.
fn settler() -> (String, Arc<Mutex<BTreeMap<String, usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settled = Arc::new(Mutex::new(BTreeMap::new()));
    let count = settled.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let count = count.clone();
            thread::spawn(move || {
                let mut nonce = String::new();
                BufReader::new(&stream).read_line(&mut nonce).unwrap();
                *count
                    .lock()
                    .unwrap()
                    .entry(nonce.trim().to_owned())
                    .or_insert(0) += 1;
                writeln!(stream, "tx-{}", nonce.trim()).unwrap();
            });
        }
    });
    (address, settled)
}

/// A process of the seller, ended with the test.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(store: &str, settler: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "replicas::child",
                "--nocapture",
                "--test-threads",
                "1",
            ])
            .env(STORE, store)
            .env(SETTLER, settler)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self {
            child,
            input,
            output,
        };
        process.hear("ready");
        process
    }

    /// The rest of the next line that has this word.
    fn hear(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.output.read_line(&mut line).unwrap(),
                0,
                "a process has ended"
            );
            if let Some(at) = line.find(word) {
                return line[at + word.len()..].trim().to_owned();
            }
        }
    }
}

fn rounds(store: &str) {
    let rounds = std::env::var("HTTP402_ROUNDS").map_or(6, |rounds| rounds.parse().unwrap());
    let (address, settled) = settler();
    let mut processes: Vec<_> = (0..PROCESSES)
        .map(|_| Process::start(store, &address))
        .collect();
    let begin = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let begin = u64::try_from(begin).unwrap() << 20;
    for nonce in begin..begin + rounds {
        for process in &mut processes {
            writeln!(process.input, "{nonce}").unwrap();
        }
        let (mut deliveries, mut answers) = (0, BTreeMap::new());
        for process in &mut processes {
            let said = process.hear("handled ");
            let mut words = said.split(' ');
            deliveries += words.next().unwrap().parse::<usize>().unwrap();
            for status in words {
                *answers.entry(status.to_owned()).or_insert(0) += 1;
            }
        }
        assert_eq!(
            deliveries,
            1,
            "deliveries of round {}: {answers:?}",
            nonce - begin
        );
        assert_eq!(
            answers,
            BTreeMap::from([("200".to_owned(), PROCESSES * COPIES)])
        );
    }
    let settled = settled.lock().unwrap();
    assert_eq!(settled.len() as u64, rounds);
    assert!(
        settled.values().all(|times| *times == 1),
        "settled more than once: {settled:?}"
    );
}

#[test]
fn s01_64_copies_over_8_processes_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    rounds(&format!(
        "sqlite {} -",
        folder.path().join("ledger").display()
    ));
}

/// Where a server is: what the environment says, or the usual port. Without one it is said so, and in CI it fails.
fn server(variable: &str, port: u16, address: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    let found = found.or_else(|| {
        TcpStream::connect(("127.0.0.1", port))
            .ok()
            .map(|_| address.to_owned())
    });
    if found.is_none() {
        let why = format!("NO SERVER AT {port} AND NO {variable}: not tested");
        assert!(std::env::var_os("CI").is_none(), "{why}");
        let _ = writeln!(std::io::stderr(), "{why}");
    }
    found
}

#[test]
fn s01_64_copies_over_8_processes_on_redis() {
    let Some(address) = server("HTTP402_TEST_REDIS", 6379, "redis://127.0.0.1:6379") else {
        return;
    };
    let name = format!("replicas{}", std::process::id());
    rounds(&format!("redis {address} {name}"));
    let client = http402_ledger::redis::redis::Client::open(&*address).unwrap();
    let mut connection = client.get_connection().unwrap();
    let keys = http402_ledger::redis::redis::cmd("KEYS")
        .arg(format!("{{{name}}}:*"))
        .query(&mut connection);
    let keys: Vec<String> = keys.unwrap();
    http402_ledger::redis::redis::cmd("DEL")
        .arg(keys)
        .exec(&mut connection)
        .unwrap();
}

#[test]
fn s01_64_copies_over_8_processes_on_postgres() {
    let usual = "postgres://postgres@127.0.0.1:5432/postgres";
    let Some(address) = server("HTTP402_TEST_POSTGRES", 5432, usual) else {
        return;
    };
    let schema = format!("replicas{}", std::process::id());
    rounds(&format!("postgres {address} {schema}"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use http402_ledger::postgres::tokio_postgres;
        let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
            .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
            .await
            .unwrap();
    });
}
