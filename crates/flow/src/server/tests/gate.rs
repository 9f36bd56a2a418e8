//! What a gate is made of, and how long the offers that it made are honoured.

use super::world::gate as plain;
use crate::server::{Crowded, Gate, GateError, gate::digest};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http402_core::{
    Amount, B256, Bytes, ChainId, Claim, Flow, ParseError, Party, Price, ProtocolId, Reason,
    Requested, Requirement, Resource, Settlement, Timestamp, TokenDomain,
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
};
use std::sync::{Arc, Mutex};

/// A protocol that offers, or can not, and notes which earlier offers it may honour.
struct Shop {
    id: ProtocolId,
    offers: bool,
    earlier: Arc<Mutex<Vec<Amount>>>,
    headers: [HeaderName; 2],
}

impl Protocol for Shop {
    fn id(&self) -> ProtocolId {
        self.id
    }
    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all(self.id.as_str()).iter().count()
    }
    fn claim(&self, asked: &Asked<'_>, _: &HeaderMap) -> Result<Claim, ClaimError> {
        let amounts = asked.earlier.iter().map(|one| one.price.ceiling());
        *self.earlier.lock().unwrap() = amounts.collect();
        Err(ClaimError::Refused(Reason::NoMatchingOffer))
    }
    fn offer(&self, _: &Asked<'_>, _: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        if !self.offers {
            return Err(ParseError::new("price", "not of this protocol"));
        }
        out.member(self.id.as_str(), "true");
        Ok(())
    }
    fn report(&self, _: &Claim, _: &Settlement, _: Told, _: &mut HeaderMap) {}
    fn request_headers(&self) -> &[HeaderName] {
        &self.headers
    }
    fn response_headers(&self) -> &[HeaderName] {
        &self.headers[..1]
    }
}

fn shop(id: &'static str, offers: bool) -> Arc<Shop> {
    let id = ProtocolId::new(id);
    let own = HeaderName::from_static(id.as_str());
    Arc::new(Shop {
        id,
        offers,
        earlier: Arc::default(),
        headers: [own, HeaderName::from_static("shared")],
    })
}

fn costs(amount: u64) -> Requirement {
    let chain = ChainId::eip155(84_532);
    let (asset, payee) = (Party::Evm([0xaa; 20].into()), Party::Evm([0xbb; 20].into()));
    let domain = Some(TokenDomain::new("T", "1"));
    let mut asked = Requirement::exactly(Amount::from(amount), chain, asset, payee, domain);
    asked.timeout = 60;
    asked
}

/// A request for `target` at this time, carrying `headers`, that costs `requirements`.
fn receives(
    gate: &Gate,
    requirements: &[Requirement],
    target: &str,
    now: u64,
    headers: &HeaderMap,
) -> Response<Bytes> {
    let resource = Resource::new("https://seller.example/r");
    let request = Requested::new("GET", target, None);
    let now = Timestamp::from_secs(now);
    let asked = Asked::new(requirements, &resource, &Method::GET, request, now);
    match gate.receive(&asked, headers) {
        Ok(presented) => panic!("{presented:?}"),
        Err(response) => *response,
    }
}

fn unpaid(gate: &Gate, requirements: &[Requirement]) -> Response<Bytes> {
    receives(gate, requirements, "/r", 1000, &HeaderMap::new())
}

fn carrying(names: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in names {
        headers.append(*name, HeaderValue::from_static("1"));
    }
    headers
}

#[test]
fn a_gate_has_protocols_and_each_of_them_once() {
    let refused = |protocols: Vec<Arc<dyn Protocol>>| Gate::new(protocols).unwrap_err();
    let none = refused(Vec::new());
    assert_eq!(none, GateError::NoProtocol);
    let twice = refused(vec![shop("a", true), shop("b", true), shop("a", true)]);
    assert_eq!(twice, GateError::ProtocolTwice);
    assert_eq!(none.to_string(), "a gate needs a protocol to be paid in");
    assert_eq!(twice.to_string(), "a gate lists one protocol twice");
    assert!(Gate::new(vec![shop("a", true), shop("b", true)]).is_ok());
}

#[test]
fn s14_who_is_crowded_out_is_told_by_whom() {
    let payer = Crowded::Payer.to_string();
    assert_eq!(payer, "too many payments of this payer are unsettled");
    assert_eq!(Crowded::Gate.to_string(), "too many payments are unsettled");
}

#[test]
fn a_gate_says_what_it_is_set_to() {
    let gate = plain().body_cap(77).tries(5).exposure(11, 12);
    assert_eq!(gate.kept_body(), 77);
    let shown = format!("{gate:?}");
    for part in ["coin/1", "body_cap: 77", "tries: 5", "exposure: (11, 12)"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn a_price_that_is_not_built_is_never_free() {
    let gate = Gate::new(vec![shop("a", true)]).unwrap();
    let with = |price, flow| {
        let mut asked = costs(1);
        (asked.price, asked.flow) = (price, flow);
        asked
    };
    let one = || Price::Exactly(Amount::from(1));
    for good in [
        costs(1),
        with(one(), Flow::Upfront),
        with(Price::Nothing, Flow::Authorization),
    ] {
        let status = unpaid(&gate, &[good]).status();
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    }
    for bad in [
        with(Price::UpTo(Amount::from(1)), Flow::Authorization),
        with(one(), Flow::Session),
        with(one(), Flow::Escrow),
    ] {
        // One that can be paid does not help another.
        for all in [vec![bad.clone()], vec![costs(1), bad]] {
            let status = unpaid(&gate, &all).status();
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
    let status = unpaid(&gate, &[]).status();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_route_offers_in_every_protocol_that_can_and_fails_where_none_can() {
    let offered = |offers: [bool; 3]| {
        let names = ["a", "b", "c"];
        let all = names.iter().zip(offers);
        let all = all.map(|(name, offers)| shop(name, offers) as Arc<dyn Protocol>);
        let response = unpaid(&Gate::new(all.collect()).unwrap(), &[costs(1)]);
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), body)
    };
    let both = (402, r#"{"a":true,"c":true}"#.to_owned());
    assert_eq!(offered([true, false, true]), both);
    assert_eq!(offered([false, false, true]).0, 402);
    assert_eq!(offered([false; 3]).0, 500);
}

#[test]
fn s29_credentials_of_two_protocols_are_ambiguous() {
    let (one, two) = (shop("a", true), shop("b", true));
    let gate = Gate::new(vec![one, two]).unwrap();
    let status = |names: &[&'static str]| {
        let headers = carrying(names);
        receives(&gate, &[costs(1)], "/r", 1000, &headers).status()
    };
    assert_eq!(status(&["a"]), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(status(&["b"]), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(status(&["a", "b"]), StatusCode::BAD_REQUEST);
    assert_eq!(status(&["b", "b"]), StatusCode::BAD_REQUEST);
}

/// What a request for `target` at this time may still be paid with.
fn honoured(gate: &Gate, shop: &Shop, target: &str, now: u64) -> Vec<u64> {
    // It costs what nobody was offered, so that looking remembers nothing that is looked for.
    receives(gate, &[costs(9)], target, now, &carrying(&["a"]));
    let earlier = shop.earlier.lock().unwrap().clone();
    let all = earlier
        .iter()
        .filter_map(|amount| amount.to_string().parse().ok());
    all.filter(|amount| *amount != 9).collect()
}

#[test]
fn an_offer_is_honoured_until_it_ends_for_its_own_request() {
    let shop = shop("a", true);
    let gate = Gate::new(vec![shop.clone()]).unwrap();
    let nothing = HeaderMap::new();
    assert!(honoured(&gate, &shop, "/cheap", 1000).is_empty());
    receives(&gate, &[costs(1), costs(2)], "/cheap", 1000, &nothing);
    receives(&gate, &[costs(5)], "/dear", 1000, &nothing);
    assert_eq!(honoured(&gate, &shop, "/cheap", 1060), [1, 2]);
    assert_eq!(honoured(&gate, &shop, "/dear", 1060), [5]);
    assert!(honoured(&gate, &shop, "/other", 1000).is_empty());
    assert!(honoured(&gate, &shop, "/cheap", 1061).is_empty());
    // Made again, it is honoured for longer, and is still one offer.
    receives(&gate, &[costs(2)], "/cheap", 1050, &nothing);
    assert_eq!(honoured(&gate, &shop, "/cheap", 1060), [1, 2]);
    assert_eq!(honoured(&gate, &shop, "/cheap", 1110), [2]);
}

#[test]
fn an_offer_is_for_its_method_and_body() {
    let shop = shop("a", true);
    let gate = Gate::new(vec![shop.clone()]).unwrap();
    let resource = Resource::new("https://seller.example/r");
    let asks = |method, body: Option<u8>, price: u64, headers: &HeaderMap| {
        let requirements = [costs(price)];
        let request = Requested::new(method, "/r", body.map(B256::repeat_byte));
        let now = Timestamp::from_secs(1000);
        let asked = Asked::new(&requirements, &resource, &Method::GET, request, now);
        assert!(gate.receive(&asked, headers).is_err());
        shop.earlier.lock().unwrap().len()
    };
    asks("POST", Some(1), 1, &HeaderMap::new());
    let paying = carrying(&["a"]);
    // What is asked for now is not of earlier.
    assert_eq!(asks("POST", Some(1), 1, &paying), 0);
    assert_eq!(asks("GET", Some(1), 9, &paying), 0);
    assert_eq!(asks("POST", Some(2), 9, &paying), 0);
    assert_eq!(asks("POST", None, 9, &paying), 0);
    assert_eq!(asks("POST", Some(1), 9, &paying), 1);
}

#[test]
fn a_price_that_does_not_change_is_not_remembered() {
    let shop = shop("a", true);
    let gate = Gate::new(vec![shop.clone()]).unwrap().steady();
    receives(&gate, &[costs(1)], "/r", 1000, &HeaderMap::new());
    assert!(honoured(&gate, &shop, "/r", 1000).is_empty());
}

#[test]
fn the_digest_of_a_request_is_its_own_however_often_it_is_asked_for() {
    let long = "/".repeat(2000);
    let targets: Vec<String> = (0..40).map(|at| format!("/{at}")).collect();
    for round in 0..3 {
        for target in targets.iter().chain([&long]) {
            for (method, body) in [
                ("GET", None),
                ("POST", None),
                ("POST", Some(1)),
                ("POST", Some(2)),
            ] {
                let request = Requested::new(method, target, body.map(B256::repeat_byte));
                for _ in 0..2 {
                    assert_eq!(
                        digest(&request),
                        request.digest(),
                        "{round} {method} {target}"
                    );
                }
            }
        }
    }
}

#[test]
fn who_carries_a_credential_is_not_refused_before_it_was_looked_at() {
    let gate = Gate::new(vec![shop("a", true)]).unwrap();
    assert!(gate.carries(&carrying(&["a"])));
    assert!(gate.carries(&carrying(&["a", "a"])));
    assert!(!gate.carries(&carrying(&["b"])));
    assert!(!gate.carries(&HeaderMap::new()));
}

#[test]
fn a_header_of_several_protocols_is_listed_once() {
    let gate = Gate::new(vec![shop("a", true), shop("b", true)]).unwrap();
    assert_eq!(gate.vary.unwrap(), "a, shared, b");
    assert_eq!(gate.expose.unwrap(), "a, b");
}

#[test]
fn so_many_offers_are_remembered_and_the_oldest_make_room() {
    let shop = shop("a", true);
    let gate = Gate::new(vec![shop.clone()]).unwrap();
    let all: Vec<_> = (100..356).map(costs).collect();
    receives(&gate, &all, "/r", 1000, &HeaderMap::new());
    // The one with which is looked takes the place of the oldest.
    assert_eq!(honoured(&gate, &shop, "/r", 1000).len(), 256);
    assert_eq!(
        honoured(&gate, &shop, "/r", 1000),
        (101..356).collect::<Vec<_>>()
    );
    receives(&gate, &[costs(7)], "/r", 1000, &HeaderMap::new());
    let mut left: Vec<_> = (102..356).collect();
    left.push(7);
    assert_eq!(honoured(&gate, &shop, "/r", 1000), left);
}
