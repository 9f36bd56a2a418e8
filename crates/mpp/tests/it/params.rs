//! The tokenizer.

use crate::naive;
use http402_core::json::Document;
use http402_mpp::{Challenge, param};
use proptest::prelude::*;

const BASE: &str =
    r#"Payment id="a", realm="api.example.com", method="tempo", intent="charge", request="e30""#;

fn ids(line: &[u8]) -> Vec<Option<String>> {
    let all = Challenge::parse_all([line]);
    all.into_iter()
        .map(|one| one.ok().map(|one| one.id().to_owned()))
        .collect()
}

#[test]
fn s53_challenges_are_found_among_others_in_one_line_and_over_lines() {
    let two = BASE.replace("\"a\"", "\"b\"");
    let line = format!(
        "Bearer realm=\"x, Payment id=\\\"no\\\"\", {BASE}, Basic realm=\"y\", {two}, Negotiate abc=="
    );
    let found = vec![Some("a".to_owned()), Some("b".to_owned())];
    assert_eq!(ids(line.as_bytes()), found);
    let lines = [BASE.as_bytes(), b"Bearer x", two.as_bytes()];
    let over: Vec<_> = Challenge::parse_all(lines)
        .into_iter()
        .map(|one| one.ok().map(|one| one.id().to_owned()))
        .collect();
    assert_eq!(over, found);
    assert_eq!(ids(format!(" ,, {BASE} ,\t, {two} ,").as_bytes()), found);
}

#[test]
fn s53_one_that_can_not_be_read_hides_no_other() {
    let broken = r#"Payment id="x", id="y""#;
    assert_eq!(
        ids(format!("{broken}, {BASE}").as_bytes()),
        [None, Some("a".into())]
    );
    assert_eq!(
        ids(format!("{BASE}, {broken}").as_bytes()),
        [Some("a".into()), None]
    );
    // A quote that is never ended takes the rest of its line, and no other line.
    let open = format!("{BASE}, Payment id=\"z, {BASE}");
    assert_eq!(ids(open.as_bytes())[0], Some("a".into()));
    assert!(ids(open.as_bytes()).contains(&None));
}

#[test]
fn s53_spellings_of_one_challenge() {
    let plain = Challenge::parse(BASE.as_bytes()).unwrap();
    for other in [
        "payment id=a,realm=api.example.com,method=tempo,intent=charge,request=e30",
        "PAYMENT\tID = \"a\" , Realm\t= \"api.example.com\", METHOD=\"tempo\" ,intent=\"charge\",request=\"e30\"",
        r#"Payment request="e30", foo="bar, Payment id=\"no\"", intent="charge", id="\a", method="tempo", realm="api.example.com""#,
        r#"Payment id="a", realm="api.example.com", method="tempo", intent="charge", request="e30", __proto__="x", constructor=y"#,
    ] {
        assert_eq!(
            Challenge::parse(other.as_bytes()).as_ref(),
            Ok(&plain),
            "{other}"
        );
    }
}

#[test]
fn s53_what_is_refused() {
    for bad in [
        "",
        "Payment",
        "Bearer token123",
        "Payment e30",
        &BASE.replace("Payment ", "Payment\u{a0}"),
        &BASE.replace("Payment ", "Payment,"),
        &format!("{BASE}, id=\"b\""),
        &format!("{BASE}, ID=b"),
        &format!("{BASE}, x=\"open"),
        &format!("{BASE}, x=\"open\\"),
        &format!("{BASE}, x=\"\\ud800\""),
        &format!("{BASE}, x=\"\\u000a\""),
        &format!("{BASE}, x=\"a\nb\""),
        &format!("{BASE}, x=a b"),
        &format!("{BASE}, x="),
        &format!("{BASE}, {BASE}"),
    ] {
        assert!(Challenge::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

/// Cases of the packages' common suite, in words of our own.
#[test]
fn s53_cases_of_the_peers() {
    let with = |extra: &str| Challenge::parse(format!("{BASE}, {extra}").as_bytes());
    let described = |extra: &str| with(extra).unwrap().description().map(str::to_owned);
    assert_eq!(
        described(r#"description="Pay \"now\"""#).as_deref(),
        Some("Pay \"now\"")
    );
    assert_eq!(
        described(r#"description="C:\\a\\b""#).as_deref(),
        Some("C:\\a\\b")
    );
    // What follows the closing quote is dropped up to the comma.
    assert_eq!(
        described(r#"description="For "you" only!""#).as_deref(),
        Some("For ")
    );
    let spaced = BASE.replace(", ", " ,  ").replacen(' ', "  ", 1);
    assert!(Challenge::parse(spaced.as_bytes()).is_ok());
    for missing in [
        "id=\"a\", ",
        "realm=\"api.example.com\", ",
        "method=\"tempo\", ",
        "intent=\"charge\", ",
    ] {
        assert!(
            Challenge::parse(BASE.replace(missing, "").as_bytes()).is_err(),
            "{missing}"
        );
    }
    for (from, to) in [
        ("e30", "not-valid!!!"),
        ("e30", "bm90IGpzb24"),
        ("e30", "W10"),
        ("e30", "_w"),
        ("id=\"a\"", "id=\"\""),
        ("tempo", "Tempo"),
        ("charge", "char/ge"),
    ] {
        assert!(
            Challenge::parse(BASE.replace(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
    let nested = Challenge::parse(BASE.replace("e30", "eyJhIjp7ImIiOjF9fQ").as_bytes()).unwrap();
    assert_eq!(nested.request(), r#"{"a":{"b":1}}"#);
}

#[test]
fn s53_many_backslashes_take_linear_time() {
    // Were it quadratic, a million steps of a million would not end in this test's time.
    for fill in ["\\", "\"", ",", "a=\"", "Payment ", "\\u"] {
        let line = format!("{BASE}, x=\"{}", fill.repeat(60_000 / fill.len()));
        let _ = Challenge::parse(line.as_bytes());
        let _ = param::read(line.as_bytes());
    }
}

#[test]
fn s47_bytes_beyond_ascii() {
    let mut line = format!("{BASE}, description=\"caf").into_bytes();
    line.extend_from_slice(&[0xe9, b'"']);
    let read = Challenge::parse(&line).unwrap();
    assert_eq!(read.description(), Some("café"));
    let escaped = format!("{BASE}, description=\"\\u2615 \\ud83d\\ude00 \\u00e9\"");
    let read = Challenge::parse(escaped.as_bytes()).unwrap();
    assert_eq!(read.description(), Some("☕ 😀 é"));
    let written = read.encode().unwrap();
    assert!(written.is_ascii());
    assert_eq!(Challenge::parse(written.as_bytes()), Ok(read));
}

#[test]
fn s46_line_breaks_are_not_written() {
    for bad in ["a\r\nb", "a\nb", "a\0b", "a\u{7f}b", "a\u{85}b"] {
        let mut quoted = String::new();
        http402_core::json::quote(bad, &mut quoted);
        let json = format!(
            r#"{{"id":"a","realm":"r","method":"tempo","intent":"charge","request":"e30","description":{quoted}}}"#
        );
        let challenge = Challenge::from_json(Document::parse(&json).unwrap().root()).unwrap();
        assert!(challenge.encode().is_err(), "{bad:?}");
    }
}

#[test]
fn s48_caps_stand_before_decoding() {
    let long = |length| BASE.replace("e30", &"A".repeat(length));
    let error = Challenge::parse(long(16 * 1024 + 4).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("longer than 16384"), "{error}");
    let error = Challenge::parse(long(70_000).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("longer than 65536"), "{error}");
    let many = "Payment id=a, ".repeat(200);
    assert!(Challenge::parse(many.as_bytes()).is_err());
    let params: String = (0..100).map(|at| format!(", p{at}=x")).collect();
    assert!(Challenge::parse(format!("{BASE}{params}").as_bytes()).is_err());
}

fn ours(line: &[u8]) -> Vec<Option<Vec<(String, String)>>> {
    let all = param::read(line)
        .unwrap()
        .into_iter()
        .filter_map(|read| match read {
            Ok(scheme) if scheme.is("payment") => {
                let mut params: Vec<_> = scheme
                    .params
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect();
                if scheme.token68.is_some() {
                    params.insert(0, ("\0token".into(), String::new()));
                }
                Some(Some(params))
            }
            Err((name, _)) if name.eq_ignore_ascii_case("payment") => Some(None),
            _ => None,
        });
    all.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn s53_the_naive_tokenizer_reads_the_same(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("Payment ".to_owned()), Just("payment".into()), Just("Bearer x".into()), Just("id=\"a\"".into()),
                Just("realm = b".into()), Just(", ".into()), Just(",".into()), Just("=".into()), Just("\"".into()),
                Just("\\".into()), Just("\\u0041".into()), Just("\\ud83d\\ude00".into()), Just("\\ud800".into()),
                Just(" ".into()), Just("\t".into()), Just("e30==".into()), Just("/".into()), Just("é".into()),
                "[ -~]{0,3}",
            ],
            0..24,
        )
    ) {
        let line: Vec<u8> = parts.concat().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        prop_assert_eq!(ours(&line), naive::payments(&line));
    }

    #[test]
    fn s53_any_bytes_are_read_the_same(line in proptest::collection::vec(any::<u8>(), 0..60)) {
        prop_assert_eq!(ours(&line), naive::payments(&line));
    }

    #[test]
    fn what_is_written_is_read(description in "[^\\p{Cc}]{0,40}", realm in "[^\\p{Cc}]{1,20}", id in "\\PC{1,40}") {
        let mut texts = [String::new(), String::new(), String::new()];
        for (text, out) in [&id, &realm, &description].into_iter().zip(&mut texts) {
            http402_core::json::quote(text, out);
        }
        let [id, realm, description] = texts;
        let json = format!(
            r#"{{"id":{id},"realm":{realm},"method":"tempo","intent":"charge","request":"e30","description":{description}}}"#
        );
        let challenge = Challenge::from_json(Document::parse(&json).unwrap().root()).unwrap();
        prop_assume!(challenge.encode().is_ok());
        let written = challenge.encode().unwrap();
        prop_assert!(written.is_ascii());
        let again = Challenge::parse(written.as_bytes());
        prop_assert_eq!(again.as_ref(), Ok(&challenge));
        let read = Challenge::from_json(Document::parse(&challenge.to_json()).unwrap().root());
        prop_assert_eq!(read, Ok(challenge));
    }
}
