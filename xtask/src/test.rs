//! `cargo xtask test`: every check, in the order in which they fail fastest.

use crate::{
    contracts, deny, deps, house, instructions, interop, lanes, no_std,
    shell::{Done, cargo, has, run},
};
use std::time::Instant;

/// Tests run in one profile, the one that the tool is built in.
const PROFILE: &str = "--release";

pub(crate) fn all(strict: bool) -> Done {
    let steps: [(&str, &dyn Fn() -> Done); 13] = [
        ("house", &house::check),
        ("dependencies", &deps::check),
        ("their licences and sources", &|| {
            deny::check(deny::OFFLINE, false)
        }),
        ("clippy", &clippy),
        ("tests", &tests),
        ("lanes in software", &lanes::check),
        ("examples in the documentation", &doctests),
        ("instructions", &|| instructions::check(strict)),
        ("core without std", &no_std::check),
        ("contracts", &|| contracts::check(strict)),
        ("peers", &|| interop::check(strict)),
        ("packages", &packages),
        ("demo", &demo),
    ];
    let start = Instant::now();
    let mut times = Vec::new();
    for (name, step) in steps {
        println!("\n=== {name}");
        let begin = Instant::now();
        step().map_err(|why| format!("{name}: {why}"))?;
        times.push((name, begin.elapsed().as_secs()));
    }
    println!("\n=== all passed in {} s", start.elapsed().as_secs());
    for (name, seconds) in times {
        println!("    {seconds:>5} s  {name}");
    }
    Ok(())
}

fn clippy() -> Done {
    if !has(cargo().args(["clippy", "--version"])) {
        println!("skipped: clippy is not installed (rustup component add clippy)");
        return Ok(());
    }
    run(cargo().args([
        "clippy",
        PROFILE,
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn tests() -> Done {
    if has(cargo().args(["nextest", "--version"])) {
        return run(cargo().args([
            "nextest",
            "run",
            PROFILE,
            "--workspace",
            "--cargo-quiet",
            "--status-level",
            "slow",
            "--no-fail-fast",
        ]));
    }
    println!("cargo-nextest is not installed: cargo test runs instead");
    run(cargo().args([
        "test",
        PROFILE,
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ]))
}

fn doctests() -> Done {
    run(cargo().args(["test", PROFILE, "--workspace", "--doc", "--quiet"]))
}

/// Every crate has what crates.io asks for. That they build from what is packed is left to a release.
fn packages() -> Done {
    run(cargo().args([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "http402-benches",
        "--exclude",
        "http402-fuzz",
        "--no-verify",
        "--allow-dirty",
        "--quiet",
    ]))
}

fn demo() -> Done {
    run(cargo().args(["run", PROFILE, "--quiet", "-p", "http402", "--", "demo"]))
}
