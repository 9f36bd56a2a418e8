//! A paywall over seams that answer at once, and the way through it without a socket.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]

use crate::scene::{NOW, Scene};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use http402_core::{
    Claim, Pending, Receipt, Settlement, Step, Timestamp, Verdict,
    asset::Assets,
    seam::{Boxed, Clock, Facilitator, Kind, SeamError},
};
use http402_flow::server::{Check, NoEvents};
use http402_ledger::Memory;
use http402_tower::{Pay, PayLayer, Seams, Tokio};
use http402_verify::{
    Gather, Verifier,
    engine::{Keys, Lanes, Portable},
};
use http402_x402::http::X402V2;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;

/// The time at which all payments hold.
struct Fixed(Tokio);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.0.sleep(duration)
    }
}

/// Settles in memory, at once: what is measured is this side of it.
struct Instantly;

impl Facilitator for Instantly {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, _: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        panic!("signatures are verified here")
    }

    fn settle<'a>(&'a self, claim: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async {
            let chain = claim.requirement.chain.clone();
            let receipt = Receipt::new(claim.authorization.payer(), claim.amount(), chain, "0x01");
            Ok(Settlement::Settled(receipt))
        })
    }

    fn resolve<'a>(
        &'a self,
        _: &'a Claim,
        _: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        panic!("nothing is unknown")
    }
}

/// A paywall for the route of [`Scene`] that settles in memory, at once.
///
/// # Panics
/// When it can not be made.
pub fn paywall(scene: &Scene) -> PayLayer {
    let engine = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    let verifier = Verifier::new(Assets::known());
    let verifier = match Lanes::detect(engine.clone()) {
        Some(lanes) => verifier.engine(lanes),
        None => verifier.engine(engine),
    };
    let running = Tokio::new();
    let seams = Seams {
        judge: Arc::new(Gather::new(verifier)),
        facilitator: Arc::new(Instantly),
        ledger: Arc::new(Memory::with_room(1 << 20, 1 << 30)),
        clock: Arc::new(Fixed(running.clone())),
        spawn: Arc::new(running),
        events: Arc::new(NoEvents),
    };
    let amount = scene.claim.amount();
    PayLayer::builder(seams)
        .protocol(X402V2)
        .base_url("https://api.example.com")
        .price(scene.requirements.clone())
        .terms(move |gate| gate.check(Check::LocalUpTo(amount)))
        .build()
        .unwrap()
}

/// What is sold.
#[derive(Clone, Debug)]
struct Goods;

impl Service<Request<()>> for Goods {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Full::from("goods"))))
    }
}

/// A service behind a [`paywall`], and the runtime that it runs on.
#[derive(Debug)]
pub struct Shop {
    service: Pay<Goods>,
    runtime: tokio::runtime::Runtime,
}

impl Shop {
    /// A shop on a runtime of this thread.
    ///
    /// # Panics
    /// When it can not be made.
    pub fn new(scene: &Scene) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            service: paywall(scene).layer(Goods),
            runtime: { runtime }.build().unwrap(),
        }
    }

    /// The status of the response to a request with these headers.
    ///
    /// # Panics
    /// Never: the service has no errors.
    pub fn ask(&mut self, headers: &HeaderMap) -> u16 {
        let mut request = Request::new(());
        *request.uri_mut() = http::Uri::from_static("/x");
        *request.headers_mut() = headers.clone();
        let response = self.service.call(request);
        self.runtime.block_on(response).unwrap().status().as_u16()
    }
}
