use http::{Request, Response, StatusCode};
use http402_core::{
    Bytes, ChainId, Claim, Pending, Reason, Receipt, Settlement, Step, Timestamp, Verdict,
    seam::{Boxed, ChainView, Clock, Facilitator, Kind, SeamError, Spawn, Spent},
};
use http402_facilitator::{Failed, Transport};
use http402_x402::{V1, V2, request};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

pub(crate) const PAYER: &str = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
pub(crate) const PAYEE: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
pub(crate) const ASSET: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
pub(crate) const HASH: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn offer(pay_to: &str) -> String {
    format!(
        r#"{{"scheme":"exact","network":"eip155:84532","amount":"10000","payTo":"{pay_to}","asset":"{ASSET}","maxTimeoutSeconds":60,"extra":{{"name":"USDC","version":"2"}}}}"#
    )
}

/// A payload with this nonce; its signature is nobody's, which is the judge's affair.
pub(crate) fn payload(nonce: u8, signature: u8) -> String {
    let offer = offer(PAYEE);
    let signature = format!("{signature:02x}").repeat(64);
    let nonce = format!("{nonce:02x}").repeat(32);
    format!(
        r#"{{"x402Version":2,"accepted":{offer},"payload":{{"signature":"0x{signature}1b","authorization":{{"from":"{PAYER}","to":"{PAYEE}","value":"10000","validAfter":"0","validBefore":"{}","nonce":"0x{nonce}"}}}}}}"#,
        NOW + 60
    )
}

pub(crate) fn claim(nonce: u8) -> Claim {
    request::claim(&payload(nonce, 7), &offer(PAYEE)).unwrap()
}

/// Time that stands, and sleeps that end at once or never.
pub(crate) struct Stand {
    pub(crate) now: Mutex<u64>,
    pub(crate) sleeps: Mutex<Vec<Duration>>,
    pub(crate) wakes: bool,
}

impl Stand {
    pub(crate) fn new(wakes: bool) -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(NOW),
            sleeps: Mutex::default(),
            wakes,
        })
    }
}

impl Clock for Stand {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(*self.now.lock().unwrap())
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.sleeps.lock().unwrap().push(duration);
        match self.wakes {
            true => Box::pin(async {}),
            false => Box::pin(std::future::pending()),
        }
    }
}

/// What the other side does with one request.
pub(crate) enum Script {
    Says(u16, String),
    Busy(&'static str),
    NotSent,
    Lost,
    Hangs,
}

/// Answers from a script, and remembers what it was sent.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) script: Mutex<VecDeque<Script>>,
    pub(crate) heard: Mutex<Vec<Request<Bytes>>>,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Script>) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().collect()),
            heard: Mutex::default(),
        })
    }
}

impl Transport for Scripted {
    fn send(
        &self,
        request: Request<Bytes>,
        _: usize,
    ) -> Boxed<'_, Result<Response<Bytes>, Failed>> {
        self.heard.lock().unwrap().push(request);
        let next = self.script.lock().unwrap().pop_front();
        Box::pin(async move {
            // Others get a turn, as on a network.
            tokio::task::yield_now().await;
            match next.expect("no more requests") {
                Script::Says(status, text) => {
                    let mut response = Response::new(Bytes::from(text.into_bytes()));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok(response)
                }
                Script::Busy(rest) => {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                    let headers = response.headers_mut();
                    headers.insert("retry-after", rest.parse().unwrap());
                    Ok(response)
                }
                Script::NotSent => Err(Failed::NotSent("refused".into())),
                Script::Lost => Err(Failed::Lost("reset".into())),
                Script::Hangs => std::future::pending().await,
            }
        })
    }
}

/// A chain view with one answer.
pub(crate) struct Sees(pub(crate) Spent);

impl ChainView for Sees {
    fn spent<'a>(
        &'a self,
        _: &'a ChainId,
        _: &'a http402_core::Party,
        _: &'a http402_core::Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>> {
        let spent = self.0.clone();
        Box::pin(async move { Ok(spent) })
    }
}

/// Settles as scripted, when it is let.
pub(crate) struct Settles {
    pub(crate) outcomes: Mutex<VecDeque<Result<Settlement, &'static str>>>,
    pub(crate) resolves: Mutex<VecDeque<Settlement>>,
    pub(crate) asked: Mutex<usize>,
    pub(crate) begun: Notify,
    pub(crate) gate: Option<Notify>,
}

impl Settles {
    pub(crate) fn new(
        outcomes: impl IntoIterator<Item = Result<Settlement, &'static str>>,
    ) -> Self {
        Self {
            outcomes: Mutex::new(outcomes.into_iter().collect()),
            resolves: Mutex::default(),
            asked: Mutex::default(),
            begun: Notify::new(),
            gate: None,
        }
    }
}

pub(crate) fn receipt(claim: &Claim) -> Settlement {
    let payer = claim.authorization.payer();
    let chain = claim.requirement.chain.clone();
    Settlement::Settled(Receipt::new(payer, claim.amount(), chain, HASH))
}

pub(crate) fn unknown() -> Settlement {
    Settlement::Unknown(Pending::new(None, Timestamp::from_secs(NOW), "lost"))
}

pub(crate) fn declined(why: Reason) -> Settlement {
    Settlement::Declined(why)
}

impl Facilitator for Settles {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        let on = |number| ChainId::eip155(number);
        let kinds = vec![
            Kind::new(V2, "exact", on(84532)),
            Kind::new(V1, "exact", on(84532)),
            Kind::new(V2, "exact", on(8453)),
        ];
        Box::pin(async move { Ok(kinds) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        let payer = claim.authorization.payer().unwrap();
        Box::pin(async move { Ok(Verdict::Valid { payer }) })
    }

    fn settle<'a>(&'a self, _: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        *self.asked.lock().unwrap() += 1;
        let next = self.outcomes.lock().unwrap().pop_front();
        Box::pin(async move {
            self.begun.notify_one();
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            Ok(next.expect("no more settlements")?)
        })
    }

    fn resolve<'a>(
        &'a self,
        _: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        let next = self.resolves.lock().unwrap().pop_front();
        Box::pin(async move { Ok(next.unwrap_or(Settlement::Unknown(pending.clone()))) })
    }
}

/// Spawns on tokio.
pub(crate) struct Tokio;

impl Spawn for Tokio {
    fn spawn(&self, future: Boxed<'static, ()>) {
        tokio::spawn(future);
    }
}
