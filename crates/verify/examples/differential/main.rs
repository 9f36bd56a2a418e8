//! Every engine on the same hostile signatures: `differential [count] [seconds] [seed]`.
//!
//! ```sh
//! cargo run --release -p http402-verify --all-features --example differential -- 10000000
//! ```
#![allow(clippy::print_stdout, reason = "the result is what it is run for")]

mod cases;

use cases::{Cases, Engines, KINDS, compare};
use http402_verify::engine::{Engine, K256, Keys, Libsecp256k1, Portable};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How many are judged together.
const BATCH: u64 = 64;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().ok());
    let count: u64 = arguments.next().flatten().unwrap_or(100_000);
    let seconds = arguments.next().flatten().unwrap_or(u64::MAX);
    let seed = arguments.next().flatten().unwrap_or(1);
    let memory = Portable::with_keys(Arc::new(Keys::default()));
    let mut batch: Vec<Box<dyn Engine>> = vec![Box::new(memory.clone())];
    match http402_verify::engine::Lanes::detect(memory) {
        Some(lanes) => batch.push(Box::new(lanes)),
        None => println!("this CPU has no lanes: they are left out"),
    }
    let engines = Engines {
        single: vec![
            Box::new(Libsecp256k1),
            Box::new(K256),
            Box::new(Portable::new()),
        ],
        batch,
    };
    let mut cases = Cases::new(seed);
    let begin = Instant::now();
    let (mut done, mut right, mut refused) = (0, 0, 0);
    while done < count && begin.elapsed() < Duration::from_secs(seconds) {
        let (more, before) = compare(&mut cases, &engines, BATCH.min(count - done) as usize);
        right += more;
        refused += before;
        done += BATCH.min(count - done);
    }
    println!(
        "seed {seed}: {done} signatures judged alike by all engines, {right} of them by their payer; {refused} more refused before any engine"
    );
    for (kind, count) in KINDS.iter().zip(cases.kinds) {
        println!("{count:>10}  {kind}");
    }
}
