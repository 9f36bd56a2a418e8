use crate::run::{http402, stderr, stdout};
use serde_json::Value;

/// Atomic units of a text such as `1000000.28 USDC`.
fn units(text: &Value) -> i128 {
    let text = text.as_str().expect("a text").trim_end_matches(" USDC");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<6}").parse().expect("an amount")
}

#[test]
fn the_demo_adds_up_to_the_last_unit() {
    let output = http402(&["demo", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    assert_eq!(report["ok"], true);
    let change = |at: usize| {
        let balance = &report["balances"][at];
        units(&balance["after"]) - units(&balance["before"])
    };
    // $0.01 three times and $0.25, and $0.01 whose answer was lost.
    assert_eq!([change(0), change(1), change(2)], [-290_000, 290_000, 0]);
    let protocols: Vec<_> = report["purchases"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let protocols: Vec<_> = protocols
        .iter()
        .map(|one| one["protocol"].as_str())
        .collect();
    let expected = ["x402/2", "x402/2", "x402/1", "mpp/1"].map(Some);
    assert_eq!(protocols, expected);
    for purchase in report["purchases"].as_array().expect("a list") {
        assert_eq!(purchase["steps"].as_array().map(Vec::len), Some(6));
    }
    assert_eq!(report["replay"]["other"]["status"], 409);
    assert_eq!(report["lost"]["presented"], 2);
    assert_eq!(report["overspend"]["signatures"], 0);
}

#[test]
fn the_demo_tells_its_steps_to_people() {
    let output = http402(&["demo"]);
    let text = stdout(&output);
    for part in [
        "PAYMENT-REQUIRED",
        "PAYMENT-SIGNATURE",
        "X-PAYMENT-RESPONSE",
        "WWW-AUTHENTICATE: Payment",
        "PAYMENT-RECEIPT",
        "Replay",
        "Overspend",
        "every balance adds up",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
}
