//! What one payment writes: taken from `flow` itself, so that keys, bodies and steps are those of a real one.

use http402_benches::scene::{NOW, Scene};
use http402_core::{
    Bytes, Claim, Pending, Receipt, Requested, Settlement, Step, Timestamp, Verdict,
    ledger::{Applied, Expect, Key, Ledger, Page, Versioned, Write},
    seam::{Boxed, Clock, Facilitator, Judge, Kind, Known, SeamError, Spawn},
};
use http402_flow::server::{Arrival, Gate, Handled, NoEvents, Outcome, Seams, Till, drive};
use http402_ledger::Memory;
use http402_x402::http::X402V2;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The steps of one payment.
pub(crate) struct Payment {
    steps: Vec<Vec<Write>>,
}

impl Payment {
    /// One that is served first: reserved, owed, settled.
    pub(crate) fn recorded() -> Self {
        let scene = Scene::new(7);
        let ledger = Arc::new(Recorder::default());
        let seams = Seams {
            judge: Arc::new(Good),
            facilitator: Arc::new(Good),
            ledger: ledger.clone(),
            clock: Arc::new(Still),
            spawn: Arc::new(Tokio),
            events: Arc::new(NoEvents),
        };
        let gate = Gate::new(vec![Arc::new(X402V2)]).unwrap();
        let till = Till::new(seams, gate);
        let arrival = Arrival {
            body: None,
            method: &http::Method::GET,
            headers: &scene.headers,
            request: Requested::new("GET", "/x", None),
            resource: &scene.resource,
            requirements: &scene.requirements,
        };
        let body = Bytes::from_static(&[b'x'; 256]);
        let response = http::Response::new(body.clone());
        let handled = |_| async move {
            Ok::<_, Infallible>(Handled {
                response,
                body: Some(body),
            })
        };
        let outcome = tokio::runtime::Handle::current().block_on(drive(&till, arrival, handled));
        assert!(matches!(outcome, Ok(Outcome::Served(_))), "it is paid");
        let steps = std::mem::take(&mut *ledger.steps.lock().unwrap());
        Self { steps }
    }

    /// How many bytes of keys and bodies each of its steps has.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let size = |write: &Write| {
            write.key.as_str().len() + write.put.as_ref().map_or(0, |put| put.body.len())
        };
        let sizes = self.steps.iter().map(|step| step.iter().map(size).sum());
        sizes.collect()
    }

    /// The same for another authorization.
    pub(crate) fn number(&self, number: u64) -> Vec<Vec<Write>> {
        let mut steps = self.steps.clone();
        for write in steps.iter_mut().flatten() {
            let text = write.key.as_str();
            let kept = &text[..text.len() - 16];
            write.key = Key::new(format!("{kept}{number:016x}"));
        }
        steps
    }
}

/// Makes all steps of a payment, each with the versions that the one before it has given.
pub(crate) async fn make(ledger: &dyn Ledger, steps: &mut [Vec<Write>]) {
    let mut versions: Vec<u64> = Vec::new();
    for step in steps {
        for (write, version) in step.iter_mut().zip(&versions) {
            write.expect = Expect::Version(*version);
        }
        match ledger.apply(NOW, step).await {
            Ok(Applied::Done(new)) => versions = new,
            other => panic!("a step was not made: {other:?}"),
        }
    }
}

#[derive(Default)]
struct Recorder {
    memory: Memory,
    steps: Mutex<Vec<Vec<Write>>>,
}

impl Ledger for Recorder {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        self.steps.lock().unwrap().push(writes.to_vec());
        self.memory.apply(now, writes)
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        self.memory.get(now, key)
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        self.memory.pending(now, prefix, cursor, limit)
    }
}

/// Finds every claim good, and settles it.
struct Good;

fn valid(claim: &Claim) -> Verdict {
    let payer = claim.authorization.payer().unwrap();
    Verdict::Valid { payer }
}

fn settled(claim: &Claim) -> Settlement {
    let transaction = format!("0x{}", "5".repeat(64));
    let chain = claim.requirement.chain.clone();
    let payer = claim.authorization.payer();
    Settlement::Settled(Receipt::new(payer, claim.amount(), chain, transaction))
}

impl Judge for Good {
    fn judge(&self, claim: &Claim, _: &Known) -> Verdict {
        valid(claim)
    }
}

impl Facilitator for Good {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move { Ok(valid(claim)) })
    }

    fn settle<'a>(&'a self, claim: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move { Ok(settled(claim)) })
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        _: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move { Ok(settled(claim)) })
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, time: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

struct Tokio;

impl Spawn for Tokio {
    fn spawn(&self, future: Boxed<'static, ()>) {
        drop(tokio::spawn(future));
    }
}
