//! The test contracts, compiled again with the pinned compiler and compared with what is committed.

use crate::shell::{Done, has, program, root, run};
use std::fs;

/// The compiler's JavaScript build, from npm.
const SOLC: &str = "solc@0.8.28";

/// Without npm, or without its registry, this is skipped, and where `strict` it fails.
pub(crate) fn check(strict: bool) -> Done {
    if !has(program("npm").arg("--version")) || !has(program("node").arg("--version")) {
        return skip(strict, "node and npm are not installed");
    }
    let home = root().join("target").join("solc");
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    if !home.join("package.json").is_file() {
        fs::write(home.join("package.json"), "{\"private\":true}\n")
            .map_err(|error| error.to_string())?;
    }
    if !home.join("node_modules/solc/package.json").is_file() {
        let mut npm = program("npm");
        npm.current_dir(&home);
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--save-exact",
            SOLC,
        ]);
        if let Err(why) = run(&mut npm) {
            return skip(strict, &why);
        }
    }
    let script = root().join("crates/testkit/contracts/compile.mjs");
    run(program("node")
        .arg(script)
        .arg("--check")
        .env("SOLC_DIR", &home))
}

fn skip(strict: bool, why: &str) -> Done {
    if strict {
        return Err(why.into());
    }
    println!("SKIPPED: {why}");
    Ok(())
}
