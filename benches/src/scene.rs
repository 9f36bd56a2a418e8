//! One x402 v2 payment of the scheme `exact`.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http402_core::{
    B256, Claim, Reason, Requested, Requirement, Resource, Timestamp,
    asset::Assets,
    protocol::{Asked, ClientProtocol, Protocol, Refusal, Refused},
    seam::Signer,
};
use http402_verify::LocalKey;
use http402_x402::{header, http::X402V2};

/// When everything happens.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A payment, and what was asked for.
#[derive(Debug)]
pub struct Scene {
    /// What the route asks for.
    pub requirements: Vec<Requirement>,
    /// What is paid for.
    pub resource: Resource,
    /// The headers of the paying request.
    pub headers: HeaderMap,
    /// The JSON in its header.
    pub text: String,
    /// What it claims.
    pub claim: Claim,
    /// What the payer signed.
    pub digest: B256,
    /// How.
    pub signature: [u8; 65],
}

impl Scene {
    /// The question that the headers answer.
    pub fn asked(&self) -> Asked<'_> {
        Asked::new(
            &self.requirements,
            &self.resource,
            &Method::GET,
            Requested::new("GET", "/x", None),
            NOW,
        )
    }

    /// The payment of the payer of this number, not zero.
    ///
    /// # Panics
    /// When the crates that are measured do not do their work.
    pub fn new(payer: u8) -> Self {
        Self::again(payer, [payer; 32])
    }

    /// A payment of this payer with this nonce.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn again(payer: u8, nonce: [u8; 32]) -> Self {
        let assets = Assets::known();
        let usdc = assets.of_chain(&"eip155:8453".parse().unwrap()).unwrap();
        let payee = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
        let requirement = usdc.price("$0.01", payee).unwrap();
        let requirements = vec![requirement];
        let resource = Resource::new("https://api.example.com/x");
        let request = Requested::new("GET", "/x", None);
        let asked = Asked::new(&requirements, &resource, &Method::GET, request, NOW);
        let mut refusal = Refusal::default();
        X402V2
            .offer(&asked, &Reason::PaymentRequired, &mut refusal)
            .unwrap();
        let (status, url) = (StatusCode::PAYMENT_REQUIRED, "https://api.example.com/x");
        let refused = Refused::new(url, status, &refusal.headers, b"", NOW);
        let offer = X402V2.offers(&refused).unwrap().usable.remove(0);
        let key = LocalKey::from_bytes(&[payer; 32]).unwrap();
        let draft = X402V2.draft(&offer, &key.party(), NOW, nonce).unwrap();
        let digest = draft.to_sign.digest();
        let signature = key.sign_digest(&digest.0);
        let answer = X402V2.answer(&offer, &draft, &signature).unwrap();
        let headers: HeaderMap = answer.headers().iter().cloned().collect();
        let value: &HeaderValue = &headers["payment-signature"];
        let text = header::decode("x", value.as_bytes()).unwrap();
        let claim = X402V2.claim(&asked, &headers).unwrap();
        Self {
            requirements,
            resource,
            headers,
            text,
            claim,
            digest,
            signature,
        }
    }
}

impl Scene {
    /// From its headers to what it claims.
    ///
    /// # Panics
    /// When they are not read.
    pub fn read(&self) -> Claim {
        X402V2
            .claim(&self.asked(), std::hint::black_box(&self.headers))
            .unwrap()
    }
}
