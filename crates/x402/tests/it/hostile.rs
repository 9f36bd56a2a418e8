//! Input that nobody honest sends.

use crate::documents::{OFFER, with};
use http402_core::json::Document;
use http402_x402::{
    header,
    reply::{SettleResponse, SupportedResponse, VerifyResponse},
    request, v1, v2,
};
use proptest::prelude::*;

/// Hands a text to every parser; says whether any took it.
fn taken(text: &str) -> bool {
    [
        v2::PaymentRequired::parse(text).is_ok(),
        v2::PaymentPayload::parse(text).is_ok(),
        v2::PaymentRequirements::parse(text).is_ok(),
        v1::PaymentRequired::parse(text).is_ok(),
        v1::PaymentPayload::parse(text).is_ok(),
        v1::PaymentRequirements::parse(text).is_ok(),
        SettleResponse::parse(text).is_ok(),
        VerifyResponse::parse(text).is_ok(),
        SupportedResponse::parse(text).is_ok(),
        request::parse(text.as_bytes()).is_ok(),
    ]
    .contains(&true)
}

#[test]
fn s48_what_is_too_long_is_refused_before_it_is_decoded() {
    let long = "A".repeat(header::MAX_LEN + 1);
    let error = header::decode("PAYMENT-SIGNATURE", long.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("PAYMENT-SIGNATURE") && error.contains("longer"),
        "{error}"
    );
    // Not base64 either: the length is what is looked at first.
    assert!(
        header::decode("x", &vec![0xff; 10 << 20])
            .unwrap_err()
            .to_string()
            .contains("longer")
    );
    assert!(header::decode("x", "A".repeat(header::MAX_LEN).as_bytes()).is_ok());
    let body = format!(
        "{}{}",
        "{\"paymentPayload\":\"",
        "x".repeat(request::MAX_LEN)
    );
    assert!(format!("{:?}", request::parse(body.as_bytes()).unwrap_err()).contains("longer"));
}

#[test]
fn s49_base64_is_of_the_standard_alphabet_with_or_without_padding() {
    for (good, text) in [
        ("e30", "{}"),
        ("e30=", "{}"),
        ("ZQ", "e"),
        ("ZQ==", "e"),
        ("", ""),
    ] {
        assert_eq!(
            header::decode("x", good.as_bytes()).as_deref(),
            Ok(text),
            "{good}"
        );
    }
    for bad in [
        "e31=", "ZQ===", "Z", "e30\n", " e30=", "e3 0=", "e-_=", "=e30", "e30===",
    ] {
        assert!(header::decode("x", bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert_eq!(header::encode("e"), "ZQ==", "padding is written");
}

#[test]
fn s50_no_key_stands_twice_at_any_depth() {
    let twice = with(OFFER, r#""amount""#, r#""amount":"1","amount""#);
    assert!(v2::PaymentRequirements::parse(&twice).is_err());
    let inside = with(OFFER, r#""name":"USDC""#, r#""name":"USDC","name":"Other""#);
    assert!(v2::PaymentRequirements::parse(&inside).is_err());
    let escaped = with(
        OFFER,
        r#""name":"USDC""#,
        r#""name":"USDC","n\u0061me":"Other""#,
    );
    assert!(
        v2::PaymentRequirements::parse(&escaped).is_err(),
        "escapes make no other key"
    );
    assert!(VerifyResponse::parse(r#"{"isValid":false,"isValid":true}"#).is_err());
    assert!(SettleResponse::parse(r#"{"success":false,"x":{"a":1,"a":2}}"#).is_err());
}

#[test]
fn s51_depth_numbers_and_what_follows_the_end() {
    let deep = |depth: usize| {
        with(
            OFFER,
            r#""name":"USDC""#,
            &format!(
                r#""x":{}{},"name":"USDC""#,
                "[".repeat(depth),
                "]".repeat(depth)
            ),
        )
    };
    assert!(v2::PaymentRequirements::parse(&deep(20)).is_ok());
    for depth in [40, 1000, 100_000] {
        assert!(
            v2::PaymentRequirements::parse(&deep(depth)).is_err(),
            "{depth} levels"
        );
    }
    let large = format!("1{}", "0".repeat(77));
    for bad in [
        large.as_str(),
        "10000",
        "1e4",
        "null",
        "[]",
        r#""1e4""#,
        r#""-1""#,
        r#"" 1""#,
        r#""""#,
    ] {
        let offer = with(OFFER, r#""10000""#, bad);
        let read = v2::PaymentRequirements::parse(&offer).and_then(|offer| offer.requirement());
        assert!(read.is_err(), "amount {bad}");
    }
    for bad in [
        format!("{OFFER}x"),
        format!("{OFFER}{OFFER}"),
        format!("\u{feff}{OFFER}"),
        OFFER[..OFFER.len() - 1].into(),
    ] {
        assert!(v2::PaymentRequirements::parse(&bad).is_err());
    }
    assert!(VerifyResponse::parse(r#"{"isValid":NaN}"#).is_err());
}

#[test]
fn s65_replies_of_the_wrong_type_are_errors() {
    for bad in [
        "{}",
        "[]",
        "null",
        "true",
        "<html></html>",
        "",
        r#"{"isValid":"true"}"#,
        r#"{"isValid":1}"#,
        r#"{"isValid":null}"#,
        r#"{"isvalid":true}"#,
        r#"{"isValid":true,"payer":1}"#,
        r#"{"isValid":false,"invalidReason":[]}"#,
    ] {
        assert!(VerifyResponse::parse(bad).is_err(), "{bad}");
    }
    for bad in [
        "{}",
        r#"{"success":"true"}"#,
        r#"{"success":1}"#,
        r#"{"success":true}"#,
        r#"{"success":true,"transaction":"0x1"}"#,
        r#"{"success":true,"transaction":1,"network":"base"}"#,
        r#"{"success":true,"transaction":"0x1","network":"base","amount":5}"#,
        r#"{"success":true,"transaction":"0x1","network":"base","amount":"5.0"}"#,
    ] {
        assert!(SettleResponse::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_on_noise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = header::decode("x", &bytes);
        let _ = taken(&String::from_utf8_lossy(&bytes));
    }

    /// One byte changed: it is refused, or it is other JSON with its own meaning.
    #[test]
    fn nothing_panics_on_a_byte_changed(at in 0..OFFER.len(), byte in 0x20_u8..0x7f) {
        let mut bytes = OFFER.as_bytes().to_vec();
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(offer) = v2::PaymentRequirements::parse(&text) {
            prop_assert_eq!(offer.encode(), text.as_str());
            if let (Ok(changed), Ok(was)) = (offer.requirement(), v2::PaymentRequirements::parse(OFFER).unwrap().requirement()) {
                let same = Document::parse(&text).unwrap().root().same(Document::parse(OFFER).unwrap().root());
                prop_assert!(same || changed != was || offer.encode() != OFFER);
            }
        }
        taken(&text);
    }
}
