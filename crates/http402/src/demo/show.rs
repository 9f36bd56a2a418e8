use super::report::{Answer, Balance, Check, Purchase, Report};
use crate::style::{BAD, GOOD, NAME, QUIET, TITLE, short};
use anstream::{print, println};
use serde_json::Value;

/// Prints the story for people.
pub(super) fn print(report: &Report) {
    let symbol = report.asset["symbol"].as_str().unwrap_or_default();
    let address = report.asset["address"].as_str().unwrap_or_default();
    title(
        "http402 demo",
        "real payments on a real EVM, in this process",
    );
    line("chain", &format!("{}, embedded", report.chain));
    line("token", &format!("{symbol} at {address}"));
    line("facilitator", &report.facilitator);
    line("shop", &report.shop);
    prices(&report.prices);
    line(
        "buyer",
        &format!(
            "pays at most {} at once, {} in an hour",
            report.limit, report.budget
        ),
    );
    for (at, purchase) in report.purchases.iter().enumerate() {
        buy(at + 1, purchase);
    }
    replay(report);
    lost(report);
    overspend(report);
    balances(&report.balances);
    checks(&report.checks, report.ok);
}

pub(super) fn title(text: &str, more: &str) {
    println!("\n{TITLE}{text}{TITLE:#}  {QUIET}{more}{QUIET:#}");
}

pub(super) fn line(name: &str, text: &str) {
    println!("  {NAME}{name:<12}{NAME:#} {text}");
}

/// Routes, what they cost, and how it is paid.
pub(super) fn prices(all: &[Value]) {
    for price in all {
        let text = |name: &str| price[name].as_str().unwrap_or_default();
        println!(
            "               {:<9} {}  {QUIET}{}{QUIET:#}",
            text("route"),
            text("price"),
            text("order")
        );
    }
}

pub(super) fn buy(number: usize, purchase: &Purchase) {
    title(
        &format!(
            "Purchase {number}: {} for {}",
            purchase.title, purchase.amount
        ),
        &purchase.protocol,
    );
    for (at, step) in purchase.steps.iter().enumerate() {
        println!("  {TITLE}{}{TITLE:#} {}", at + 1, step.what);
        if let Some(document) = &step.document {
            println!(
                "    {NAME}{}{NAME:#} {QUIET}{} bytes{QUIET:#}",
                document.name, document.encoded_bytes
            );
            tree(&document.decoded, 6);
        }
        for note in &step.notes {
            println!("    {note}");
        }
    }
}

/// A document as an indented tree, one member a line.
fn tree(value: &Value, indent: usize) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                branch(name, value, indent);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                branch(&format!("[{at}]"), value, indent);
            }
        }
        other => println!("{:indent$}{}", "", leaf(other)),
    }
}

fn branch(name: &str, value: &Value, indent: usize) {
    print!("{:indent$}{QUIET}{name}{QUIET:#}", "");
    if value.is_object() || value.is_array() {
        println!();
        tree(value, indent + 2);
    } else {
        println!(" {}", leaf(value));
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => short(text),
        other => other.to_string(),
    }
}

fn replay(report: &Report) {
    title("Replay", "the credential of purchase 1, presented again");
    for (answer, meaning) in [
        (&report.replay.same, "the stored answer of the first time"),
        (
            &report.replay.other,
            "paid for another request: refused, no new offer",
        ),
    ] {
        replied(answer, meaning);
    }
    println!("    {} new transfers", report.replay.transfers);
}

fn replied(answer: &Answer, meaning: &str) {
    println!(
        "    {} is answered {TITLE}{}{TITLE:#}  {QUIET}{meaning}{QUIET:#}",
        answer.request, answer.status
    );
    tree(&answer.body, 6);
}

fn lost(report: &Report) {
    let lost = &report.lost;
    title(
        "Lost answer",
        "the connection breaks after settlement, before the answer has left",
    );
    println!(
        "    presented {} times with identical bytes: {} signature, {} transfer",
        lost.presented, lost.signatures, lost.transfers
    );
    println!("    transaction {}", lost.transaction);
    println!("    body {}", lost.body);
}

fn overspend(report: &Report) {
    let refused = &report.overspend;
    title(
        "Overspend",
        "within the limit of one payment, over the budget of the hour",
    );
    println!(
        "    {} asks {}: {TITLE}not paid{TITLE:#}, {} signatures",
        refused.request, refused.asked, refused.signatures
    );
    println!("    {}", refused.why);
}

pub(super) fn balances(all: &[Balance]) {
    title("Balances", "read from the token on the chain");
    for balance in all {
        println!(
            "  {NAME}{:<12}{NAME:#} {:>16} → {:>16}  {TITLE}{}{TITLE:#}",
            balance.who, balance.before, balance.after, balance.change
        );
    }
}

pub(super) fn checks(all: &[Check], ok: bool) {
    title("Checks", "");
    for check in all {
        let (style, mark) = if check.ok { (GOOD, "ok") } else { (BAD, "no") };
        println!("  {style}{mark}{style:#} {}", check.what);
    }
    let (style, text) = if ok {
        (GOOD, "every balance adds up")
    } else {
        (BAD, "something does not add up")
    };
    println!("\n{style}{text}{style:#}\n");
}
