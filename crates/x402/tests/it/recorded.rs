//! Every document of recorded exchanges between the TypeScript packages is read, and comes out equal.

use http402_core::json::{Document, Json};
use http402_x402::{
    header,
    reply::{SettleResponse, SupportedResponse, VerifyResponse},
    request, v1, v2,
};

const RECORDED: &str = include_str!("../fixtures/recorded.jsonl");

/// What the document is, and its text as it was on the wire.
fn documents() -> Vec<(String, String)> {
    let text = |line: Json<'_>, name| line.get(name).and_then(Json::as_text).unwrap().to_owned();
    RECORDED
        .lines()
        .map(|line| {
            let line = Document::parse(line).unwrap();
            let line = line.root();
            (text(line, "kind"), text(line, "text"))
        })
        .collect()
}

#[test]
fn what_is_read_is_written_equal() {
    let mut kinds = std::collections::BTreeMap::new();
    for (kind, text) in documents() {
        let written = match kind.as_str() {
            "required/1" => v1::PaymentRequired::parse(&text).map(|it| it.encode().to_owned()),
            "required/2" => v2::PaymentRequired::parse(&text).map(|it| it.encode().to_owned()),
            "payload/1" => v1::PaymentPayload::parse(&text).map(|it| it.encode().to_owned()),
            "payload/2" => v2::PaymentPayload::parse(&text).map(|it| it.encode().to_owned()),
            "settle" => SettleResponse::parse(&text).map(|it| it.encode().to_owned()),
            "verify" => VerifyResponse::parse(&text).map(|it| it.encode().to_owned()),
            "supported" => SupportedResponse::parse(&text).map(|it| it.encode().to_owned()),
            "request" => Ok(text.clone()),
            other => panic!("no kind {other}"),
        };
        assert_eq!(written.as_ref(), Ok(&text), "{kind}");
        assert_eq!(
            header::decode("header", header::encode(&text).as_bytes()),
            Ok(text)
        );
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 8, "{kinds:?}");
}

#[test]
fn requests_to_a_facilitator_make_the_same_request_again() {
    let mut exact = 0;
    for (kind, text) in documents() {
        if kind != "request" {
            continue;
        }
        let document = Document::parse(&text).unwrap();
        let json = document.root();
        let offer = json.get("paymentRequirements").unwrap();
        if offer.get("scheme").and_then(Json::as_text) != Some("exact") {
            assert!(
                request::parse(text.as_bytes()).is_err(),
                "a scheme that is not built is refused"
            );
            continue;
        }
        let method = offer
            .get("extra")
            .and_then(|extra| extra.get("assetTransferMethod")?.as_text());
        let claim = request::parse(text.as_bytes());
        if method == Some("permit2") {
            assert!(
                claim.is_err(),
                "a transfer method that is not built is refused"
            );
            continue;
        }
        let claim = claim.unwrap_or_else(|error| panic!("{error:?}: {text}"));
        let again = request::encode(&claim).unwrap();
        let again = Document::parse(&again).unwrap();
        let again = again.root();
        for member in ["paymentPayload", "paymentRequirements"] {
            assert_eq!(
                again.get(member).unwrap().raw(),
                json.get(member).unwrap().raw(),
                "{member}"
            );
        }
        exact += 1;
    }
    assert!(exact >= 2, "{exact} requests of the scheme exact");
}

#[test]
fn offers_stand_in_their_refusal_byte_for_byte() {
    for (kind, text) in documents() {
        if kind != "required/2" {
            continue;
        }
        let document = Document::parse(&text).unwrap();
        let json = document.root();
        let raw: Vec<_> = json
            .get("accepts")
            .unwrap()
            .as_array()
            .unwrap()
            .map(Json::raw)
            .collect();
        let read = v2::PaymentRequired::parse(&text).unwrap();
        let kept: Vec<_> = read
            .accepts
            .iter()
            .map(|it| it.as_ref().unwrap().encode())
            .collect();
        assert_eq!(kept, raw);
    }
}

/// A message that came in another protocol is told to a facilitator as version 2 tells it.
#[test]
fn a_claim_of_another_protocol_is_the_same_payment_to_a_facilitator() {
    let mut told = 0;
    for (kind, text) in documents() {
        let Ok(mut claim) = request::parse(text.as_bytes()) else {
            continue;
        };
        assert_eq!(kind, "request");
        claim.wire.protocol = http402_core::ProtocolId::new("other/1");
        claim.wire.answer = http402_core::Encoded::default();
        let again = request::parse(request::encode(&claim).unwrap().as_bytes()).unwrap();
        assert_eq!(again.authorization, claim.authorization);
        assert_eq!(again.requirement, claim.requirement);
        assert_eq!(again.spends, claim.spends);
        assert_eq!(again.wire.protocol, http402_x402::V2);
        told += 1;
    }
    assert!(told > 3, "{told} requests were told");
}
