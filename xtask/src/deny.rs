//! Licences, advisories, versions and sources of all that is built on, held to `.cargo/deny.toml`.

use crate::shell::{Done, cargo, has, run};

/// What needs nothing but the lock file and the sources of the packages.
pub(crate) const OFFLINE: &[&str] = &["bans", "licenses", "sources"];

/// Runs these checks of cargo-deny, or all when none is named. Without cargo-deny this is skipped, and where `strict` it
/// fails.
pub(crate) fn check(checks: &[&str], strict: bool) -> Done {
    if !has(cargo().args(["deny", "--version"])) {
        let how = "cargo-deny is not installed (cargo install --locked cargo-deny)";
        if strict {
            return Err(how.into());
        }
        println!("skipped: {how}");
        return Ok(());
    }
    // Warnings are left out: the trees of what comes in two versions fill thousands of lines.
    let mut command = cargo();
    command.args(["deny", "--workspace", "--locked", "--log-level", "error"]);
    run(command.arg("check").args(checks))
}
