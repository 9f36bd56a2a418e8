//! A protocol of one header, and a bank that settles when it is let.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use http402_core::{
    Amount, Authorization, B256, ChainId, Claim, Encoded, Paid, ParseError, Party, Pending,
    ProtocolId, Reason, Receipt, Requirement, Settlement, Step, Timestamp, TokenDomain, U256,
    Verdict, Window, Wire,
    authorization::Eip3009,
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
    seam::{Boxed, Facilitator, Judge, Kind, Known, SeamError},
};
use http402_ledger::Memory;
use http402_tower::{Builder, Event, Events, PayLayer, Seams, Tokio};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

pub(crate) const PAY: HeaderName = HeaderName::from_static("x-pay");
pub(crate) const RECEIPT: HeaderName = HeaderName::from_static("x-receipt");
/// Never to be seen in a log.
pub(crate) const SECRET: &str = "5ec2e7-5ec2e7";

static REQUEST: [HeaderName; 1] = [PAY];
static RESPONSE: [HeaderName; 1] = [RECEIPT];

/// `x-pay: <nonce>` pays whatever is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Coin;

impl Protocol for Coin {
    fn id(&self) -> ProtocolId {
        ProtocolId::new("coin/1")
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all(&PAY).iter().count()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let text = headers.get(&PAY).and_then(|value| value.to_str().ok());
        let nonce = text.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let nonce = nonce.ok_or_else(|| ParseError::new("x-pay", "digits expected"))?;
        let requirement = asked.requirements[0].clone();
        let message = Eip3009 {
            from: [0xcc; 20].into(),
            to: requirement.pay_to.evm().unwrap(),
            value: requirement.price.ceiling().units(),
            window: Window::new(Timestamp::from_secs(0), asked.now.plus(600)),
            nonce: B256::from(U256::from(nonce)),
            signature: http402_core::Bytes::from_static(SECRET.as_bytes()),
        };
        let wire = Wire {
            protocol: self.id(),
            offer: Encoded::default(),
            answer: Encoded::new(SECRET.as_bytes().to_vec()),
        };
        let authorization = Authorization::Eip3009(message);
        Ok(Claim::new(requirement, authorization, wire))
    }

    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        let price = asked.requirements[0].price.ceiling().to_string();
        let price = HeaderValue::from_str(&price).unwrap();
        out.headers.insert("x-price", price);
        out.member("why", format!("\"{}\"", why.code()));
        Ok(())
    }

    fn report(&self, _: &Claim, outcome: &Settlement, _: Told, out: &mut HeaderMap) {
        if let Settlement::Settled(receipt) = outcome {
            let receipt = HeaderValue::from_str(&receipt.transaction).unwrap();
            out.insert(RECEIPT, receipt);
        }
    }

    fn request_headers(&self) -> &[HeaderName] {
        &REQUEST
    }

    fn response_headers(&self) -> &[HeaderName] {
        &RESPONSE
    }
}

/// Judges, verifies and settles. Verifications and settlements wait for a permit when they are held.
pub(crate) struct Bank {
    pub(crate) verifying: Stage,
    pub(crate) settling: Stage,
    pub(crate) settled: AtomicUsize,
    pub(crate) down: bool,
    pub(crate) events: Mutex<Vec<String>>,
}

/// A place where the world can be held.
pub(crate) struct Stage {
    /// Has a permit for each that has come.
    pub(crate) came: Semaphore,
    go: Semaphore,
}

impl Stage {
    pub(crate) fn open() -> Self {
        Self {
            came: Semaphore::new(0),
            go: Semaphore::new(1 << 20),
        }
    }

    pub(crate) fn held() -> Self {
        Self {
            came: Semaphore::new(0),
            go: Semaphore::new(0),
        }
    }

    pub(crate) async fn pass(&self) {
        self.came.add_permits(1);
        self.go.acquire().await.unwrap().forget();
    }

    /// Waits until somebody has come.
    pub(crate) async fn reached(&self) {
        self.came.acquire().await.unwrap().forget();
    }

    pub(crate) fn release(&self) {
        self.go.add_permits(1 << 20);
    }
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self {
            verifying: Stage::open(),
            settling: Stage::open(),
            settled: AtomicUsize::new(0),
            down: false,
            events: Mutex::default(),
        }
    }

    pub(crate) fn settlements(&self) -> usize {
        self.settled.load(Ordering::SeqCst)
    }
}

impl Judge for Bank {
    fn judge(&self, claim: &Claim, _: &Known) -> Verdict {
        let payer = claim.authorization.payer().unwrap();
        Verdict::Valid { payer }
    }
}

impl Facilitator for Bank {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move {
            self.verifying.pass().await;
            if self.down {
                return Err("the bank is closed".into());
            }
            Ok(self.judge(claim, &Known::at(Timestamp::from_secs(0))))
        })
    }

    fn settle<'a>(&'a self, claim: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            self.settling.pass().await;
            let number = self.settled.fetch_add(1, Ordering::SeqCst);
            let chain = claim.requirement.chain.clone();
            let receipt = Receipt::new(
                claim.authorization.payer(),
                claim.amount(),
                chain,
                format!("tx{number}"),
            );
            Ok(Settlement::Settled(receipt))
        })
    }

    fn resolve<'a>(
        &'a self,
        _: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move { Ok(Settlement::Unknown(pending.clone())) })
    }
}

impl Events for Bank {
    fn event(&self, claim: &Claim, event: &Event<'_>) {
        self.events
            .lock()
            .unwrap()
            .push(format!("{claim:?} {event:?}"));
    }
}

pub(crate) fn price(units: u64) -> Requirement {
    Requirement::exactly(
        Amount::from_units(U256::from(units)),
        ChainId::eip155(84_532),
        Party::Evm([0xaa; 20].into()),
        Party::Evm([0xbb; 20].into()),
        Some(TokenDomain::new("T", "1")),
    )
}

pub(crate) fn seams(bank: &Arc<Bank>, running: &Tokio) -> Seams {
    Seams {
        judge: bank.clone(),
        facilitator: bank.clone(),
        ledger: Arc::new(Memory::new()),
        clock: Arc::new(running.clone()),
        spawn: Arc::new(running.clone()),
        events: bank.clone(),
    }
}

pub(crate) fn builder(bank: &Arc<Bank>) -> Builder {
    PayLayer::builder(seams(bank, &Tokio::new()))
        .protocol(Coin)
        .base_url("https://shop.example")
}

pub(crate) fn paywall(bank: &Arc<Bank>) -> PayLayer {
    builder(bank).price(vec![price(5)]).build().unwrap()
}

/// A request; with a nonce, a paid one.
pub(crate) fn ask(path: &str, nonce: Option<u64>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse().unwrap();
    if let Some(nonce) = nonce {
        request.headers_mut().insert(PAY, HeaderValue::from(nonce));
    }
    request
}

/// Says whom it serves, and how often it did.
#[derive(Clone, Default)]
pub(crate) struct Handler {
    pub(crate) ran: Arc<AtomicUsize>,
    pub(crate) status: Option<StatusCode>,
}

impl Handler {
    pub(crate) fn count(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    pub(crate) fn run<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let time = self.ran.fetch_add(1, Ordering::SeqCst);
        let paid = request.extensions().get::<Paid>();
        let text = match paid {
            Some(paid) => format!("{} units, time {time}", paid.amount),
            None => "free".into(),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = self.status.unwrap_or(StatusCode::OK);
        response
    }
}
