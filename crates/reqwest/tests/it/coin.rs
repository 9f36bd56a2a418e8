//! A protocol of three headers, a wallet, and a ledger in memory.

use http402_core::{
    Authorization, B256, Bytes, ChainId, Encoded, ParseError, Party, ProtocolId, Reason, Receipt,
    Requirement, Settlement, Timestamp, TokenDomain, Window,
    asset::Asset,
    authorization::Eip3009,
    ledger::{Applied, Expect, Key, Ledger, Page, Versioned, Write},
    protocol::{Answer, ClientProtocol, Draft, Offer, Offers, Refused},
    seam::{Boxed, SeamError, Signer},
    typed::ToSign,
};
use http402_reqwest::{
    PayingClient, buyer,
    flow::client::{Allowance, Buyer, Limits, Policy},
    reqwest::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const TOKEN: [u8; 20] = [0xaa; 20];
const CHAIN: u64 = 84_532;

pub(crate) fn policy() -> Policy {
    let token = Asset::evm(CHAIN, TOKEN.into(), "T", 3, &TokenDomain::new("T", "1"));
    let allowance = Allowance::of(&token, "1").unwrap().per_hour("5").unwrap();
    Policy::new().allow(allowance)
}

#[derive(Clone, Default)]
pub(crate) struct Purse {
    signed: Arc<AtomicUsize>,
    records: Arc<Mutex<(u64, BTreeMap<Key, Versioned>)>>,
}

impl Purse {
    pub(crate) fn buyer(&self, policy: Policy) -> Buyer {
        let seam = Arc::new(self.clone());
        let mut limits = Limits::default();
        limits.pause = Duration::from_millis(1);
        buyer(policy, seam.clone(), seam)
            .protocol(Coin)
            .limits(limits)
    }

    pub(crate) fn client(&self) -> PayingClient {
        PayingClient::new(self.buyer(policy())).unwrap()
    }

    pub(crate) fn signatures(&self) -> usize {
        self.signed.load(Ordering::SeqCst)
    }
}

impl Signer for Purse {
    fn party(&self) -> Party {
        Party::Evm([0xcc; 20].into())
    }

    fn sign<'a>(&'a self, _: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>> {
        self.signed.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Bytes::from_static(&[0x5a; 65])) })
    }
}

impl Ledger for Purse {
    fn apply<'a>(
        &'a self,
        _: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        let (version, records) = &mut *self.records.lock().unwrap();
        let conflict = writes.iter().position(|write| {
            let found = records.get(&write.key).map(|found| found.version);
            found
                != match write.expect {
                    Expect::Absent => None,
                    Expect::Version(version) => Some(version),
                }
        });
        let applied = match conflict {
            Some(index) => Applied::Conflict { index, found: None },
            None => {
                let put = writes.iter().map(|write| {
                    *version += 1;
                    let record = write.put.clone().unwrap();
                    let version = *version;
                    records.insert(write.key.clone(), Versioned { version, record });
                    version
                });
                Applied::Done(put.collect())
            }
        };
        Box::pin(async { Ok(applied) })
    }

    fn get<'a>(
        &'a self,
        _: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        let found = self.records.lock().unwrap().1.get(key).cloned();
        Box::pin(async { Ok(found) })
    }

    fn pending<'a>(
        &'a self,
        _: Timestamp,
        prefix: &'a str,
        _: Option<&'a Key>,
        _: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        let (_, records) = &*self.records.lock().unwrap();
        let open = records.iter().filter(|(key, found)| {
            key.as_str().starts_with(prefix) && found.record.phase.unfinished()
        });
        let records = open
            .map(|(key, found)| (key.clone(), found.clone()))
            .collect();
        let next = None;
        Box::pin(async move { Ok(Page { records, next }) })
    }
}

struct Coin;

impl ClientProtocol for Coin {
    fn id(&self) -> ProtocolId {
        ProtocolId::new("coin/1")
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        headers.contains_key("x-pay")
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        let Some(price) = refused.headers.get("x-price") else {
            return Ok(offers);
        };
        let requirement = Requirement::exactly(
            price.to_str().unwrap().parse()?,
            ChainId::eip155(CHAIN),
            Party::Evm(TOKEN.into()),
            Party::Evm([0xbb; 20].into()),
            Some(TokenDomain::new("T", "1")),
        );
        let (text, context) = (Encoded::default(), Encoded::default());
        let offer = Offer::new(self.id(), 0, requirement, text, context);
        offers.usable.push(offer);
        Ok(offers)
    }

    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        let asked = &offer.requirement;
        let transfer = Eip3009 {
            from: payer.evm().unwrap(),
            to: asked.pay_to.evm().unwrap(),
            value: asked.price.ceiling().units(),
            window: Window::new(now.minus(600), now.plus(asked.timeout)),
            nonce: B256::new(entropy),
            signature: Bytes::new(),
        };
        let domain = asked.domain.clone().unwrap();
        let to_sign = ToSign::typed(transfer.document(&domain, CHAIN, TOKEN.into()));
        Ok(Draft::new(asked, Authorization::Eip3009(transfer), to_sign))
    }

    fn answer(&self, _: &Offer, draft: &Draft, _: &[u8]) -> Result<Answer, ParseError> {
        let value = HeaderValue::from_str(draft.spends[0].as_str()).unwrap();
        Ok(Answer::new(vec![(HeaderName::from_static("x-pay"), value)]))
    }

    fn outcome(
        &self,
        offer: &Offer,
        _: StatusCode,
        headers: &HeaderMap,
        _: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        let asked = &offer.requirement;
        Ok(headers.get("x-receipt").map(|transaction| {
            Settlement::Settled(Receipt::new(
                None,
                asked.price.ceiling(),
                asked.chain.clone(),
                transaction.to_str().unwrap(),
            ))
        }))
    }
}
