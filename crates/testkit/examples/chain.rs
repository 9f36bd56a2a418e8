//! Serves an embedded chain until it is interrupted: `cargo run --release --example chain -- [PORT]`.

#![expect(clippy::print_stdout, reason = "its output is what a person reads")]

use std::error::Error;

use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let chain = Chain::builder().build();
    let endpoint = chain.serve_on(port)?;
    println!("chain {} at {}", chain.chain_id(), endpoint.url());
    println!("USDC at {USDC_BASE_SEPOLIA}");
    println!("accounts, whose keys are publicly known:");
    for dev in DEV_ACCOUNTS {
        println!("  {} {}", dev.address(), dev.publicly_known_key());
    }
    loop {
        std::thread::park();
    }
}
