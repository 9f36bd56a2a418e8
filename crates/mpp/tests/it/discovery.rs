//! OpenAPI documents and `/llms.txt`.

use http402_core::Amount;
use http402_mpp::discovery::{MAX_LEN, Operation, PaymentOffer, Service};

fn service() -> Service {
    let offers = vec![
        PaymentOffer::new(
            "tempo",
            "charge",
            Some(Amount::from(10_000)),
            Some("0x20c0"),
        ),
        PaymentOffer::new("evm", "charge", None, None),
    ];
    let mut service = Service::new(
        "Reports",
        "1.0.0",
        vec![
            Operation::new("GET", "/reports/{year}", offers.clone()),
            Operation::new("POST", "/reports/{year}", offers[1..].to_vec()),
            Operation::new("GET", "/free-text", offers),
        ],
    );
    service.description = Some("Sells\nreports".into());
    service.categories = vec!["data".into(), "fi\"nance".into()];
    service.homepage = Some("https://example.com/".into());
    service.llms = Some("/llms.txt".into());
    service.operations[0].summary = Some("One year".into());
    service
}

#[test]
fn what_is_written_is_read() {
    let text = service().openapi().unwrap();
    let mut read = Service::parse(&text).unwrap();
    // Operations stand by path.
    read.operations
        .sort_by(|one, two| (&one.path, &one.method).cmp(&(&two.path, &two.method)));
    let mut wanted = service();
    wanted
        .operations
        .sort_by(|one, two| (&one.path, &one.method).cmp(&(&two.path, &two.method)));
    assert_eq!(read, wanted);
    assert!(
        text.contains(r#""openapi":"3.1.0""#)
            && text.contains(r#""402":{"description":"Payment Required"}"#)
    );
    assert_eq!(text.matches("\"/reports/{year}\"").count(), 1);
}

#[test]
fn services_that_make_no_sense_are_not_written() {
    let with = |change: fn(&mut Service)| {
        let mut service = service();
        change(&mut service);
        service.openapi()
    };
    assert!(with(|it| it.operations[0].method = "fetch".into()).is_err());
    assert!(with(|it| it.operations[0].path = "reports".into()).is_err());
    assert!(with(|it| it.operations[0].offers.clear()).is_err());
    assert!(with(|it| it.operations[1].method = "get".into()).is_err());
    assert!(with(|it| it.homepage = Some("example.com".into())).is_err());
    assert!(with(|it| it.llms = Some("/a b".into())).is_err());
    assert!(with(|it| it.categories.clear()).is_ok());
}

#[test]
fn documents_of_others() {
    let read = |info: &str| {
        Service::parse(&format!(
            r#"{{"openapi":"3.1.0","info":{{"title":"x","version":"1"}},"paths":{{"/a":{{"get":{{"x-payment-info":{info}}},"post":{{}},"parameters":[]}}}}}}"#
        ))
    };
    let flat =
        read(r#"{"intent":"charge","method":"tempo","amount":"0","currency":"0x1","other":1}"#)
            .unwrap();
    assert_eq!(flat.operations.len(), 1);
    assert_eq!(flat.operations[0].offers[0].amount, Some(Amount::ZERO));
    let listed =
        read(r#"{"offers":[{"intent":"charge","method":"tempo","amount":null}],"note":"ignored"}"#)
            .unwrap();
    assert_eq!(listed.operations[0].offers[0].amount, None);
    for bad in [
        r#"{"offers":[]}"#,
        r#"{"offers":[{"intent":"charge","method":"tempo","amount":null}],"amount":"1"}"#,
        r#"{"intent":"charge","method":"tempo"}"#,
        r#"{"intent":"charge","method":"tempo","amount":1}"#,
        r#"{"intent":"charge","method":"tempo","amount":"+1"}"#,
        r#"{"method":"tempo","amount":"1"}"#,
        "[]",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    for bad in [
        "{}",
        r#"{"openapi":"2.0","info":{}}"#,
        "[",
        &" ".repeat(MAX_LEN + 1),
    ] {
        assert!(Service::parse(bad).is_err(), "S48");
    }
}

#[test]
fn a_text_for_machines_that_read() {
    let text = service().llms_txt();
    assert!(text.starts_with("# Reports\n\n> Sells reports\n"), "{text}");
    assert!(text.contains("- GET /reports/{year}: 10000 units 0x20c0 by tempo/charge or as the request says by evm/charge\n  One year\n"), "{text}");
}
