use crate::run::{code, http402, stdout};
use serde_json::{Value, json};

fn inspect(text: &str) -> (i32, Value) {
    let output = http402(&["inspect", "--json", "--now", "1795537100", text]);
    let list: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    (code(&output), list)
}

/// The headers of a real purchase on the embedded chain.
fn purchase() -> Value {
    let output = http402(&["demo", "--json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    report["purchases"][0]["steps"].clone()
}

fn wrong(list: &Value) -> String {
    list[0]["wrong"].to_string()
}

#[test]
fn documents_of_a_real_purchase_have_nothing_wrong() {
    let steps = purchase();
    let required = steps[0]["document"]["decoded"].to_string();
    let (code, list) = inspect(&required);
    assert_eq!(
        (code, list[0]["kind"].as_str()),
        (0, Some("x402 v2 PaymentRequired"))
    );
    assert!(
        list[0]["notes"][0]
            .as_str()
            .is_some_and(|note| note.starts_with("offer 0: 0.01 USDC"))
    );

    let payload = &steps[3]["document"]["decoded"];
    let before = payload["payload"]["authorization"]["validBefore"]
        .as_str()
        .expect("text");
    let now = (before.parse::<u64>().expect("seconds") - 60).to_string();
    let output = http402(&["inspect", "--json", "--now", &now, &payload.to_string()]);
    let list: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    assert_eq!(output.status.code(), Some(0), "{list:#}");
    assert!(
        list[0]["notes"]
            .to_string()
            .contains("the signature is that of")
    );

    // Another nonce, and the signature is no longer that of the payer.
    let mut forged = payload.clone();
    forged["payload"]["authorization"]["nonce"] = json!(format!("0x{}", "ab".repeat(32)));
    let output = http402(&["inspect", "--json", "--now", &now, &forged.to_string()]);
    let list: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    assert_eq!(output.status.code(), Some(1));
    assert!(wrong(&list).contains("signature"), "{list:#}");
    let (_, list) = inspect(&steps[5]["document"]["decoded"].to_string());
    assert_eq!(list[0]["wrong"], json!([]));
}

/// The challenge, the credential and the receipt of a real purchase by MPP.
#[test]
fn documents_of_mpp_are_explained() {
    let output = http402(&["demo", "--json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    let steps = &report["purchases"][3]["steps"];
    let challenge = &steps[0]["document"]["decoded"];
    let now = |more: &str, text: &str| {
        let output = http402(&["inspect", "--json", "--now", more, text]);
        let list: Value = serde_json::from_str(&stdout(&output)).expect("one document");
        (code(&output), list)
    };
    let message = &steps[2]["document"]["decoded"]["message"];
    let end = message["validBefore"].as_str().expect("text");
    let end: u64 = end.parse().expect("seconds");
    let (open, over) = ((end - 60).to_string(), (end + 60).to_string());
    let document = json!({"challenges": [challenge]}).to_string();
    let (status, list) = now(&open, &document);
    assert_eq!(
        (status, list[0]["kind"].as_str()),
        (0, Some("MPP challenges")),
        "{list:#}"
    );
    assert!(
        list[0]["notes"]
            .to_string()
            .contains("0.01 USDC on eip155:84532"),
        "{list:#}"
    );
    let (status, list) = now(&over, &document);
    assert_eq!(status, 1);
    assert!(wrong(&list).contains("expired"), "{list:#}");

    let credential = &steps[3]["document"]["decoded"];
    let (status, list) = now(&open, &credential.to_string());
    assert_eq!(
        (status, list[0]["kind"].as_str()),
        (0, Some("MPP credential")),
        "{list:#}"
    );
    assert!(
        list[0]["notes"]
            .to_string()
            .contains("the signature is that of"),
        "{list:#}"
    );
    let mut forged = credential.clone();
    forged["payload"]["value"] = json!("1");
    let (status, list) = now(&open, &forged.to_string());
    assert_eq!(status, 1);
    assert!(wrong(&list).contains("payload"), "{list:#}");

    let (status, list) = now(&open, &steps[5]["document"]["decoded"].to_string());
    assert_eq!(
        (status, list[0]["kind"].as_str()),
        (0, Some("MPP receipt")),
        "{list:#}"
    );
}

#[test]
fn headers_of_mpp_are_found_among_those_of_other_schemes() {
    let request = "eyJhbW91bnQiOiIxMDAwIiwiY3VycmVuY3kiOiIweDAzNkNiRDUzODQyYzU0MjY2MzRlNzkyOTU0MWVDMjMxOGYzZENGN2UiLCJtZXRob2REZXRhaWxzIjp7ImNoYWluSWQiOjg0NTMyLCJjcmVkZW50aWFsVHlwZXMiOlsiYXV0aG9yaXphdGlvbiJdfSwicmVjaXBpZW50IjoiMHgyMDk2OTNCYzZhZmMwQzUzMjhiQTM2RmFGMDNDNTE0RUYzMTIyODdDIn0";
    let challenge = format!(
        r#"Payment id="x", realm="a.example", method="evm", intent="charge", request="{request}", expires="2030-01-01T00:00:00Z""#
    );
    let exchange = format!(
        "< HTTP/1.1 402 Payment Required\n< www-authenticate: Basic realm=\"x, Payment y\", {challenge}\n> authorization: Bearer abc\n> accept-payment: evm/charge;q=0.5, tempo/*\n"
    );
    let (_, list) = inspect(&exchange);
    let kinds: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["kind"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(kinds, ["MPP challenges", "MPP Accept-Payment"], "{list:#}");
    assert_eq!(
        list[0]["document"]["challenges"][0]["request"]["amount"],
        "1000"
    );
    let (status, list) = inspect(&challenge);
    assert_eq!(
        (status, list[0]["kind"].as_str()),
        (0, Some("MPP challenges")),
        "{list:#}"
    );
    let (status, list) = inspect("Payment not*base64");
    assert_eq!(status, 1, "{list:#}");
    let problem = r#"{"type":"https://paymentauth.org/problems/payment-expired","title":"Payment Expired","status":402,"detail":"x"}"#;
    let (status, list) = inspect(problem);
    assert_eq!(
        (status, list[0]["kind"].as_str()),
        (0, Some("problem")),
        "{list:#}"
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let offer = json!({
        "scheme": "exact", "network": "eip155:8453", "amount": "0x10", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "maxTimeoutSeconds": 60, "extra": {"name": "USDC", "version": "2"},
    });
    let (code, list) = inspect(&json!({"x402Version": 2, "accepts": [offer]}).to_string());
    assert_eq!(code, 1);
    assert!(
        wrong(&list).contains("accepts[0]") && wrong(&list).contains("amount"),
        "{list:#}"
    );

    let (code, list) = inspect("PAYMENT-SIGNATURE: not*base64");
    assert_eq!(code, 1);
    assert_eq!(list[0]["source"], "PAYMENT-SIGNATURE");
    let (code, list) = inspect("{\"x402Version\":2,\"accepts\":[");
    assert_eq!((code, list[0]["kind"].as_str()), (1, Some("unreadable")));
    let (code, list) = inspect("nothing of the kind");
    assert_eq!((code, list), (1, json!([])));
}

#[test]
fn headers_are_found_in_saved_exchanges() {
    let exchange = "> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n\
        < payment-response: eyJzdWNjZXNzIjpmYWxzZSwidHJhbnNhY3Rpb24iOiIiLCJuZXR3b3JrIjoiIn0=\n\nbody\n";
    let (code, list) = inspect(exchange);
    assert_eq!(
        (code, list[0]["kind"].as_str()),
        (0, Some("SettleResponse"))
    );
    let recorded =
        json!({"exchanges": [{"headers": ["payment-response: eyJzdWNjZXNzIjpmYWxzZX0="]}]});
    let (_, list) = inspect(&recorded.to_string());
    assert_eq!(list[0]["source"], "PAYMENT-RESPONSE");
}
