//! Client and server joined by their headers, without a network.

use crate::shop::{
    Counter, NOW, SECRET, Shop, URL, client, evm, key, mpp, offers, paid, pay, tempo,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http402_core::{
    Amount, Authorization, Leg, Party, Price, Reason, Receipt, Resource, Settlement, Verdict,
    asset::Assets,
    json::Document,
    protocol::{ClientProtocol, Protocol, Refused, Told},
    seam::{Judge, Known, PayerCode, Signer},
};
use http402_mpp::{
    Challenge, Credential, KeyRing, MPP, Problem,
    http::{ConfigError, Mpp},
    method::tempo as method,
    problem::Kind,
};
use http402_verify::Verifier;

fn judged(claim: &http402_core::Claim) -> Verdict {
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    Verifier::new(Assets::known()).judge(claim, &known)
}

fn hash() -> String {
    format!("0x{}", "ab".repeat(32))
}

fn settled(claim: &http402_core::Claim, transaction: &str) -> Settlement {
    let payer = claim.authorization.payer();
    let chain = claim.requirement.chain.clone();
    Settlement::Settled(Receipt::new(payer, claim.amount(), chain, transaction))
}

#[test]
fn a_charge_on_an_evm_chain_is_paid() {
    let shop = Shop::new(vec![evm()]);
    let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
    let all = offers(&client(), &refusal);
    assert!(all.rejected.is_empty(), "{:?}", all.rejected);
    let offer = &all.usable[0];
    let mut asked = offer.requirement.clone();
    asked.flow = evm().flow;
    assert_eq!((asked, offer.requirement.timeout), (evm(), 300));
    let head = pay(&client(), offer);
    assert!(client().carried(&head) && head.contains_key("authorization"));
    let claim = shop.claim(&head).unwrap();
    assert_eq!(
        judged(&claim),
        Verdict::Valid {
            payer: key().party()
        }
    );
    assert_eq!((&claim.requirement, claim.wire.protocol), (&evm(), MPP));
    // The challenge and the authorization are spent together.
    assert_eq!(claim.spends.len(), 2);
    assert!(claim.spends[0].as_str().starts_with("challenge:"));
    assert!(
        claim.spends[1]
            .as_str()
            .starts_with("eip3009:eip155:84532:")
    );
    let mut out = HeaderMap::new();
    let told = Told::new(StatusCode::OK, NOW);
    shop.mpp
        .report(&claim, &settled(&claim, &hash()), told, &mut out);
    let outcome = client().outcome(offer, StatusCode::OK, &out, NOW).unwrap();
    let Some(Settlement::Settled(receipt)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(*receipt.transaction, *hash());
}

#[test]
fn who_asks_is_proved_where_nothing_is_charged() {
    let shop = Shop::new(vec![tempo(0)]);
    let head = paid(&shop);
    let claim = shop.claim(&head).unwrap();
    assert_eq!(
        judged(&claim),
        Verdict::Valid {
            payer: key().party()
        }
    );
    assert_eq!(claim.spends.len(), 1);
    // Its receipt names the challenge.
    let mut out = HeaderMap::new();
    shop.mpp.report(
        &claim,
        &settled(&claim, ""),
        Told::new(StatusCode::OK, NOW),
        &mut out,
    );
    let receipt = http402_mpp::Receipt::decode(out["payment-receipt"].as_bytes()).unwrap();
    let Authorization::MppProof(proof) = &claim.authorization else {
        panic!()
    };
    assert_eq!(*receipt.reference, *proof.challenge.id());
}

#[test]
fn s23_a_proof_is_given_to_the_host_of_its_realm_alone() {
    let shop = Shop::new(vec![tempo(0)]);
    let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
    let at = |client: &http402_mpp::http::MppClient, url| {
        let response = Refused::new(
            url,
            StatusCode::PAYMENT_REQUIRED,
            &refusal.headers,
            b"",
            NOW,
        );
        client.offers(&response).unwrap().usable.len()
    };
    assert_eq!(at(&client(), URL), 1);
    assert_eq!(at(&client(), "https://API.example.com:8443/x"), 1);
    for elsewhere in [
        "https://evil.example/",
        "https://api.example.com.evil.example/",
        "https://x/api.example.com",
    ] {
        assert_eq!(at(&client(), elsewhere), 0, "{elsewhere}");
    }
    assert_eq!(
        at(
            &client().trust_realm("api.example.com"),
            "https://cdn.example/"
        ),
        1
    );
}

#[test]
fn s59_a_receipt_stands_in_a_success_alone() {
    let shop = Shop::new(vec![evm()]);
    let claim = shop.claim(&paid(&shop)).unwrap();
    for status in [200, 204, 302, 400, 402, 403, 404, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let mut out = HeaderMap::new();
        shop.mpp.report(
            &claim,
            &settled(&claim, &hash()),
            Told::new(status, NOW),
            &mut out,
        );
        assert_eq!(
            out.contains_key("payment-receipt"),
            status.is_success(),
            "{status}"
        );
    }
    let mut out = HeaderMap::new();
    let told = Told::new(StatusCode::OK, NOW);
    shop.mpp.report(
        &claim,
        &Settlement::Declined(Reason::NonceUsed),
        told,
        &mut out,
    );
    assert!(out.is_empty());
    // And a client takes none from an error.
    shop.mpp
        .report(&claim, &settled(&claim, &hash()), told, &mut out);
    let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
    let offer = &offers(&client(), &refusal).usable[0];
    assert_eq!(
        client().outcome(offer, StatusCode::FORBIDDEN, &out, NOW),
        Ok(None)
    );
    assert!(
        client()
            .outcome(offer, StatusCode::OK, &out, NOW)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_refusal_is_a_problem_with_a_fresh_challenge() {
    let shop = Shop::new(vec![evm(), tempo(10)]);
    for (why, kind) in [
        (Reason::PaymentRequired, Kind::PaymentRequired),
        (Reason::OfferExpired, Kind::PaymentExpired),
        (Reason::NoMatchingOffer, Kind::InvalidChallenge),
        (Reason::RequestMismatch, Kind::InvalidChallenge),
        (Reason::PayloadMalformed, Kind::MalformedCredential),
        (Reason::MethodMismatch, Kind::InvalidPayload),
        (Reason::NonceUsed, Kind::VerificationFailed),
        (
            Reason::Other("<stack trace>".into()),
            Kind::VerificationFailed,
        ),
    ] {
        let refusal = shop.refuse(&HeaderMap::new(), &why);
        assert!(refusal.problem);
        let problem = Problem::parse(&refusal.body()).unwrap();
        assert_eq!((problem.kind, problem.status), (Some(kind), Some(402)));
        assert!(!problem.detail.as_deref().unwrap().contains("stack"), "S60");
        let lines: Vec<_> = refusal.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(lines.len(), 2, "one line a challenge");
        let first = Challenge::parse(lines[0].as_bytes()).unwrap();
        assert_eq!(problem.challenge.as_deref(), Some(first.id()));
    }
    assert_eq!(shop.mpp.conflict(), StatusCode::FORBIDDEN);
    assert_eq!(
        shop.mpp.problem(&Reason::AlreadyUsed),
        Some(Kind::VerificationFailed.uri())
    );
    assert_eq!(
        shop.mpp.problem(&Reason::InFlight),
        Some(Kind::VerificationFailed.uri())
    );
}

#[test]
fn every_challenge_is_another() {
    let shop = Shop::new(vec![evm()]);
    let id = || {
        let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
        let line = refusal.headers["www-authenticate"].clone();
        Challenge::parse(line.as_bytes()).unwrap().id().to_owned()
    };
    assert_ne!(id(), id(), "at the same second");
}

#[test]
fn s19_a_credential_opens_its_route_alone() {
    let shop = Shop::new(vec![evm()]);
    let head = paid(&shop);
    for url in [
        "https://api.example.com/report?year=2025",
        "https://api.example.com/report",
        "https://api.example.com/other?year=2026",
        "https://api.example.com/report/?year=2026",
    ] {
        let mut other = shop.clone();
        other.resource = Resource::new(url);
        assert_eq!(other.claim(&head), Err(Reason::RequestMismatch), "{url}");
    }
    let mut other = shop.clone();
    other.method = Method::POST;
    assert_eq!(other.claim(&head), Err(Reason::RequestMismatch));
    other.method = Method::HEAD;
    assert!(other.claim(&head).is_ok(), "HEAD is a GET");
    assert!(shop.claim(&head).is_ok());
}

#[test]
fn s20_a_credential_is_for_its_body() {
    let mut shop = Shop::new(vec![evm()]);
    shop.method = Method::POST;
    shop.body = Some(b"order 1".to_vec());
    let head = paid(&shop);
    assert!(shop.claim(&head).is_ok());
    for body in [Some(b"order 2".to_vec()), Some(Vec::new()), None] {
        let mut other = shop.clone();
        other.body = body;
        assert_eq!(other.claim(&head), Err(Reason::RequestMismatch));
    }
    // A challenge that is bound to no body opens no route that binds bodies.
    let mut unbound = shop.clone();
    unbound.body = None;
    let head = paid(&unbound);
    assert!(unbound.claim(&head).is_ok());
    assert_eq!(shop.claim(&head), Err(Reason::RequestMismatch));
}

/// Two orders at one price differ in their body, or in their URL.
#[test]
fn s26_an_order_is_not_paid_by_another() {
    let order = |body: &[u8]| {
        let mut shop = Shop::new(vec![evm()]);
        (shop.method, shop.body) = (Method::POST, Some(body.to_vec()));
        shop
    };
    let (one, two) = (
        order(br#"{"externalId":"1"}"#),
        order(br#"{"externalId":"2"}"#),
    );
    assert_eq!(two.claim(&paid(&one)), Err(Reason::RequestMismatch));
    assert!(one.claim(&paid(&one)).is_ok());
}

#[test]
fn s19_a_cheaper_offer_opens_nothing_dearer_and_is_honoured_until_it_expires() {
    let shop = Shop::new(vec![evm()]);
    let head = paid(&shop);
    // The price has changed since: the one that was offered is honoured, and is the one that is claimed.
    let mut dearer = shop.clone();
    dearer.requirements[0].price = Price::Exactly(Amount::from(20_000));
    assert_eq!(dearer.claim(&head).unwrap().amount(), Amount::from(10_000));
    // Another route's price is another route's.
    dearer.resource = Resource::new("https://api.example.com/dear");
    assert_eq!(dearer.claim(&head), Err(Reason::RequestMismatch));
    // What is no longer sold for this token, or to this payee, is not honoured.
    let mut other = shop.clone();
    other.requirements[0].pay_to = Party::Evm(key().address());
    assert_eq!(other.claim(&head), Err(Reason::NoMatchingOffer));
    let mut other = shop;
    other.requirements = vec![tempo(10_000)];
    assert_eq!(other.claim(&head), Err(Reason::NoMatchingOffer));
}

#[test]
fn an_expired_challenge_is_refused_at_its_second() {
    let mut shop = Shop::new(vec![evm()]);
    let head = paid(&shop);
    shop.now = NOW.plus(299);
    assert!(shop.claim(&head).is_ok());
    shop.now = NOW.plus(300);
    assert_eq!(shop.claim(&head), Err(Reason::OfferExpired));
}

#[test]
fn s23_another_realm_or_secret_is_another_server() {
    let shop = Shop::new(vec![evm()]);
    let head = paid(&shop);
    let mut other = shop;
    other.mpp = Mpp::new(
        "api.example.org",
        KeyRing::new(SECRET).unwrap(),
        Counter::default(),
    )
    .unwrap();
    assert_eq!(other.claim(&head), Err(Reason::NoMatchingOffer));
    other.mpp = Mpp::new(
        "api.example.com",
        KeyRing::new(&[1; 32]).unwrap(),
        Counter::default(),
    )
    .unwrap();
    assert_eq!(other.claim(&head), Err(Reason::NoMatchingOffer));
    let ring = KeyRing::new(&[1; 32]).unwrap().retired(SECRET).unwrap();
    other.mpp = Mpp::new("api.example.com", ring, Counter::default()).unwrap();
    assert!(
        other.claim(&head).is_ok(),
        "a replica with the old secret in its ring"
    );
}

/// A signed payload is bound to its challenge: with another challenge of the same server and price it is refused.
#[test]
fn s24_a_payload_does_not_move_to_another_challenge() {
    let shop = Shop::new(vec![evm()]);
    let credential = |head: &HeaderMap| {
        let token = Credential::tokens(head["authorization"].as_bytes())
            .remove(0)
            .unwrap();
        Credential::decode(&token).unwrap()
    };
    let (one, two) = (credential(&paid(&shop)), credential(&paid(&shop)));
    let moved = Credential::new(two.challenge(), one.source(), one.payload()).unwrap();
    let head = HeaderMap::new();
    assert_eq!(
        shop.mpp.accept(&shop.asked(&head), &moved),
        Err(Reason::ChallengeMismatch)
    );
    // And a source that is not the signer's is refused.
    let other = http402_mpp::credential::source(84_532, evm().pay_to.evm().unwrap());
    let named = Credential::new(one.challenge(), Some(&other), one.payload()).unwrap();
    assert_eq!(
        shop.mpp.accept(&shop.asked(&head), &named),
        Err(Reason::Signature)
    );
    let chain = http402_mpp::credential::source(1, key().address());
    let named = Credential::new(one.challenge(), Some(&chain), one.payload()).unwrap();
    assert_eq!(
        shop.mpp.accept(&shop.asked(&head), &named),
        Err(Reason::NetworkMismatch)
    );
    let unnamed = Credential::new(one.challenge(), None, one.payload()).unwrap();
    assert!(shop.mpp.accept(&shop.asked(&head), &unnamed).is_ok());
}

#[test]
fn s29_credentials_are_counted_wherever_they_stand() {
    let shop = Shop::new(vec![evm()]);
    let head = paid(&shop);
    let value = head["authorization"].clone();
    let text = value.to_str().unwrap();
    let of = |fields: &[(&'static str, String)]| {
        let mut head = HeaderMap::new();
        for (name, value) in fields {
            head.append(*name, HeaderValue::from_str(value).unwrap());
        }
        shop.mpp.answers(&head)
    };
    assert_eq!(of(&[]), 0);
    assert_eq!(of(&[("authorization", "Bearer x".into())]), 0);
    assert_eq!(
        of(&[("authorization", "Digest username=\"open, Payment x".into())]),
        0
    );
    assert_eq!(of(&[("authorization", format!("Bearer x, {text}"))]), 1);
    assert_eq!(of(&[("authorization", "Payment".into())]), 1);
    assert_eq!(of(&[("authorization", "payment garbage".into())]), 1);
    assert_eq!(of(&[("authorization", format!("{text}, {text}"))]), 2);
    assert_eq!(
        of(&[
            ("authorization", text.into()),
            ("authorization", text.into())
        ]),
        2
    );
    assert_eq!(
        of(&[
            ("authorization", text.into()),
            ("payment-authorization", text.into())
        ]),
        2
    );
    let long = format!("Payment {}", "A".repeat(70_000));
    assert_eq!(
        of(&[("authorization", long)]),
        1,
        "S48: counted, and not decoded"
    );
}

#[test]
fn what_can_not_be_read_is_answered_with_fresh_challenges() {
    let shop = Shop::new(vec![evm()]);
    for bad in [
        "Payment",
        "Payment garbage",
        "Payment e30",
        "Payment a=b",
        "Payment W10",
    ] {
        let mut head = HeaderMap::new();
        head.insert("authorization", HeaderValue::from_static(bad));
        assert_eq!(shop.claim(&head), Err(Reason::PayloadMalformed), "{bad}");
    }
    let mut head = HeaderMap::new();
    let long = format!("Payment {}", "A".repeat(70_000));
    head.insert("authorization", HeaderValue::from_str(&long).unwrap());
    assert_eq!(shop.claim(&head), Err(Reason::PayloadMalformed));
}

#[test]
fn a_credential_counts_in_the_field_of_its_server_alone() {
    let mut shop = Shop::new(vec![evm()]);
    shop.mpp = mpp().payment_authorization();
    let mut head = paid(&shop);
    assert!(head.contains_key("payment-authorization") && !head.contains_key("authorization"));
    head.insert("authorization", HeaderValue::from_static("Bearer mine"));
    assert!(shop.claim(&head).is_ok());
    let moved: HeaderMap = [(
        http::header::AUTHORIZATION,
        head["payment-authorization"].clone(),
    )]
    .into_iter()
    .collect();
    assert_eq!(shop.claim(&moved), Err(Reason::NoMatchingOffer));
    // The other way round: a server that did not ask for it takes none from there.
    let plain = Shop::new(vec![evm()]);
    let head = paid(&plain);
    let mut moved = HeaderMap::new();
    moved.insert("payment-authorization", head["authorization"].clone());
    assert_eq!(plain.claim(&moved), Err(Reason::NoMatchingOffer));
}

#[test]
fn s56_no_other_field_can_be_asked_for() {
    for name in ["Cookie", "X-Api-Key", "Host", "payment_authorization"] {
        let line = format!(
            r#"Payment id="a", realm="r", method="evm", intent="charge", request="e30", header="{name}""#
        );
        assert!(Challenge::parse(line.as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn accept_payment_orders_challenges_and_never_drops_the_last() {
    let shop = Shop::new(vec![evm(), tempo(10)]);
    let methods = |accept: &'static str| {
        let mut head = HeaderMap::new();
        head.insert("accept-payment", HeaderValue::from_static(accept));
        let refusal = shop.refuse(&head, &Reason::PaymentRequired);
        let lines = refusal.headers.get_all("www-authenticate").iter();
        let all: Vec<_> = Challenge::parse_all(lines.map(HeaderValue::as_bytes));
        all.into_iter()
            .map(|one| one.unwrap().method().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(methods("*/*"), ["evm", "tempo"]);
    assert_eq!(methods("tempo/charge, evm/charge;q=0.5"), ["tempo", "evm"]);
    assert_eq!(methods("tempo/charge"), ["tempo"]);
    assert_eq!(methods("tempo/session"), ["evm", "tempo"], "nothing fits");
    assert_eq!(methods("*/*;q=0"), ["evm", "tempo"]);
    assert_eq!(methods("nonsense"), ["evm", "tempo"]);
    assert_eq!(
        client().accept_payment().unwrap(),
        "evm/charge, tempo/charge;q=0.9"
    );
}

#[test]
fn what_has_no_words_is_not_offered() {
    let offered = |requirement| {
        let shop = Shop::new(vec![requirement]);
        shop.mpp.challenges(&shop.asked(&HeaderMap::new())).is_ok()
    };
    assert!(offered(evm()) && offered(tempo(1)) && offered(tempo(0)));
    // An authorization pays one party alone.
    let mut split = evm();
    split.splits.push(Leg {
        to: Party::Evm(key().address()),
        amount: Amount::from(1),
    });
    assert!(!offered(split));
    let mut most = evm();
    most.price = Price::UpTo(Amount::from(1));
    assert!(!offered(most));
    let mut parts = tempo(10);
    parts.splits.push(Leg {
        to: Party::Evm(key().address()),
        amount: Amount::from(10),
    });
    assert!(
        !offered(parts.clone()),
        "nothing would be left for the payee"
    );
    parts.splits[0].amount = Amount::from(9);
    assert!(offered(parts));
}

#[test]
fn a_tempo_charge_is_offered_as_it_may_be_paid() {
    let mut shop = Shop::new(vec![tempo(10)]);
    shop.mpp = mpp().tempo(method::Options::default().sponsored());
    let challenge = shop
        .mpp
        .challenges(&shop.asked(&HeaderMap::new()))
        .unwrap()
        .remove(0);
    assert_eq!(
        challenge.request(),
        r#"{"amount":"10","currency":"0x20C0000000000000000000000000000000000000","methodDetails":{"chainId":42431,"feePayer":true,"supportedModes":["pull"]},"recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}"#
    );
    let hash = format!(r#"{{"type":"hash","hash":"{}"}}"#, hash());
    let credential = Credential::new(&challenge, None, &hash).unwrap();
    let head = HeaderMap::new();
    assert_eq!(
        shop.mpp.accept(&shop.asked(&head), &credential),
        Err(Reason::MethodMismatch)
    );
}

#[test]
fn s46_s47_whatever_is_sold_the_headers_are_ascii() {
    for text in [
        "é ☕ 😀",
        "\"quoted\" \\",
        "a\r\nSet-Cookie: x=1",
        "\0",
        "tab\t",
    ] {
        let mut shop = Shop::new(vec![evm()]);
        shop.resource = Resource::new(URL).describe(text, "");
        let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
        let line = refusal.headers["www-authenticate"].clone();
        assert!(line.as_bytes().iter().all(|b| (b' '..=b'~').contains(b)));
        let challenge = Challenge::parse(line.as_bytes()).unwrap();
        let kept = (!text.chars().any(char::is_control)).then_some(text);
        assert_eq!(challenge.description(), kept);
    }
}

#[test]
fn a_server_without_a_name_does_not_start() {
    let with =
        |realm: &str| Mpp::new(realm, KeyRing::new(SECRET).unwrap(), Counter::default()).err();
    for bad in ["", "a|b", "a\"b", "a\\b", "a\nb", "é", &"x".repeat(254)] {
        assert_eq!(with(bad), Some(ConfigError::Realm), "{bad:?}");
    }
    assert_eq!(with("MPP Payment"), None);
    assert!(mpp().lifetime(14).is_err() && mpp().lifetime(86_401).is_err());
    assert!(mpp().lifetime(15).is_ok());
}

#[test]
fn offers_that_can_not_be_answered_are_told_and_hide_none() {
    let shop = Shop::new(vec![tempo(10), evm()]);
    let mut refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
    refusal.headers.append(
        "www-authenticate",
        HeaderValue::from_static("Payment id=\"x\""),
    );
    refusal.headers.append(
        "www-authenticate",
        HeaderValue::from_static("Basic realm=\"x\""),
    );
    let all = offers(&client(), &refusal);
    assert_eq!(all.usable.len(), 1);
    assert_eq!(all.usable[0].position, 1);
    let rejected: Vec<_> = all.rejected.iter().map(|(at, _)| *at).collect();
    assert_eq!(rejected, [0, 2]);
    // Nothing is offered by another status.
    let response = Refused::new(URL, StatusCode::UNAUTHORIZED, &refusal.headers, b"", NOW);
    assert!(client().offers(&response).unwrap().usable.is_empty());
    // An expired one is not answered.
    let late = Refused::new(
        URL,
        StatusCode::PAYMENT_REQUIRED,
        &refusal.headers,
        b"",
        NOW.plus(300),
    );
    assert!(client().offers(&late).unwrap().usable.is_empty());
}

#[test]
fn the_wire_of_a_claim_is_its_challenge_and_its_credential() {
    let shop = Shop::new(vec![evm()]);
    let claim = shop.claim(&paid(&shop)).unwrap();
    let text =
        |bytes: &http402_core::Encoded| String::from_utf8(bytes.as_slice().to_vec()).unwrap();
    let challenge =
        Challenge::from_json(Document::parse(&text(&claim.wire.offer)).unwrap().root()).unwrap();
    let credential = Credential::parse(&text(&claim.wire.answer)).unwrap();
    assert_eq!(credential.challenge(), &challenge);
}
