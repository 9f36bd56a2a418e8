//! How many instructions a payment takes. They repeat where times do not, so that they hold a limit.

use crate::shell::{Done, cargo, has, output, program, root, run};
use std::process::Command;

/// Cases of the example `count` of the benches, and how many instructions one of each may take: what was counted, and three
/// in a hundred for other compilers. Who makes something faster lowers its limit.
const LIMITS: [(&str, u64); 8] = [
    ("header", 478_000),
    ("header-back", 227_000),
    ("claim", 21_400),
    ("recover", 439_500),
    ("known", 188_500),
    ("voucher", 62_500),
    ("unpaid", 7_000),
    ("paid", 296_000),
];

/// The lengths of the two runs, whose difference leaves out what is done once. That is not the same each time, as hash tables have
/// random seeds: the difference is so long that it does not matter.
const RUNS: [u64; 2] = [10, 210];

/// Without valgrind this is skipped, and where `strict` it fails.
pub(crate) fn check(strict: bool) -> Done {
    if !has(program("valgrind").arg("--version")) {
        let why = "valgrind is not installed (it is a package of that name)";
        if strict {
            return Err(why.into());
        }
        println!("SKIPPED: {why}");
        return Ok(());
    }
    run(cargo().args([
        "build",
        "--release",
        "--quiet",
        // With the features that the tests have just been built with, so that nothing is built again.
        "--workspace",
        "--example",
        "count",
    ]))?;
    let mut faults = Vec::new();
    for (case, limit) in LIMITS {
        let [few, many] = [count(case, RUNS[0])?, count(case, RUNS[1])?];
        let each = many.saturating_sub(few) / (RUNS[1] - RUNS[0]);
        println!("  {case:<12} {each:>8} instructions of at most {limit}");
        if each == 0 || each > limit {
            faults.push(format!(
                "{case} takes {each} instructions, and may take {limit}"
            ));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

fn count(case: &str, times: u64) -> Result<u64, String> {
    let report = root()
        .join("target")
        .join(format!("instructions-{case}.out"));
    let mut command: Command = program("valgrind");
    command.args(["--quiet", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", report.display()));
    command.arg(root().join("target/release/examples/count"));
    output(command.args([case, &times.to_string()]))?;
    let text = std::fs::read_to_string(&report).map_err(|error| error.to_string())?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    let total = total.and_then(|line| line.split(' ').next()?.parse().ok());
    total.ok_or_else(|| format!("{}: no summary", report.display()))
}
