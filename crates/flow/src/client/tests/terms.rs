use super::world::*;
use crate::client::{Allowance, Buyer, Denial, Error, Origin, Policy};
use http::{HeaderMap, StatusCode};
use http402_core::{
    Amount, Authorization, B256, ParseError, Party, ProtocolId, Reason, Settlement, Timestamp,
    TokenDomain, U256,
    asset::Asset,
    protocol::{Answer, ClientProtocol, Draft, Offer, Offers, Refused},
    typed::{ToSign, Value},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn denials(world: &World, buyer: &Buyer, url: &str) -> Vec<Denial> {
    match run(buyer.pay(world, get(url))).unwrap_err() {
        Error::Denied(refusal) => {
            assert_eq!(refusal.status, StatusCode::PAYMENT_REQUIRED);
            refusal
                .denied
                .into_iter()
                .map(|denied| denied.why)
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn denial_of(policy: Policy, offer: String) -> Denial {
    let world = World::new();
    world.with(|state| state.offers = vec![offer]);
    let denials = denials(&world, &world.buyer_with(policy), URL);
    assert_eq!((world.signatures(), world.charged()), (0, 0));
    assert!(world.phases().is_empty());
    let [denial] = &denials[..] else {
        panic!("{denials:?}");
    };
    denial.clone()
}

#[test]
fn a_policy_pays_nothing_until_told() {
    assert_eq!(denial_of(Policy::new(), offer(1)), Denial::Asset);
    let limit = Allowance::of(&token(), "2").unwrap();
    let without_budget = Policy::new().allow(limit);
    assert_eq!(denial_of(without_budget, offer(1)), Denial::NoBudget);
}

#[test]
fn s76_s77_s83_terms_that_are_not_allowed_are_named() {
    let other = |chain, asset, domain| terms(chain, asset, PAYEE, 1000, domain, "a", 300);
    let kind = |flow| terms(CHAIN, TOKEN, PAYEE, 1000, "Token 1", flow, 300);
    for (offer, why) in [
        (other(1, TOKEN, "Token 1"), Denial::Asset),
        (other(CHAIN, [0xab; 20], "Token 1"), Denial::Asset),
        (other(CHAIN, TOKEN, "USDC 1"), Denial::Domain),
        (other(CHAIN, TOKEN, "Token 2"), Denial::Domain),
        (kind("s"), Denial::Kind),
        (
            offer(2001),
            Denial::TooMuch {
                asked: 2001.into(),
                limit: 2000.into(),
            },
        ),
    ] {
        assert_eq!(denial_of(policy(), offer.clone()), why, "{offer}");
    }
    let unreadable = denial_of(policy(), "what you like".into());
    assert!(matches!(unreadable, Denial::Unreadable(_)));
}

#[test]
fn lists_bind_protocol_origin_and_payee() {
    let other = ProtocolId::new("other/1");
    let elsewhere: Origin = "https://elsewhere.example".parse().unwrap();
    let here: Origin = "https://seller.example".parse().unwrap();
    let friend = Party::Evm([1; 20].into());
    for (policy, why) in [
        (policy().only_protocols([other]), Denial::Protocol),
        (policy().only_origins([elsewhere.clone()]), Denial::Origin),
        (policy().only_payees([friend.clone()]), Denial::Payee),
    ] {
        assert_eq!(denial_of(policy, offer(1)), why);
    }
    let world = World::new();
    let listed = policy()
        .only_protocols([other, COIN])
        .only_origins([elsewhere, here])
        .only_payees([friend, Party::Evm(PAYEE.into())]);
    assert!(world.pay(&world.buyer_with(listed)).is_ok());
}

#[test]
fn s57_plain_http_is_paid_on_this_machine_and_where_told() {
    let world = World::new();
    let buyer = world.buyer();
    let plain = "http://seller.example/r";
    assert_eq!(denials(&world, &buyer, plain), [Denial::PlainHttp]);
    assert_eq!(world.signatures(), 0);
    run(buyer.pay(&world, get("http://127.0.0.1:8080/r"))).unwrap();
    let trusting = world.buyer_with(policy().allow_plain_http("Seller.example"));
    run(trusting.pay(&world, get(plain))).unwrap();
    let other = denials(&world, &trusting, "http://other.example/r");
    assert_eq!(other, [Denial::PlainHttp]);
}

#[test]
fn s81_a_long_lifetime_is_refused_or_shortened() {
    let long = |secs| terms(CHAIN, TOKEN, PAYEE, 1000, "Token 1", "a", secs);
    let ten_years = 315_360_000;
    let refused = Denial::Lifetime {
        asked: ten_years,
        longest: 86_400,
    };
    assert_eq!(denial_of(policy(), long(ten_years)), refused);
    let strict = policy().max_lifetime(Duration::from_secs(60));
    let refused = Denial::Lifetime {
        asked: 61,
        longest: 60,
    };
    assert_eq!(denial_of(strict.clone(), long(61)), refused);

    let world = World::new();
    world.with(|state| state.offers = vec![long(ten_years)]);
    let reply = world.pay(&world.buyer_with(strict.shorten_lifetime()));
    let crate::client::Payment::Paid { attempt, .. } = reply.unwrap().payment else {
        panic!("it is paid");
    };
    assert_eq!(attempt.valid_until, Timestamp::from_secs(START + 60));
    // What was offered is echoed as it was.
    assert!(world.with(|state| state.presented[0].contains("315360000")));
}

#[test]
fn served_first_before_cheap_before_early() {
    let with = |amount, flow, payee| terms(CHAIN, TOKEN, [payee; 20], amount, "Token 1", flow, 300);
    let dear_token = Asset::evm(1, [9; 20].into(), "D", 18, &TokenDomain::new("D", "1"));
    let second = Allowance::of(&dear_token, "2")
        .unwrap()
        .per_hour("9")
        .unwrap();
    let policy = policy().allow(second);
    let world = World::new();
    let buyer = world.buyer_with(policy);
    let paid = |offers: Vec<String>| {
        world.with(|state| state.offers = offers);
        match world.pay(&buyer).unwrap().payment {
            crate::client::Payment::Paid { attempt, .. } => attempt.payee,
            other => panic!("{other:?}"),
        }
    };
    let payee = |byte: u8| Party::Evm([byte; 20].into());
    let hostile = terms(1, [8; 20], [7; 20], 1, "X 1", "a", 300);
    let on_other_chain = terms(1, [9; 20], [6; 20], 1, "D 1", "a", 300);
    let offers = vec![
        hostile,
        on_other_chain,
        with(500, "u", 1),
        with(900, "a", 2),
        with(800, "a", 3),
        with(800, "a", 4),
    ];
    assert_eq!(paid(offers.clone()), payee(3));
    assert_eq!(paid(offers[..4].to_vec()), payee(2));
    assert_eq!(paid(offers[..3].to_vec()), payee(6));
    assert_eq!(paid(offers[2..3].to_vec()), payee(1));
}

#[test]
fn an_offer_above_the_budget_gives_way_to_the_next() {
    let world = World::new();
    let dear = Asset::evm(1, [9; 20].into(), "D", 3, &TokenDomain::new("D", "1"));
    let second = Allowance::of(&dear, "2").unwrap().per_hour("9").unwrap();
    let first = Allowance::of(&token(), "2")
        .unwrap()
        .per_hour("1.5")
        .unwrap();
    let buyer = world.buyer_with(Policy::new().allow(first).allow(second));
    let other = terms(1, [9; 20], PAYEE, 1500, "D 1", "a", 300);
    world.with(|state| state.offers = vec![offer(1000), other]);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        match world.pay(&buyer).unwrap().payment {
            crate::client::Payment::Paid { attempt, .. } => tokens.push(attempt.asset),
            other => panic!("{other:?}"),
        }
    }
    let (first, second) = (Party::Evm(TOKEN.into()), Party::Evm([9; 20].into()));
    assert_eq!(tokens, [first, second.clone(), second]);
    world.with(|state| state.offers.truncate(1));
    let budget = Denial::Budget {
        asked: 1000.into(),
        left: 500.into(),
        window: 3600,
    };
    assert_eq!(denials(&world, &buyer, URL), [budget]);
}

#[test]
fn budgets_of_origins_and_payees_are_apart() {
    let world = World::new();
    let allowance = Allowance::of(&token(), "2").unwrap();
    let allowance = allowance.per_hour("10").unwrap();
    let allowance = allowance.per_origin(HOUR, "2").unwrap();
    let allowance = allowance.per_payee(HOUR, "3").unwrap();
    let buyer = world.buyer_with(Policy::new().allow(allowance));
    let pay = |url: &str| run(buyer.pay(&world, get(url))).map(|_| ());
    assert!(pay("https://a.example/1").is_ok());
    assert!(pay("https://a.example/2").is_ok());
    assert!(pay("https://a.example/3").is_err());
    assert!(pay("https://b.example/1").is_ok());
    assert!(pay("https://b.example/2").is_err());
    let other = terms(CHAIN, TOKEN, [5; 20], 1000, "Token 1", "a", 300);
    world.with(|state| state.offers = vec![other]);
    assert!(pay("https://b.example/2").is_ok());
    assert_eq!(world.settlements(), 4);
}

#[test]
fn a_budget_is_free_again_after_its_window() {
    let world = World::new();
    let buyer = world.buyer();
    for _ in 0..10 {
        world.pay(&buyer).unwrap();
    }
    assert!(world.pay(&buyer).is_err());
    world.pass(3500);
    assert!(world.pay(&buyer).is_err());
    world.pass(161);
    assert!(world.pay(&buyer).is_ok());
}

#[test]
fn a_pinned_payee_stays() {
    let world = World::new();
    let buyer = world.buyer_with(policy().pin_payees());
    world.pay(&buyer).unwrap();
    world.pay(&buyer).unwrap();
    let other = terms(CHAIN, TOKEN, [5; 20], 1000, "Token 1", "a", 300);
    world.with(|state| state.offers = vec![other]);
    let pinned = Party::Evm(PAYEE.into());
    let changed = Denial::PayeeChanged { pinned };
    assert_eq!(denials(&world, &buyer, URL), [changed]);
    run(buyer.pay(&world, get("https://elsewhere.example/"))).unwrap();
}

#[test]
fn policies_of_different_names_have_budgets_of_their_own() {
    let world = World::new();
    let spend = |policy: Policy| {
        let buyer = world.buyer_with(policy);
        (0..20).take_while(|_| world.pay(&buyer).is_ok()).count()
    };
    assert_eq!(spend(policy()), 10);
    assert_eq!(spend(policy()), 0);
    assert_eq!(spend(policy().named("agent-2").unwrap()), 10);
    assert!(policy().named("a:b").is_err());
}

#[test]
fn a_second_cap_over_the_same_window_lowers_the_first() {
    let allowance = Allowance::of(&token(), "2").unwrap();
    let allowance = allowance.per_hour("3").unwrap().per_hour("9").unwrap();
    let world = World::new();
    let buyer = world.buyer_with(Policy::new().allow(allowance));
    let paid = (0..20).take_while(|_| world.pay(&buyer).is_ok()).count();
    assert_eq!(paid, 3);
    let bad = Allowance::of(&token(), "2").unwrap();
    assert!(bad.per(Duration::from_millis(999), "1").is_err());
}

type Tamper = fn(&mut Draft);

/// Drafts what it is told to, whatever was offered.
struct Liar(Tamper);

impl ClientProtocol for Liar {
    fn id(&self) -> ProtocolId {
        COIN
    }
    fn carried(&self, headers: &HeaderMap) -> bool {
        Coin.carried(headers)
    }
    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        Coin.offers(refused)
    }
    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        let mut draft = Coin.draft(offer, payer, now, entropy)?;
        (self.0)(&mut draft);
        Ok(draft)
    }
    fn answer(&self, offer: &Offer, draft: &Draft, sign: &[u8]) -> Result<Answer, ParseError> {
        Coin.answer(offer, draft, sign)
    }
    fn outcome(
        &self,
        offer: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        Coin.outcome(offer, status, headers, now)
    }
}

fn document(draft: &mut Draft, change: fn(&mut http402_core::typed::TypedData)) {
    let ToSign::TypedData { document, .. } = &draft.to_sign else {
        panic!("a document");
    };
    let mut document = document.clone();
    change(&mut document);
    draft.to_sign = ToSign::typed(document);
}

fn transfer(draft: &mut Draft, change: fn(&mut http402_core::authorization::Eip3009)) {
    let Authorization::Eip3009(signed) = &mut draft.authorization else {
        panic!("a transfer");
    };
    change(signed);
    let domain = TokenDomain::new("Token", "1");
    draft.to_sign = ToSign::typed(signed.document(&domain, CHAIN, TOKEN.into()));
}

#[test]
fn s35_a_document_that_says_anything_else_is_not_signed() {
    let tampers: &[Tamper] = &[
        |draft| document(draft, |seen| seen.domain.name = Some("USD Coin".into())),
        |draft| document(draft, |seen| seen.domain.version = None),
        |draft| document(draft, |seen| seen.domain.chain_id = Some(U256::from(1))),
        |draft| {
            document(draft, |seen| {
                seen.domain.verifying_contract = Some([1; 20].into());
            });
        },
        |draft| document(draft, |seen| seen.primary = "ReceiveWithAuthorization"),
        |draft| document(draft, |seen| seen.types.clear()),
        |draft| {
            document(draft, |seen| {
                seen.message[1] = Value::Address([1; 20].into());
            });
        },
        |draft| document(draft, |seen| seen.message[2] = Value::Uint(U256::MAX)),
        |draft| document(draft, |seen| seen.message[5] = Value::Fixed(B256::ZERO)),
        |draft| transfer(draft, |signed| signed.to = [1; 20].into()),
        |draft| transfer(draft, |signed| signed.from = [1; 20].into()),
        |draft| transfer(draft, |signed| signed.value += U256::from(1)),
        |draft| transfer(draft, |signed| signed.value -= U256::from(1)),
        |draft| draft.spends.clear(),
        |draft| draft.to_sign = ToSign::Message(draft.to_sign.digest().to_vec().into()),
        |draft| {
            if let ToSign::TypedData { digest, .. } = &mut draft.to_sign {
                *digest = B256::ZERO;
            }
        },
    ];
    for (at, tamper) in tampers.iter().enumerate() {
        let world = World::new();
        let seam = std::sync::Arc::new(world.clone());
        let buyer = Buyer::new(policy(), seam.clone(), seam.clone(), seam.clone(), seam)
            .protocol(Liar(*tamper));
        assert_eq!(denials(&world, &buyer, URL), [Denial::Document], "{at}");
        assert_eq!((world.signatures(), world.charged()), (0, 0), "{at}");
    }
    let long: Tamper = |draft| {
        transfer(draft, |signed| {
            signed.window.before = U256::from(START + 86_401);
        });
    };
    let world = World::new();
    let seam = std::sync::Arc::new(world.clone());
    let buyer =
        Buyer::new(policy(), seam.clone(), seam.clone(), seam.clone(), seam).protocol(Liar(long));
    assert!(matches!(
        denials(&world, &buyer, URL)[..],
        [Denial::Lifetime { asked: 86_401, .. }]
    ));
}

#[test]
fn a_limit_is_in_the_tokens_decimals() {
    let eighteen = Asset::evm(
        CHAIN,
        TOKEN.into(),
        "T",
        18,
        &TokenDomain::new("Token", "1"),
    );
    let allowance = Allowance::of(&eighteen, "0.01").unwrap();
    let policy = Policy::new().allow(allowance.per_day("1").unwrap());
    let ten_cents: Amount = "100000000000000000".parse().unwrap();
    let offer = format!(
        "{CHAIN} {} {} {ten_cents} Token 1 a 300",
        eighteen.address, eighteen.address
    );
    let denial = denial_of(policy, offer);
    assert!(matches!(denial, Denial::TooMuch { .. }), "{denial:?}");
    assert!(Allowance::of(&eighteen, "-1").is_err());
}

/// Answers in `Authorization`.
struct Scheme;

impl ClientProtocol for Scheme {
    fn id(&self) -> ProtocolId {
        COIN
    }
    fn carried(&self, headers: &HeaderMap) -> bool {
        Coin.carried(headers)
    }
    fn fields(&self, _: &Offer) -> Vec<http::HeaderName> {
        vec![http::header::AUTHORIZATION]
    }
    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        Coin.offers(refused)
    }
    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        Coin.draft(offer, payer, now, entropy)
    }
    fn answer(&self, offer: &Offer, draft: &Draft, sign: &[u8]) -> Result<Answer, ParseError> {
        Coin.answer(offer, draft, sign)
    }
    fn outcome(
        &self,
        offer: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        Coin.outcome(offer, status, headers, now)
    }
}

#[test]
fn a_field_that_the_caller_uses_is_not_taken() {
    let world = World::new();
    world.with(|state| state.offers = vec![offer(1)]);
    let seam = std::sync::Arc::new(world.clone());
    let buyer =
        Buyer::new(policy(), seam.clone(), seam.clone(), seam.clone(), seam).protocol(Scheme);
    let mut request = get(URL);
    let own = http::HeaderValue::from_static("Bearer mine");
    request
        .headers_mut()
        .insert(http::header::AUTHORIZATION, own);
    match run(buyer.pay(&world, request)).unwrap_err() {
        Error::Denied(refusal) => assert_eq!(refusal.denied[0].why, Denial::FieldTaken),
        other => panic!("{other:?}"),
    }
    assert_eq!((world.signatures(), world.charged()), (0, 0));
    assert!(run(buyer.pay(&world, get(URL))).is_ok());
}
