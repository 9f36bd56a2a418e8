//! The programs for the end-to-end harness, each in a process of its own, on the embedded chain.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};
use serde_json::Value;

const GAS: usize = 0;
const PAYEE: usize = 1;
const PAYER: usize = 2;

struct Program(Child, BufReader<std::process::ChildStdout>);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn path(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this has a path");
    let profile = here
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/<profile>/deps");
    profile
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn start(name: &str, variables: &[(&str, &str)]) -> Program {
    let mut command = Command::new(path(name));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("the example is built with the tests");
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    Program(child, out)
}

impl Program {
    fn until(&mut self, words: &str) {
        let mut line = String::new();
        while self.1.read_line(&mut line).expect("it prints text") > 0 {
            if line.contains(words) {
                return;
            }
            line.clear();
        }
        panic!("it ended without saying {words}");
    }

    /// Its last line, and how it ended.
    fn end(mut self) -> (String, ExitStatus) {
        let lines: Vec<_> = (&mut self.1).lines().map_while(Result::ok).collect();
        let status = self.0.wait().expect("it ends");
        (lines.last().cloned().unwrap_or_default(), status)
    }
}

/// A port that was free a moment ago.
fn port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn client_server_and_facilitator_settle_on_a_chain_and_close() {
    let chain = Chain::builder().build();
    let endpoint = chain.serve().expect("loopback is there");
    let (facilitator_port, server_port) = (port(), port());
    let key = |account: usize| DEV_ACCOUNTS[account].publicly_known_key().to_string();
    let payee = DEV_ACCOUNTS[PAYEE].address().to_string();
    let facilitator_url = format!("http://127.0.0.1:{facilitator_port}");
    let server_url = format!("http://127.0.0.1:{server_port}");
    let rpc = ("EVM_RPC_URL", endpoint.url());
    let mut facilitator = start(
        "e2e_facilitator",
        &[
            rpc,
            ("PORT", &facilitator_port),
            ("EVM_NETWORK", "eip155:84532"),
            ("EVM_PRIVATE_KEY", &key(GAS)),
        ],
    );
    facilitator.until("Facilitator listening");
    let mut server = start(
        "e2e_server",
        &[
            rpc,
            ("PORT", &server_port),
            ("NETWORK", "base-sepolia"),
            ("ADDRESS", &payee),
            ("FACILITATOR_URL", &facilitator_url),
        ],
    );
    server.until("Server listening");
    let token = chain.token(USDC_BASE_SEPOLIA);
    let before = token.balance_of(DEV_ACCOUNTS[PAYEE].address());
    let client = start(
        "e2e_client",
        &[
            ("EVM_PRIVATE_KEY", &key(PAYER)),
            ("RESOURCE_SERVER_URL", &server_url),
            ("ENDPOINT_PATH", "/protected"),
        ],
    );
    let (last, status) = tokio::task::spawn_blocking(|| client.end())
        .await
        .expect("it is waited for");
    assert!(status.success(), "{last}");
    let result: Value = serde_json::from_str(&last).expect("the last line is JSON");
    assert_eq!(result["success"], true, "{result}");
    assert_eq!(
        result["data"]["message"],
        "Protected endpoint accessed successfully"
    );
    assert_eq!(result["status_code"], 200);
    let hash = result["payment_response"]["transaction"]
        .as_str()
        .expect("a transaction");
    assert!(chain.receipt(hash.parse().expect("a hash")).is_some());
    let after = token.balance_of(DEV_ACCOUNTS[PAYEE].address());
    assert_eq!((after - before).to::<u64>(), 1000, "$0.001");
    let http = reqwest::Client::new();
    for (url, program) in [(server_url, server), (facilitator_url, facilitator)] {
        let health = http
            .get(format!("{url}/health"))
            .send()
            .await
            .expect("it is up");
        assert_eq!(health.text().await.expect("a body"), r#"{"status":"ok"}"#);
        http.post(format!("{url}/close"))
            .send()
            .await
            .expect("it is up");
        let (_, status) = tokio::task::spawn_blocking(|| program.end())
            .await
            .expect("it is waited for");
        assert!(status.success());
    }
}

#[test]
fn a_client_that_can_not_pay_fails_with_a_line_of_json() {
    let (last, status) = start(
        "e2e_client",
        &[("RESOURCE_SERVER_URL", "http://127.0.0.1:1")],
    )
    .end();
    assert_eq!(status.code(), Some(1));
    let result: Value = serde_json::from_str(&last).expect("the last line is JSON");
    assert_eq!(result["success"], false);
    assert!(
        result["error"]
            .as_str()
            .is_some_and(|why| why.contains("EVM_PRIVATE_KEY"))
    );
}
