//! Payments a second through the stores: each is a reservation, what is owed, and the outcome, one after the other.
//!
//! The servers are those of the tests: `HTTP402_TEST_POSTGRES`, `HTTP402_TEST_REDIS`, or 127.0.0.1:5432 and :6379. A store
//! without a server is left out. `HTTP402_CALLERS` is how many pay at a time, `HTTP402_STORES` which stores, by name.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]
#![allow(clippy::print_stdout, reason = "the table is what is read")]

mod bare;
mod payment;

use http402_core::ledger::{Ledger, Write};
use http402_ledger::{Memory, Postgres, Redis, Sqlite};
use payment::{Payment, make};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often a store and its bare client take turns.
const ROUNDS: u64 = 5;

/// Connections to PostgreSQL: the ledger's default.
const CONNECTIONS: usize = 4;

struct Bench {
    payment: Arc<Payment>,
    callers: u64,
}

impl Bench {
    /// Makes so many payments, the callers one after the other each. Payments a second.
    async fn run<F>(
        &self,
        first: u64,
        payments: u64,
        one: impl Fn(u64, Vec<Vec<Write>>) -> F,
    ) -> f64
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Made before the clock starts: what a request weighs is not the store's affair.
        let each = payments / self.callers;
        let work: Vec<Vec<F>> = (0..self.callers)
            .map(|caller| {
                let numbers = (0..each).map(|at| first + caller * each + at);
                numbers
                    .map(|number| one(number, self.payment.number(number)))
                    .collect()
            })
            .collect();
        let begin = Instant::now();
        let tasks: Vec<_> = work
            .into_iter()
            .map(|mine| {
                tokio::spawn(async move {
                    for payment in mine {
                        payment.await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        per_second(each * self.callers, begin.elapsed())
    }

    async fn ours(&self, ledger: &Arc<dyn Ledger>, first: u64, payments: u64) -> f64 {
        self.run(first, payments, |_, mut steps| {
            let ledger = ledger.clone();
            async move { make(&*ledger, &mut steps).await }
        })
        .await
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate of a benchmark")]
fn per_second(payments: u64, time: Duration) -> f64 {
    payments as f64 / time.as_secs_f64()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A row of the table.
fn row(name: &str, ours: &[f64], bare: &[f64], target: &str) {
    let rate = median(ours.to_vec());
    let (reference, ratio) = if bare.is_empty() {
        (String::new(), String::new())
    } else {
        let ratios = bare.iter().zip(ours).map(|(bare, ours)| bare / ours);
        let ratio = median(ratios.collect());
        (
            format!("{:.0}", median(bare.to_vec())),
            format!("{ratio:.2}"),
        )
    };
    println!("| {name} | {rate:.0} | {reference} | {ratio} | {target} |");
}

fn wanted(name: &str) -> bool {
    std::env::var("HTTP402_STORES").map_or(true, |stores| stores.contains(name))
}

async fn alone(bench: &Bench, name: &str, ledger: Arc<dyn Ledger>, payments: u64, target: &str) {
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        rates.push(bench.ours(&ledger, round * payments, payments).await);
    }
    row(name, &rates, &[], target);
}

async fn redis(bench: &Bench, name: &str) {
    let address =
        std::env::var("HTTP402_TEST_REDIS").unwrap_or_else(|_| "redis://127.0.0.1:6379".into());
    let opened = Redis::builder()
        .name(name)
        .survive_restart(false)
        .connect(address.as_str());
    let ledger: Arc<dyn Ledger> = match opened.await {
        Ok(ledger) => Arc::new(ledger),
        Err(why) => return println!("left out, Redis: {why}"),
    };
    let client = bare::Redis::connect(&address).await;
    let (mut ours, mut swap, mut set) = (Vec::new(), Vec::new(), Vec::new());
    let payments = 20_000;
    for round in 0..ROUNDS {
        let first = round * payments;
        ours.push(bench.ours(&ledger, first, payments).await);
        let run = bench.run(first, payments, |_, steps| {
            let client = client.clone();
            async move { client.swap(&steps).await }
        });
        swap.push(run.await);
        client.clear("bare:*").await;
        let run = bench.run(first, payments, |_, steps| {
            let client = client.clone();
            async move { client.set(&steps).await }
        });
        set.push(run.await);
        client.clear("bare:*").await;
    }
    client.clear(&format!("{{{name}}}:*")).await;
    row("Redis, bare: the least script", &ours, &swap, "2.00");
    row("Redis, bare: `SET`", &ours, &set, "");
}

async fn postgres(bench: &Bench, name: &str) {
    let address = std::env::var("HTTP402_TEST_POSTGRES")
        .unwrap_or_else(|_| "host=127.0.0.1 user=postgres dbname=test".into());
    let opened = Postgres::builder()
        .schema(name)
        .connections(CONNECTIONS)
        .connect(&address);
    let ledger: Arc<dyn Ledger> = match opened.await {
        Ok(ledger) => Arc::new(ledger),
        Err(why) => return println!("left out, PostgreSQL: {why}"),
    };
    let client = bare::Postgres::connect(&address, name, CONNECTIONS).await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let payments = 2_000;
    for round in 0..ROUNDS {
        ours.push(bench.ours(&ledger, round * payments, payments).await);
        let run = bench.run(round * payments, payments, |number, steps| {
            let client = client.clone();
            async move { client.make(number, &steps).await }
        });
        bare.push(run.await);
    }
    client.drop_schema(name).await;
    row("PostgreSQL", &ours, &bare, "2.00");
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let callers = std::env::var("HTTP402_CALLERS").ok();
    let callers: u64 = callers.map_or(1000, |callers| callers.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let payment = {
        let _runtime = runtime.enter();
        Arc::new(Payment::recorded())
    };
    println!(
        "{callers} callers; each payment has {} steps with {:?} bytes of key and body\n",
        payment.sizes().len(),
        payment.sizes()
    );
    println!(
        "| store | payments a second | bare client | of the bare client's time | target |\n|---|--:|--:|--:|--:|"
    );
    let bench = Bench { payment, callers };
    let name = format!("bench{}", std::process::id());
    runtime.block_on(async {
        if wanted("memory") {
            let memory = Memory::with_room(1_000_000, 4 << 30);
            alone(&bench, "memory", Arc::new(memory), 20_000, "").await;
        }
        if wanted("sqlite") {
            let folder = tempfile::tempdir().unwrap();
            let file = Sqlite::open(folder.path().join("ledger")).unwrap();
            alone(&bench, "SQLite", Arc::new(file), 20_000, "≥ 10000 a second").await;
        }
        if wanted("redis") {
            redis(&bench, &name).await;
        }
        if wanted("postgres") {
            postgres(&bench, &name).await;
        }
    });
}
