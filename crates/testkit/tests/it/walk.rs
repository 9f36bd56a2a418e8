//! The walk of a shop on the embedded chain: what strangers do before it, and reorganisations after it.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use std::{convert::Infallible, sync::Arc};

use alloy_primitives::U256;
use http::{HeaderMap, Method, Response, StatusCode};
use http402_core::{
    Amount, Bytes, ChainId, Claim, Party, Reason, Requested, Requirement, Resource, Timestamp,
    TokenDomain,
    asset::Assets,
    protocol::{Asked, ClientProtocol, Protocol, Refusal, Refused},
    seam::{Boxed, Spawn},
};
use http402_flow::server::{
    Arrival, Gate, Handled, NoEvents, Outcome, Seams, Till, drive, recover,
};
use http402_ledger::Memory;
use http402_testkit::chain::{DEV_ACCOUNTS, Orphans};
use http402_verify::{LocalKey, Verifier};
use http402_x402::http::X402V2;

use crate::evm_chain::{cancel, execution, signed};
use crate::evm_scene::{NOW, PRICE, Scene};
use crate::scene::{PAYER, dev, send, shop};

const URL: &str = "https://shop.example/report";

struct Tokio;

impl Spawn for Tokio {
    fn spawn(&self, future: Boxed<'static, ()>) {
        tokio::spawn(future);
    }
}

/// The request of the shop's one route.
fn here() -> Requested<'static> {
    Requested::new("GET", URL, None)
}

struct Shop {
    requirement: Requirement,
    gate: Gate,
    seams: Seams,
}

impl Shop {
    fn new(scene: &Scene) -> Self {
        Self {
            requirement: Requirement::exactly(
                Amount::from(PRICE),
                ChainId::eip155(84_532),
                Party::Evm(scene.token.address()),
                Party::Evm(shop()),
                Some(TokenDomain::new("USDC", "2")),
            ),
            gate: Gate::new(vec![Arc::new(X402V2)]).unwrap(),
            seams: Seams {
                judge: Arc::new(Verifier::new(Assets::known())),
                facilitator: Arc::new(scene.settler()),
                ledger: Arc::new(Memory::new()),
                clock: scene.clock(),
                spawn: Arc::new(Tokio),
                events: Arc::new(NoEvents),
            },
        }
    }

    /// A payment for what the shop offers, as it is sent and as it is read.
    fn payment(&self) -> (HeaderMap, Claim) {
        let resource = Resource::new(URL);
        let now = Timestamp::from_secs(NOW);
        let requirements = std::slice::from_ref(&self.requirement);
        let asked = Asked::new(requirements, &resource, &Method::GET, here(), now);
        let mut refusal = Refusal::default();
        X402V2
            .offer(&asked, &Reason::PaymentRequired, &mut refusal)
            .unwrap();
        let body = refusal.body();
        let status = StatusCode::PAYMENT_REQUIRED;
        let refused = Refused::new(URL, status, &refusal.headers, &body, now);
        let offer = X402V2.offers(&refused).unwrap().usable.remove(0);
        let key = LocalKey::from_bytes(&DEV_ACCOUNTS[PAYER].publicly_known_key().0).unwrap();
        let payer = Party::Evm(dev(PAYER));
        let draft = X402V2.draft(&offer, &payer, now, [3; 32]).unwrap();
        let signature = Bytes::copy_from_slice(&key.sign_digest(&draft.to_sign.digest().0));
        let answer = X402V2.answer(&offer, &draft, &signature).unwrap();
        let head: HeaderMap = answer.headers().iter().cloned().collect();
        let claim = X402V2.claim(&asked, &head).unwrap();
        (head, claim)
    }

    async fn ask(&self, headers: &HeaderMap, request: Requested<'_>) -> Response<Bytes> {
        let resource = Resource::new(URL);
        let arrival = Arrival {
            method: &Method::GET,
            headers,
            request,
            body: None,
            resource: &resource,
            requirements: std::slice::from_ref(&self.requirement),
        };
        let goods = async |_| {
            let body = Bytes::from_static(b"goods");
            let response = Response::new(body.clone());
            Ok::<_, Infallible>(Handled {
                response,
                body: Some(body),
            })
        };
        let till = Till::new(self.seams.clone(), self.gate.clone());
        match drive(&till, arrival, goods).await {
            Ok(Outcome::Served(response) | Outcome::Answered(response)) => response,
            Err(never) => match never {},
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s09_who_was_executed_by_a_stranger_gets_what_was_paid_for_once() {
    let scene = Scene::new();
    let shop = Shop::new(&scene);
    let (head, claim) = shop.payment();
    let call = execution(&scene, &claim);
    assert!(send(&scene.chain, dev(4), scene.token.address(), call).status());
    let other = Requested::new("GET", "https://shop.example/other", None);
    for (asked, status) in [
        (here(), StatusCode::OK),
        (here(), StatusCode::OK),
        // The stranger has the signature, too: it buys what its payer has asked for, and nothing else.
        (other, StatusCode::CONFLICT),
    ] {
        let response = shop.ask(&head, asked).await;
        assert_eq!(response.status(), status);
        let goods = status == StatusCode::OK;
        assert_eq!(response.body().as_ref() == b"goods", goods);
        assert_eq!(response.headers().contains_key("payment-response"), goods);
    }
    assert_eq!(
        (scene.transactions(), scene.received()),
        (0, U256::from(PRICE))
    );
}

#[tokio::test(start_paused = true)]
async fn s08_who_has_cancelled_gets_offers_and_no_goods() {
    let scene = Scene::new();
    let shop = Shop::new(&scene);
    let (head, claim) = shop.payment();
    cancel(&scene, signed(&claim).nonce);
    for _ in 0..2 {
        let response = shop.ask(&head, here()).await;
        assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
        assert!(response.headers().contains_key("payment-required"));
    }
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
}

/// A reorganisation deeper than the settler waits for, after the delivery.
#[tokio::test(start_paused = true)]
async fn s10_a_payment_that_is_taken_back_after_the_delivery_is_marked() {
    for (orphans, stands) in [(Orphans::Readmit, true), (Orphans::Forget, false)] {
        let scene = Scene::new();
        let mut shop = Shop::new(&scene);
        shop.gate = shop.gate.finality(900);
        let (head, _) = shop.payment();
        let response = shop.ask(&head, here()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(scene.received(), U256::from(PRICE));
        scene.chain.reorg(1, orphans);
        assert_eq!(scene.received(), U256::ZERO);
        scene.chain.mine(1);

        let early = recover(&shop.seams, &shop.gate, "").await.unwrap();
        assert_eq!((early.provisional, early.reversed), (1, 0));
        scene.chain.advance(900);
        scene.chain.mine(70);
        let late = recover(&shop.seams, &shop.gate, "").await.unwrap();
        assert_eq!(
            (late.provisional, late.confirmed, late.reversed),
            (0, usize::from(stands), usize::from(!stands))
        );
        let again = shop.ask(&head, here()).await;
        assert_eq!(again.headers().contains_key("payment-response"), stands);
        assert_eq!(again.status() == StatusCode::OK, stands);
        assert_ne!(again.status(), StatusCode::PAYMENT_REQUIRED);
    }
}
