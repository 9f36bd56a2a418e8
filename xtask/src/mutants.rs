//! Breaks what decides about money in one place at a time, and looks whether a test notices (cargo-mutants).

use crate::{
    lanes,
    shell::{Done, cargo, has, root, run},
};

/// A package, with which features, which of its tests are run, and the files that are broken.
struct Part {
    package: &'static str,
    features: &'static str,
    /// Which targets of its tests are built and run.
    tests: &'static [&'static str],
    /// How far its own code is optimised: what takes long in its tests.
    optimised: &'static str,
    files: &'static [&'static str],
}

/// The policy and the budgets of a buyer, the reservation of a seller, amounts, hashes, how JSON, base64 and hexadecimal digits
/// are read and written, and the judgement of what is signed, down to the arithmetic of the curve, also in the lanes: they run
/// in software, so that no CPU has to have any.
const PARTS: [Part; 4] = [
    Part {
        package: "http402-flow",
        features: "",
        tests: &["--lib"],
        optimised: "0",
        files: &[
            "crates/flow/src/client/policy.rs",
            "crates/flow/src/client/policy/*.rs",
            "crates/flow/src/client/budget.rs",
            "crates/flow/src/server/state.rs",
            "crates/flow/src/server/state/*.rs",
            "crates/flow/src/server/exposure.rs",
            "crates/flow/src/server/gate.rs",
        ],
    },
    Part {
        package: "http402-core",
        features: "",
        tests: &["--lib"],
        optimised: "0",
        files: &[
            "crates/core/src/amount.rs",
            "crates/core/src/base64.rs",
            "crates/core/src/hex.rs",
            "crates/core/src/json.rs",
            "crates/core/src/json/*.rs",
            "crates/core/src/keccak.rs",
        ],
    },
    Part {
        package: "http402-verify",
        features: "key,p256,lanes",
        tests: &["--lib", "--test=it"],
        optimised: "1",
        files: &[
            "crates/verify/src/*.rs",
            "crates/verify/src/engine/*.rs",
            "crates/verify/src/engine/portable/*.rs",
        ],
    },
    Part {
        package: "http402-lanes",
        features: "",
        tests: &["--lib", "--test=it"],
        optimised: "1",
        files: &[
            "crates/lanes/src/ifma/*.rs",
            "crates/lanes/src/cpu/model.rs",
        ],
    },
];

/// Runs cargo-mutants over each part in a copy of the sources, with what is given added to its arguments. A mutant that
/// no test notices fails it; those that nothing can notice are named in `.cargo/mutants.toml`, each with the reason.
pub(crate) fn check(arguments: &[String]) -> Done {
    if !has(cargo().args(["mutants", "--version"])) {
        return Err("cargo-mutants is not installed (cargo install --locked cargo-mutants)".into());
    }
    let nextest = has(cargo().args(["nextest", "--version"]));
    let mut failed = Vec::new();
    for part in PARTS {
        println!("\n=== {}", part.package);
        let mut command = cargo();
        lanes::in_software(&mut command);
        // Built once for each mutant: nothing is optimised that does not have to be, and a part that has not changed is
        // not built again. That is ten times as fast.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        command.env("CARGO_PROFILE_RELEASE_INCREMENTAL", "true");
        // Nobody reads the smallest input that one mutant fails on, and it is not to be tried on the next.
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
        command.args(["mutants", "--profile", "release", "--timeout", "60"]);
        let own = format!("--config=profile.release.package.{}", part.package);
        let (level, units) = (part.optimised, "256");
        command.arg(format!("--cargo-arg={own}.opt-level={level}"));
        command.arg(format!("--cargo-arg={own}.codegen-units={units}"));
        // The lanes are held against big integers, which are built once.
        let big = "--config=profile.release.package.num-bigint.opt-level=3";
        command.arg(format!("--cargo-arg={big}"));
        command.args(["--package", part.package, "--features", part.features]);
        if nextest {
            // One test that notices is enough.
            command.args(["--test-tool", "nextest"]);
            command.arg("--cargo-test-arg=--fail-fast");
        }
        for test in part.tests {
            command.arg(format!("--cargo-arg={test}"));
        }
        for file in part.files {
            command.args(["--file", file]);
        }
        let output = root().join("target/mutants").join(part.package);
        std::fs::create_dir_all(&output)
            .map_err(|error| format!("{}: {error}", output.display()))?;
        command.arg("--output").arg(output);
        command.args(arguments);
        if let Err(why) = run(&mut command) {
            failed.push(why);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(failed.join("\n"))
}
