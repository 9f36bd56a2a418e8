//! Client and server joined by their headers, without a network.

use crate::documents::{OFFER, with};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http402_core::{
    Claim, Reason, Receipt, Requested, Requirement, Resource, Settlement, Timestamp, Verdict,
    asset::Assets,
    protocol::{Asked, ClaimError, ClientProtocol, Offer, Protocol, Refusal, Refused, Told},
    seam::{Judge, Known, PayerCode, Signer},
};
use http402_verify::{LocalKey, Verifier};
use http402_x402::{
    header,
    http::{X402V1, X402V2},
    v2,
};
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn requirement() -> Requirement {
    v2::PaymentRequirements::parse(OFFER)
        .unwrap()
        .requirement()
        .unwrap()
}

fn key() -> LocalKey {
    LocalKey::from_bytes(&[7; 32]).unwrap()
}

struct Shop {
    requirements: Vec<Requirement>,
    resource: Resource,
}

impl Shop {
    fn new() -> Self {
        Self {
            requirements: vec![requirement()],
            resource: Resource::new("https://a.example/x").describe("a thing", "text/plain"),
        }
    }

    fn asked(&self) -> Asked<'_> {
        let digest = Requested::new("GET", "/x", None);
        Asked::new(
            &self.requirements,
            &self.resource,
            &Method::GET,
            digest,
            NOW,
        )
    }

    /// The offers that a client reads from the shop's refusal.
    fn offers(&self, server: &dyn Protocol, client: &dyn ClientProtocol) -> Vec<Offer> {
        let mut refusal = Refusal::default();
        server
            .offer(&self.asked(), &Reason::PaymentRequired, &mut refusal)
            .unwrap();
        let body = refusal.body();
        let refused = Refused::new(
            "https://a.example/x",
            StatusCode::PAYMENT_REQUIRED,
            &refusal.headers,
            &body,
            NOW,
        );
        let offers = client.offers(&refused).unwrap();
        assert!(offers.rejected.is_empty(), "{:?}", offers.rejected);
        offers.usable
    }
}

/// The headers of a signed answer.
fn pay(client: &dyn ClientProtocol, offer: &Offer) -> HeaderMap {
    let key = key();
    let draft = client.draft(offer, &key.party(), NOW, [9; 32]).unwrap();
    let signature = key.sign_digest(&draft.to_sign.digest().0);
    let answer = client.answer(offer, &draft, &signature).unwrap();
    answer.headers().iter().cloned().collect()
}

/// A seller asks for names, a buyer gives one, and who gives none is told that his payment can not be read: not to sign again.
#[test]
fn a_payment_is_named_where_a_name_is_asked_for() {
    let shop = Shop::new();
    let unnamed = pay(&X402V2, &shop.offers(&X402V2, &X402V2)[0]);
    for (server, required) in [
        (X402V2.identified(), false),
        (X402V2.identified().required(), true),
    ] {
        let headers = pay(&X402V2, &shop.offers(&server, &X402V2)[0]);
        let claim = server.claim(&shop.asked(), &headers).unwrap();
        let name = claim.id.clone().unwrap();
        assert!(name.starts_with("pay_"));
        assert_eq!(
            judged(&claim),
            Verdict::Valid {
                payer: key().party()
            }
        );
        let again = pay(&X402V2, &shop.offers(&server, &X402V2)[0]);
        assert_eq!(again, headers, "the same authorization has the same name");
        match server.claim(&shop.asked(), &unnamed) {
            Ok(claim) => assert!(!required && claim.id.is_none()),
            Err(error) => assert!(required && matches!(error, ClaimError::Malformed(_))),
        }
    }
}

fn judged(claim: &Claim) -> Verdict {
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    Verifier::new(Assets::known()).judge(claim, &known)
}

fn round(server: &dyn Protocol, client: &dyn ClientProtocol) {
    let shop = Shop::new();
    let offers = shop.offers(server, client);
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].requirement, requirement());
    let headers = pay(client, &offers[0]);
    assert_eq!(server.answers(&headers), 1);
    assert!(client.carried(&headers));
    let claim = server.claim(&shop.asked(), &headers).unwrap();
    assert_eq!(
        judged(&claim),
        Verdict::Valid {
            payer: key().party()
        }
    );
    assert_eq!(claim.requirement, requirement());
    // What became of it is told and read back.
    let hash = format!("0x{}", "ab".repeat(32));
    let receipt = Receipt::new(
        Some(key().party()),
        claim.amount(),
        claim.requirement.chain.clone(),
        hash.as_str(),
    );
    let mut told = HeaderMap::new();
    server.report(
        &claim,
        &Settlement::Settled(receipt),
        Told::new(StatusCode::OK, NOW),
        &mut told,
    );
    let outcome = client
        .outcome(&offers[0], StatusCode::OK, &told, NOW)
        .unwrap();
    let Some(Settlement::Settled(read)) = outcome else {
        panic!("a settlement is read: {outcome:?}");
    };
    assert_eq!(
        (&*read.transaction, read.amount),
        (hash.as_str(), claim.amount())
    );
    assert_eq!(
        client.outcome(&offers[0], StatusCode::OK, &HeaderMap::new(), NOW),
        Ok(None)
    );
}

#[test]
fn version_2_pays_what_version_2_asks() {
    round(&X402V2, &X402V2);
}

#[test]
fn version_1_pays_what_version_1_asks() {
    round(&X402V1, &X402V1);
}

#[test]
fn one_refusal_offers_both_versions_and_each_client_reads_its_own() {
    let shop = Shop::new();
    let mut refusal = Refusal::default();
    for server in [&X402V2 as &dyn Protocol, &X402V1] {
        server
            .offer(&shop.asked(), &Reason::PaymentRequired, &mut refusal)
            .unwrap();
    }
    let body = refusal.body();
    let refused = Refused::new(
        "https://a.example/x",
        StatusCode::PAYMENT_REQUIRED,
        &refusal.headers,
        &body,
        NOW,
    );
    for client in [&X402V2 as &dyn ClientProtocol, &X402V1] {
        assert_eq!(client.offers(&refused).unwrap().usable.len(), 1);
    }
}

/// The claim of a credential whose document was changed.
fn changed(change: impl Fn(&str) -> String) -> Result<Claim, ClaimError> {
    let shop = Shop::new();
    let offers = shop.offers(&X402V2, &X402V2);
    let headers = pay(&X402V2, &offers[0]);
    let text = header::decode("x", headers["payment-signature"].as_bytes()).unwrap();
    let value = HeaderValue::from_str(&header::encode(&change(&text))).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("payment-signature", value);
    X402V2.claim(&shop.asked(), &headers)
}

#[test]
fn s03_every_way_to_write_an_authorization_spends_the_same() {
    let keys: BTreeSet<_> = [
        (|text| text.to_owned()) as fn(&str) -> String,
        |text| text.replace(':', " : "),
        |text| text.replace(',', " ,\n\t"),
        |text| text.replace(r#""payload""#, r#""p\u0061yload""#),
        |text| with(text, r#"{"x402Version":2"#, r#"{"x":1,"x402Version":2"#),
        |text| {
            let at = text.find(r#""nonce":"0x"#).unwrap() + 11;
            let (head, tail) = text.split_at(at);
            format!("{head}{}{}", tail[..64].to_uppercase(), &tail[64..])
        },
        |text| {
            let from = key().address().to_string();
            with(text, &from, &from.to_lowercase())
        },
    ]
    .into_iter()
    .map(|change| {
        let text = |text: &str| {
            // Colons and commas inside of texts stay: URLs and networks have them.
            let out = change(text);
            out.replace("https : //", "https://")
                .replace("eip155 : ", "eip155:")
        };
        let claim = changed(text).unwrap();
        assert_eq!(
            judged(&claim),
            Verdict::Valid {
                payer: key().party()
            }
        );
        claim.spends
    })
    .collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[test]
fn s17_an_answer_to_an_offer_that_was_not_made_is_refused() {
    for (from, to, why) in [
        (
            r#""amount":"10000""#,
            r#""amount":"1""#,
            Reason::AmountMismatch,
        ),
        (
            r#""network":"eip155:84532""#,
            r#""network":"eip155:8453""#,
            Reason::NetworkMismatch,
        ),
        (
            r#""payTo":"0x2096"#,
            r#""payTo":"0x2097"#,
            Reason::RecipientMismatch,
        ),
        (
            r#""asset":"0x036C"#,
            r#""asset":"0x036D"#,
            Reason::AssetMismatch,
        ),
        (
            r#""scheme":"exact""#,
            r#""scheme":"upto""#,
            Reason::UnsupportedScheme,
        ),
    ] {
        // Where it can be read, the ledger is to be asked before it is refused: it may have been paid when it was offered.
        let refused = match changed(|text| with(text, from, to)) {
            Ok(claim) => claim.objection,
            Err(ClaimError::Refused(why)) => Some(why),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(refused, Some(why), "{to}");
    }
    let honest = changed(str::to_owned).unwrap();
    assert_eq!(honest.objection, None);
    assert_eq!(
        changed(|text| with(text, r#""x402Version":2"#, r#""x402Version":3"#)),
        Err(ClaimError::Refused(Reason::UnsupportedVersion))
    );
    // What was signed is judged, not what is said of it.
    let claim = changed(|text| with(text, r#""value":"10000""#, r#""value":"9999""#)).unwrap();
    assert!(matches!(judged(&claim), Verdict::Invalid(_)));
}

#[test]
fn credentials_that_can_not_be_read_say_what_and_where() {
    let shop = Shop::new();
    for (value, place) in [
        ("!!", "PAYMENT-SIGNATURE"),
        ("e30=", "x402Version"),
        ("bm8=", "PAYMENT-SIGNATURE"),
        ("", "PAYMENT-SIGNATURE"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("payment-signature", HeaderValue::from_static(value));
        let Err(ClaimError::Malformed(error)) = X402V2.claim(&shop.asked(), &headers) else {
            panic!("{value} can not be read");
        };
        assert!(error.to_string().contains(place), "{value}: {error}");
    }
}

#[test]
fn s46_s47_whatever_is_sold_the_headers_are_ascii() {
    let mut shop = Shop::new();
    let odd = "a\r\nset-cookie: x\u{0}\u{7f}\t\"quoted\\\" é — \u{1f4b0}";
    shop.resource = Resource::new("https://a.example/caf\u{e9}").describe(odd, "text/plain\r\n");
    for (server, client) in [
        (&X402V2 as &dyn Protocol, &X402V2 as &dyn ClientProtocol),
        (&X402V1, &X402V1),
    ] {
        let mut refusal = Refusal::default();
        server
            .offer(
                &shop.asked(),
                &Reason::Other("no\r\nway".into()),
                &mut refusal,
            )
            .unwrap();
        for value in refusal.headers.values() {
            assert!(
                value.as_bytes().iter().all(u8::is_ascii_graphic),
                "{value:?}"
            );
        }
        assert_eq!(shop.offers(server, client).len(), 1);
    }
    let mut refusal = Refusal::default();
    X402V2
        .offer(&shop.asked(), &Reason::PaymentRequired, &mut refusal)
        .unwrap();
    let text = header::decode("x", refusal.headers["payment-required"].as_bytes()).unwrap();
    let json = http402_core::json::Document::parse(&text).unwrap();
    let description = json
        .root()
        .get("resource")
        .and_then(|it| it.get("description")?.as_text().map(str::to_owned));
    assert_eq!(
        description.as_deref(),
        Some(odd),
        "it comes out as it went in"
    );
}

#[test]
fn credentials_are_marked_as_secrets() {
    let shop = Shop::new();
    for (server, client) in [
        (&X402V2 as &dyn Protocol, &X402V2 as &dyn ClientProtocol),
        (&X402V1, &X402V1),
    ] {
        let offer = &shop.offers(server, client)[0];
        assert!(pay(client, offer).values().all(HeaderValue::is_sensitive));
        let claim = server.claim(&shop.asked(), &pay(client, offer)).unwrap();
        let shown = format!("{claim:?}");
        let http402_core::Authorization::Eip3009(signed) = &claim.authorization else {
            panic!("EIP-3009 was signed");
        };
        let signature = signed.signature.to_string();
        assert!(!shown.contains(&signature[2..20]), "{shown}");
    }
}
