//! A seller and a buyer, joined by their headers.

use http::{HeaderMap, Method, StatusCode};
use http402_core::{
    Address, Amount, B256, ChainId, Claim, Party, Price, Reason, Requested, Requirement, Resource,
    Timestamp, TransferMethod,
    asset::Assets,
    protocol::{Asked, ClaimError, ClientProtocol, Offer, Offers, Protocol, Refusal, Refused},
    seam::{Entropy, Signer},
};
use http402_mpp::{
    KeyRing,
    http::{Mpp, MppClient},
};
use http402_verify::LocalKey;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const URL: &str = "https://api.example.com/report?year=2026";

/// The numbers 1, 2, 3 ….
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Entropy for Counter {
    fn bytes32(&self) -> B256 {
        let next = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        B256::left_padding_from(&next.to_be_bytes())
    }
}

pub(crate) fn mpp() -> Mpp {
    Mpp::new(
        "api.example.com",
        KeyRing::new(SECRET).unwrap(),
        Counter::default(),
    )
    .unwrap()
}

pub(crate) fn client() -> MppClient {
    MppClient::new(Assets::known())
}

pub(crate) fn key() -> LocalKey {
    LocalKey::from_bytes(&[7; 32]).unwrap()
}

/// Paid by EIP-3009.
pub(crate) fn evm() -> Requirement {
    let assets = Assets::known();
    let usdc = assets.of_chain(&ChainId::eip155(84_532)).unwrap();
    usdc.price("0.01", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
        .unwrap()
}

/// Paid on Tempo.
pub(crate) fn tempo(price: u64) -> Requirement {
    let token: Address = "0x20c0000000000000000000000000000000000000"
        .parse()
        .unwrap();
    let to: Address = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
        .parse()
        .unwrap();
    let mut requirement = Requirement::exactly(
        Amount::from(price),
        ChainId::eip155(42_431),
        Party::Evm(token),
        Party::Evm(to),
        None,
    )
    .upfront();
    requirement.transfer = TransferMethod::Native;
    if price == 0 {
        requirement.price = Price::Nothing;
    }
    requirement
}

/// One route.
#[derive(Clone)]
pub(crate) struct Shop {
    pub mpp: Mpp,
    pub requirements: Vec<Requirement>,
    pub resource: Resource,
    pub method: Method,
    pub body: Option<Vec<u8>>,
    pub now: Timestamp,
}

impl Shop {
    pub(crate) fn new(requirements: Vec<Requirement>) -> Self {
        Self {
            mpp: mpp(),
            requirements,
            resource: Resource::new(URL).describe("a report", "application/json"),
            method: Method::GET,
            body: None,
            now: NOW,
        }
    }

    pub(crate) fn asked<'a>(&'a self, headers: &'a HeaderMap) -> Asked<'a> {
        let request = Requested::new(self.method.as_str(), &self.resource.url, None);
        let asked = Asked::new(
            &self.requirements,
            &self.resource,
            &self.method,
            request,
            self.now,
        );
        let asked = asked.headers(headers);
        match &self.body {
            Some(body) => asked.body(body),
            None => asked,
        }
    }

    pub(crate) fn refuse(&self, headers: &HeaderMap, why: &Reason) -> Refusal {
        let mut refusal = Refusal::default();
        self.mpp
            .offer(&self.asked(headers), why, &mut refusal)
            .unwrap();
        refusal
    }

    pub(crate) fn claim(&self, headers: &HeaderMap) -> Result<Claim, Reason> {
        assert_eq!(self.mpp.answers(headers), 1);
        match self.mpp.claim(&self.asked(headers), headers) {
            Ok(claim) => match &claim.objection {
                Some(why) => Err(why.clone()),
                None => Ok(claim),
            },
            Err(ClaimError::Refused(why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }
}

pub(crate) fn offers(client: &MppClient, refusal: &Refusal) -> Offers {
    let body = refusal.body();
    let response = Refused::new(
        URL,
        StatusCode::PAYMENT_REQUIRED,
        &refusal.headers,
        &body,
        NOW,
    );
    client.offers(&response).unwrap()
}

/// The head that pays an offer.
pub(crate) fn pay(client: &MppClient, offer: &Offer) -> HeaderMap {
    let draft = client.draft(offer, &key().party(), NOW, [9; 32]).unwrap();
    let signature = key().sign_digest(&draft.to_sign.digest().0);
    let answer = client.answer(offer, &draft, &signature).unwrap();
    answer.headers().iter().cloned().collect()
}

/// The head that pays the first offer of a shop.
pub(crate) fn paid(shop: &Shop) -> HeaderMap {
    let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
    pay(&client(), &offers(&client(), &refusal).usable[0])
}
