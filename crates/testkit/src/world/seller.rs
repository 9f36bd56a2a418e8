//! A replica of the shop: the real gate and the real `drive`, over seams that fail.

use super::{
    Shared,
    executor::{Actor, Reply, lock},
    facilitator::{House, signed_of},
    fault::Fault,
    line::Line,
    net::THIEF,
    oracle::{Id, goods, serial},
    plant::Plant,
    scenario::{HOST, Route},
    store::Store,
    wallet::Eye,
};
use http::{HeaderMap, Request, Response, StatusCode};
use http402_core::{
    Bytes, Claim, Reason, Requested, Resource, Timestamp, Verdict,
    protocol::Asked,
    seam::{Boxed, Clock, Known, Spawn},
};
use http402_flow::server::{
    Arrival, Event, Events, Gate, Handled, Outcome, Seams, Till, drive, recover,
};
use http402_x402::http::{X402V1, X402V2};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

/// A replica in one of its lives.
pub(crate) struct Seller {
    world: Arc<Shared>,
    actor: Actor,
    gate: Gate,
    /// By facilitator.
    tills: Vec<Arc<Till>>,
}

/// A process's clock, and its tasks.
pub(crate) struct Process {
    pub(crate) world: Arc<Shared>,
    pub(crate) actor: Actor,
    pub(crate) life: u32,
}

impl Clock for Process {
    fn now(&self) -> Timestamp {
        self.world.now(self.actor)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(self.world.executor.sleep(duration))
    }
}

impl Spawn for Process {
    fn spawn(&self, future: Boxed<'static, ()>) {
        self.world.executor.spawn(self.actor, self.life, future);
    }
}

struct Log {
    world: Arc<Shared>,
    actor: Actor,
}

impl Events for Log {
    fn event(&self, claim: &Claim, event: &Event<'_>) {
        self.world.note(self.actor, || {
            let key = claim.spends.first().map(|key| key.as_str());
            let nonce = key.and_then(|key| key.rsplit("0x").next());
            let nonce: String = nonce.unwrap_or_default().chars().take(6).collect();
            format!("{nonce}: {event:?}")
        });
        if let (Event::Reversed(_), Some(signed)) = (event, signed_of(claim)) {
            lock(&self.world.state).oracle.reversed(Id(signed.nonce));
        }
    }
}

impl Seller {
    pub(crate) fn new(world: &Arc<Shared>, at: usize) -> Option<Self> {
        let actor = world.scenario.replica(at);
        let life = world.executor.life(actor)?;
        let mut gate = Gate::new(vec![Arc::new(X402V2), Arc::new(X402V1)]).ok()?;
        if let Some(after) = world.scenario.finality {
            gate = gate.finality(after);
        }
        let process = || {
            Arc::new(Process {
                world: world.clone(),
                actor,
                life,
            })
        };
        let seams = |(at, manners): (usize, &super::scenario::Manners)| Seams {
            judge: Arc::new(Eye::new(world)),
            facilitator: Arc::new(Line {
                house: House {
                    world: world.clone(),
                    actor: world.scenario.facilitator(at),
                    manners: *manners,
                },
                actor,
            }),
            ledger: Arc::new(Store::new(world, actor, &world.shop)),
            clock: process(),
            spawn: process(),
            events: Arc::new(Log {
                world: world.clone(),
                actor,
            }),
        };
        Some(Self {
            tills: world
                .scenario
                .facilitators
                .iter()
                .enumerate()
                .map(|one| Till::new(seams(one), gate.clone()))
                .collect(),
            world: world.clone(),
            actor,
            gate,
        })
    }

    /// Goes on with what was in flight when the process died.
    pub(crate) async fn recover(&self) {
        let Some(till) = self.tills.first() else {
            return;
        };
        let recovered = recover(till.seams(), &self.gate, "").await;
        self.world.note(self.actor, || match recovered {
            Ok(recovered) => format!("recovers: {recovered:?}"),
            Err(error) => format!("can not recover: {error}"),
        });
    }

    async fn answer(&self, request: &Request<Vec<u8>>) -> Response<Bytes> {
        let (world, path) = (&self.world, request.uri().path());
        let Some(route) = world.scenario.routes.iter().find(|one| one.path == path) else {
            return plain(StatusCode::NOT_FOUND);
        };
        let nonce = world.nonce_of(request);
        let resource = Resource::new(format!("https://{HOST}{path}"));
        let requirements = std::slice::from_ref(&route.requirement);
        let arrival = Arrival {
            body: None,
            method: request.method(),
            headers: request.headers(),
            request: Requested::new(request.method().as_str(), path, None),
            resource: &resource,
            requirements,
        };
        let till = &self.tills[route.facilitator];
        let early = self.early(till.seams(), &arrival, route, nonce).await;
        let work = |_| async {
            let served = match early {
                Some(made) => made,
                None => self.work(route, nonce).await,
            };
            Ok::<_, Infallible>(served)
        };
        let response = match drive(till, arrival, work).await {
            Ok(Outcome::Served(response)) => response,
            Ok(Outcome::Answered(response)) => self.plant_answer(&arrival, response),
            Err(never) => match never {},
        };
        self.watch(request, nonce, &response);
        response
    }

    /// The handler: takes its time, fails at times, and makes goods with a number.
    async fn work(&self, route: &Route, nonce: Option<Id>) -> Handled<Bytes> {
        let world = &self.world;
        let mut at_work = AtWork {
            world: world.clone(),
            run: None,
        };
        if let Some(nonce) = nonce {
            let now = world.now(self.actor).secs();
            let serial = lock(&world.state).oracle.granted(nonce, now, super::SKEW);
            at_work.run = Some((nonce, serial));
            world.note(self.actor, || format!("{nonce}: makes goods {serial}"));
        }
        let pause = match world.strikes(Fault::SlowHandler, self.actor) {
            Some(chance) => 1_000 + chance % 200_000,
            None => world.draw(100),
        };
        world.executor.millis(pause).await;
        let mut response = Response::new(match at_work.run {
            Some((_, serial)) => goods(serial),
            None => Bytes::new(),
        });
        if world.strikes(Fault::HandlerFails, self.actor).is_some() {
            *response.body_mut() = Bytes::new();
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        let body = route.whole.then(|| response.body().clone());
        Handled { response, body }
    }

    /// What goes out, for the oracle.
    fn watch(&self, request: &Request<Vec<u8>>, nonce: Option<Id>, response: &Response<Bytes>) {
        let Some(nonce) = nonce else {
            return;
        };
        let world = &self.world;
        world.advance();
        let now = world.now(self.actor);
        let mut state = lock(&world.state);
        let state = &mut *state;
        if request.headers().contains_key(THIEF) {
            let matter = state.oracle.matter(nonce);
            let lied = matter.lied_settled || matter.lied_genuine;
            if serial(response.body()).is_some() && !lied {
                state
                    .oracle
                    .violated(format!("{nonce} was delivered to a thief"));
            }
            return;
        }
        if let Some(serial) = serial(response.body()) {
            state.oracle.leaves(nonce, serial, &state.chain);
        }
        if response.status() == StatusCode::PAYMENT_REQUIRED {
            state.oracle.offers(nonce, now, &state.chain);
        }
        world.note(self.actor, || {
            format!("{nonce}: answers {}", response.status())
        });
    }

    /// The planted order: the handler runs for every credential that looks good, and what it made is reserved afterwards.
    async fn early(
        &self,
        seams: &Seams,
        arrival: &Arrival<'_>,
        route: &Route,
        nonce: Option<Id>,
    ) -> Option<Handled<Bytes>> {
        if self.world.options.plant != Some(Plant::ReserveAfterHandler) {
            return None;
        }
        let presented = self.gate.receive(&asked(seams, arrival), arrival.headers);
        let presented = presented.ok()?;
        let known = Known::at(seams.clock.now());
        let verdict = seams.judge.judge(presented.claim(), &known);
        if !matches!(verdict, Verdict::Valid { .. }) {
            return None;
        }
        Some(self.work(route, nonce).await)
    }

    /// The planted answer: offers where the outcome is not known.
    fn plant_answer(&self, arrival: &Arrival<'_>, response: Response<Bytes>) -> Response<Bytes> {
        let unknown = response.status() == StatusCode::SERVICE_UNAVAILABLE;
        if unknown && self.world.options.plant == Some(Plant::UnknownIsRefusal) {
            let asked = asked(self.tills[0].seams(), arrival);
            return self.gate.refuse(&asked, &Reason::PaymentRequired);
        }
        response
    }
}

fn asked<'a>(seams: &Seams, arrival: &Arrival<'a>) -> Asked<'a> {
    Asked::new(
        arrival.requirements,
        arrival.resource,
        arrival.method,
        arrival.request,
        seams.clock.now(),
    )
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Tells when a handler has ended, whichever way.
struct AtWork {
    world: Arc<Shared>,
    run: Option<(Id, u64)>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some((nonce, serial)) = self.run {
            lock(&self.world.state).oracle.handled(nonce, serial);
        }
    }
}

/// One request at one replica. When the client goes and the server watches the connection, the request is dropped.
pub(crate) async fn serve(
    seller: Arc<Seller>,
    request: Request<Vec<u8>>,
    reply: Reply<Response<Bytes>>,
    watched: bool,
) {
    let response = {
        let mut answer = pin!(seller.answer(&request));
        poll_fn(|context| {
            if watched && reply.is_gone(context) {
                return Poll::Ready(None);
            }
            answer.as_mut().poll(context).map(Some)
        })
        .await
    };
    if let Some(response) = response {
        reply.send(response);
    } else {
        seller
            .world
            .note(seller.actor, || "the client is gone".into());
    }
}

/// The heads that may carry a credential.
pub(crate) fn credential(headers: &HeaderMap) -> Option<&http::HeaderValue> {
    let second = headers.get("payment-signature");
    second.or_else(|| headers.get("x-payment"))
}
