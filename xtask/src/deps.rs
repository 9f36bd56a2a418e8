//! Which crate may not name which other, how many packages each one brings, and the Rust that they need.

use crate::shell::{Done, cargo, output};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A crate, and what must not stand among its dependencies. Names that end with `-` are prefixes.
const NEVER: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "http402-",
            "serde_json",
            "tokio",
            "axum",
            "tower",
            "hyper",
            "reqwest",
            "k256",
        ],
    ),
    (
        "x402",
        &[
            "http402-verify",
            "http402-flow",
            "http402-mpp",
            "tokio",
            "axum",
            "tower",
            "hyper",
            "reqwest",
        ],
    ),
    (
        "mpp",
        &[
            "http402-x402",
            "http402-verify",
            "http402-flow",
            "tokio",
            "axum",
            "tower",
            "hyper",
            "reqwest",
        ],
    ),
    (
        "verify",
        &[
            "http402-x402",
            "http402-flow",
            "http402-mpp",
            "serde",
            "serde_json",
            "http",
            "tokio",
            "alloy-provider",
        ],
    ),
    (
        "lanes",
        &["http402-", "alloy-", "serde", "k256", "num-", "sha3"],
    ),
    (
        "flow",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-verify",
            "tokio",
            "futures",
            "hyper",
            "axum",
            "tower",
            "serde_json",
        ],
    ),
    (
        "ledger",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-verify",
            "http402-flow",
            "http",
        ],
    ),
    (
        "facilitator",
        &[
            "http402-verify",
            "http402-evm",
            "http402-flow",
            "axum",
            "axum-core",
        ],
    ),
    (
        "evm",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-flow",
            "axum",
            "axum-core",
            "tower",
        ],
    ),
    (
        "tempo",
        &[
            "http402-x402",
            "http402-flow",
            "http402-evm",
            "axum",
            "axum-core",
            "tower",
        ],
    ),
    (
        "tower",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-verify",
            "http402-evm",
            "serde_json",
            "axum",
            "axum-core",
        ],
    ),
    (
        "axum",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-verify",
            "http402-evm",
            "serde_json",
            "axum",
        ],
    ),
    (
        "reqwest",
        &[
            "http402-x402",
            "http402-mpp",
            "http402-verify",
            "http402-evm",
            "serde_json",
        ],
    ),
];

/// Dependencies that a user switches on are not what the crate names by itself.
const BUDGETS: &[(&str, &[&str], usize)] = &[
    ("core", &["http402-core"], 32),
    ("x402", &["http402-x402"], 38),
    ("mpp", &["http402-mpp"], 46),
    ("verify", &["http402-verify"], 72),
    (
        "tower with x402 and verify",
        &["http402-tower", "http402-x402", "http402-verify"],
        110,
    ),
    (
        "tower with both protocols and verify",
        &[
            "http402-tower",
            "http402-x402",
            "http402-mpp",
            "http402-verify",
        ],
        120,
    ),
];

pub(crate) fn check() -> Done {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata has no packages")?;
    let mut faults = Vec::new();
    names(packages, &mut faults);
    budgets(&mut faults)?;
    rust_versions(packages, &mut faults)?;
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn names(packages: &[Value], faults: &mut Vec<String>) {
    for (krate, never) in NEVER {
        let package = format!("http402-{krate}");
        let Some(found) = packages.iter().find(|one| text(one, "name") == package) else {
            faults.push(format!("{package} is not there"));
            continue;
        };
        let dependencies = found["dependencies"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for dependency in dependencies {
            let name = text(dependency, "name");
            let dev = dependency["kind"] == "dev";
            let hit = |never: &&&str| match never.strip_suffix('-') {
                Some(_) => name.starts_with(**never),
                None => name == **never,
            };
            if let Some(never) = never.iter().find(hit).filter(|_| !dev) {
                faults.push(format!("{package} names {name}, and must not name {never}"));
            }
            if name == "http402-testkit" && dev {
                faults.push(format!(
                    "{package} dev-depends on the testkit: joint tests live there"
                ));
            }
        }
        println!("  {package:<22} names none of {}", never.join(" "));
    }
}

/// The packages of `cargo tree`, each once, as `name version`.
fn tree(packages: &[&str], features: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut command = cargo();
    command.args([
        "tree", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p}",
    ]);
    command.args(features);
    for package in packages {
        command.args(["-p", package]);
    }
    let lines = output(&mut command)?;
    let packages = lines.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next()?);
        Some(format!("{name} {}", version.trim_start_matches('v')))
    });
    Ok(packages.collect())
}

fn budgets(faults: &mut Vec<String>) -> Done {
    for (name, packages, budget) in BUDGETS {
        let count = tree(packages, &[])?.len();
        println!("  {name:<28} {count:>3} packages of at most {budget}");
        if count > *budget {
            faults.push(format!(
                "{name} brings {count} packages, and may bring {budget}"
            ));
        }
    }
    let verify = tree(&["http402-verify"], &[])?;
    let keccaks = verify
        .iter()
        .filter(|one| {
            one.starts_with("sha3 ")
                || one.starts_with("tiny-keccak ")
                || one.starts_with("keccak-asm ")
        })
        .count();
    println!("  {:<28} {keccaks:>3} keccak", "verify");
    if keccaks > 1 {
        faults.push("verify brings more than one keccak".into());
    }
    if !verify.iter().any(|one| one.starts_with("k256 0.14"))
        || verify.iter().any(|one| one.starts_with("k256 0.13"))
    {
        faults.push("verify is to bring k256 0.14 and no other".into());
    }
    Ok(())
}

fn version(text: &str) -> (u64, u64, u64) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

/// `rust-version` is the largest among the normal dependencies, all features on.
fn rust_versions(packages: &[Value], faults: &mut Vec<String>) -> Done {
    let known: BTreeMap<String, &str> = packages
        .iter()
        .map(|one| {
            (
                format!("{} {}", text(one, "name"), text(one, "version")),
                text(one, "rust_version"),
            )
        })
        .collect();
    for package in packages {
        let name = text(package, "name");
        if !name.starts_with("http402") || package["publish"].as_array().is_some_and(Vec::is_empty)
        {
            continue;
        }
        let own = text(package, "rust_version");
        let needed = tree(&[name], &["--all-features"])?
            .iter()
            .filter(|one| !one.starts_with("http402"))
            .filter_map(|one| Some((version(known.get(one)?), one.clone())))
            .max();
        let Some(((major, minor, patch), because)) = needed else {
            continue;
        };
        // Edition 2024 needs 1.85.
        let needed = (major, minor, patch).max((1, 85, 0));
        println!("  {name:<22} needs Rust {own}");
        if version(own) != needed {
            let (major, minor, patch) = needed;
            faults.push(format!(
                "{name} says Rust {own}, and {because} needs {major}.{minor}.{patch}"
            ));
        }
    }
    Ok(())
}
