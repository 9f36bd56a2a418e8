//! Challenges of methods that are not built here, when they come back.

use http402_core::{Reason, Timestamp, json::Document};
use http402_mpp::{Carrier, Challenge, KeyRing, Route, challenge::Terms};

const NOW: u64 = 1_795_000_000;
const REQUEST: &str = r#"{"amount":"100","currency":"points"}"#;

fn keys() -> KeyRing {
    KeyRing::new(&[7; 32]).unwrap()
}

fn route() -> Route<'static> {
    Route::new("shop.example", "points", "charge", REQUEST)
}

fn terms() -> Terms<'static> {
    let until = Timestamp::from_secs(NOW + 60);
    Terms::new("shop.example", "points", "charge", REQUEST, until)
}

fn issued(terms: &Terms<'_>) -> Challenge {
    Challenge::issue(terms, &keys()).unwrap()
}

fn honours(challenge: &Challenge, at: u64) -> Result<(), Reason> {
    route().honours(challenge, &keys(), Timestamp::from_secs(at))
}

#[test]
fn a_challenge_is_honoured_until_its_end() {
    let challenge = issued(&terms());
    assert_eq!(honours(&challenge, NOW), Ok(()));
    assert_eq!(honours(&challenge, NOW + 59), Ok(()));
    for late in [NOW + 60, NOW + 61] {
        assert_eq!(honours(&challenge, late), Err(Reason::OfferExpired));
    }
    let other = KeyRing::new(&[8; 32]).unwrap();
    let now = Timestamp::from_secs(NOW);
    let foreign = route().honours(&challenge, &other, now);
    assert_eq!(foreign, Err(Reason::NoMatchingOffer));
    let retired = other.retired(&[7; 32]).unwrap();
    assert_eq!(route().honours(&challenge, &retired, now), Ok(()));
}

#[test]
fn a_challenge_for_something_else_is_not_honoured_even_if_it_was_made_here() {
    let no = Err(Reason::NoMatchingOffer);
    let mut cases = [terms(); 5];
    cases[0].realm = "other.example";
    cases[1].method = "stars";
    cases[2].intent = "session";
    cases[3].request = r#"{"amount":"101","currency":"points"}"#;
    cases[4].carrier = Carrier::PaymentAuthorization;
    for terms in &cases {
        assert_eq!(honours(&issued(terms), NOW), no, "{terms:?}");
        // Nor does it tell whether it would have expired.
        assert_eq!(honours(&issued(terms), NOW + 90), no, "{terms:?}");
    }
    let mut turned = terms();
    turned.request = r#"{"currency":"points", "amount":"100"}"#;
    assert_eq!(honours(&issued(&turned), NOW), Ok(()));
}

#[test]
fn a_challenge_without_an_end_or_with_another_id_is_not_honoured() {
    let no = Err(Reason::NoMatchingOffer);
    let challenge = issued(&terms());
    let mut slots = challenge.slots();
    slots.expires = None;
    let endless = keys().bind(&slots).unwrap();
    let text = challenge.to_json().replace(challenge.id(), &endless);
    let (start, rest) = text.split_once(r#","expires":""#).unwrap();
    let text = format!("{start}{}", rest.split_once('"').unwrap().1);
    let endless = Challenge::from_json(Document::parse(&text).unwrap().root()).unwrap();
    assert!(
        keys().verify(&endless.slots(), endless.id()),
        "it was made here"
    );
    assert_eq!(honours(&endless, NOW), no);
    let text = challenge.to_json().replace(challenge.id(), "another");
    let forged = Challenge::from_json(Document::parse(&text).unwrap().root()).unwrap();
    assert_eq!(honours(&forged, NOW), no);
}
