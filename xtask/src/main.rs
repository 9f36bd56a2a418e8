//! What this workspace does to itself: `cargo xtask <command>`.

mod compare;
mod contracts;
mod deny;
mod deps;
mod house;
mod instructions;
mod interop;
mod lanes;
mod mutants;
mod no_std;
mod shell;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  test       what the README says and CI runs
  ci         the same, and what a registry is needed for fails where none is reached
  deps       which crate may not name which, and how many packages each one brings
  deny       licences, advisories, versions and sources of the dependencies (cargo-deny)
  house      format, file sizes, papers of each crate
  no-std     links http402-core into a program without std
  instructions  counts the instructions of a payment, and fails above the recorded limits (valgrind)
  compare    ours beside the peers from crates.io, npm and PyPI in one run: the table in benches/README.md and its picture
  contracts  compiles the test contracts again and compares (npm)
  interop    ours against the peers from npm and PyPI, on anvil with real USDC, and the attack suite against each
  simulate   hostile histories by the thousand: --seeds N, --seed S, --plant NAME, --help
  fuzz --seconds N [NAME..]  runs all targets, or these, on inputs around the corpus, N seconds in all (stable Rust)
  fuzz NAME  fuzzes one target with cargo-fuzz (nightly Rust), for as long as you let it
  mutants    breaks what decides about money, one place at a time, and fails where no test notices (cargo-mutants)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match command.as_str() {
        "test" => test::all(std::env::var_os("CI").is_some()),
        "ci" => test::all(true),
        "deny" => deny::check(&[], true),
        "deps" => deps::check(),
        "house" => house::check(),
        "instructions" => instructions::check(true),
        "compare" => compare::run_all(),
        "no-std" => no_std::check(),
        "interop" => interop::check(true),
        "contracts" => contracts::check(true),
        "simulate" => simulate(&rest),
        "fuzz" => fuzz(&rest),
        "mutants" => mutants::check(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => Err(format!("no command {other}\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The simulated world of the testkit, built without the embedded chain.
fn simulate(arguments: &[String]) -> shell::Done {
    let mut command = shell::cargo();
    command.args(["run", "--release", "--quiet", "-p", "http402-testkit"]);
    command.args(["--no-default-features", "--features", "world"]);
    command.args(["--bin", "simulate", "--"]);
    shell::run(command.args(arguments))
}

fn fuzz(arguments: &[String]) -> shell::Done {
    let mut command = shell::cargo();
    if let [flag, rest @ ..] = arguments
        && flag == "--seconds"
    {
        command.args(["run", "--release", "--quiet", "-p", "http402-fuzz"]);
        command.args(["--bin", "stable", "--"]);
        return shell::run(command.args(rest));
    }
    command.args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz"]);
    shell::run(command.args(arguments))
}
