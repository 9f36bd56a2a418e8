//! What a reader of the repository may rely on.

use crate::shell::{Done, cargo, output, program, root, run};
use std::fs;

/// The longest source file, in lines, tests not counted.
const LONGEST: usize = 500;
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "crates",
    "fuzz",
    "xtask",
];
/// Pieced together, so that this file does not hold them.
const STUBS: [&str; 4] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

pub(crate) fn check() -> Done {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    let mut faults = Vec::new();
    let files = files()?;
    top(&files, &mut faults);
    sources(&files, &mut faults);
    papers(&mut faults)?;
    claims(&files, &mut faults);
    if faults.is_empty() {
        println!("  {} files, in order", files.len());
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// The files of the repository; where there is no git, as in a package, none.
fn files() -> Result<Vec<String>, String> {
    let list = output(program("git").args(["ls-files"]))?;
    Ok(list.lines().map(Into::into).collect())
}

fn top(files: &[String], faults: &mut Vec<String>) {
    for file in files {
        let first = file.split('/').next().unwrap_or_default();
        if !first.starts_with('.') && !TOP.contains(&first) {
            faults.push(format!("{file} stands at the top"));
        }
    }
}

fn sources(files: &[String], faults: &mut Vec<String>) {
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        let Ok(text) = fs::read_to_string(root().join(file)) else {
            continue;
        };
        let test = file.contains("/tests/") || file.ends_with("tests.rs");
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(&text);
        let lines = code.lines().count();
        if !test && lines > LONGEST {
            faults.push(format!(
                "{file} has {lines} lines, and at most {LONGEST} are read"
            ));
        }
        for stub in STUBS {
            if text.contains(stub) {
                faults.push(format!("{file} holds {stub}"));
            }
        }
    }
}

/// The tests that the list of attacks names are there.
fn claims(files: &[String], faults: &mut Vec<String>) {
    let list = "crates/testkit/src/attacks/catalogue.rs";
    let text = fs::read_to_string(root().join(list)).unwrap_or_default();
    let named = text.split('"').filter(|word| {
        let mut bytes = word.bytes();
        bytes.next() == Some(b's') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
    });
    let sources: Vec<String> = files
        .iter()
        .filter(|file| file.ends_with(".rs") && *file != list)
        .filter_map(|file| fs::read_to_string(root().join(file)).ok())
        .collect();
    for name in named {
        let function = format!("fn {name}(");
        if !sources.iter().any(|source| source.contains(&function)) {
            faults.push(format!("{list} names the test {name}, which is not there"));
        }
    }
}

fn papers(faults: &mut Vec<String>) -> Done {
    let crates = fs::read_dir(root().join("crates")).map_err(|error| error.to_string())?;
    for krate in crates.flatten() {
        for paper in ["Cargo.toml", "README.md", "CHANGELOG.md"] {
            if !krate.path().join(paper).is_file() {
                faults.push(format!("{} has no {paper}", krate.path().display()));
            }
        }
    }
    Ok(())
}
