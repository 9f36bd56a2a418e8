//! The attack suite against what is sound and what is not: ours passes, and a careless server and client do not.

use crate::{
    careless::{self, Careless},
    run::{code, http402_with, stderr, stdout},
    shop::{Folder, PAYER, Shop, key},
};
use http402_testkit::attacks::{ATTACKS, Client, Report, Server, Verdict};
use http402_verify::LocalKey;
use serde_json::Value;
use std::{fs, process::Output, sync::Arc};

async fn tool(arguments: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        http402_with(&[("HTTP402_KEY", &key(PAYER))], &arguments)
    })
    .await
    .expect("it runs")
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(ToString::to_string).collect()
}

/// The ids with this verdict.
fn ids(report: &Value, verdict: &str) -> Vec<u8> {
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), ATTACKS.len(), "every id has its line");
    let with = findings.iter().filter(|one| one["verdict"] == verdict);
    with.map(|one| {
        one["id"].as_str().expect("text")[1..]
            .parse()
            .expect("a number")
    })
    .collect()
}

fn assert_none_failed(report: &Value) {
    let findings = report["findings"].as_array().expect("a list");
    let failed: Vec<_> = findings
        .iter()
        .filter(|one| one["verdict"] == "fail")
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_server_survives_every_attack_that_can_be_made() {
    let (shop, folder) = (Shop::open().await, Folder::new("conform"));
    let page = folder.0.join("report.html");
    let output = tool(words(&[
        "conform",
        "server",
        &format!("{}/numbered", shop.url),
        "--rpc",
        shop.endpoint.url(),
        "--also",
        "/weather",
        "--failing",
        "/fails",
        "--json",
        "--html",
        &page.to_string_lossy(),
    ]))
    .await;
    let report: Value = serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|_| panic!("one document: {}", stderr(&output)));
    assert_none_failed(&report);
    assert_eq!(code(&output), 0);
    assert_eq!(
        ids(&report, "pass"),
        [
            1, 2, 3, 4, 5, 6, 7, 13, 17, 18, 19, 21, 22, 23, 24, 25, 26, 29, 31, 32, 33, 34, 39,
            44, 46, 47, 48, 49, 50, 51, 53, 54, 56, 57, 58, 59, 60, 62, 81
        ]
    );
    let page = fs::read_to_string(page).expect("the page was written");
    assert!(page.starts_with("<!doctype html>") && page.contains("survived all 39 attacks"));
    assert!(!page.contains("<script") && !page.contains("src="));

    // A route with a body, for the one attack that needs it.
    let output = tool(words(&[
        "conform",
        "server",
        &format!("{}/echo", shop.url),
        "-d",
        "some words",
        "-H",
        "content-type: text/plain",
        "--only",
        "S20,S02",
    ]))
    .await;
    assert_eq!(code(&output), 0, "{} {}", stdout(&output), stderr(&output));
    assert!(
        stdout(&output).contains("2 passed, 0 failed"),
        "{}",
        stdout(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_serves_anything_fails() {
    let url = careless::server().await;
    let key = LocalKey::from_hex(&key(PAYER)).expect("a key");
    let server = Server::new(&format!("{url}/goods"))
        .expect("a url")
        .key(key);
    let report = server
        .request("POST", Vec::new(), b"words")
        .attack()
        .await
        .expect("it takes the honest payment");
    let failed = report.ids(Verdict::Fail);
    for id in [
        1, 2, 3, 4, 5, 13, 17, 18, 19, 20, 25, 29, 32, 33, 34, 39, 47, 48, 49, 50, 51, 57, 58, 62,
        81,
    ] {
        assert!(failed.contains(&id), "S{id:02}: {:?}", report.finding(id));
    }
    assert_every_id_is_told(&report);
    assert!(report.html().contains("survived"));
}

fn assert_every_id_is_told(report: &Report) {
    let told: Vec<u8> = report.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(told, (1..=85).collect::<Vec<u8>>());
    for finding in &report.findings {
        assert!(!finding.seen.is_empty(), "S{:02} says nothing", finding.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_survives_every_attack_that_can_be_made() {
    let folder = Folder::new("conform-client");
    let ledger = folder.0.join("{id}.sqlite");
    let policy = folder.file(
        "policy.toml",
        "pin_payees = true\n[[allow]]\nchain = \"eip155:84532\"\nasset = \"USDC\"\nper_payment = \"$0.04\"\nper_day = \"$0.10\"\n",
    );
    let output = tool(words(&[
        "conform",
        "client",
        "--most",
        "$0.04",
        "--budget",
        "$0.10",
        "--json",
        "--",
        env!("CARGO_BIN_EXE_http402"),
        "pay",
        "--policy",
        &policy,
        "--ledger",
        &ledger.to_string_lossy(),
        "{url}",
    ]))
    .await;
    let report: Value = serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|_| panic!("one document: {}", stderr(&output)));
    assert_none_failed(&report);
    assert_eq!(code(&output), 0);
    assert_eq!(
        ids(&report, "pass"),
        [
            6, 7, 35, 46, 47, 48, 49, 50, 51, 55, 57, 64, 74, 76, 77, 78, 79, 80, 81, 82, 83, 84
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_signs_anything_fails() {
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("it starts");
    let client = Client::new("careless", Arc::new(Careless(http))).budget(200_000);
    let report = client.attack().await.expect("it pays an honest seller");
    let failed = report.ids(Verdict::Fail);
    for id in [7, 35, 51, 55, 76, 77, 78, 79, 81, 82, 83, 84] {
        assert!(failed.contains(&id), "S{id:02}: {:?}", report.finding(id));
    }
    assert_every_id_is_told(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_left_alone_unless_they_are_named_twice() {
    let refused = async |more: &[&str]| {
        let mut all = words(&["conform", "server", "http://192.0.2.1/"]);
        all.extend(words(more));
        let output = tool(all).await;
        assert_eq!(code(&output), 2);
        stderr(&output)
    };
    assert!(refused(&[]).await.contains("another machine"));
    assert!(
        refused(&["--remote", "192.0.2.2"])
            .await
            .contains("once more")
    );
    // A free route is no target, and a client that does not pay can not be judged.
    let shop = Shop::open().await;
    let free = format!("{}/free", shop.url);
    let output = tool(words(&["conform", "server", &free])).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("200"), "{}", stderr(&output));
    let output = tool(words(&[
        "conform",
        "client",
        "--",
        env!("CARGO_BIN_EXE_http402"),
        "pay",
        "{url}",
    ]))
    .await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("honest"), "{}", stderr(&output));
}
