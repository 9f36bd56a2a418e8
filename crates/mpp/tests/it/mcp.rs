//! The carrier of MCP.

use crate::shop::{NOW, Shop, evm};
use http::HeaderMap;
use http402_core::{Reason, json::Document};
use http402_mpp::{
    Credential, Problem, Receipt, base64url,
    mcp::{self, Required},
};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":7}}}"#;

fn shop() -> (Shop, Vec<http402_mpp::Challenge>) {
    let shop = Shop::new(vec![evm()]);
    let challenges = shop.mpp.challenges(&shop.asked(&HeaderMap::new())).unwrap();
    (shop, challenges)
}

#[test]
fn challenges_stand_in_an_error_or_in_a_result() {
    let (_, challenges) = shop();
    let problem = Problem::of(&Reason::PaymentRequired, Some(challenges[0].id()));
    for code in [mcp::REQUIRED, mcp::FAILED] {
        let error = Required::error(code, &challenges, &problem);
        let message = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#);
        let read = Required::parse(&message).unwrap().unwrap();
        assert_eq!(
            read.challenges,
            [Ok(challenges[0].clone())],
            "bound as in HTTP"
        );
        assert_eq!(read.problem.as_ref(), Some(&problem));
        let document = Document::parse(&error).unwrap();
        let json = document.root();
        assert_eq!(
            json.get("code").unwrap().as_number(),
            Some(&*code.to_string())
        );
        let request = json
            .get("data")
            .unwrap()
            .get("challenges")
            .unwrap()
            .items()
            .next()
            .and_then(|one| one.get("request"));
        assert!(
            request.unwrap().as_object().is_some(),
            "as JSON, not encoded"
        );
    }
    let data = Required::encode(&challenges, None);
    let result = format!(
        r#"{{"id":1,"result":{{"_meta":{{"{}":{data}}}}}}}"#,
        mcp::META_REQUIRED
    );
    assert_eq!(
        Required::parse(&result).unwrap().unwrap().challenges.len(),
        1
    );
    for other in [
        r#"{"id":1,"result":{}}"#,
        r#"{"id":1,"error":{"code":-32601,"message":"x"}}"#,
    ] {
        assert_eq!(Required::parse(other), Ok(None));
    }
    for bad in [
        r#"{"error":{"code":-32042}}"#,
        r#"{"error":{"code":-32042,"data":{"challenges":1}}}"#,
        "[",
        r#"{"error":1}"#,
    ] {
        assert!(Required::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn encoded_requests_and_extra_members_are_read() {
    let (shop, challenges) = shop();
    let encoded = challenges[0]
        .to_json()
        .replace("{\"id\"", "{\"meta\":{\"x\":1},\"id\"");
    let message = format!(
        r#"{{"error":{{"code":-32042,"data":{{"challenges":[{encoded},{{}}],"failure":{{"reason":"x"}}}}}}}}"#
    );
    let read = Required::parse(&message).unwrap().unwrap();
    assert_eq!(read.challenges[0].as_ref(), Ok(&challenges[0]));
    assert!(
        read.challenges[1].is_err(),
        "one that can not be read hides no other"
    );
    drop(shop);
}

#[test]
fn a_credential_is_read_in_both_places() {
    let (shop, challenges) = shop();
    let payload = r#"{"type":"authorization"}"#;
    let credential = Credential::new(&challenges[0], Some("did:x"), payload).unwrap();
    let message = mcp::attach(CALL, &credential).unwrap();
    assert!(message.contains(r#""progressToken":7"#), "{message}");
    let read = mcp::credential(&message).unwrap().unwrap();
    assert_eq!(read.challenge(), credential.challenge());
    assert_eq!((read.source(), read.payload()), (Some("did:x"), payload));
    // It is bound as it is in HTTP: the server refuses the payload, not the challenge.
    let head = HeaderMap::new();
    assert_eq!(
        shop.mpp.accept(&shop.asked(&head), &read),
        Err(Reason::PayloadMalformed)
    );
    let root = format!(
        r#"{{"id":1,"_meta":{{"{}":{}}}}}"#,
        mcp::META_CREDENTIAL,
        mcp::native(&credential)
    );
    assert_eq!(
        mcp::credential(&root).unwrap().unwrap().challenge(),
        credential.challenge()
    );
    let http = root.replace(&*mcp::native(&credential), credential.as_json());
    assert_eq!(
        mcp::credential(&http).unwrap().unwrap().challenge(),
        credential.challenge()
    );
    assert_eq!(mcp::credential(CALL), Ok(None));
    // S29: two of them, and one in a notification.
    let two = root.replace(
        "{\"id\":1",
        &format!(
            r#"{{"id":1,"params":{{"_meta":{{"{}":{{}}}}}}"#,
            mcp::META_CREDENTIAL
        ),
    );
    assert!(
        mcp::credential(&two)
            .unwrap_err()
            .to_string()
            .contains("two")
    );
    assert!(mcp::credential(&root.replace("\"id\":1,", "")).is_err());
    assert!(mcp::attach(r#"{"params":[1]}"#, &credential).is_err());
    assert!(mcp::attach("[]", &credential).is_err());
    // Attached again, it takes the place of the first.
    assert_eq!(mcp::attach(&message, &credential), Ok(message));
}

#[test]
fn a_receipt_names_its_challenge() {
    let receipt = Receipt::new("evm", "0xab", NOW, None);
    let message = mcp::acknowledge(r#"{"id":1,"result":{"content":[]}}"#, &receipt, "abc").unwrap();
    let read = mcp::receipt(&message).unwrap().unwrap();
    assert_eq!(
        (read.method, read.reference),
        (receipt.method.clone(), receipt.reference.clone())
    );
    assert!(message.contains(r#""challengeId":"abc""#) && message.contains(r#""content":[]"#));
    assert_eq!(mcp::receipt(r#"{"id":1,"result":{}}"#), Ok(None));
    assert!(
        mcp::receipt(&format!(
            r#"{{"result":{{"_meta":{{"{}":{{}}}}}}}}"#,
            mcp::META_RECEIPT
        ))
        .is_err()
    );
    assert!(mcp::acknowledge(r#"{"result":1}"#, &receipt, "abc").is_err());
}

#[test]
fn s48_a_long_message_is_not_read() {
    let long = format!("{{\"x\":\"{}\"}}", "a".repeat(mcp::MAX_LEN));
    assert!(
        mcp::credential(&long).is_err()
            && Required::parse(&long).is_err()
            && mcp::receipt(&long).is_err()
    );
    assert!(base64url::decode("x", &[b'A'; 5], 4).is_err());
}
