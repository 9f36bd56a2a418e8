//! The documents of the method `stripe`, and which order a payment is booked for.

use http402_core::{Amount, Reason, Timestamp, json::Document};
use http402_mpp::{
    method::stripe::{Charge, Payload, PaymentIntent},
    problem::Kind,
};

const REQUEST: &str = r#"{"amount":"2500","currency":"usd","externalId":"order-1","methodDetails":{"networkId":"profile_1","paymentMethodTypes":["card","link"]}}"#;

fn charge() -> Charge {
    Charge::parse(REQUEST).unwrap()
}

fn unnamed() -> Charge {
    Charge::parse(&REQUEST.replace(r#""externalId":"order-1","#, "")).unwrap()
}

fn payload(order: Option<&str>) -> Payload {
    Payload::new("spt_1a", order).unwrap()
}

#[test]
fn a_request_is_read_and_written() {
    let charge = charge();
    assert_eq!(charge.amount(), Amount::from(2_500));
    assert_eq!((charge.currency(), charge.network()), ("usd", "profile_1"));
    assert_eq!(charge.external_id(), Some("order-1"));
    assert!(charge.payment_method_types().eq(["card", "link"]));
    assert_eq!(&*charge.encode(), REQUEST);
    let shouted = Charge::parse(&REQUEST.replace("usd", "USD"));
    assert_eq!(shouted, Ok(charge));
}

#[test]
fn requests_that_are_refused() {
    for (from, to) in [
        (r#""2500""#, r#""0""#),
        (r#""2500""#, r#""2.5""#),
        (r#""2500""#, "2500"),
        ("usd", "us"),
        ("usd", "us1"),
        (r#""networkId":"profile_1","#, ""),
        ("profile_1", ""),
        (r#"["card","link"]"#, "[]"),
        (r#"["card","link"]"#, "[1]"),
        (r#"["card","link"]"#, r#""card""#),
        (r#""order-1""#, r#""""#),
        (r#""order-1""#, "7"),
    ] {
        let text = REQUEST.replacen(from, to, 1);
        assert_ne!(text, REQUEST);
        assert!(Charge::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn a_payload_is_read_and_written_and_not_shown() {
    let read = Payload::parse(r#"{"spt":"spt_1a","externalId":"order-1"}"#).unwrap();
    assert_eq!(read, payload(Some("order-1")));
    assert_eq!(Payload::parse(&read.encode()), Ok(read.clone()));
    assert_eq!(read.token(), "spt_1a");
    assert!(!format!("{read:?}").contains("spt_1a"));
    for bad in [
        r#"{}"#,
        r#"{"spt":"pm_1a"}"#,
        r#"{"spt":"spt_"}"#,
        r#"{"spt":"spt_1/../a"}"#,
        r#"{"spt":1}"#,
        r#"{"spt":"spt_1a","externalId":1}"#,
    ] {
        assert!(Payload::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_payment_is_booked_for_the_order_that_the_seller_named_and_for_no_other() {
    let mismatch = Err(Reason::RequestMismatch);
    assert_eq!(
        charge().attribute(&payload(Some("order-1"))),
        Ok(Some("order-1"))
    );
    assert_eq!(charge().attribute(&payload(Some("order-2"))), mismatch);
    assert_eq!(charge().attribute(&payload(None)), mismatch);
    assert_eq!(unnamed().attribute(&payload(Some("order-2"))), Ok(None));
    assert_eq!(unnamed().attribute(&payload(None)), Ok(None));
    assert_eq!(Kind::of(&Reason::RequestMismatch), Kind::InvalidChallenge);
}

#[test]
fn a_receipt_is_for_a_payment_that_succeeded_once() {
    let at = Timestamp::from_secs(1_769_688_030);
    let paid = PaymentIntent::new("pi_1", "succeeded");
    let receipt = charge()
        .receipt(&payload(Some("order-1")), &paid, at)
        .unwrap();
    let document = Document::parse(receipt.as_json()).unwrap();
    let json = document.root();
    let member = |name: &'static str| json.text(name).unwrap().map(ToOwned::to_owned);
    assert_eq!(member("method").as_deref(), Some("stripe"));
    assert_eq!(member("reference").as_deref(), Some("pi_1"));
    assert_eq!(member("externalId").as_deref(), Some("order-1"));
    assert_eq!(member("timestamp").as_deref(), Some("2026-01-29T12:00:30Z"));
    let forged = unnamed()
        .receipt(&payload(Some("order-2")), &paid, at)
        .unwrap();
    assert_eq!(forged.external_id, None);
    let mut again = paid;
    again.replayed = true;
    assert_eq!(again.paid(), Err(Reason::AlreadyUsed));
    let action = PaymentIntent::new("pi_1", "requires_action").paid();
    assert_eq!(action, Err(Kind::PaymentActionRequired.reason()));
    for status in [
        "processing",
        "canceled",
        "requires_payment_method",
        "",
        "Succeeded",
    ] {
        let paid = PaymentIntent::new("pi_1", status).paid();
        assert_eq!(paid, Err(Reason::TransactionFailed), "{status}");
    }
    // The order is looked at first: nothing that was not asked for is reported as paid.
    let refused = charge().receipt(&payload(None), &paid, at);
    assert_eq!(refused, Err(Reason::RequestMismatch));
}
