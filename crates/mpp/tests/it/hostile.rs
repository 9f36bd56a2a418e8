//! What nobody honest sends.

use crate::shop::{Shop, evm, paid, tempo};
use http::{HeaderMap, HeaderValue};
use http402_core::protocol::Protocol;
use http402_mpp::{
    AcceptPayment, Challenge, Credential, Problem, Receipt, base64url, discovery::Service, mcp,
};
use proptest::prelude::*;

fn any_parser(bytes: &[u8]) {
    let _ = Challenge::parse_all([bytes]);
    for token in Credential::tokens(bytes).into_iter().flatten() {
        let _ = Credential::decode(&token);
    }
    let _ = AcceptPayment::parse([bytes]);
    let _ = Receipt::decode(bytes);
    let _ = Problem::parse(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Credential::parse(text);
        let _ = Receipt::parse(text);
        let _ = Service::parse(text);
        let _ = mcp::credential(text);
        let _ = mcp::Required::parse(text);
        let _ = mcp::receipt(text);
    }
}

#[test]
fn s48_depth_and_size() {
    let deep = format!("{{\"challenge\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(Credential::parse(&deep).is_err());
    let request = base64url::encode(format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000)));
    let line = format!(r#"Payment id="a", realm="r", method="m", intent="i", request="{request}""#);
    assert!(Challenge::parse(line.as_bytes()).is_err());
    for size in [1_000, 100_000, 1_000_000] {
        any_parser(&vec![b'A'; size]);
        any_parser(&vec![b'"'; size]);
        any_parser(&vec![b'{'; size]);
    }
}

/// Whatever is done to the credential's text, what is claimed is what was signed and bound, or nothing.
#[test]
fn s21_a_flipped_byte_of_a_credential_claims_nothing_else() {
    for requirement in [evm(), tempo(0)] {
        let shop = Shop::new(vec![requirement]);
        let head = paid(&shop);
        let token = Credential::tokens(head["authorization"].as_bytes())
            .remove(0)
            .unwrap();
        let text = Credential::decode(&token).unwrap().as_json().to_owned();
        let good = shop.claim(&head).unwrap();
        let mut accepted = 0;
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let mut head = HeaderMap::new();
            let value = format!("Payment {}", base64url::encode(bytes));
            head.insert("authorization", HeaderValue::from_str(&value).unwrap());
            let Ok(claim) = shop.mpp.claim(&shop.asked(&head), &head) else {
                continue;
            };
            accepted += 1;
            // The description, members' letter case and the signature are not bound by the challenge: the judge sees the rest.
            assert_eq!(claim.requirement, good.requirement);
            assert_eq!(claim.spends[0], good.spends[0], "{at}");
        }
        assert!(accepted < text.len() / 3, "{accepted} of {}", text.len());
    }
}

proptest! {
    #[test]
    fn nothing_panics_on_noise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        any_parser(&bytes);
    }

    #[test]
    fn nothing_panics_on_text(text in "[Payment idrelmhocgqus=\",{}\\[\\]:0-9_-]{0,200}") {
        any_parser(text.as_bytes());
    }
}
