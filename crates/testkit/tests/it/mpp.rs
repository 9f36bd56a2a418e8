//! MPP charges on the embedded chain: what the wire crate claims, the verifier judges and the settler settles, and neither of
//! them knows the protocol.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use alloy_primitives::U256;
use http::{HeaderMap, Method, StatusCode};
use http402_core::{
    Amount, B256, Bytes, ChainId, Claim, Party, Reason, Requested, Requirement, Resource,
    Settlement, Timestamp, TokenDomain, Verdict,
    asset::Assets,
    protocol::{Asked, ClientProtocol, Offer, Protocol, Refusal, Refused, Told},
    seam::{Entropy, Judge, Known, PayerCode},
};
use http402_mpp::{
    KeyRing,
    http::{Mpp, MppClient},
};
use http402_testkit::chain::DEV_ACCOUNTS;
use http402_verify::{LocalKey, Verifier};

use crate::evm_scene::{NOW, PRICE, Scene, charge, verify};
use crate::scene::{PAYER, dev, shop};

const URL: &str = "https://shop.example/report";

struct Fixed(u8);

impl Entropy for Fixed {
    fn bytes32(&self) -> B256 {
        B256::repeat_byte(self.0)
    }
}

fn seller(nonce: u8) -> Mpp {
    Mpp::new(
        "shop.example",
        KeyRing::new(&[7; 32]).unwrap(),
        Fixed(nonce),
    )
    .unwrap()
}

fn requirement(scene: &Scene) -> Requirement {
    Requirement::exactly(
        Amount::from(PRICE),
        ChainId::eip155(84_532),
        Party::Evm(scene.token.address()),
        Party::Evm(shop()),
        Some(TokenDomain::new("USDC", "2")),
    )
}

/// A purchase: the offer that was answered, and the claim that the answer makes.
fn purchase(seller: &Mpp, requirement: &Requirement) -> (Offer, Claim) {
    let requirements = [requirement.clone()];
    let resource = Resource::new(URL);
    let request = Requested::new("GET", URL, None);
    let now = Timestamp::from_secs(NOW);
    let asked = Asked::new(&requirements, &resource, &Method::GET, request, now);
    let mut refusal = Refusal::default();
    seller
        .offer(&asked, &Reason::PaymentRequired, &mut refusal)
        .unwrap();
    let body = refusal.body();
    let status = StatusCode::PAYMENT_REQUIRED;
    let client = MppClient::new(Assets::known());
    let response = Refused::new(URL, status, &refusal.headers, &body, now);
    let offer = client.offers(&response).unwrap().usable.remove(0);
    let key = LocalKey::from_bytes(&DEV_ACCOUNTS[PAYER].publicly_known_key().0).unwrap();
    let payer = Party::Evm(dev(PAYER));
    let draft = client.draft(&offer, &payer, now, [0; 32]).unwrap();
    let signature = Bytes::copy_from_slice(&key.sign_digest(&draft.to_sign.digest().0));
    let answer = client.answer(&offer, &draft, &signature).unwrap();
    let head: HeaderMap = answer.headers().iter().cloned().collect();
    let claim = seller.claim(&asked, &head).unwrap();
    (offer, claim)
}

#[tokio::test(start_paused = true)]
async fn an_evm_charge_is_judged_settled_and_told() {
    let scene = Scene::new();
    let (settler, seller) = (scene.settler(), seller(1));
    let (offer, claim) = purchase(&seller, &requirement(&scene));
    let payer = Party::Evm(dev(PAYER));
    let known = Known::at(Timestamp::from_secs(NOW)).payer_code(PayerCode::Absent);
    let valid = Verdict::Valid { payer };
    assert_eq!(Verifier::new(Assets::known()).judge(&claim, &known), valid);
    assert_eq!(verify(&settler, &claim).await.unwrap(), valid);

    let settlement = charge(&settler, &claim).await.unwrap();
    let Settlement::Settled(receipt) = &settlement else {
        panic!("it settles: {settlement:?}");
    };
    let hash: B256 = receipt.transaction.parse().unwrap();
    assert!(scene.chain.receipt(hash).unwrap().status());
    assert_eq!(scene.received(), U256::from(PRICE));

    let now = Timestamp::from_secs(NOW);
    let mut head = HeaderMap::new();
    seller.report(
        &claim,
        &settlement,
        Told::new(StatusCode::OK, now),
        &mut head,
    );
    let client = MppClient::new(Assets::known());
    let told = client.outcome(&offer, StatusCode::OK, &head, now).unwrap();
    let Some(Settlement::Settled(told)) = told else {
        panic!("a receipt: {told:?}");
    };
    assert_eq!(
        (told.transaction, told.amount),
        (receipt.transaction.clone(), receipt.amount)
    );
}

#[tokio::test(start_paused = true)]
async fn s01_one_challenge_moves_money_once() {
    let scene = Scene::new();
    let settler = scene.settler();
    let asked = requirement(&scene);
    // Signed twice, it is the same authorization: its nonce is the challenge.
    let (_, first) = purchase(&seller(1), &asked);
    let (_, again) = purchase(&seller(1), &asked);
    assert_eq!(first.spends, again.spends);
    assert!(matches!(
        charge(&settler, &first).await.unwrap(),
        Settlement::Settled(_)
    ));
    assert_ne!(
        verify(&settler, &again).await.unwrap(),
        Verdict::Valid {
            payer: Party::Evm(dev(PAYER))
        }
    );
    assert_eq!(scene.received(), U256::from(PRICE));
    let (_, other) = purchase(&seller(2), &asked);
    assert_ne!(first.spends, other.spends);
    assert!(matches!(
        charge(&settler, &other).await.unwrap(),
        Settlement::Settled(_)
    ));
    assert_eq!(scene.received(), U256::from(2 * PRICE));
}
