//! `http402 demo`: real payments on a real EVM, in one process.

mod report;
mod show;
mod story;
mod tape;
mod words;
mod world;

use crate::runtime::Fault;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// Exits with 1 unless every balance adds up.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let world = world::World::open().await?;
    let report = story::tell(&world).await;
    world.close().await;
    let report = report?;
    if arguments.json {
        anstream::println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show::print(&report);
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
