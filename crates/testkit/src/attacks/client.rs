//! Attacks on what buys: hostile sellers on loopback, and a judgement of what a client sends them.

mod budget;
mod carrier;
mod drive;
mod shop;
mod stage;
mod terms;

use super::{
    Unfit,
    catalogue::Aim,
    report::{Report, Seen, Tally, fail, not_here, pass},
};
pub use drive::{Command, Drive, Errand, Lines, Ran};
use http402_core::U256;
use stage::{Credential, Reply, Script, Stage, Taken};
use std::{
    collections::BTreeSet,
    fmt, io,
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How many attacks are made at the same time.
const AT_ONCE: usize = 4;

type Judge = Box<dyn Fn(&Log) -> Seen + Send + Sync>;

/// One attack: what the sellers do, how often the client comes, and what is made of it.
struct Attack {
    id: u8,
    name: &'static str,
    expected: &'static str,
    sellers: usize,
    visits: Visits,
    script: Script,
    judge: Judge,
}

/// How the client is sent to the sellers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visits {
    /// So often to the first, one after the other.
    Again(u8),
    /// To each at the same time.
    EachAtOnce,
    /// To a host that is not this machine, through a proxy that is.
    Proxy,
}

impl Attack {
    fn new(
        id: u8,
        name: &'static str,
        expected: &'static str,
        script: impl Fn(&[String], &Taken) -> Reply + Send + Sync + 'static,
        judge: impl Fn(&Log) -> Seen + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            name,
            expected,
            sellers: 1,
            visits: Visits::Again(1),
            script: Arc::new(script),
            judge: Box::new(judge),
        }
    }

    fn sellers(mut self, sellers: usize) -> Self {
        self.sellers = sellers;
        self
    }

    fn visits(mut self, visits: Visits) -> Self {
        self.visits = visits;
        self
    }
}

/// What came of one attack.
struct Log {
    taken: Vec<Taken>,
    ran: Vec<Ran>,
}

impl Log {
    fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.taken.iter().flat_map(|taken| &taken.credentials)
    }

    /// How many authorizations were signed: those that can be executed beside each other.
    fn signed(&self) -> usize {
        let nonces: BTreeSet<String> = self.credentials().map(Credential::nonce).collect();
        nonces.len()
    }

    /// The client is to sign nothing here.
    fn nothing_signed(&self) -> Seen {
        match self.credentials().next() {
            None => pass(format!("nothing signed; {}", self.ended())),
            Some(credential) => fail(format!(
                "signed {} units to {} on {}",
                credential
                    .value()
                    .map_or_else(|| "?".into(), |value| value.to_string()),
                credential.to(),
                credential.network()
            )),
        }
    }

    fn ended(&self) -> String {
        let requests = self.taken.len();
        let codes = self.ran.iter().map(|ran| match (ran.ended, ran.code) {
            (false, _) => "did not end".into(),
            (true, Some(code)) => format!("exit code {code}"),
            (true, None) => "ended".to_owned(),
        });
        let mut codes: Vec<_> = codes.collect();
        codes.dedup();
        format!("{requests} requests, {}", codes.join(", "))
    }
}

/// A client to attack.
pub struct Client {
    name: String,
    drive: Arc<dyn Drive>,
    most: U256,
    budget: Option<U256>,
    patience: Duration,
    only: Vec<u8>,
}

impl Client {
    /// The client that `drive` sends to the sellers. `name` stands in the report.
    pub fn new(name: impl Into<String>, drive: Arc<dyn Drive>) -> Self {
        Self {
            name: name.into(),
            drive,
            most: U256::from(100_000),
            budget: None,
            patience: Duration::from_secs(20),
            only: Vec::new(),
        }
    }

    /// Makes these attacks alone.
    #[must_use]
    pub fn only(mut self, ids: impl Into<Vec<u8>>) -> Self {
        self.only = ids.into();
        self
    }

    /// The most that the client was told to pay at once, in millionths of a dollar. Default: 100000, $0.10.
    #[must_use]
    pub fn most(mut self, units: u64) -> Self {
        self.most = U256::from(units);
        self
    }

    /// What the client was told to spend at most, over everything, in millionths of a dollar. Without it S79 is not tried.
    #[must_use]
    pub fn budget(mut self, units: u64) -> Self {
        self.budget = Some(U256::from(units));
        self
    }

    /// How long one visit may take. Default: 20 s.
    #[must_use]
    pub fn time(mut self, visit: Duration) -> Self {
        self.patience = visit;
        self
    }

    /// Attacks, and reports. The sellers listen on loopback alone, and settle nothing.
    ///
    /// # Errors
    /// When there is no port, or the client does not pay an honest seller: what it refuses then tells nothing.
    pub async fn attack(self) -> Result<Report, Unfit> {
        let start = Instant::now();
        let this = Arc::new(self);
        let control = Attack::new(0, "control", "", shop::sells, |_| pass(""));
        let log = this.play(&control).await.map_err(|_| Unfit::Port)?;
        let told = |log: &Log| {
            let output = log.ran.first().map_or("", |ran| ran.output.trim());
            let tail: Vec<&str> = output.lines().rev().take(3).collect();
            format!(
                "{}: {}",
                log.ended(),
                tail.into_iter().rev().collect::<Vec<_>>().join(" ")
            )
        };
        let Some(paid) = log.credentials().next() else {
            return Err(Unfit::NotPaid(vec![told(&log)]));
        };
        let notes = vec![
            format!("pays an honest seller by {}", paid.dialect.name()),
            format!("is told to pay at most {} units at once", this.most),
        ];
        let mut requests = log.taken.len();
        let mut secrets = Secrets::default();
        secrets.collect(&log);
        let mut tally = Tally::default();
        let asked = |id| this.only.is_empty() || this.only.contains(&id);
        let (waiting, left): (Vec<_>, Vec<_>) = this
            .attacks()
            .into_iter()
            .partition(|attack| asked(attack.id));
        for attack in left {
            tally.add(attack.id, attack.expected, "", not_here("not asked for"));
        }
        let mut waiting = waiting.into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(attack) = waiting.next()
            {
                let this = this.clone();
                running.spawn(async move {
                    let log = this.play(&attack).await;
                    (attack, log)
                });
            }
            let Some(done) = running.join_next().await else {
                break;
            };
            let Ok((attack, log)) = done else { continue };
            let log = log.map_err(|_| Unfit::Port)?;
            requests += log.taken.len();
            secrets.collect(&log);
            tally.add(
                attack.id,
                attack.expected,
                attack.name,
                this.judged(&attack, &log),
            );
        }
        if this.budget.is_none() {
            tally.add(79, budget::EXPECTED, "", not_here("no budget was told"));
        }
        tally.add(84, Secrets::EXPECTED, "", secrets.judge());
        Ok(Report {
            target: this.name.clone(),
            kind: "client",
            notes,
            requests,
            millis: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            findings: tally.findings(Aim::Client),
        })
    }

    fn attacks(&self) -> Vec<Attack> {
        let mut all = terms::attacks(self.most);
        all.extend(carrier::attacks(self.drive.proxies()));
        all.extend(budget::attacks(self.most, self.budget));
        all
    }

    fn judged(&self, attack: &Attack, log: &Log) -> Seen {
        if log.taken.is_empty() {
            return not_here(match attack.visits {
                Visits::Proxy => "the client does not use the proxy of http_proxy",
                _ => "the client did not come",
            });
        }
        (attack.judge)(log)
    }

    /// Opens the sellers, and sends the client to them.
    async fn play(&self, attack: &Attack) -> io::Result<Log> {
        let activity = Arc::new(AtomicUsize::new(0));
        let stage = Stage::open(attack.sellers, attack.script.clone(), activity.clone()).await?;
        let errand = |run: u8, url: String, proxy: Option<String>| Errand {
            id: attack.id,
            attack: attack.name,
            run,
            url,
            proxy,
            limit: self.patience,
            activity: activity.clone(),
        };
        let mut ran = Vec::new();
        match attack.visits {
            Visits::Again(times) => {
                for run in 0..times {
                    let errand = errand(run, shop::url(&stage.urls, 0), None);
                    ran.push(self.drive.visit(&errand).await);
                }
            }
            Visits::Proxy => {
                let proxy = stage.urls.first().cloned();
                let errand = errand(0, "http://shop.example/goods".into(), proxy);
                ran.push(self.drive.visit(&errand).await);
            }
            Visits::EachAtOnce => {
                let mut visits = JoinSet::new();
                for (run, _) in stage.urls.iter().enumerate() {
                    let run = u8::try_from(run).unwrap_or(u8::MAX);
                    let errand = errand(run, shop::url(&stage.urls, run.into()), None);
                    let drive = self.drive.clone();
                    visits.spawn(async move { drive.visit(&errand).await });
                }
                ran = visits.join_all().await;
            }
        }
        Ok(Log {
            taken: stage.taken(),
            ran,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("most", &self.most)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// What was signed in all of the run, and what was printed (S84).
#[derive(Default)]
struct Secrets {
    signed: BTreeSet<String>,
    printed: Vec<String>,
}

impl Secrets {
    const EXPECTED: &'static str = "nothing that was printed holds a credential or a signature";

    fn collect(&mut self, log: &Log) {
        for credential in log.credentials() {
            self.signed.insert(credential.header.clone());
            let hex = credential
                .signature()
                .unwrap_or_default()
                .trim_start_matches("0x");
            if hex.len() >= 128 {
                self.signed.insert(hex.to_lowercase());
            }
        }
        let printed = log.ran.iter().map(|ran| ran.output.clone());
        self.printed.extend(printed);
    }

    fn judge(&self) -> Seen {
        let bytes: usize = self.printed.iter().map(String::len).sum();
        let shows = |text: &String| {
            let lower = text.to_lowercase();
            self.signed
                .iter()
                .any(|secret| text.contains(secret) || lower.contains(secret))
        };
        match self.printed.iter().filter(|text| shows(text)).count() {
            0 => pass(format!(
                "{} signatures, and none of them in {bytes} bytes of output",
                self.signed.len()
            )),
            count => fail(format!("{count} outputs hold a credential")),
        }
    }
}
