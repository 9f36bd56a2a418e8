//! What the id of a challenge is bound to.

use http402_core::{
    Timestamp,
    json::{Document, Json},
};
use http402_mpp::{
    Challenge, KeyRing, base64url,
    binding::{Slots, challenge_id},
    challenge::Terms,
    jcs, rfc3339,
};
use proptest::prelude::*;

const IDS: &str = include_str!("../fixtures/challenge-ids.jsonl");
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NEW: &[u8] = b"fedcba9876543210fedcba9876543210";

fn ring() -> KeyRing {
    KeyRing::new(SECRET).unwrap()
}

/// The ids of the packages' common suite, each of them recomputed.
#[test]
fn ids_are_those_of_the_peers() {
    let mut count = 0;
    for line in IDS.lines() {
        let document = Document::parse(line).unwrap();
        let json = document.root();
        let text = |name| json.get(name).and_then(Json::as_text);
        let request = jcs::canonical(json.get("request").unwrap()).unwrap();
        let request = base64url::encode(&*request);
        let slots = Slots {
            realm: text("realm").unwrap(),
            method: text("method").unwrap(),
            intent: text("intent").unwrap(),
            request: &request,
            expires: text("expires"),
            digest: text("digest"),
            header: text("header"),
            opaque: text("opaque"),
        };
        let secret = text("secret").unwrap().as_bytes();
        let id = text("id").unwrap();
        assert_eq!(challenge_id(secret, &slots), id, "{line}");
        assert!(KeyRing::new(secret).unwrap().verify(&slots, id), "{line}");
        count += 1;
    }
    assert_eq!(count, 24);
}

#[test]
fn s44_weak_secrets_are_refused() {
    for weak in [
        &b""[..],
        b"tmp",
        b"                                        ",
        &[7; 31],
        b"  0123456789abcdef0123456789abcde  ",
    ] {
        assert!(KeyRing::new(weak).is_err());
        assert!(ring().retired(weak).is_err() && ring().rotate(weak).is_err());
    }
    assert!(KeyRing::new(&[7; 32]).is_ok());
}

#[test]
fn a_ring_turns() {
    let slots = Slots {
        realm: "r",
        method: "tempo",
        intent: "charge",
        request: "e30",
        ..Slots::default()
    };
    let old = ring().bind(&slots).unwrap();
    let turned = ring().rotate(NEW).unwrap();
    let new = turned.bind(&slots).unwrap();
    assert_ne!(old, new);
    assert!(turned.verify(&slots, &old) && turned.verify(&slots, &new));
    assert_eq!(
        KeyRing::new(NEW)
            .unwrap()
            .retired(SECRET)
            .unwrap()
            .bind(&slots),
        Ok(new.clone())
    );
    // Once it is dropped, an old secret counts for nothing.
    assert!(!KeyRing::new(NEW).unwrap().verify(&slots, &old));
    assert!(!ring().verify(&slots, &new));
}

#[test]
fn s84_a_ring_does_not_print_its_secrets() {
    assert_eq!(format!("{:?}", ring()), "KeyRing[1 secrets]");
}

#[test]
fn s22_no_slot_runs_into_the_next() {
    let base = Slots {
        realm: "r",
        method: "m",
        intent: "i",
        request: "q",
        ..Slots::default()
    };
    let bars = [
        Slots {
            realm: "r|m",
            ..base
        },
        Slots {
            method: "m|i",
            ..base
        },
        Slots {
            intent: "i|q",
            ..base
        },
        Slots {
            request: "q|",
            ..base
        },
        Slots {
            expires: Some("|"),
            ..base
        },
        Slots {
            digest: Some("|"),
            ..base
        },
        Slots {
            header: Some("x|"),
            ..base
        },
        Slots {
            opaque: Some("|"),
            ..base
        },
    ];
    for slots in bars {
        assert!(ring().bind(&slots).is_err());
        // Not even with an id that fits the text.
        assert!(
            !ring().verify(&slots, &challenge_id(SECRET, &slots)),
            "{slots:?}"
        );
    }
    // One text, two meanings: only the one without bars is honoured.
    let shifted = Slots {
        expires: Some("e"),
        digest: Some("d"),
        ..base
    };
    let joined = Slots {
        expires: Some("e|d"),
        ..base
    };
    assert_ne!(shifted.input(), joined.input());
    let swapped = Slots {
        expires: Some("d"),
        digest: Some("e"),
        ..base
    };
    assert_ne!(ring().bind(&shifted), ring().bind(&swapped));
}

#[test]
fn s22_the_header_stands_before_opaque() {
    let slots = Slots {
        realm: "r",
        method: "m",
        intent: "i",
        request: "q",
        header: Some("Payment-Authorization"),
        opaque: Some("o"),
        ..Slots::default()
    };
    assert_eq!(slots.input(), "r|m|i|q|||Payment-Authorization|o");
    for default in [None, Some(""), Some("authorization")] {
        assert_eq!(
            Slots {
                header: default,
                ..slots
            }
            .input(),
            "r|m|i|q|||o"
        );
    }
}

fn issued() -> Challenge {
    let mut terms = Terms::new(
        "api.example.com",
        "tempo",
        "charge",
        r#"{"b":1,"a":"x"}"#,
        Timestamp::from_secs(1_800_000_000),
    );
    terms.digest = Some("sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=");
    terms.carrier = http402_mpp::Carrier::PaymentAuthorization;
    terms.opaque = Some(r#"{"_mppx_scope":"GET /"}"#);
    terms.description = Some("a report");
    Challenge::issue(&terms, &ring()).unwrap()
}

#[test]
fn a_server_writes_canonical_requests() {
    let challenge = issued();
    assert_eq!(challenge.request(), r#"{"a":"x","b":1}"#);
    assert_eq!(
        challenge.expires(),
        Some(Timestamp::from_secs(1_800_000_000))
    );
    assert!(ring().verify(&challenge.slots(), challenge.id()));
    let again = Challenge::parse(challenge.encode().unwrap().as_bytes()).unwrap();
    assert_eq!(again, challenge);
}

/// Requests of others need not be canonical: the text is hashed as it was on the wire.
#[test]
fn the_echoed_text_is_hashed() {
    let request = base64url::encode(r#"{ "b" : 1.5, "a" : 2 }"#);
    let slots = Slots {
        realm: "r",
        method: "tempo",
        intent: "charge",
        request: &request,
        ..Slots::default()
    };
    let id = challenge_id(SECRET, &slots);
    let line = format!(
        r#"Payment id="{id}", realm="r", method="tempo", intent="charge", request="{request}""#
    );
    let challenge = Challenge::parse(line.as_bytes()).unwrap();
    assert!(ring().verify(&challenge.slots(), challenge.id()));
    let echoed =
        Challenge::from_json(Document::parse(&challenge.to_json()).unwrap().root()).unwrap();
    assert_eq!(echoed.slots(), challenge.slots());
}

/// Every member that the id is bound to, with one byte changed.
#[test]
fn s21_a_flipped_byte_of_any_bound_member_is_refused() {
    let text = issued().to_json();
    let document = Document::parse(&text).unwrap();
    let json = document.root();
    let mut tried = 0;
    for (name, value) in json.as_object().unwrap() {
        let value = value.as_text().unwrap();
        for at in 0..value.len() {
            for bit in 0..7 {
                let mut bytes = value.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else {
                    continue;
                };
                let mut quoted = String::new();
                http402_core::json::quote(&changed, &mut quoted);
                let mut out = http402_core::json::Object::new();
                for (other, value) in json.as_object().unwrap() {
                    out = out.raw(other, if other == name { &quoted } else { value.raw() });
                }
                let Ok(challenge) =
                    Challenge::from_json(Document::parse(&out.finish()).unwrap().root())
                else {
                    continue;
                };
                let good = ring().verify(&challenge.slots(), challenge.id());
                assert_eq!(good, name == "description", "{name} at {at}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn s43_an_id_has_one_spelling() {
    let challenge = issued();
    let id = challenge.id();
    assert_eq!(id.len(), 43);
    for other in [
        format!("{id}="),
        id.replace('-', "+"),
        id.replace('_', "/"),
        format!(" {id}"),
        id[..42].to_owned(),
        String::new(),
    ] {
        assert!(
            other == id || !ring().verify(&challenge.slots(), &other),
            "{other}"
        );
    }
    // Bits after the end.
    let last = id.chars().last().unwrap();
    for c in ('A'..='z').filter(|c| *c != last) {
        assert!(
            !ring().verify(&challenge.slots(), &format!("{}{c}", &id[..42])),
            "{c}"
        );
    }
}

/// Strings and structure after the examples of RFC 8785; numbers are whole or refused.
#[test]
fn s52_canonical_json() {
    for (text, canonical) in [
        (r#"{ "b" : 2, "a" : 1 }"#, r#"{"a":1,"b":2}"#),
        (
            r#"{"z":{"y":[3,2,{"b":null,"a":true}]},"A":false}"#,
            r#"{"A":false,"z":{"y":[3,2,{"a":true,"b":null}]}}"#,
        ),
        (
            r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#,
            "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"",
        ),
        (
            r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}",
        ),
        (r#""<>&\u2028""#, "\"<>&\u{2028}\""),
        (
            r#"[-0,0,-1,9007199254740991,-9007199254740991]"#,
            "[0,0,-1,9007199254740991,-9007199254740991]",
        ),
        (
            r#""\u0008\u0009\u000c\u007f\u0000""#,
            "\"\\b\\t\\f\u{7f}\\u0000\"",
        ),
    ] {
        assert_eq!(jcs::canonicalize(text).as_deref(), Ok(canonical), "{text}");
    }
    for bad in [
        "1.0",
        "1e2",
        "-0.0",
        "9007199254740992",
        "-9007199254740992",
        "1E400",
        "123456789012345678901234567890",
        r#""\ud800""#,
        "[1,]",
    ] {
        assert!(jcs::canonicalize(bad).is_err(), "{bad}");
    }
}

fn json() -> impl Strategy<Value = String> {
    let text = "\\PC{0,8}|[\\x00-\\x1f\"\\\\]{0,4}";
    let quoted = |text: String| {
        let mut out = String::new();
        http402_core::json::quote(&text, &mut out);
        out
    };
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        (-(1_i64 << 53) + 1..(1 << 53)).prop_map(|number| number.to_string()),
        text.prop_map(quoted),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::hash_map("\\PC{0,6}", inner, 0..5).prop_map(move |members| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(name, value)| format!("{} : {value}", quoted(name)))
                    .collect();
                format!("{{ {} }}", members.join(" ,"))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn s52_canonical_text_means_the_same_and_stays(text in json()) {
        let canonical = jcs::canonicalize(&text).unwrap();
        let again = jcs::canonicalize(&canonical);
        prop_assert_eq!(again.as_ref(), Ok(&canonical));
        prop_assert!(Document::parse(&canonical).unwrap().root().same(Document::parse(&text).unwrap().root()));
    }

    #[test]
    fn expires_is_bound_to_the_second(secs in 0_u64..253_402_300_799) {
        let at = Timestamp::from_secs(secs);
        let terms = Terms::new("r", "tempo", "charge", "{}", at);
        let challenge = Challenge::issue(&terms, &ring()).unwrap();
        prop_assert_eq!(challenge.expires(), Some(at));
        let wanted = rfc3339::format(at);
        prop_assert_eq!(challenge.slots().expires, Some(wanted.as_str()));
    }
}

/// Random bytes may begin and end with what would be white space in a text.
#[test]
fn a_random_secret_is_not_trimmed() {
    let mut secret = [0xf7; 32];
    for byte in *b" \n\t\r" {
        secret[0] = byte;
        secret[31] = byte;
        assert!(KeyRing::new(&secret).is_ok(), "{byte}");
    }
    let text = [&[b'a'; 31][..], b"\n"].concat();
    assert!(KeyRing::new(&text).is_err(), "31 letters and a line break");
}
