//! The lanes of http402-lanes in software: their code runs where the CPU has none, in a build of its own.

use crate::shell::{Done, cargo, has, root, run};
use std::process::Command;

/// What chooses the model in place of the instructions.
const MODEL: &str = "--cfg http402_lanes_model";

/// Runs the tests of http402-lanes, and of http402-verify with the engine of the lanes, which are held against big integers and
/// against the other engines.
pub(crate) fn check() -> Done {
    let mut command = cargo();
    in_software(&mut command);
    // Everything is built again for that, in a folder beside what the CPU runs.
    command.env("CARGO_TARGET_DIR", root().join("target/lanes-model"));
    if has(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--cargo-quiet", "--status-level", "slow"]);
    } else {
        command.args(["test", "--quiet", "--lib", "--tests"]);
    }
    command.args(["--release", "--no-fail-fast"]);
    command.args(["--package", "http402-lanes", "--package", "http402-verify"]);
    command.args(["--features", "http402-verify/key,http402-verify/lanes"]);
    run(&mut command)
}

/// What the command builds has the lanes on any CPU.
pub(crate) fn in_software(command: &mut Command) {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    command.env("RUSTFLAGS", format!("{flags} {MODEL}"));
}
