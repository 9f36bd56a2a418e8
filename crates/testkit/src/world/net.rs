//! The wire from a buyer to a shop with several replicas.

use super::{
    Shared,
    executor::{Actor, Executor, connection, lock},
    fault::Fault,
    oracle::{Id, serial},
    seller,
};
use http::{HeaderValue, Request, Response};
use http402_core::{
    Bytes,
    seam::{Boxed, SeamError},
};
use http402_flow::client::Transport;
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

/// How long a client waits for a response, in milliseconds.
const PATIENCE: u64 = 100_000;

/// Marks the requests of a thief, for the oracle alone.
pub(crate) const THIEF: &str = "x-thief";

/// The value of a future that ends in time.
pub(crate) async fn within<T>(
    executor: &Executor,
    millis: u64,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut sleep = pin!(executor.millis(millis));
    let mut future = pin!(future);
    poll_fn(move |context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// What a process of a buyer sends its requests over.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) world: Arc<Shared>,
    pub(crate) actor: Actor,
    /// For which wish.
    pub(crate) wish: usize,
}

impl Net {
    /// Has a replica serve the request; what it answers comes out of the slot.
    fn deliver(
        &self,
        request: Request<Vec<u8>>,
        watched: bool,
    ) -> Option<super::executor::Slot<Response<Bytes>>> {
        let world = &self.world;
        let replicas = world.scenario.replicas as u64;
        let replica = usize::try_from(world.draw(replicas)).unwrap_or(0);
        let actor = world.scenario.replica(replica);
        let life = world.executor.life(actor)?;
        let seller = lock(&world.sellers)[replica].clone()?;
        let (reply, slot) = connection();
        let task = seller::serve(seller, request, reply, watched);
        world.executor.spawn(actor, life, Box::pin(task));
        Some(slot)
    }

    /// Somebody who has seen the credential presents it with a signature of his own.
    fn junk(&self, request: &Request<Vec<u8>>) {
        let mut copy = request.clone();
        let names = ["payment-signature", "x-payment"];
        for name in names {
            let Some(value) = copy.headers().get(name) else {
                continue;
            };
            if let Some(junk) = spoil(value) {
                copy.headers_mut().insert(name, junk);
            }
        }
        copy.headers_mut()
            .insert(THIEF, HeaderValue::from_static("1"));
        self.world
            .note(self.actor, || "is copied by a thief".into());
        drop(self.deliver(copy, false));
    }

    fn presented(&self, request: &Request<Vec<u8>>) -> Option<Id> {
        let nonce = self.world.nonce_of(request)?;
        let world = &self.world;
        let mut state = lock(&world.state);
        let state = &mut *state;
        let accounts = &world.scenario.accounts;
        let cap = |account: usize| accounts[account].cap;
        state.oracle.presents(nonce, self.wish, cap, &state.chain);
        Some(nonce)
    }
}

/// The credential with one digit of the signature changed.
fn spoil(value: &HeaderValue) -> Option<HeaderValue> {
    let text = http402_x402::header::decode("credential", value.as_bytes()).ok()?;
    let at = text.find("\"signature\":\"0x")? + "\"signature\":\"0x".len();
    let mut bytes = text.into_bytes();
    let digit = bytes.get_mut(at)?;
    *digit = if *digit == b'0' { b'1' } else { b'0' };
    let text = String::from_utf8(bytes).ok()?;
    HeaderValue::from_str(&http402_x402::header::encode(&text)).ok()
}

impl Transport<Vec<u8>> for Net {
    type Body = Bytes;

    fn send(&self, request: Request<Vec<u8>>) -> Boxed<'_, Result<Response<Bytes>, SeamError>> {
        Box::pin(async move {
            let world = &self.world;
            let nonce = self.presented(&request);
            world.note(self.actor, || match nonce {
                Some(nonce) => format!("presents {nonce} for {}", request.uri().path()),
                None => format!("asks for {}", request.uri().path()),
            });
            if let Some(nonce) = nonce {
                world.seen(nonce, self.actor);
            }
            world.executor.millis(1 + world.draw(80)).await;
            if let Some(chance) = world.strikes(Fault::Delay, self.actor) {
                world.executor.millis(1_000 + chance % 60_000).await;
            }
            if world.strikes(Fault::LostRequest, self.actor).is_some() {
                world.executor.millis(5_000).await;
                return Err("no answer".into());
            }
            if nonce.is_some() && world.strikes(Fault::Junk, self.actor).is_some() {
                self.junk(&request);
            }
            if world.strikes(Fault::Duplicate, self.actor).is_some() {
                drop(self.deliver(request.clone(), false));
            }
            let watched = world.draw(2) == 0;
            let slot = self.deliver(request, watched).ok_or("connection refused")?;
            let response = within(&world.executor, PATIENCE, slot).await.flatten();
            let response = response.ok_or("connection reset")?;
            world.executor.millis(1 + world.draw(80)).await;
            if world.strikes(Fault::LostAnswer, self.actor).is_some() {
                return Err("the answer was lost".into());
            }
            if let (Some(nonce), Some(serial)) = (nonce, serial(response.body())) {
                lock(&world.state).oracle.arrives(nonce, serial);
            }
            Ok(response)
        })
    }

    fn read(&self, body: Bytes, limit: usize) -> Boxed<'_, Result<Vec<u8>, SeamError>> {
        let read = body
            .get(..limit.min(body.len()))
            .unwrap_or_default()
            .to_vec();
        Box::pin(async move { Ok(read) })
    }
}
