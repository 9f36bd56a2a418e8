//! A process of a buyer: the real client over seams that fail, and a caller who wants his wishes fulfilled.

use super::{
    Shared,
    executor::{Actor, lock},
    fault::Fault,
    net::{Net, within},
    oracle::{has_moved, serial},
    scenario::{HOST, Wish, token},
    seller::Process,
    store::Store,
    wallet::Wallet,
};
use http::Request;
use http402_core::{
    Authorization, B256, ChainId, Party,
    protocol::ClientProtocol,
    seam::{Boxed, ChainView, Entropy, SeamError, Spent},
};
use http402_flow::client::{Allowance, Buyer, Error, IdempotencyKey, Payment, Policy, Reply};
use http402_x402::http::{X402V1, X402V2};
use std::sync::Arc;

/// How often a caller asks before he gives up for now.
const TRIES: u64 = 3;

/// What became of a wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is still wanted.
    #[default]
    Open,
    /// The goods are here.
    Fulfilled,
    /// The policy does not pay for it.
    Denied,
    /// It is paid, and the goods are gone: nothing that can be asked brings them.
    Spent,
    /// The seller does not take the payment.
    Refused,
}

struct Chance {
    world: Arc<Shared>,
}

impl Entropy for Chance {
    fn bytes32(&self) -> B256 {
        lock(&self.world.dice).bytes32().into()
    }
}

/// A buyer's own view of the chain.
struct View {
    world: Arc<Shared>,
    actor: Actor,
}

impl ChainView for View {
    fn spent<'a>(
        &'a self,
        _: &'a ChainId,
        _: &'a Party,
        authorization: &'a Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>> {
        Box::pin(async move {
            let world = &self.world;
            world.executor.millis(1 + world.draw(20)).await;
            if world.strikes(Fault::LostAnswer, self.actor).is_some() {
                return Err("the node does not answer".into());
            }
            world.advance();
            let Authorization::Eip3009(signed) = authorization else {
                return Ok(Spent::Unknown);
            };
            let state = lock(&world.state);
            let chain = &state.chain;
            Ok(if chain.never(signed) {
                Spent::Never
            } else if has_moved(signed, chain) {
                let found = chain.used(signed.from, signed.nonce);
                Spent::Yes {
                    transaction: found.map(|found| format!("0x{:064x}", found.hash).into()),
                }
            } else {
                Spent::Unknown
            })
        })
    }
}

fn policy(cap: u64) -> Option<Policy> {
    let money = |units: u64| format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
    let allowance = Allowance::of(token(), &money(2_000)).ok()?;
    Some(Policy::new().allow(allowance.per_day(&money(cap)).ok()?))
}

/// A process in one of its lives.
pub(crate) struct Caller {
    world: Arc<Shared>,
    actor: Actor,
    buyer: Buyer,
    process: usize,
}

impl Caller {
    pub(crate) fn new(world: &Arc<Shared>, process: usize) -> Option<Self> {
        let actor = world.scenario.process(process);
        let life = world.executor.life(actor)?;
        let account = world.scenario.processes[process];
        let who = &world.scenario.accounts[account];
        let wallet = Wallet {
            world: world.clone(),
            account,
            actor,
        };
        let clock = Process {
            world: world.clone(),
            actor,
            life,
        };
        let chance = Chance {
            world: world.clone(),
        };
        let store = Store::new(world, actor, &world.purses[account]);
        let mut buyer = Buyer::new(
            policy(who.cap)?,
            Arc::new(wallet),
            Arc::new(store),
            Arc::new(clock),
            Arc::new(chance),
        );
        let (first, second): (Arc<dyn ClientProtocol>, Arc<dyn ClientProtocol>) =
            (Arc::new(X402V1), Arc::new(X402V2));
        buyer = buyer.protocols(if who.first_version {
            vec![first]
        } else {
            vec![second, first]
        });
        if who.sees_chain {
            buyer = buyer.chain_view(Arc::new(View {
                world: world.clone(),
                actor,
            }));
        }
        Some(Self {
            world: world.clone(),
            actor,
            buyer,
            process,
        })
    }

    /// Looks at what a former life has left open.
    pub(crate) async fn recover(&self) {
        let recovered = self.buyer.recover().await;
        self.world.note(self.actor, || match &recovered {
            Ok(found) => format!(
                "recovers: {} unspent, {} open",
                found.unspent.len(),
                found.open.len()
            ),
            Err(error) => format!("can not recover: {error}"),
        });
    }

    /// The wishes of this process that are still open.
    pub(crate) fn wishes(&self) -> Vec<usize> {
        let state = lock(&self.world.state);
        let wishes = self.world.scenario.wishes.iter().enumerate();
        wishes
            .filter(|(_, wish)| wish.process == self.process)
            .filter(|(at, _)| self.world.wanted(*at))
            .filter(|(at, _)| state.fates[*at] != Fate::Fulfilled)
            .map(|(at, _)| at)
            .collect()
    }

    fn request(&self, at: usize, wish: &Wish) -> Request<Vec<u8>> {
        let path = &self.world.scenario.routes[wish.route].path;
        let mut request = Request::new(Vec::new());
        if let Ok(uri) = format!("https://{HOST}{path}").parse() {
            *request.uri_mut() = uri;
        }
        if wish.named {
            let key = IdempotencyKey::new(&format!("wish {at}"));
            request.extensions_mut().insert(key);
        }
        request
    }

    /// Asks until the goods are here, there is no sense in it, or patience ends.
    pub(crate) async fn pursue(self: Arc<Self>, at: usize) {
        let (world, wish) = (&self.world, self.world.scenario.wishes[at]);
        let wait = wish.begin.saturating_sub(world.executor.now());
        if wait > 0 {
            world.executor.millis(wait).await;
        }
        for round in 0..TRIES {
            let request = self.request(at, &wish);
            let net = Net {
                world: world.clone(),
                actor: self.actor,
                wish: at,
            };
            let call = self.buyer.pay(&net, request);
            let hangs_up = world.strikes(Fault::HangUp, self.actor);
            let fate = match hangs_up {
                Some(chance) => within(&world.executor, chance % 5_000, call).await,
                None => Some(call.await),
            };
            let fate = self.judge(at, fate);
            lock(&world.state).fates[at] = fate;
            // In calm, asking at once for what is gone brings nothing.
            let gone = fate == Fate::Spent && !lock(&world.faults).active();
            if gone || matches!(fate, Fate::Fulfilled | Fate::Denied) {
                return;
            }
            world.executor.millis(1_000 << round).await;
        }
    }

    fn judge(&self, at: usize, reply: Option<Result<Reply<http402_core::Bytes>, Error>>) -> Fate {
        let (fate, why) = match reply {
            None => (Fate::Open, "hangs up".to_owned()),
            Some(Err(Error::Denied(refusal))) => (Fate::Denied, refusal.to_string()),
            Some(Err(error)) => (Fate::Open, error.to_string()),
            Some(Ok(reply)) => {
                let status = reply.response.status();
                let goods = serial(reply.response.body());
                let fate = match &reply.payment {
                    Payment::Paid { .. } if goods.is_some() => Fate::Fulfilled,
                    Payment::Spent { .. } => Fate::Spent,
                    Payment::Refused { .. } => Fate::Refused,
                    _ => Fate::Open,
                };
                let payment = match &reply.payment {
                    Payment::None => "no payment",
                    Payment::Paid { .. } => "paid",
                    Payment::Refused { .. } => "refused",
                    Payment::Spent { .. } => "spent",
                    _ => "unknown",
                };
                (fate, format!("{status}, {payment}, goods {goods:?}"))
            }
        };
        self.world
            .note(self.actor, || format!("wish {}: {why}", at + 1));
        fate
    }
}
