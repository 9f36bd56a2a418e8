//! `Accept-Payment`.

use http402_mpp::AcceptPayment;
use proptest::prelude::*;

const OFFERS: [(&str, &str); 4] = [
    ("tempo", "charge"),
    ("evm", "charge"),
    ("tempo", "session"),
    ("stripe", "charge"),
];

fn parse(text: &str) -> Result<AcceptPayment, http402_core::ParseError> {
    AcceptPayment::parse([text.as_bytes()])
}

fn ordered(text: &str) -> Vec<String> {
    let offers = parse(text).unwrap().order(OFFERS.to_vec(), |offer| *offer);
    offers
        .iter()
        .map(|(method, intent)| format!("{method}/{intent}"))
        .collect()
}

#[test]
fn the_closest_range_counts() {
    assert_eq!(
        ordered("*/*"),
        [
            "tempo/charge",
            "evm/charge",
            "tempo/session",
            "stripe/charge"
        ]
    );
    assert_eq!(ordered("evm/charge"), ["evm/charge"]);
    assert_eq!(
        ordered("tempo/*;q=0.2, */*;q=0.9"),
        [
            "evm/charge",
            "stripe/charge",
            "tempo/charge",
            "tempo/session"
        ]
    );
    assert_eq!(
        ordered("*/*;q=0.1, */charge, tempo/charge;q=0"),
        ["evm/charge", "stripe/charge", "tempo/session"]
    );
    assert_eq!(
        ordered("tempo/charge;q=0.5, evm/charge;q=0.501"),
        ["evm/charge", "tempo/charge"]
    );
    assert_eq!(
        ordered("tempo/charge ;\tQ = 1.000 ,, evm/charge;x=y;q=0;q=0.1"),
        ["tempo/charge", "evm/charge"]
    );
}

#[test]
fn nothing_wanted_means_all() {
    let all = [
        "tempo/charge",
        "evm/charge",
        "tempo/session",
        "stripe/charge",
    ];
    assert_eq!(ordered(""), all);
    assert_eq!(ordered("card/charge"), all);
    assert_eq!(ordered("*/*;q=0"), all);
}

#[test]
fn s48_what_is_refused() {
    for bad in [
        "tempo",
        "tempo/",
        "/charge",
        "Tempo/charge",
        "tempo/charge;q",
        "tempo/charge;q=2",
        "tempo/charge;q=1.001",
        "tempo/charge;q=0.1234",
        "tempo/charge;q=-1",
        "tempo/charge;q=.5",
        "tempo/charge;q=0.x",
        "a/b/c",
        "tempo/charge;",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse(&"a/b,".repeat(65)).is_err());
    assert!(parse(&" ".repeat(9000)).is_err());
}

#[test]
fn lines_are_one_list() {
    let lines = [b"tempo/charge;q=0.1".as_slice(), b"evm/charge"];
    let accept = AcceptPayment::parse(lines).unwrap();
    assert_eq!(
        (
            accept.quality("tempo", "charge"),
            accept.quality("evm", "charge")
        ),
        (100, 1000)
    );
    assert_eq!(accept.encode(), "tempo/charge;q=0.1, evm/charge");
}

proptest! {
    #[test]
    fn what_is_written_is_read(ranges in proptest::collection::vec(("[a-z]{1,4}|\\*", "[A-Za-z0-9-]{1,4}|\\*", 0_u16..=1000), 0..8)) {
        let text: Vec<_> = ranges.iter().map(|(method, intent, q)| {
            let q = if *q == 1000 { "1".into() } else { format!("0.{q:03}") };
            format!("{method}/{intent};q={q}")
        }).collect();
        let accept = parse(&text.join(",")).unwrap();
        prop_assert_eq!(parse(&accept.encode()), Ok(accept));
    }

    #[test]
    fn the_order_is_stable_and_drops_no_last(text in "[a-z/*;q=.0-9, ]{0,40}", count in 1_usize..4) {
        if let Ok(accept) = parse(&text) {
            let offers = OFFERS[..count].to_vec();
            let ordered = accept.order(offers.clone(), |offer| *offer);
            prop_assert!(!ordered.is_empty());
            let place = |offer| offers.iter().position(|other| other == offer);
            for pair in ordered.windows(2) {
                let quality = |offer: &(&str, &str)| accept.quality(offer.0, offer.1);
                prop_assert!(quality(&pair[0]) > quality(&pair[1]) || place(&pair[0]) < place(&pair[1]));
            }
        }
    }
}
