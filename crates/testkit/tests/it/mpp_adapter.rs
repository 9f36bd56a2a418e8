//! The adapter by which what we say of MPP is held against the suite of mpp-tools.

#[allow(dead_code, reason = "its main runs in the example alone")]
#[path = "../../examples/mpp_adapter.rs"]
mod example;

use example::respond;
use http402_core::{Timestamp, authorization::ChallengeRef};
use http402_mpp::{
    Credential,
    method::tempo::{self, Payload},
};
use http402_tempo::{Charge, Order, node::Fees, transaction};
use http402_verify::LocalKey;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

/// A request and what is wanted: a value; for what is written, the operation that reads it back; or the type of an error, and
/// what its message says. Ids, memos and encoded documents are the suite's.
const LINES: &str = include_str!("../fixtures/mpp_adapter.jsonl");

fn ask(request: &str) -> Value {
    serde_json::from_str(&respond(request)).expect("every answer is JSON")
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "inputs are written where they are used"
)]
fn op(op: &str, input: Value) -> Value {
    ask(&json!({"schema": 1, "op": op, "input": input}).to_string())
}

fn error(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"]["type"].as_str().expect("a type")
}

#[test]
fn every_case_is_answered_as_the_suite_wants() {
    let mut count = 0;
    for line in LINES.lines() {
        // The request as it stands: the order of its members is not ours to change.
        let read = http402_core::json::Document::parse(line).expect("JSON");
        let request = read.root().get("request").expect("a request").raw();
        let line: Value = serde_json::from_str(line).expect("JSON");
        let answer = ask(request);
        let name = &line["name"];
        if let Some(kind) = line["error"].as_str() {
            assert_eq!(error(&answer), kind, "{name}: {answer}");
            let said = answer["error"]["message"].as_str().expect("a message");
            let wanted = line["says"].as_str().unwrap_or_default();
            assert!(said.contains(wanted), "{name}: {said}");
        } else {
            assert_eq!(answer["ok"], true, "{name}: {answer}");
            let value = match line["back"].as_str() {
                Some(reader) => op(reader, answer["value"].clone())["value"].clone(),
                None => answer["value"].clone(),
            };
            assert_eq!(value, line["value"], "{name}");
        }
        count += 1;
    }
    assert!(count >= 200, "{count} lines");
}

#[test]
fn every_operation_has_cases_of_both_kinds() {
    for name in [
        "challenge.parse",
        "challenge.format",
        "credential.parse",
        "credential.format",
        "receipt.parse",
        "receipt.format",
        "base64url.decode",
        "challenge.id",
        "server.verify",
        "stripe.external_id_binding",
        "tempo.receipt.verify",
        "tempo.transaction.verify",
        "tempo.fee_payer.cosign",
    ] {
        let lines = LINES.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let refused = line["error"].is_string() || line["value"]["ok"] == false;
            (line["request"]["op"] == name, refused)
        });
        let mine: Vec<bool> = lines.filter(|(mine, _)| *mine).map(|(_, no)| no).collect();
        assert!(mine.contains(&true) && mine.contains(&false), "{name}");
    }
}

#[test]
fn what_is_no_request_is_an_error() {
    assert_eq!(error(&op("sing", json!({}))), "unsupported_operation");
    for text in [
        "",
        "{",
        "[]",
        r#"{"op":"challenge.parse","input":{}}"#,
        r#"{"schema":2,"op":"challenge.parse","input":{}}"#,
        r#"{"schema":1,"op":1,"input":{}}"#,
        r#"{"schema":1,"op":"challenge.parse"}"#,
        r#"{"schema":1,"op":"base64url.encode","input":{"text":"a"},"input":{"text":"b"}}"#,
    ] {
        assert_eq!(error(&ask(text)), "unknown_error", "{text}");
    }
    for (name, kind) in [
        ("challenge.parse", "parse_error"),
        ("credential.format", "format_error"),
        ("base64url.encode", "encoding_error"),
        ("challenge.id", "generation_error"),
        ("server.verify", "verification_error"),
        ("stripe.external_id_binding", "verification_error"),
        ("tempo.receipt.verify", "verification_error"),
        ("tempo.fee_payer.cosign", "verification_error"),
        ("http.payment_request", "http_error"),
    ] {
        assert_eq!(error(&op(name, json!({}))), kind, "{name}");
    }
    // Space around the parts of a request means nothing.
    let spaced =
        "{\n \"schema\": 1,\n \"op\": \"base64url.encode\",\n \"input\": {\"text\": \"a\"}\n}\n";
    assert_eq!(ask(spaced)["value"]["text"], "YQ");
}

const TOKEN: &str = "0x1234567890123456789012345678901234567890";
const PAYEE: &str = "0x4567890123456789012345678901234567890123";
const SENT: u64 = 1_795_000_000;

fn request(amount: &str) -> tempo::Charge {
    let text = json!({"amount": amount, "currency": TOKEN, "recipient": PAYEE, "methodDetails": {"chainId": 42_431}});
    tempo::Charge::parse(&text.to_string()).expect("a charge")
}

/// A signed transaction that pays so much, and its hash.
fn transaction(amount: &str, key: &LocalKey) -> (String, String) {
    let challenge = ChallengeRef::new("api.example.com", "challenge-123");
    let charge = Charge::of_request(&request(amount), challenge).expect("a charge");
    let fees = Fees {
        base: 20,
        priority: 1,
    };
    let now = Timestamp::from_secs(SENT);
    let unsigned = Order::new(charge, 42_431).transaction(key.address(), &fees, 800_000, now);
    let unsigned = unsigned.expect("an order");
    let signed = unsigned.sign(&key.sign_digest(&unsigned.signing_hash().0));
    let raw = signed.expect("signed").raw().clone();
    let hash = transaction::hash(&raw).to_string();
    (Payload::Transaction(raw).encode().into(), hash)
}

/// What a receipt of a transfer of 1000 with the challenge's memo says of a transaction.
fn receipt(payload: &str, hash: &str, sender: &LocalKey) -> Value {
    let word =
        |address: &str| format!("0x{:0>64}", address.trim_start_matches("0x").to_lowercase());
    let from = sender.address().to_string();
    let payload: Value = serde_json::from_str(payload).expect("JSON");
    op(
        "tempo.transaction.verify",
        json!({
            "credential": {
                "challenge": {
                    "id": "challenge-123", "realm": "api.example.com", "method": "tempo", "intent": "charge",
                    "request": {"amount": "1000", "currency": TOKEN, "recipient": PAYEE},
                },
                "payload": payload,
            },
            "receipt": {
                "transactionHash": hash, "status": "0x1", "from": from,
                "logs": [{
                    "address": TOKEN,
                    "topics": [
                        "0x57bc7354aa85aed339e000bccffabbc529466af35f0772c8f8ee1145927de7f0",
                        word(&from), word(PAYEE),
                        "0xef1ed712011ece072f76bd8b82350e00000000000000000000eb18f2d4402269",
                    ],
                    "data": format!("0x{:064x}", 1000),
                }],
            },
        }),
    )
}

#[test]
fn a_transaction_of_tempo_is_judged_and_not_only_its_receipt() {
    let key = |byte| LocalKey::from_bytes(&[byte; 32]).expect("a key");
    let (payload, hash) = transaction("1000", &key(7));
    let answer = receipt(&payload, &hash, &key(7));
    assert_eq!(answer["value"]["reference"], json!(hash), "{answer}");
    let (less, other) = transaction("999", &key(7));
    let refused = [
        ("calls that pay less", receipt(&less, &other, &key(7))),
        ("another sender", receipt(&payload, &hash, &key(8))),
        ("another transaction", receipt(&payload, &other, &key(7))),
        (
            "cut short",
            receipt(&payload.replace("0x76", "0x7600"), &hash, &key(7)),
        ),
    ];
    for (why, answer) in refused {
        assert_eq!(error(&answer), "verification_error", "{why}: {answer}");
    }
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    authorization: Option<String>,
    body: String,
}

/// A server on loopback: a function from requests to status, head and body. It ends with the process.
fn serve(
    answer: impl Fn(&Seen) -> (u16, String, &'static str) + Send + 'static,
) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let all = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&all);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
            let seen = read(&mut reader);
            log.lock().expect("no panic").push(seen.clone());
            let (status, head, body) = answer(&seen);
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} X\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(text.as_bytes()).expect("a peer");
        }
    });
    (url, all)
}

fn read(reader: &mut impl BufRead) -> Seen {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let field = |name: &str| {
        let mut fields = lines.iter().filter_map(|line| line.split_once(": "));
        let found = fields.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    let length = field("content-length").map_or(0, |text| text.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    Seen {
        line: lines.first().cloned().unwrap_or_default(),
        authorization: field("authorization"),
        body: String::from_utf8(body).expect("text"),
    }
}

/// A server that asks for a payment, and takes any.
fn shop(seen: &Seen) -> (u16, String, &'static str) {
    let asks = "www-authenticate: Payment id=\"a\", realm=\"shop\", method=\"tempo\", intent=\"charge\", request=\"eyJhbW91bnQiOiIyMDQwIiwiY3VycmVuY3kiOiJVU0QiLCJyZWNpcGllbnQiOiJtZXJjaGFudCJ9\"\r\n";
    let receipt = "eyJzdGF0dXMiOiJzdWNjZXNzIiwibWV0aG9kIjoidGVtcG8iLCJ0aW1lc3RhbXAiOiIyMDI2LTAxLTI5VDEyOjAwOjAwWiIsInJlZmVyZW5jZSI6InJlZl8xMjMifQ";
    match &seen.authorization {
        None => (402, asks.into(), "pay"),
        Some(_) if seen.line.contains("/strict") => (402, asks.into(), "no"),
        Some(_) if seen.line.contains("/silent") => (200, String::new(), "goods"),
        Some(_) => (200, format!("payment-receipt: {receipt}\r\n"), "goods"),
    }
}

fn send(url: &str, mode: &str) -> Value {
    let payment =
        json!({"payload": {"type": "transaction", "signature": "0xabc123"}, "source": "did:key:a"});
    op(
        "http.payment_request",
        json!({"url": url, "method": "POST", "headers": {"x-flow": "1"}, "body": "{\"a\":1}", "payment": payment, "mode": mode}),
    )
}

fn credentials(seen: &Mutex<Vec<Seen>>) -> Vec<Credential> {
    let seen = seen.lock().expect("no panic");
    let values = seen.iter().filter_map(|seen| seen.authorization.clone());
    values
        .map(|value| Credential::decode(value.trim_start_matches("Payment ")).expect("ours"))
        .collect()
}

#[test]
fn a_request_is_paid_with_what_is_given() {
    let (url, seen) = serve(shop);
    let answer = send(&format!("{url}/paid"), "payment");
    assert_eq!(answer["value"]["status"], 200, "{answer}");
    assert_eq!(answer["value"]["body"], "goods");
    assert!(answer["value"]["headers"]["payment-receipt"].is_string());
    let [paid] = &credentials(&seen)[..] else {
        panic!("one payment: {seen:?}");
    };
    assert_eq!(paid.source(), Some("did:key:a"));
    let payload: Value = serde_json::from_str(paid.payload()).expect("JSON");
    assert_eq!(
        payload,
        json!({"type": "transaction", "signature": "0xabc123"})
    );
    assert_eq!(
        (paid.challenge().id(), paid.challenge().realm()),
        ("a", "shop")
    );
    let seen = seen.lock().expect("no panic").clone();
    assert!(seen.iter().all(|seen| seen.body == "{\"a\":1}"), "{seen:?}");
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_challenge_is_altered_where_the_suite_wants_it() {
    let (url, seen) = serve(shop);
    send(&format!("{url}/paid"), "mismatched_request");
    send(&format!("{url}/paid"), "invalid_challenge_id");
    let all = credentials(&seen);
    let [amount, id] = &all[..] else {
        panic!("two payments: {seen:?}");
    };
    let request: Value = serde_json::from_str(amount.challenge().request()).expect("JSON");
    assert_eq!(request["amount"], "1");
    assert_eq!(
        (amount.challenge().id(), request["recipient"].as_str()),
        ("a", Some("merchant"))
    );
    assert_eq!(id.challenge().id(), "invalid-challenge-id");
}

#[test]
fn what_the_server_says_is_handed_over() {
    let (url, seen) = serve(shop);
    let plain = send(&format!("{url}/paid"), "plain");
    assert_eq!(
        (&plain["value"]["status"], &plain["value"]["body"]),
        (&json!(402), &json!("pay"))
    );
    assert!(credentials(&seen).is_empty());
    let strict = send(&format!("{url}/strict"), "invalid_payload");
    assert_eq!(strict["value"]["status"], 402, "{strict}");
    let silent = send(&format!("{url}/silent"), "payment");
    assert_eq!(silent["value"]["body"], "goods", "{silent}");
    assert!(silent["value"]["headers"]["payment-receipt"].is_null());
    assert_eq!(error(&send(&url, "sideways")), "unsupported_operation");
    assert_eq!(error(&send("no url", "payment")), "http_error");
}

#[test]
fn s55_no_payment_goes_where_a_redirect_leads() {
    let (thief, stolen) = serve(shop);
    let (url, _) = serve(move |_| (302, format!("location: {thief}/\r\n"), ""));
    let answer = send(&url, "payment");
    assert_eq!(error(&answer), "http_error");
    let said = answer["error"]["message"].as_str().expect("a message");
    assert!(said.contains("Refusing to send payment credential across redirect"));
    assert!(stolen.lock().expect("no panic").is_empty());
}
