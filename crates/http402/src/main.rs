//! Pay, get paid, inspect and demonstrate HTTP 402 payments from the command line.

mod conform;
mod demo;
mod facilitator;
mod inspect;
mod pay;
mod policy;
mod runtime;
mod serve;
mod style;
mod wallet;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Pay, get paid, inspect and demonstrate HTTP 402 payments.
#[derive(Parser)]
#[command(name = "http402", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Real payments on a real EVM, in this process: a chain, a facilitator, a seller and a buyer
    Demo(demo::Arguments),
    /// Request a URL, and pay for it when told to
    Pay(Box<pay::Arguments>),
    /// Decode a header, a body or a saved exchange, and explain each field
    Inspect(inspect::Arguments),
    /// Verify and settle x402 payments for sellers, over HTTP
    Facilitator(Box<facilitator::Arguments>),
    /// Attack a server or a client on this machine: S01 to S85, with a report
    #[command(subcommand)]
    Conform(Box<conform::Command>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments).await,
        Command::Pay(arguments) => pay::run(*arguments).await,
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Facilitator(arguments) => facilitator::run(*arguments).await,
        Command::Conform(command) => conform::run(*command).await,
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!(
            "{}error:{} {}",
            style::BAD,
            style::BAD.render_reset(),
            style::chain(&*error)
        );
        ExitCode::from(2)
    })
}
