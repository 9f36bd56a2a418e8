//! Credentials, receipts, problems and digests.

use http402_core::{Reason, Timestamp, json::Document};
use http402_mpp::{
    Challenge, Credential, Problem, Receipt, base64url, digest, problem::Kind, scope,
};
use proptest::prelude::*;

const BASE: &str = r#"Payment id="a", realm="r", method="tempo", intent="charge", request="e30", header="Payment-Authorization", description="x", opaque="e30", expires="2026-01-29T12:00:00Z", digest="sha-256=abc""#;

#[test]
fn everything_received_is_echoed() {
    let challenge = Challenge::parse(BASE.as_bytes()).unwrap();
    let credential = Credential::new(&challenge, Some("did:x"), "{}").unwrap();
    assert_eq!(
        credential.as_json(),
        r#"{"challenge":{"id":"a","realm":"r","method":"tempo","intent":"charge","request":"e30","expires":"2026-01-29T12:00:00Z","digest":"sha-256=abc","header":"Payment-Authorization","description":"x","opaque":"e30"},"source":"did:x","payload":{}}"#
    );
    assert_eq!(
        Credential::decode(&credential.encode()).as_ref(),
        Ok(&credential)
    );
    assert!(!format!("{credential:?}").contains("payload"), "S84");
}

#[test]
fn credentials_of_others() {
    let read = |text: &str| Credential::parse(text);
    // Requests and opaque data as objects, and members that are not known.
    let native = r#"{"x":1,"challenge":{"id":"a","realm":"r","method":"tempo","intent":"charge","request":{"b":1,"a":2},"opaque":{"k":"v"},"new":[]},"payload":{"type":"y"}}"#;
    let credential = read(native).unwrap();
    assert_eq!(credential.as_json(), native);
    assert_eq!(credential.challenge().request(), r#"{"a":2,"b":1}"#);
    assert_eq!(
        credential.challenge().opaque(),
        Some(&*base64url::encode(r#"{"k":"v"}"#))
    );
    let good = r#"{"challenge":{"id":"a","realm":"r","method":"tempo","intent":"charge","request":"e30"},"payload":{}}"#;
    assert!(read(good).is_ok());
    for (from, to) in [
        ("\"id\":\"a\",", ""),
        ("\"id\":\"a\"", "\"id\":1"),
        ("\"payload\":{}", "\"payload\":[]"),
        (",\"payload\":{}", ""),
        ("\"e30\"", "\"!\""),
        ("\"e30\"", "[1]"),
        ("\"payload\"", "\"source\":1,\"payload\""),
        ("\"payload\"", "\"payload\":{},\"payload\""),
        ("}}", "}} x"),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
}

#[test]
fn s49_encodings_of_a_credential() {
    let text = r#"{"challenge":{"id":"a?>~","realm":"r","method":"tempo","intent":"charge","request":"e30"},"payload":{}}"#;
    let url = base64url::encode(text);
    let wanted = Credential::parse(text).unwrap();
    let padded = format!("{url}{}", "=".repeat((4 - url.len() % 4) % 4));
    let standard = |text: &str| text.replace('-', "+").replace('_', "/");
    for good in [&url, &padded, &standard(&url), &standard(&padded)] {
        assert_eq!(Credential::decode(good).as_ref(), Ok(&wanted), "{good}");
    }
    for bad in [
        format!("{url} "),
        format!("{url}\n"),
        format!("{url}!"),
        format!("={url}"),
        "_w".into(),
        String::new(),
    ] {
        assert!(Credential::decode(&bad).is_err(), "{bad:?}");
    }
    assert!(
        Credential::decode(&"A".repeat(64 * 1024 + 1))
            .unwrap_err()
            .to_string()
            .contains("longer"),
        "S48"
    );
}

#[test]
fn a_receipt_keeps_what_is_not_known() {
    let at = Timestamp::from_secs(1_795_328_347);
    let receipt = Receipt::new("tempo", "0xab", at, Some("order 1"));
    assert_eq!(
        Receipt::decode(receipt.encode().as_bytes()).as_ref(),
        Ok(&receipt)
    );
    let text = r#"{"status":"success","method":"tempo","timestamp":"2026-11-22T06:19:07.525Z","reference":"0xab","fundingCurrency":"0x1","n":{"x":[1.5]}}"#;
    let read = Receipt::parse(text).unwrap();
    assert_eq!((read.as_json(), read.timestamp), (text, at));
    for bad in [
        text.replace("success", "failed"),
        text.replace("\"method\":\"tempo\",", ""),
        text.replace("2026-11", "2026-13"),
        text.replace("\"0xab\"", "1"),
        "[]".into(),
    ] {
        assert!(Receipt::parse(&bad).is_err(), "{bad}");
    }
    let long = base64url::encode(" ".repeat(16 * 1024));
    assert!(
        Receipt::decode(long.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("longer"),
        "S48"
    );
}

#[test]
fn the_table_of_problems() {
    assert_eq!(Kind::ALL.len(), 20);
    for kind in Kind::ALL {
        assert_eq!(Kind::from_uri(kind.uri()), Some(*kind));
        let problem = Problem::new(*kind, "detail", Some("id"));
        assert_eq!(
            Problem::parse(problem.as_json().as_bytes()).as_ref(),
            Ok(&problem)
        );
        assert!(matches!(kind.status(), 400 | 402 | 409 | 410 | 500));
        let advised = [
            Kind::PaymentRequired,
            Kind::MalformedCredential,
            Kind::MethodUnsupported,
        ];
        assert_eq!(problem.hint.is_some(), advised.contains(kind), "{kind:?}");
        assert_eq!(
            problem.as_json().contains("\"hint\""),
            advised.contains(kind)
        );
    }
    let statuses = [
        (Kind::MethodUnsupported, 400),
        (Kind::BadRequest, 400),
        (Kind::InternalPaymentError, 500),
        (Kind::SessionChannelNotFound, 410),
        (Kind::SessionChannelFinalized, 410),
        (Kind::SessionTransactionReverted, 409),
        (Kind::PaymentExpired, 402),
    ];
    for (kind, status) in statuses {
        assert_eq!(kind.status(), status);
    }
    assert_eq!(
        Kind::from_uri("https://other.example/problems/payment-expired"),
        Some(Kind::PaymentExpired)
    );
    assert_eq!(Kind::from_uri("urn:payment:error:expired"), None);
    let odd = Problem::parse(br#"{"type":"urn:x","extra":1}"#).unwrap();
    assert_eq!(
        (odd.kind, &*odd.uri, odd.as_json()),
        (None, "urn:x", r#"{"type":"urn:x","extra":1}"#)
    );
    for bad in [
        &b"[]"[..],
        b"{",
        b"{\"status\":\"402\"}",
        b"{\"status\":70000}",
        b"{\"title\":1}",
        b"\xff",
    ] {
        assert!(Problem::parse(bad).is_err());
    }
}

#[test]
fn every_reason_has_a_type_and_most_types_say_one() {
    for why in Reason::ALL {
        let kind = Kind::of(why);
        assert_eq!(Kind::of(&kind.reason()), kind, "{why:?}");
    }
}

#[test]
fn s20_digests_in_both_spellings() {
    let body = b"{\"hello\": \"world\"}";
    let text = digest::of(body);
    assert_eq!(
        &*text,
        "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="
    );
    let bare = text.trim_end_matches('=');
    let inner = bare.trim_start_matches("sha-256=");
    for good in [
        text.to_string(),
        bare.into(),
        format!("sha-256=:{inner}=:"),
        format!("sha-256=:{inner}:"),
    ] {
        assert!(digest::matches(&good, body), "{good}");
        assert!(
            !digest::matches(&good, b"{\"hello\": \"world\"} "),
            "{good}"
        );
    }
    for bad in [
        "",
        "sha-256=",
        "sha-256=::",
        "sha-512=x",
        "md5=x",
        "sha-256=:abc",
        "sha-256=abc",
        &format!("{text}{text}"),
        &format!("SHA-256={inner}"),
    ] {
        assert!(!digest::matches(bad, body), "{bad}");
    }
}

#[test]
fn s19_scopes() {
    for (method, url, wanted) in [
        ("GET", "https://api.example.com/a/b?c=d", "GET /a/b?c=d"),
        ("HEAD", "https://api.example.com/a", "GET /a"),
        ("POST", "https://api.example.com", "POST /"),
        ("GET", "https://api.example.com?x", "GET ?x"),
        ("GET", "/already/a/path", "GET /already/a/path"),
    ] {
        assert_eq!(&*scope::of(method, url), wanted);
    }
    let long = format!("https://a/{}", "x".repeat(600));
    assert!(scope::of("GET", &long).starts_with("sha-256="));
    assert_ne!(
        scope::of("GET", &long),
        scope::of("GET", &format!("{long}y"))
    );
    let opaque = base64url::encode(&*scope::opaque(
        "GET /",
        http402_core::B256::repeat_byte(0xab),
    ));
    assert_eq!(scope::read(&opaque).unwrap().as_deref(), Some("GET /"));
    assert_eq!(scope::read(&base64url::encode("{}")), Ok(None));
    for bad in [
        "!",
        "trace",
        &base64url::encode("[]"),
        &base64url::encode(r#"{"a":1}"#),
    ] {
        assert!(scope::read(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn bytes_are_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let text = base64url::encode(&bytes);
        prop_assert_eq!(base64url::decode("x", text.as_bytes(), 200), Ok(bytes));
    }

    #[test]
    fn a_text_has_one_meaning(text in "[A-Za-z0-9_=-]{0,9}") {
        if let Ok(bytes) = base64url::decode("x", text.as_bytes(), 9) {
            prop_assert_eq!(base64url::encode(bytes), text.trim_end_matches('='));
        }
    }

    #[test]
    fn any_digest_is_that_of_its_body(body in proptest::collection::vec(any::<u8>(), 0..80), at in 0_usize..80) {
        let text = digest::of(&body);
        prop_assert!(digest::matches(&text, &body));
        let mut other = body;
        if at < other.len() {
            other[at] ^= 1;
            prop_assert!(!digest::matches(&text, &other));
        }
    }

    #[test]
    fn opaque_data_of_others_is_kept(members in proptest::collection::hash_map("[a-z]{1,5}", "\\PC{0,9}", 0..4)) {
        let mut object = http402_core::json::Object::new();
        for (name, value) in &members {
            object = object.text(name, value);
        }
        let opaque = base64url::encode(&*object.finish());
        let line = format!(r#"Payment id="a", realm="r", method="m", intent="i", request="e30", opaque="{opaque}""#);
        let challenge = Challenge::parse(line.as_bytes()).unwrap();
        prop_assert_eq!(challenge.opaque(), Some(&*opaque));
        let json = challenge.to_json();
        let echoed = Challenge::from_json(Document::parse(&json).unwrap().root()).unwrap();
        prop_assert_eq!(echoed.opaque(), Some(&*opaque));
    }
}

#[test]
fn s60_a_problem_tells_nothing_of_the_server_or_of_whoever_settles() {
    let words = "https://rpc.example/v3/secret-key said: reverted at /srv/app/main.rs:7";
    let other = Reason::Other(words.into());
    for why in Reason::ALL.iter().chain([&other]) {
        let problem = Problem::of(why, Some("id"));
        for telling in ["secret", "rpc.example", "/srv", "main.rs", "reverted at"] {
            assert!(!problem.as_json().contains(telling), "{why:?}");
        }
        assert!(problem.detail.is_some_and(|detail| detail.len() < 100));
    }
}
