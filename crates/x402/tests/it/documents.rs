use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Party, Pending, Reason,
    Receipt, Requirement, Settlement, Timestamp, U256, Window, Wire, authorization::Eip3009,
};
use http402_x402::{
    V1, V2, header, network,
    reply::{SettleResponse, SupportedKind, SupportedResponse},
    v1, v2,
};
use proptest::prelude::*;

pub(crate) const OFFER: &str = r#"{"scheme":"exact","network":"eip155:84532","amount":"10000","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":60,"extra":{"name":"USDC","version":"2"}}"#;

/// The document with a part of its text replaced.
pub(crate) fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is in {text}");
    text.replacen(from, to, 1)
}

fn required(accepts: &str) -> String {
    format!(
        r#"{{"x402Version":2,"error":"no","resource":{{"url":"https://a.example/x"}},"accepts":[{accepts}]}}"#
    )
}

#[test]
fn what_is_not_known_is_kept() {
    let offer = with(
        OFFER,
        r#""scheme""#,
        r#""later": [1, 2.50, {"x":null}] ,"scheme""#,
    );
    let text = required(&offer);
    let read = v2::PaymentRequired::parse(&text).unwrap();
    assert_eq!(read.encode(), text);
    assert_eq!(read.accepts[0].as_ref().unwrap().encode(), offer);
}

#[test]
fn an_offer_that_can_not_be_read_hides_no_other() {
    let bad = with(OFFER, r#""10000""#, "10000");
    let unknown = with(OFFER, r#""exact""#, r#""barter""#);
    let text = required(&format!("{bad},{OFFER},7,{unknown}"));
    let read = v2::PaymentRequired::parse(&text).unwrap();
    let fine: Vec<_> = read.accepts.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [false, true, false, true]);
    let error = read.accepts[0].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("accepts[0]") && error.contains("amount"),
        "{error}"
    );
    assert!(read.accepts[1].as_ref().unwrap().requirement().is_ok());
    assert!(read.accepts[3].as_ref().unwrap().requirement().is_err());
}

#[test]
fn s17_each_member_of_an_echoed_offer_counts() {
    let offer = v2::PaymentRequirements::parse(OFFER).unwrap();
    for (from, to, why) in [
        (r#""exact""#, r#""upto""#, Reason::UnsupportedScheme),
        ("84532", "8453", Reason::NetworkMismatch),
        (r#""10000""#, r#""10001""#, Reason::AmountMismatch),
        (r#""10000""#, r#""0x2710""#, Reason::AmountMismatch),
        (r#""10000""#, r#""010000""#, Reason::AmountMismatch),
        ("0x036C", "0x036D", Reason::AssetMismatch),
        ("0x2096", "0x2097", Reason::RecipientMismatch),
        ("0x209693B", "0x209693b", Reason::RecipientMismatch),
        (":60,", ":61,", Reason::NoMatchingOffer),
        (":60,", ":60.5,", Reason::NoMatchingOffer),
        (":60,", r#":60,"note":1,"#, Reason::NoMatchingOffer),
        (r#""USDC""#, r#""USD Coin""#, Reason::NoMatchingOffer),
        (r#","version":"2""#, "", Reason::NoMatchingOffer),
        (
            r#","extra":{"name":"USDC","version":"2"}"#,
            "",
            Reason::NoMatchingOffer,
        ),
    ] {
        let other = with(OFFER, from, to);
        // What can not even be read is refused before it is compared.
        if let Ok(other) = v2::PaymentRequirements::parse(&other) {
            assert_eq!(offer.matches(&other), Err(why), "{to}");
        }
    }
    let more = with(OFFER, r#""version":"2""#, r#""version":"2","more":1"#);
    assert_eq!(
        offer.matches(&v2::PaymentRequirements::parse(&more).unwrap()),
        Ok(())
    );
}

#[test]
fn settlements_are_told_and_read_back() {
    let chain = ChainId::eip155(84532);
    let hash = format!("0x{}", "ab".repeat(32));
    let read = |text: &str| {
        let reply = SettleResponse::parse(text).unwrap();
        reply.settlement(
            &chain,
            Amount::from_units(U256::from(5)),
            Timestamp::from_secs(1),
        )
    };
    let good = format!(
        r#"{{"success":true,"transaction":"{hash}","network":"eip155:84532","amount":"5"}}"#
    );
    assert!(matches!(read(&good), Ok(Settlement::Settled(_))));
    assert!(matches!(
        read(&with(&good, "eip155:84532", "base-sepolia")),
        Ok(Settlement::Settled(_))
    ));
    for (from, to) in [
        ("84532", "8453"),
        (r#""5""#, r#""6""#),
        (hash.as_str(), "0x"),
        ("ab", "zz"),
    ] {
        assert!(read(&with(&good, from, to)).is_err(), "{to}");
    }
    let zero = with(&good, &hash, &format!("0x{}", "00".repeat(32)));
    assert!(read(&zero).is_err(), "a transaction of zeros is none");
    let pending = r#"{"success":false,"errorReason":"settlement_pending","transaction":"0x1"}"#;
    assert!(matches!(read(pending), Ok(Settlement::Unknown(_))));
    let no = r#"{"success":false,"errorReason":"insufficient_funds"}"#;
    assert_eq!(
        read(no),
        Ok(Settlement::Declined(Reason::InsufficientFunds))
    );
}

#[test]
fn what_a_facilitator_supports_is_written_and_read() {
    let kinds = [
        SupportedKind::new(2, "exact", "eip155:1"),
        SupportedKind::new(1, "exact", "base"),
    ];
    let written = SupportedResponse::new(&kinds, &["0xAbc".into()]);
    let read = SupportedResponse::parse(written.encode()).unwrap();
    assert_eq!(read.kinds, kinds);
}

#[test]
fn networks_of_version_1_have_their_ids() {
    for (name, number) in [
        ("base", 8453),
        ("base-sepolia", 84532),
        ("polygon", 137),
        ("avalanche", 43114),
        ("sei", 1329),
    ] {
        assert_eq!(
            network::chain(name),
            Some(ChainId::eip155(number)),
            "{name}"
        );
        assert_eq!(network::name(&ChainId::eip155(number)), Some(name));
        assert_eq!(
            network::resolve(name),
            network::resolve(&format!("eip155:{number}"))
        );
    }
    for bad in ["", "Base", "base ", "eip155:", "eip155", "ethereum mainnet"] {
        assert!(network::resolve(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_offer_of_version_1_has_what_its_clients_throw_without() {
    let offer = v2::PaymentRequirements::parse(OFFER)
        .unwrap()
        .requirement()
        .unwrap();
    let resource = http402_core::Resource::new("https://a.example/x");
    let first = v1::PaymentRequirements::offer(&offer, &resource, "GET").unwrap();
    let json = http402_core::json::Document::parse(first.encode()).unwrap();
    for name in [
        "description",
        "mimeType",
        "resource",
        "maxAmountRequired",
        "payTo",
        "asset",
        "network",
    ] {
        assert!(
            json.root().get(name).and_then(|it| it.as_text()).is_some(),
            "{name} is a text"
        );
    }
    assert_eq!(first.requirement().unwrap().pay_to, offer.pay_to);
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text in ".{0,200}") {
        prop_assert_eq!(header::decode("header", header::encode(&text).as_bytes()), Ok(text));
    }

    #[test]
    fn offers_of_any_price_are_read_back(units in any::<[u64; 4]>(), timeout in 1_u64..1_000_000) {
        let requirement = v2::PaymentRequirements::parse(OFFER).unwrap().requirement().unwrap().timeout(timeout);
        let amount = Amount::from_units(U256::from_limbs(units));
        let mut requirement = requirement;
        requirement.price = http402_core::Price::Exactly(amount);
        let offer = v2::PaymentRequirements::offer(&requirement).unwrap();
        let again = v2::PaymentRequirements::parse(offer.encode()).unwrap();
        prop_assert_eq!(again.requirement().unwrap(), requirement);
        prop_assert_eq!(offer.matches(&again), Ok(()));
    }
}

#[test]
fn what_is_told_of_a_settlement_is_what_is_read() {
    let requirement = Requirement::exactly(
        Amount::from(10_000),
        ChainId::eip155(8453),
        Party::Evm(Address::repeat_byte(1)),
        Party::Evm(Address::repeat_byte(2)),
        None,
    );
    let authorization = Authorization::Eip3009(Eip3009 {
        from: Address::repeat_byte(0xab),
        to: Address::repeat_byte(2),
        value: U256::from(10_000),
        window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(9)),
        nonce: B256::ZERO,
        signature: Bytes::new(),
    });
    let payer = authorization.payer();
    let receipt = |amount: u64, transaction: &str| {
        let chain = requirement.chain.clone();
        let amount = Amount::from(amount);
        Settlement::Settled(Receipt::new(payer.clone(), amount, chain, transaction))
    };
    let unknown = Pending::new(Some("0x02".into()), Timestamp::from_secs(1), "no answer");
    for protocol in [V1, V2] {
        let wire = Wire {
            protocol,
            offer: Encoded::default(),
            answer: Encoded::default(),
        };
        let claim = Claim::new(requirement.clone(), authorization.clone(), wire);
        for settlement in [
            receipt(10_000, "0x01"),
            receipt(0, "\"quoted\""),
            Settlement::Declined(Reason::InsufficientFunds),
            Settlement::Unknown(unknown.clone()),
        ] {
            let told = SettleResponse::of(&claim, &settlement).unwrap();
            assert_eq!(SettleResponse::parse(told.encode()).unwrap(), told);
        }
    }
}
