//! `http402 inspect`: what a header, a body or a saved exchange says, and what is wrong with it.

mod document;
mod field;
mod find;
mod mpp;

use crate::{
    runtime::Fault,
    style::{BAD, GOOD, NAME, QUIET, TITLE, short},
};
use anstream::println;
use serde_json::{Value, json};
use std::{fs, io::Read, path::PathBuf, process::ExitCode, time::SystemTime};

/// The longest input that is looked at, in bytes.
const MAX: u64 = 4 << 20;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to decode: a header line, a header's value, or a document. Without it, --file or standard input is read
    text: Option<String>,
    /// Read a file: a document, or a saved exchange with its header lines
    #[arg(short, long, conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Judge time windows at this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn input(arguments: &Arguments) -> Result<String, Fault> {
    if let Some(text) = &arguments.text {
        return Ok(text.clone());
    }
    let mut bytes = Vec::new();
    match &arguments.file {
        Some(path) => {
            let file =
                fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            file.take(MAX + 1).read_to_end(&mut bytes)?;
        }
        None => {
            std::io::stdin().take(MAX + 1).read_to_end(&mut bytes)?;
        }
    }
    if bytes.len() as u64 > MAX {
        return Err("the input has more than 4 MiB".into());
    }
    Ok(String::from_utf8(bytes).map_err(|error| format!("the input is not UTF-8: {error}"))?)
}

/// Exits with 1 when something is wrong with what was found, or nothing was found.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let text = input(arguments)?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = arguments.now.unwrap_or(since.as_secs());
    let found = find::documents(&text);
    let findings: Vec<_> = found
        .into_iter()
        .map(|found| (document::explain(&found, now), found))
        .collect();
    let wrong = findings.is_empty() || findings.iter().any(|(it, _)| !it.wrong.is_empty());
    if arguments.json {
        let list: Vec<Value> = findings
            .iter()
            .map(|(it, found)| {
                json!({"source": found.source, "kind": it.kind, "document": it.value, "notes": it.notes, "wrong": it.wrong})
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
    } else {
        for (explained, found) in &findings {
            show(found, explained);
        }
        if findings.is_empty() {
            println!("{BAD}nothing of x402 or MPP was found{BAD:#}");
        }
    }
    Ok(if wrong {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn show(found: &find::Found, explained: &document::Explained) {
    println!(
        "\n{TITLE}{}{TITLE:#}  {QUIET}{}{QUIET:#}",
        explained.kind, found.source
    );
    tree(&explained.value, "", 2);
    for note in &explained.notes {
        println!("  {GOOD}note{GOOD:#}  {note}");
    }
    for wrong in &explained.wrong {
        println!("  {BAD}wrong{BAD:#} {wrong}");
    }
}

/// A document, one field a line, with what each field means.
fn tree(value: &Value, path: &str, indent: usize) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, it)| (format!("[{at}]"), it))
            .collect(),
        _ => return,
    };
    for (name, value) in members {
        let inner = match name.starts_with('[') {
            true => path.to_owned(),
            false => format!("{path}.{name}"),
        };
        let meaning = field::meaning(&inner)
            .map_or_else(String::new, |text| format!("  {QUIET}{text}{QUIET:#}"));
        match value {
            Value::Object(_) | Value::Array(_) => {
                println!("{:indent$}{NAME}{name}{NAME:#}{meaning}", "");
                tree(value, &inner, indent + 2);
            }
            Value::String(text) => println!(
                "{:indent$}{NAME}{name}{NAME:#} {}{meaning}",
                "",
                short(text)
            ),
            other => println!("{:indent$}{NAME}{name}{NAME:#} {other}{meaning}", ""),
        }
    }
}
