//! `http402 demo`: real payments on a real EVM, in one process; and on Tempo, where anvil is there to run one.

mod report;
mod show;
mod story;
mod tape;
mod tempo;
mod words;
mod world;

use crate::runtime::Fault;
use serde::Serialize;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// Pay MPP charges on a chain of Tempo, which anvil 1.7 or later has to run
    #[arg(long)]
    tempo: bool,
}

/// Exits with 1 unless every balance adds up.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    if arguments.tempo {
        let report = tempo::run().await?;
        return tell(arguments, &report, report.ok, tempo::Report::print);
    }
    let world = world::World::open().await?;
    let report = story::tell(&world).await;
    world.close().await;
    let report = report?;
    tell(arguments, &report, report.ok, show::print)
}

fn tell<R: Serialize>(
    arguments: &Arguments,
    report: &R,
    ok: bool,
    print: impl Fn(&R),
) -> Result<ExitCode, Fault> {
    if arguments.json {
        anstream::println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print(report);
    }
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
