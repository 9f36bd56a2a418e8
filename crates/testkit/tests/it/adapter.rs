//! The adapter by which our codecs and judgement are held against other implementations.

#[allow(dead_code, reason = "its main runs in the example alone")]
#[path = "../../examples/x402_adapter.rs"]
mod x402_adapter;

use serde_json::{Value, json};
use x402_adapter::respond;

/// What the TypeScript packages 2.27.0 answered, and where we differ on purpose.
const LINES: &str = include_str!("../fixtures/x402_adapter.jsonl");

fn ask(request: &Value) -> Value {
    serde_json::from_str(&respond(&request.to_string())).expect("every answer is JSON")
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "inputs are written where they are used"
)]
fn op(op: &str, input: Value) -> Value {
    ask(&json!({"op": op, "input": input}))
}

fn error(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"]["type"].as_str().expect("a type")
}

/// A recorded line as text, for what must not be written anew.
fn recorded(name: &str) -> Value {
    let lines = LINES
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut lines = lines.filter(|line| line["name"] == name);
    lines.next().expect("the line is there")["request"]["input"].clone()
}

#[test]
fn recorded_answers_of_typescript_are_ours() {
    let mut count = 0;
    for line in LINES.lines() {
        // The request as it stands: the order of its members is part of what is encoded.
        let read = http402_core::json::Document::parse(line).expect("JSON");
        let request = read.root().get("request").expect("a request").raw();
        let line: Value = serde_json::from_str(line).expect("JSON");
        let answer: Value = serde_json::from_str(&respond(request)).expect("JSON");
        let name = &line["name"];
        if let Some(kind) = line["error"].as_str() {
            assert_eq!(error(&answer), kind, "{name}");
        } else if let Some(value) = line.get("value") {
            assert_eq!(answer["value"], *value, "{name}: {answer}");
        } else {
            for (member, wanted) in line["subset"].as_object().expect("an object") {
                assert_eq!(answer["value"][member], *wanted, "{name}: {answer}");
            }
        }
        count += 1;
    }
    assert!(count >= 20, "{count} lines");
}

#[test]
fn amounts_are_digits() {
    for bad in ["0x10", "", " 10000", "10000 ", "+10000", "-1", "1_0", "1e4"] {
        let mut input = recorded("ok");
        input["paymentPayload"]["payload"]["authorization"]["value"] = json!(bad);
        assert_eq!(error(&op("verify", input)), "parse_error", "{bad:?}");
    }
    // Leading zeros mean nothing, as in TypeScript.
    let mut input = recorded("ok");
    input["paymentPayload"]["payload"]["authorization"]["value"] = json!("010000");
    let answer = op("verify", input);
    assert_eq!(answer["value"]["isValid"], true, "{answer}");
}

#[test]
fn s31_high_s_is_refused() {
    let mut input = recorded("ok");
    let signature = input["paymentPayload"]["payload"]["signature"]
        .as_str()
        .expect("hex");
    let s = alloy_primitives::U256::from_str_radix(&signature[66..130], 16).expect("hex");
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = alloy_primitives::U256::from_str_radix(order, 16).expect("hex");
    let v = if signature.ends_with("1b") {
        "1c"
    } else {
        "1b"
    };
    let high = format!("{}{:064x}{v}", &signature[..66], order - s);
    input["paymentPayload"]["payload"]["signature"] = json!(high);
    let answer = op("verify", input);
    assert_eq!(
        answer["value"]["invalidReason"], "invalid_exact_evm_signature",
        "{answer}"
    );
    assert_eq!(answer["value"]["isValid"], false);
}

#[test]
fn a_payload_of_another_transfer_method_is_refused() {
    let mut input = recorded("ok");
    input["paymentRequirements"]["extra"]["assetTransferMethod"] = json!("permit2");
    input["paymentPayload"]["accepted"]["extra"]["assetTransferMethod"] = json!("permit2");
    let answer = op("verify", input);
    assert_ne!(answer["value"]["isValid"], true, "{answer}");
}

#[test]
fn code_could_turn_a_wrong_signature_into_a_right_one_and_nothing_else() {
    let mut input = recorded("ok");
    input["paymentPayload"]["payload"]["signature"] = json!(format!("0x{}", "22".repeat(65)));
    let answer = op("verify", input.clone());
    assert_eq!(answer["value"]["needsChain"], true, "{answer}");
    input["paymentRequirements"]["amount"] = json!("10001");
    let answer = op("verify", input);
    assert_eq!(answer["value"]["needsChain"], false, "{answer}");
}

#[test]
fn an_offer_is_matched_as_it_was_issued() {
    let offer = recorded("ok")["paymentRequirements"].clone();
    let mut dear = offer.clone();
    dear["amount"] = json!("20000");
    let mut more = offer.clone();
    more["extra"]["memo"] = json!("of the client");
    for accepted in [&offer, &more] {
        let answer = op(
            "offer.match",
            json!({"accepts": [{}, dear, offer], "accepted": accepted}),
        );
        assert_eq!(answer["value"]["index"], 2, "{answer}");
    }
    let mut shouted = offer.clone();
    let payee = offer["payTo"].as_str().expect("text").to_uppercase();
    shouted["payTo"] = json!(payee.replace("0X", "0x"));
    let mut unknown = offer.clone();
    unknown["note"] = json!("of the client");
    let mut padded = offer.clone();
    padded["amount"] = json!("010000");
    let mut longer = offer.clone();
    longer["maxTimeoutSeconds"] = json!(60.5);
    for accepted in [shouted, unknown, padded, longer] {
        let answer = op(
            "offer.match",
            json!({"accepts": [offer], "accepted": accepted}),
        );
        assert_eq!(error(&answer), "verification_error", "{accepted}");
    }
    let answer = op("offer.match", json!({"accepts": [dear], "accepted": offer}));
    assert_eq!(error(&answer), "verification_error");
}

#[test]
fn money_and_networks() {
    let money =
        |text: &str, decimals: u64| op("money.parse", json!({"text": text, "decimals": decimals}));
    assert_eq!(money("$0.01", 6)["value"]["amount"], "10000");
    assert_eq!(money("0.0000010", 6)["value"]["amount"], "1");
    for bad in [
        "0.0000001",
        "1e5",
        " 1",
        "+1",
        "1_000",
        "0x10",
        "",
        "-1",
        "$",
        "1 USD",
    ] {
        assert_eq!(error(&money(bad, 6)), "parse_error", "{bad:?}");
    }
    let network = |text: &str| op("network.resolve", json!({ "network": text }));
    assert_eq!(network("base")["value"]["network"], "eip155:8453");
    assert_eq!(network("eip155:1")["value"]["network"], "eip155:1");
    assert_eq!(error(&network("nowhere")), "parse_error");
}

#[test]
fn what_can_not_be_read_is_an_error_of_its_kind() {
    assert_eq!(error(&op("sing", json!({}))), "unsupported_operation");
    assert_eq!(error(&op("required.decode", json!({}))), "format_error");
    assert_eq!(
        error(&op("required.decode", json!({"header": "!"}))),
        "parse_error"
    );
    assert_eq!(
        error(&op("required.decode", json!({"header": "e30="}))),
        "parse_error"
    );
    assert_eq!(
        error(&op(
            "digest",
            json!({"primaryType": "Mail", "domain": {}, "message": {}})
        )),
        "unsupported_operation"
    );
    for line in [
        "",
        "{",
        "[]",
        "{\"op\":1}",
        "{\"op\":\"verify\",\"op\":\"verify\",\"input\":{}}",
    ] {
        let answer: Value = serde_json::from_str(&respond(line)).expect("every answer is JSON");
        assert_eq!(answer["ok"], false, "{line}");
    }
}
