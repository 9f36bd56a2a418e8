//! A small deterministic world: virtual time, a seller, a wallet, a ledger and a chain that do as told.

use crate::client::{
    Allowance, Buyer, Error, IdempotencyKey, Policy, Reply, Transport,
    attempt::{self},
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Encoded, Flow, ParseError, Party,
    Pending, ProtocolId, Reason, Receipt, Requirement, Settlement, Timestamp, TokenDomain, U256,
    Window,
    asset::Asset,
    authorization::Eip3009,
    ledger::{Applied, Expect, Key, Ledger, Page, Phase, Versioned, Write},
    protocol::{Answer, ClientProtocol, Draft, Offer, Offers, Refused},
    seam::{Boxed, ChainView, Clock, Entropy, SeamError, Signer, Spent},
    typed::ToSign,
};
use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(super) const START: u64 = 1_800_000_000;
pub(super) const URL: &str = "https://seller.example/r";
const PAYER: [u8; 20] = [0xcc; 20];
pub(super) const SIGNATURE: &[u8] = &[0x5a; 65];

/// What the seller does with a credential.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Settles it if it is not, and delivers.
    Serve,
    /// Settles it, and the answer is lost.
    ServeAndLose,
    /// Never sees it.
    Lose,
    /// Says so, without settling.
    Say(u16, &'static [(&'static str, &'static str)]),
    /// Settles it if it is not, and says so with the receipt.
    SettleAndSay(u16),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Fail {
    No,
    Before,
    After,
}

pub(super) struct State {
    pub(super) millis: u64,
    pub(super) chance: u64,
    pub(super) records: BTreeMap<Key, Versioned>,
    pub(super) version: u64,
    pub(super) ledger_fails: VecDeque<Fail>,
    pub(super) offers: Vec<String>,
    pub(super) acts: VecDeque<Act>,
    /// What the seller does when the script has ended.
    pub(super) usual: Act,
    pub(super) unpaid: usize,
    /// How many of those said what can be paid.
    pub(super) announced: usize,
    pub(super) presented: Vec<String>,
    pub(super) signed: Vec<B256>,
    pub(super) wallet_fails: bool,
    pub(super) wallet_takes: u64,
    pub(super) settled: Vec<String>,
    pub(super) sleeps: Vec<Duration>,
    pub(super) chain: Option<Spent>,
    pub(super) chain_asked: usize,
    /// Whether the seller can not settle what has ended, and the chain, where it says "never", says what was settled.
    pub(super) truthful: bool,
}

#[derive(Clone)]
pub(super) struct World(pub(super) Arc<Mutex<State>>);

impl World {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            millis: START * 1000,
            chance: 0,
            records: BTreeMap::new(),
            version: 0,
            ledger_fails: VecDeque::new(),
            offers: vec![offer(1000)],
            acts: VecDeque::new(),
            usual: Act::Serve,
            unpaid: 0,
            announced: 0,
            presented: Vec::new(),
            signed: Vec::new(),
            wallet_fails: false,
            wallet_takes: 0,
            settled: Vec::new(),
            sleeps: Vec::new(),
            chain: None,
            chain_asked: 0,
            truthful: false,
        })))
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    pub(super) fn script(&self, acts: &[Act]) {
        self.with(|state| state.acts = acts.iter().cloned().collect());
    }

    pub(super) fn pass(&self, secs: u64) {
        self.with(|state| state.millis += secs * 1000);
    }

    /// How many different documents were signed.
    pub(super) fn signatures(&self) -> usize {
        let mut signed = self.with(|state| state.signed.clone());
        signed.sort();
        signed.dedup();
        signed.len()
    }

    /// How many different credentials the seller got, and how many presentations there were.
    pub(super) fn presentations(&self) -> (usize, usize) {
        let mut presented = self.with(|state| state.presented.clone());
        let all = presented.len();
        presented.sort();
        presented.dedup();
        (presented.len(), all)
    }

    pub(super) fn settlements(&self) -> usize {
        self.with(|state| state.settled.len())
    }

    /// The phases of all attempts.
    pub(super) fn phases(&self) -> Vec<Phase> {
        let payer = Party::Evm(PAYER.into());
        let prefix = attempt::prefix(&payer);
        self.with(|state| {
            let all = state.records.iter();
            all.filter(|(key, _)| key.as_str().starts_with(&prefix))
                .map(|(_, found)| found.record.phase)
                .collect()
        })
    }

    /// What the one budget has charged.
    pub(super) fn charged(&self) -> u64 {
        self.with(|state| {
            let all = state.records.iter();
            let mut sum = U256::ZERO;
            for (_, found) in all.filter(|(key, _)| key.as_str().starts_with("budget:")) {
                let mut body = crate::record::Reader::new(&found.record.body, 1).unwrap();
                for (_, amount) in body.read::<Vec<(u64, Amount)>>().unwrap() {
                    sum += amount.units();
                }
            }
            sum.try_into().unwrap()
        })
    }

    pub(super) fn buyer(&self) -> Buyer {
        self.buyer_with(policy())
    }

    pub(super) fn buyer_with(&self, policy: Policy) -> Buyer {
        let seam = Arc::new(self.clone());
        Buyer::new(policy, seam.clone(), seam.clone(), seam.clone(), seam).protocol(Coin)
    }

    pub(super) fn with_chain(&self) -> Buyer {
        self.buyer().chain_view(Arc::new(self.clone()))
    }

    pub(super) fn pay(&self, buyer: &Buyer) -> Result<Reply<Bytes>, Error> {
        run(buyer.pay(self, get(URL)))
    }
}

/// Runs a future to its end.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    polls(pin!(future), 1_000_000).expect("it ends")
}

/// Polls a future at most so often; `None` when it has not ended by then.
pub(super) fn polls<T>(mut future: Pin<&mut impl Future<Output = T>>, most: usize) -> Option<T> {
    for _ in 0..most {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
    None
}

pub(super) fn get(url: &str) -> Request<Vec<u8>> {
    Request::get(url).body(Vec::new()).unwrap()
}

pub(super) fn named(key: &str) -> Request<Vec<u8>> {
    let mut request = get(URL);
    request.extensions_mut().insert(IdempotencyKey::new(key));
    request
}

pub(super) const CHAIN: u64 = 84_532;
pub(super) const TOKEN: [u8; 20] = [0xaa; 20];
pub(super) const PAYEE: [u8; 20] = [0xbb; 20];

pub(super) fn token() -> Asset {
    Asset::evm(CHAIN, TOKEN.into(), "T", 3, &TokenDomain::new("Token", "1"))
}

/// Up to 2.000 a payment, 10.000 an hour.
pub(super) fn policy() -> Policy {
    let allowance = Allowance::of(&token(), "2").unwrap();
    Policy::new().allow(allowance.per_hour("10").unwrap())
}

/// An offer as the seller writes it: `chain asset payee amount name version flow timeout`.
pub(super) fn offer(amount: u64) -> String {
    terms(CHAIN, TOKEN, PAYEE, amount, "Token 1", "a", 300)
}

pub(super) fn terms(
    chain: u64,
    token: [u8; 20],
    payee: [u8; 20],
    amount: u64,
    domain: &str,
    flow: &str,
    timeout: u64,
) -> String {
    let (token, payee) = (Address::from(token), Address::from(payee));
    format!("{chain} {token} {payee} {amount} {domain} {flow} {timeout}")
}

fn yields(times: usize) -> Boxed<'static, ()> {
    let mut left = times;
    Box::pin(poll_fn(move |_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    }))
}

/// A protocol of three headers: `x-price` for each offer, `x-pay: nonce:signature`, `x-receipt`.
pub(super) struct Coin;

pub(super) const COIN: ProtocolId = ProtocolId::new("coin/1");

fn parse(text: &str) -> Result<Requirement, ParseError> {
    let bad = || ParseError::new("x-price", "eight fields expected");
    let fields: Vec<&str> = text.split(' ').collect();
    let [chain, asset, payee, amount, name, version, flow, timeout] = fields[..] else {
        return Err(bad());
    };
    let chain = ChainId::eip155(chain.parse().map_err(|_| bad())?);
    let mut requirement = Requirement::exactly(
        amount.parse()?,
        chain.clone(),
        Party::parse(&chain, asset)?,
        Party::parse(&chain, payee)?,
        Some(TokenDomain::new(name, version)),
    );
    requirement.timeout = timeout.parse().map_err(|_| bad())?;
    requirement.flow = match flow {
        "a" => Flow::Authorization,
        "u" => Flow::Upfront,
        _ => Flow::Session,
    };
    Ok(requirement)
}

pub(super) fn authorization(
    offer: &Offer,
    payer: &Party,
    now: Timestamp,
    nonce: [u8; 32],
) -> Eip3009 {
    let asked = &offer.requirement;
    Eip3009 {
        from: payer.evm().unwrap(),
        to: asked.pay_to.evm().unwrap(),
        value: asked.price.ceiling().units(),
        window: Window::new(now.minus(600), now.plus(asked.timeout)),
        nonce: nonce.into(),
        signature: Bytes::new(),
    }
}

impl ClientProtocol for Coin {
    fn id(&self) -> ProtocolId {
        COIN
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        headers.contains_key("x-pay")
    }

    fn hints(&self) -> Vec<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_static("x-can-pay");
        vec![(name, HeaderValue::from_static("coin"))]
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        for (at, value) in refused.headers.get_all("x-price").iter().enumerate() {
            let text = value.to_str().unwrap();
            match parse(text) {
                Ok(requirement) => {
                    let encoded = Encoded::new(text.as_bytes().to_vec());
                    let context = Encoded::default();
                    let offer = Offer::new(COIN, at, requirement, encoded, context);
                    offers.usable.push(offer);
                }
                Err(error) => offers.rejected.push((at, error)),
            }
        }
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
        let signed = authorization(offer, payer, now, entropy);
        let domain = asked.domain.clone().ok_or(Reason::MissingDomain)?;
        let (chain, token) = (asked.chain.evm().unwrap(), asked.asset.evm().unwrap());
        let document = signed.document(&domain, chain, token);
        let to_sign = ToSign::typed(document);
        Ok(Draft::new(asked, Authorization::Eip3009(signed), to_sign))
    }

    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError> {
        // The echo of the offer must survive a restart, byte for byte.
        let echo = String::from_utf8(offer.encoded.as_slice().to_vec()).unwrap();
        let key = &draft.spends[0];
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let end = draft.authorization.window().unwrap().end().secs();
        let text = format!("{key}|{echo}|{signature}|{end}");
        let value = HeaderValue::from_str(&text).unwrap();
        Ok(Answer::new(vec![(HeaderName::from_static("x-pay"), value)]))
    }

    fn outcome(
        &self,
        offer: &Offer,
        _: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        let Some(value) = headers.get("x-receipt") else {
            return Ok(None);
        };
        let text = value.to_str().unwrap();
        let asked = &offer.requirement;
        Ok(Some(match text.split_once(' ') {
            Some(("declined", code)) => Settlement::Declined(Reason::from_code(code)),
            Some(("pending", transaction)) => {
                let transaction = Some(transaction.into());
                Settlement::Unknown(Pending::new(transaction, now, "slow"))
            }
            Some(_) => return Err(ParseError::new("x-receipt", "unreadable")),
            None => Settlement::Settled(Receipt::new(
                None,
                asked.price.ceiling(),
                asked.chain.clone(),
                text,
            )),
        }))
    }
}

impl Transport<Vec<u8>> for World {
    type Body = Bytes;

    fn send(&self, request: Request<Vec<u8>>) -> Boxed<'_, Result<Response<Bytes>, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let response = self.with(|state| state.serve(&request));
            yields(1).await;
            response
        })
    }

    fn read(&self, body: Bytes, _: usize) -> Boxed<'_, Result<Vec<u8>, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            Ok(body.to_vec())
        })
    }
}

impl State {
    /// Whether it is too late to settle the credential.
    fn has_ended(&self, credential: &String) -> bool {
        let (_, end) = credential.rsplit_once('|').unwrap();
        !self.settled.contains(credential) && self.millis / 1000 >= end.parse().unwrap()
    }

    fn serve(&mut self, request: &Request<Vec<u8>>) -> Result<Response<Bytes>, SeamError> {
        let mut response = Response::new(Bytes::new());
        let Some(credential) = request.headers().get("x-pay") else {
            self.unpaid += 1;
            self.announced += usize::from(request.headers().contains_key("x-can-pay"));
            *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
            for offer in &self.offers {
                let value = HeaderValue::from_str(offer).unwrap();
                response.headers_mut().append("x-price", value);
            }
            return Ok(response);
        };
        assert!(credential.is_sensitive());
        let credential = credential.to_str().unwrap().to_owned();
        self.presented.push(credential.clone());
        let mut act = self.acts.pop_front().unwrap_or_else(|| self.usual.clone());
        if self.truthful && self.has_ended(&credential) {
            act = Act::Say(402, &[]);
        }
        let settles = matches!(act, Act::Serve | Act::ServeAndLose | Act::SettleAndSay(_));
        if settles {
            if !self.settled.contains(&credential) {
                self.settled.push(credential);
            }
            let receipt = HeaderValue::from_static("tx");
            response.headers_mut().insert("x-receipt", receipt);
        }
        let status = match act {
            Act::Serve => 200,
            Act::ServeAndLose | Act::Lose => return Err("connection reset".into()),
            Act::SettleAndSay(status) => status,
            Act::Say(status, headers) => {
                for (name, value) in headers {
                    let value = HeaderValue::from_static(value);
                    response.headers_mut().insert(*name, value);
                }
                if status == 402 {
                    for offer in &self.offers {
                        let value = HeaderValue::from_str(offer).unwrap();
                        response.headers_mut().append("x-price", value);
                    }
                }
                status
            }
        };
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.body_mut() = Bytes::from_static(b"goods");
        Ok(response)
    }
}

impl Signer for World {
    fn party(&self) -> Party {
        Party::Evm(PAYER.into())
    }

    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let fails = self.with(|state| {
                state.millis += state.wallet_takes * 1000;
                if !state.wallet_fails {
                    state.signed.push(what.digest());
                }
                state.wallet_fails
            });
            yields(1).await;
            if fails {
                return Err("device unplugged".into());
            }
            Ok(Bytes::from_static(SIGNATURE))
        })
    }
}

impl ChainView for World {
    fn spent<'a>(
        &'a self,
        chain: &'a ChainId,
        asset: &'a Party,
        authorization: &'a Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let spent = self.with(|state| {
                state.chain_asked += 1;
                let spends = format!("{}|", authorization.spends(chain, asset)[0]);
                let mut settled = state.settled.iter();
                if state.truthful && settled.any(|one| one.starts_with(&spends)) {
                    let transaction = Some("tx".into());
                    return state.chain.as_ref().map(|_| Spent::Yes { transaction });
                }
                state.chain.clone()
            });
            spent.ok_or_else(|| "no route".into())
        })
    }
}

impl Entropy for World {
    fn bytes32(&self) -> B256 {
        self.with(|state| {
            state.chance += 1;
            http402_core::keccak256(state.chance.to_be_bytes())
        })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.with(|state| state.millis / 1000))
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.with(|state| {
            state.sleeps.push(duration);
            state.millis += u64::try_from(duration.as_millis()).unwrap();
        });
        yields(1)
    }
}

impl Ledger for World {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let applied = self.with(|state| {
                let fail = state.ledger_fails.pop_front().unwrap_or(Fail::No);
                if fail == Fail::Before {
                    return Err("store down".into());
                }
                let applied = state.apply(now, writes);
                if fail == Fail::After {
                    return Err("answer of the store lost".into());
                }
                Ok(applied)
            });
            yields(1).await;
            applied
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            Ok(self.with(|state| {
                let found = state.records.get(key);
                found.filter(|found| found.record.keep_until > now).cloned()
            }))
        })
    }

    fn pending<'a>(
        &'a self,
        _: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            yields(1).await;
            let all: Vec<_> = self.with(|state| {
                let all = state.records.iter().filter(|(key, found)| {
                    key.as_str().starts_with(prefix)
                        && found.record.phase.unfinished()
                        && cursor.is_none_or(|cursor| *key > cursor)
                });
                all.map(|(key, found)| (key.clone(), found.clone()))
                    .collect()
            });
            let more = all.len() > limit;
            let records: Vec<_> = all.into_iter().take(limit).collect();
            let last = records.last().map(|(key, _)| key.clone());
            let next = last.filter(|_| more);
            Ok(Page { records, next })
        })
    }
}

impl State {
    fn apply(&mut self, now: Timestamp, writes: &[Write]) -> Applied {
        for (index, write) in writes.iter().enumerate() {
            assert!(write.key.as_str().len() <= Key::MAX_LEN);
            let found = self.records.get(&write.key);
            let found = found.filter(|found| found.record.keep_until > now);
            let holds = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found.is_some_and(|found| found.version == version),
            };
            if !holds {
                let found = found.cloned();
                return Applied::Conflict { index, found };
            }
        }
        let mut versions = Vec::new();
        for write in writes {
            self.version += 1;
            let version = self.version;
            let record = write.put.clone().expect("buyers delete nothing");
            let key = write.key.clone();
            self.records.insert(key, Versioned { version, record });
            versions.push(version);
        }
        Applied::Done(versions)
    }
}
