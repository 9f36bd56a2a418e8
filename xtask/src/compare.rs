//! Ours beside the peers, in one run: crates, packages of npm and of PyPI.

use crate::shell::{Done, cargo, has, output, program, root, run};
use std::{
    fs,
    path::{Path, PathBuf},
};

const NPM_X402: &[&str] = &["@x402/core@2.27.0", "@x402/evm@2.27.0", "viem@2.55.19"];
const NPM_MPP: &[&str] = &["mppx@0.11.0", "viem@2.55.19"];
const PYPI: &[&str] = &["x402[evm]==2.25.0"];

/// What is copied to where it is run.
const RUST: [&str; 3] = ["main.rs", "peers.rs", "picture.rs"];

/// Where the table stands in the README of the benches.
const BEGIN: &str = "<!-- cargo xtask compare: from here -->\n";
const END: &str = "<!-- cargo xtask compare: to here -->\n";

/// Builds everything under `target/compare`, runs it, and puts the table and its picture into `benches/`.
pub(crate) fn run_all() -> Done {
    let home = root().join("target").join("compare");
    let package = home.join("rust");
    prepare(&package)?;
    let mut missing = Vec::new();
    let mut command = cargo();
    command.current_dir(&package);
    command.env("CARGO_TARGET_DIR", &home);
    command.args(["run", "--release", "--quiet"]);
    for (name, folder, scripts, install) in [
        ("NODE_X402", "x402", "x402.mjs", npm as Install),
        ("NODE_MPP", "mppx", "mppx.mjs", npm),
        ("PYTHON_X402", "python", "x402_peer.py", pip),
    ] {
        let packages = match folder {
            "x402" => NPM_X402,
            "mppx" => NPM_MPP,
            _ => PYPI,
        };
        let folder = home.join(folder);
        match installed(&folder, packages, install).and_then(|()| copy(scripts, &folder)) {
            Ok(()) => drop(command.env(name, &folder)),
            Err(why) => missing.push(format!("NOT MEASURED: {}: {why}", packages.join(", "))),
        }
    }
    command.env("PICTURE", root().join("benches").join("compare.svg"));
    command.env("SECRET", "a secret of more than thirty-two bytes");
    let table = output(&mut command)?;
    let table = format!("{}\n{table}", missing.join("\n"));
    println!("{table}");
    publish(&table)
}

type Install = fn(&Path, &[&str]) -> Done;

/// The package of Rust, with its manifest.
fn prepare(package: &Path) -> Done {
    let source = package.join("src");
    fs::create_dir_all(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    for file in RUST {
        copy(file, &source)?;
    }
    let manifest = ours("manifest.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| error.to_string())?;
    let text = text.replace("{root}", &root().display().to_string());
    fs::write(package.join("Cargo.toml"), text).map_err(|error| error.to_string())
}

fn ours(file: &str) -> PathBuf {
    root().join("xtask").join("compare").join(file)
}

fn copy(file: &str, folder: &Path) -> Done {
    fs::copy(ours(file), folder.join(file))
        .map(drop)
        .map_err(|error| format!("{file}: {error}"))
}

/// Installs once: the packages stand in a file beside them.
fn installed(folder: &Path, packages: &[&str], install: Install) -> Done {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mark = folder.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    install(folder, packages)?;
    fs::write(mark, wanted).map_err(|error| error.to_string())
}

fn npm(folder: &Path, packages: &[&str]) -> Done {
    if !has(program("npm").arg("--version")) || !has(program("node").arg("--version")) {
        return Err("node and npm are not installed".into());
    }
    crate::interop::npm(folder, packages)
}

fn pip(folder: &Path, packages: &[&str]) -> Done {
    if !has(program("python3").arg("--version")) {
        return Err("python3 is not installed".into());
    }
    let venv = folder.join("venv");
    run(program("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = program(&venv.join("bin").join("python").to_string_lossy());
    run(pip.args(["-m", "pip", "install", "--quiet"]).args(packages))
}

/// Puts the table between its two marks.
fn publish(table: &str) -> Done {
    let path = root().join("benches").join("README.md");
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        return Err(format!("{}: no place for the table", path.display()));
    };
    let (before, after) = (&text[..begin + BEGIN.len()], &text[end..]);
    fs::write(path, format!("{before}\n{}\n\n{after}", table.trim()))
        .map_err(|error| error.to_string())
}
