//! `cargo xtask simulate`: hostile histories by the thousand, and the shortest one that shows what is wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use http402_testkit::world::{Campaign, Options, Plant, shrink, simulate};
use std::{process::ExitCode, time::Duration};

const HELP: &str = "\
cargo xtask simulate [--seeds N] [--from S] [--seconds N] [--threads N] [--curve] [--plant NAME] [--stop]
cargo xtask simulate --seed S [--curve] [--plant NAME] [--whole]

  --seeds N    how many histories (10000)
  --from S     the first seed (0)
  --seconds N  ends after so long with the seeds that it has come to
  --seed S     one history, with its trace: the shortest when it fails
  --whole      the trace of the whole history
  --curve      real signatures and the real verifier
  --plant NAME a bug to be found: reserve-after-handler forget-outcome unknown-is-refusal
               evict-live forget-attempt
  --stop       ends with the first violation
  --threads N  on so many threads (all cores)
";

#[derive(Default)]
struct Arguments {
    seeds: Option<u64>,
    from: u64,
    seed: Option<u64>,
    threads: Option<usize>,
    seconds: Option<u64>,
    options: Options,
    stop: bool,
    whole: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut read = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or(format!("{word} needs a number"))?;
            text.parse::<u64>()
                .map_err(|why| format!("{word} {text}: {why}"))
        };
        match word.as_str() {
            "--seeds" => read.seeds = Some(number()?),
            "--from" => read.from = number()?,
            "--seed" => read.seed = Some(number()?),
            "--threads" => read.threads = usize::try_from(number()?).ok(),
            "--seconds" => read.seconds = Some(number()?),
            "--curve" => read.options.curve = true,
            "--stop" => read.stop = true,
            "--whole" => read.whole = true,
            "--plant" => {
                let name = words.next().unwrap_or_default();
                let plant: Plant = name.parse().map_err(|why| format!("{name:?}: {why}"))?;
                read.options.plant = Some(plant);
            }
            "--help" | "-h" => return Err(HELP.into()),
            other => return Err(format!("no option {other}\n\n{HELP}")),
        }
    }
    Ok(read)
}

fn main() -> ExitCode {
    let read = match arguments() {
        Ok(read) => read,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(seed) = read.seed {
        return one(seed, &read);
    }
    let mut campaign = Campaign::new(read.seeds.unwrap_or(10_000));
    campaign.from = read.from;
    campaign.options = read.options.clone();
    campaign.stops = read.stop;
    campaign.limit = read.seconds.map(Duration::from_secs);
    campaign.threads = read.threads.unwrap_or(campaign.threads);
    let summary = campaign.run();
    println!("{summary}");
    let Some(first) = summary.failures.first() else {
        return ExitCode::SUCCESS;
    };
    for failure in summary.failures.iter().take(20) {
        println!("  seed {:<20} {}", failure.seed, failure.violation);
    }
    println!();
    one(first.seed, &read)
}

/// One seed, with its trace; the shortest history when it fails.
fn one(seed: u64, read: &Arguments) -> ExitCode {
    let mut options = read.options.clone();
    if !read.whole
        && let Some(shrunk) = shrink(seed, &options)
    {
        println!(
            "seed {seed}: the shortest of {} histories has {} faults and {} purchases\n\n{}",
            shrunk.tried,
            shrunk.faults.len(),
            shrunk.wishes.len(),
            shrunk.history
        );
        return ExitCode::FAILURE;
    }
    options.trace = true;
    let history = simulate(seed, &options);
    println!("seed {seed}\n\n{history}");
    if history.violation.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
