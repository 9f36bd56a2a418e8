use super::{
    read::{mark, plain},
    *,
};
use proptest::prelude::*;
use std::{format, string::String};

#[test]
fn a_document_is_read_and_its_parts_keep_their_text() {
    let text = r#" {"a": [1, -2.5e+3 ,"x\n\u00e9\ud83d\ude00"],"b":{"c" : null},"d":true} "#;
    let document = Document::parse(text).unwrap();
    let json = document.root();
    let items: Vec<_> = json.get("a").unwrap().as_array().unwrap().collect();
    assert_eq!(
        (items[0].as_u64(), items[1].as_number()),
        (Some(1), Some("-2.5e+3"))
    );
    assert_eq!(items[2].as_text(), Some("x\né😀"));
    assert_eq!(json.get("b").unwrap().raw(), r#"{"c" : null}"#);
    assert!(json.get("b").unwrap().get("c").is_none());
    assert_eq!(json.get("d").unwrap().as_bool(), Some(true));
}

/// What stands together in what is signed, paid and asked is told apart without a comparison.
#[test]
fn keys_that_stand_together_have_different_marks() {
    for keys in [
        "x402Version resource accepted payload extensions",
        "x402Version scheme network payload",
        "scheme network amount asset payTo maxTimeoutSeconds extra",
        "scheme network maxAmountRequired resource description mimeType payTo maxTimeoutSeconds asset extra",
        "url description mimeType",
        "signature authorization",
        "from to value validAfter validBefore nonce",
        "x402Version paymentPayload paymentRequirements",
        "isValid invalidReason payer",
        "success errorReason payer transaction network",
        "challenge source payload",
        "id realm method intent request expires digest description opaque",
        "amount currency recipient methodDetails description externalId",
        "chainId feePayer memo",
    ] {
        let marks = keys.split(' ').map(|key| mark(key.as_bytes()));
        let all = marks.clone().fold(0, |all, mark| all | mark);
        assert_eq!(all.count_ones() as usize, marks.count(), "{keys}");
    }
}

#[test]
fn a_value_is_of_one_kind() {
    let text = r#"[null, true, false, 12, "a", "\n", [1, 2], {"k": 3}]"#;
    let document = Document::parse(text).unwrap();
    let one = |value: Json<'_>| {
        let is_null = value.is_null();
        let array = value.as_array().map(|items| items.count());
        let object = value.as_object().map(|members| members.count());
        let text = value.as_text().map(String::from);
        (
            is_null,
            value.as_bool(),
            value.as_u64(),
            text,
            array,
            object,
        )
    };
    let kinds: Vec<_> = document.root().items().map(one).collect();
    let text = |text: &str| Some(text.into());
    assert_eq!(
        kinds,
        [
            (true, None, None, None, None, None),
            (false, Some(true), None, None, None, None),
            (false, Some(false), None, None, None, None),
            (false, None, Some(12), None, None, None),
            (false, None, None, text("a"), None, None),
            (false, None, None, text("\n"), None, None),
            (false, None, None, None, Some(2), None),
            (false, None, None, None, None, Some(1)),
        ]
    );
}

#[test]
fn members_are_asked_for_as_what_they_are() {
    let text = r#"{"text": "a", "none": null, "object": {"in": 0}, "behind": 1}"#;
    let document = Document::parse(text).unwrap();
    let root = document.root();
    assert_eq!(root.text("text"), Ok(Some("a")));
    assert_eq!(root.text("none"), Ok(None));
    assert_eq!(root.text("missing"), Ok(None));
    assert_eq!(root.text("behind").unwrap_err().why(), "string expected");
    assert_eq!(root.need_text("text"), Ok("a"));
    assert_eq!(root.need_text("none").unwrap_err().why(), "missing");
    assert_eq!(
        root.need_text("behind").unwrap_err().why(),
        "string expected"
    );
    let object = root.object("object").unwrap().unwrap();
    assert_eq!(object.raw(), r#"{"in": 0}"#);
    assert_eq!(root.object("none"), Ok(None));
    assert_eq!(root.object("missing"), Ok(None));
    assert_eq!(root.object("text").unwrap_err().why(), "object expected");
    // What comes behind an object is no member of it.
    assert!(object.get("behind").is_none());
}

#[test]
fn strings_end_where_they_end() {
    for length in 0..40 {
        for stop in ["\"", "\\", "\n", "\u{0}", "\u{1f}", ""] {
            for filler in [
                "a",
                " ",
                "!",
                "#",
                "[",
                "]",
                "~",
                "\u{7f}",
                "é",
                "\u{10ffff}",
            ] {
                let text = format!("{}{stop}{}", filler.repeat(length), "\"\n\\".repeat(3));
                let special = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
                assert_eq!(
                    plain(text.as_bytes(), 0),
                    text.bytes().position(special).unwrap()
                );
                assert_eq!(
                    plain(filler.repeat(length).as_bytes(), 0),
                    filler.len() * length
                );
            }
        }
    }
}

#[test]
fn s50_a_key_stands_once_however_it_is_spelled() {
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"x":{"b":1,"b":1}}]"#,
    ] {
        assert_eq!(
            Document::parse(bad).unwrap_err().why(),
            "a key stands twice in the object"
        );
    }
    let many: Vec<_> = (0..40).map(|at| format!("\"k{at}\":0")).collect();
    assert!(Document::parse(&format!("{{{}}}", many.join(","))).is_ok());
    assert!(Document::parse(&format!("{{{},\"k7\":1}}", many.join(","))).is_err());
}

#[test]
fn s51_depth_trailing_bytes_and_other_grammar() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(&deep(MAX_DEPTH)).is_ok());
    for depth in [MAX_DEPTH + 1, 1_000, 1_000_000] {
        assert!(Document::parse(&deep(depth)).is_err());
    }
    for bad in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1e",
        "nul",
        "NaN",
        "'a'",
        "\"a",
        "\"\t\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "{} {}",
        "{}x",
        "\u{feff}{}",
        "{a:1}",
        "[1 2]",
        "\"\\u12",
        "\"\\u12é4\"",
    ] {
        assert!(Document::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(Document::parse("{}x").unwrap_err().offset(), Some(2));
}

#[test]
fn meaning_is_compared_without_order() {
    let one = Document::parse(r#"{"a":1,"b":["\u0078"]}"#).unwrap();
    let two = Document::parse(r#"{ "b" : ["x"], "a" : 1 }"#).unwrap();
    assert!(one.root().same(two.root()));
    for other in [r#"{"a":1.0,"b":["x"]}"#, r#"{"a":1,"b":["x"],"c":0}"#] {
        let other = Document::parse(other).unwrap();
        assert!(!one.root().same(other.root()) && !other.root().same(one.root()));
    }
}

#[test]
fn only_what_means_the_same_is_the_same() {
    let text = r#"[null, true, false, 1, 2, "a", "b", [], [1], [2], [1, 2], [2, 1],
        {}, {"a": 1}, {"b": 1}, {"a": 2}, {"a": 1, "b": 2}, {"a": 2, "b": 1}]"#;
    let document = Document::parse(text).unwrap();
    for (at, one) in document.root().items().enumerate() {
        for (other_at, other) in document.root().items().enumerate() {
            let (one, other) = (one.raw(), other.raw());
            let (one, other) = (
                Document::parse(one).unwrap(),
                Document::parse(other).unwrap(),
            );
            assert_eq!(one.root().same(other.root()), at == other_at);
            assert_eq!(one == other, at == other_at);
        }
    }
}

#[test]
fn documents_and_values_are_shown_as_they_are_written() {
    let document = Document::parse(" [1]").unwrap();
    assert_eq!(format!("{document:?}"), r#"Document(" [1]")"#);
    assert_eq!(format!("{:?}", document.root()), r#"Json("[1]")"#);
}

#[test]
fn what_is_refused_is_told_by_its_place() {
    for (text, why, place) in [
        ("", "value expected", 0),
        ("[1,]", "value expected", 3),
        ("[1 2]", "comma or bracket expected", 3),
        ("[}", "value expected", 1),
        ("{]", "key expected", 1),
        ("{\"a\" 1}", "colon expected", 5),
        ("{\"a\":1,}", "key expected", 7),
        ("{\"a\":1]", "comma or brace expected", 6),
        ("{\"a\":nul", "value expected", 5),
        ("{\"a\":[],,", "key expected", 8),
        ("[\"a", "string not ended", 3),
        ("[\"\\u00e9\n\"]", "control character in a string", 8),
        ("[-x]", "digit expected", 2),
        (
            "[{\"a\":1,\"\\u0061\":[]}]",
            "a key stands twice in the object",
            1,
        ),
        ("{\"a\":0,\"a\":0 ", "comma or brace expected", 13),
        (" {} ,", "bytes after the value", 4),
        (&"[".repeat(33), "too deep", 32),
    ] {
        let error = Document::parse(text).unwrap_err();
        assert_eq!((error.why(), error.offset()), (why, Some(place)), "{text}");
    }
}

/// Keys that share a mark, and keys that are the same, near each other and far away.
#[test]
fn s50_keys_are_compared_and_not_their_marks() {
    for length in [2, 3, 17, 40, 300] {
        let keys: Vec<_> = (0..length).map(|at| format!("k{at:03}k")).collect();
        let text = |last: &str| {
            let members = keys.iter().map(|key| format!("\"{key}\":{{}},"));
            format!("{{{}\"{last}\":[]}}", members.collect::<String>())
        };
        let other = text("k999k");
        let document = Document::parse(&other).unwrap();
        assert_eq!(document.root().members().count(), length + 1);
        assert_eq!(document.root().get("k999k").unwrap().raw(), "[]");
        for key in &keys {
            assert!(document.root().get(key).is_some());
            assert!(Document::parse(&text(key)).is_err());
            assert!(Document::parse(&text(&key.replace('k', "\\u006b"))).is_err());
        }
    }
}

#[test]
fn what_is_escaped_is_found_where_it_stands() {
    let text = r#"{"\u0061":"\u0062","c":["\n",{"\"":"\/","d":"e"}],"\\":"f"}"#;
    let document = Document::parse(text).unwrap();
    let root = document.root();
    assert_eq!(root.need_text("a"), Ok("b"));
    assert_eq!(root.need_text("\\"), Ok("f"));
    let items: Vec<_> = root.get("c").unwrap().items().collect();
    assert_eq!(items[0].as_text(), Some("\n"));
    assert_eq!(items[1].need_text("\""), Ok("/"));
    assert_eq!(items[1].need_text("d"), Ok("e"));
    assert_eq!(items[1].raw(), r#"{"\"":"\/","d":"e"}"#);
    let keys: Vec<_> = root.members().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "c", "\\"]);
    assert_eq!((root.items().count(), items[0].members().count()), (0, 0));
}

#[test]
fn every_escape_stands_for_its_character() {
    let text = r#""\"\\\/\b\f\n\r\t\u0041\uD800\udc00\ud83d\ude00\udbff\udfff""#;
    let document = Document::parse(text).unwrap();
    assert_eq!(
        document.root().as_text(),
        Some("\"\\/\u{8}\u{c}\n\r\tA\u{10000}😀\u{10ffff}")
    );
}

#[test]
fn objects_and_arrays_are_written_as_they_are_read() {
    let object = Object::default()
        .text("text", "a")
        .maybe_text("some", Some("b"))
        .maybe_text("none", None)
        .raw("raw", "[ ]")
        .maybe_raw("more", Some("{}"))
        .maybe_raw("less", None)
        .number("number", u64::MAX)
        .boolean("yes", true)
        .boolean("no", false)
        .finish();
    let members = r#""text":"a","some":"b","raw":[ ],"more":{},"number":18446744073709551615,"yes":true,"no":false"#;
    assert_eq!(*object, *format!("{{{members}}}"));
    assert_eq!(&*Object::new().finish(), "{}");
    assert_eq!(&*array([]), "[]");
    assert_eq!(&*array(["1"]), "[1]");
    assert_eq!(&*array(["1", "{}", "null"]), "[1,{},null]");
}

/// One odd character is enough, and two do not make an even one.
#[test]
fn strings_are_written_in_ascii() {
    for (text, written) in [
        ("", r#""""#),
        (" a~", r#"" a~""#),
        ("a\"b", r#""a\"b""#),
        ("a\\b", r#""a\\b""#),
        ("\"\"", r#""\"\"""#),
        ("\n", r#""\u000a""#),
        ("\u{7f}", r#""\u007f""#),
        ("é", r#""\u00e9""#),
        ("😀", r#""\ud83d\ude00""#),
    ] {
        let mut out = String::new();
        quote(text, &mut out);
        assert_eq!(out, written);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(name in ".*", text in ".*", number in any::<u64>()) {
        let other = format!("{name}'");
        let written = Object::new().text(&name, &text).number(&other, number).finish();
        prop_assert!(written.is_ascii());
        let shown = Object::new().shown(&name, &text).shown(&other, &number).into_string();
        let quoted = Object::new().text(&name, &text).text(&other, &std::format!("{number}"));
        prop_assert_eq!(&*shown, &*quoted.finish());
        let read = Document::parse(&written).unwrap();
        let read = read.root();
        prop_assert_eq!(read.get(&name).unwrap().as_text(), Some(text.as_str()));
        prop_assert_eq!(read.get(&other).unwrap().as_u64(), Some(number));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,64}|[\\[\\]{}\",:\\\\u0-9a-f ]{0,64}") {
        if let Ok(document) = Document::parse(&text) {
            let again = Document::parse(document.root().raw()).unwrap();
            prop_assert!(again == document && again.root().same(document.root()));
        }
    }
}
