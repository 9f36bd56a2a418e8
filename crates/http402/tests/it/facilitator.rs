use crate::{
    run::{code, http402_with, stderr},
    shop::{Folder, GAS, facilitator, key},
};
use http402_testkit::chain::Chain;

fn refused(arguments: &[&str]) -> String {
    let mut all = vec!["facilitator"];
    all.extend(arguments);
    let output = http402_with(&[("HTTP402_KEY", &key(GAS))], &all);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    stderr(&output)
}

const RPC: &str = "eip155:84532=http://127.0.0.1:1";
const PAYEE: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

#[test]
fn it_does_not_start_when_it_could_lose_money() {
    assert!(refused(&["--rpc", RPC]).contains("nothing to settle"));
    assert!(refused(&["--rpc", RPC, "--asset", "eip155:84532/USDC"]).contains("nothing to settle"));
    assert!(refused(&["--rpc", RPC, "--payee", PAYEE]).contains("nothing to settle"));
    let open = refused(&[
        "--listen",
        "0.0.0.0:0",
        "--rpc",
        RPC,
        "--asset",
        "eip155:84532/USDC",
        "--any-payee",
    ]);
    assert!(open.contains("--token-file or --open"), "{open}");
    let real = refused(&[
        "--rpc",
        "eip155:8453=http://127.0.0.1:1",
        "--asset",
        "eip155:8453/USDC",
        "--any-payee",
    ]);
    assert!(
        real.contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        "{real}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_who_has_the_token() {
    let folder = Folder::new("token");
    let token = folder.file("token", "a-token-of-twenty-bytes\n");
    let chain = Chain::builder().build();
    let endpoint = chain.serve().expect("loopback is there");
    let rpc = format!("eip155:84532={}", endpoint.url());
    let running = facilitator(&[
        "--rpc",
        &rpc,
        "--asset",
        "eip155:84532/USDC",
        "--payee",
        PAYEE,
        "--token-file",
        &token,
    ]);
    let client = reqwest::Client::new();
    let get = |path: &str| client.get(format!("{}{path}", running.url));
    assert_eq!(get("/health").send().await.expect("up").status(), 200);
    assert_eq!(get("/supported").send().await.expect("up").status(), 401);
    let wrong = get("/supported").bearer_auth("a-token-of-twenty-bytez");
    assert_eq!(wrong.send().await.expect("up").status(), 401);
    let right = get("/supported")
        .bearer_auth("a-token-of-twenty-bytes")
        .send()
        .await
        .expect("up");
    let body = right.text().await.expect("a body");
    let kinds: serde_json::Value = serde_json::from_str(&body).expect("a document");
    assert_eq!(kinds["kinds"][0]["network"], "eip155:84532");
    assert_eq!(kinds["kinds"][1]["network"], "base-sepolia");
    let long = client
        .post(format!("{}/verify", running.url))
        .bearer_auth("a-token-of-twenty-bytes")
        .body(vec![b'{'; 200 * 1024]);
    assert_eq!(long.send().await.expect("up").status(), 413);
}
