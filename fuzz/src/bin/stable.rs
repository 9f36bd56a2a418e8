//! Runs targets on stable Rust, for a time: `stable SECONDS [NAME..]`. There is no coverage to go by: each input is one of the
//! corpus, or one made from it before, with a few changes.
#![allow(clippy::print_stdout, reason = "it is a program")]
#![allow(clippy::print_stderr, reason = "it is a program")]

use http402_fuzz::{
    TARGETS, Target,
    mutate::{Numbers, mutated},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    panic::catch_unwind,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// How many inputs are kept to be changed further, beside the corpus.
const KEPT: usize = 256;

/// Inputs that were made longer are cut: parsers have caps, and what is behind them is not read.
const LONGEST: usize = 1 << 16;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(Ok(seconds)) = arguments.next().map(|it| it.parse::<u64>()) else {
        eprintln!("stable SECONDS [NAME..]");
        return ExitCode::FAILURE;
    };
    let names: Vec<String> = arguments.collect();
    let known = |name: &String| TARGETS.iter().any(|(target, _)| target == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        eprintln!("no target {name}");
        return ExitCode::FAILURE;
    }
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|(name, _)| names.is_empty() || names.iter().any(|it| it == name))
        .collect();
    let each = Duration::from_secs(seconds) / u32::try_from(chosen.len()).unwrap_or(1).max(1);
    let mut failed = 0;
    for (name, target) in chosen {
        match hammer(name, *target, each) {
            Ok(runs) => println!("{name:<20} {runs:>10} inputs"),
            Err(place) => {
                failed += 1;
                eprintln!(
                    "{name}: FOUND SOMETHING; the input is in {}",
                    place.display()
                );
            }
        }
    }
    if failed > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A seed of this run: printed inputs, not seeds, are what is kept of a finding.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        bytes = now.map_or(0, |time| time.as_secs()).to_le_bytes();
    }
    u64::from_le_bytes(bytes) | 1
}

/// How many inputs were tried, or where the one that broke it is.
fn hammer(name: &str, target: Target, time: Duration) -> Result<u64, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder.join("corpus").join(name));
    let corpus: Vec<Vec<u8>> = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read(entry.path()).ok())
        .collect();
    let mut made: Vec<Vec<u8>> = Vec::new();
    let mut numbers = Numbers::new(seed());
    let end = Instant::now() + time;
    let mut runs = 0;
    while Instant::now() < end {
        // A few at a time: a look at the clock takes longer than a small input.
        for _ in 0..32 {
            let from = numbers.next(corpus.len() + made.len());
            let from = corpus
                .get(from)
                .or_else(|| made.get(from.checked_sub(corpus.len())?));
            let mut input = mutated(from.map_or(&[], |it| it), &mut numbers);
            input.truncate(LONGEST);
            if catch_unwind(|| target(&input)).is_err() {
                return Err(keep(name, &input));
            }
            runs += 1;
            if made.len() < KEPT {
                made.push(input);
            } else if numbers.next(8) == 0 {
                let place = numbers.next(KEPT);
                made[place] = input;
            }
        }
    }
    Ok(runs)
}

/// Writes the input where it can be taken into the corpus.
fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    let place = folder.join(format!("{name}-{}", std::process::id()));
    let kept = fs::create_dir_all(&folder)
        .and_then(|()| fs::File::create(&place))
        .and_then(|mut file| file.write_all(input));
    if let Err(why) = kept {
        eprintln!("{name}: {why}: {input:02x?}");
    }
    place
}
