//! What all processes of a world have in common: time, chain, wires, stores, and the oracle that sees everything.

use super::{
    Options,
    buyer::Fate,
    chain::{Call, Chain},
    dice::Dice,
    executor::{Actor, Executor, lock},
    fault::{Fault, Faults},
    oracle::{Id, Oracle},
    scenario::{START, Scenario},
    seller::{Seller, credential},
    store::{planted, purse},
    wallet::mark,
};
use http::{HeaderValue, Request};
use http402_core::{
    Timestamp, U256,
    authorization::Eip3009,
    ledger::{Key, Ledger, Page, Phase, Versioned, Write},
    typed::{Domain, ToSign},
};
use http402_ledger::Memory;
use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// What everybody has on his account, in atomic units.
pub(crate) const FUNDS: u64 = 1_000_000;

pub(crate) struct State {
    pub(crate) chain: Chain,
    pub(crate) oracle: Oracle,
    pub(crate) fates: Vec<Fate>,
}

pub(crate) struct Shared {
    pub(crate) executor: Executor,
    pub(crate) scenario: Scenario,
    pub(crate) options: Options,
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) dice: Mutex<Dice>,
    pub(crate) sellers: Mutex<Vec<Option<Arc<Seller>>>>,
    /// The ledger of the shop.
    pub(crate) shop: Arc<dyn Ledger>,
    /// The ledgers of the accounts.
    pub(crate) purses: Vec<Arc<dyn Ledger>>,
    pub(crate) skews: Mutex<Vec<i64>>,
    nonces: Mutex<HashMap<HeaderValue, Id>>,
    pub(crate) trace: Mutex<Vec<(u64, Actor, String)>>,
}

/// The value of a future that never waits.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl Shared {
    pub(crate) fn new(seed: u64, options: Options) -> Arc<Self> {
        let scenario = Scenario::of(seed);
        let mut chain = Chain::new(seed, START);
        for account in &scenario.accounts {
            chain.fund(account.address, FUNDS);
        }
        Arc::new(Self {
            executor: Executor::new(seed, scenario.actors()),
            state: Mutex::new(State {
                chain,
                oracle: Oracle::default(),
                fates: vec![Fate::Open; scenario.wishes.len()],
            }),
            faults: Mutex::new(Faults::new(seed, options.only.clone())),
            dice: Mutex::new(Dice::new(seed, 4)),
            sellers: Mutex::new(vec![None; scenario.replicas]),
            shop: planted(options.plant, Arc::new(Memory::new())),
            purses: scenario
                .accounts
                .iter()
                .map(|_| purse(options.plant, Arc::new(Memory::new())))
                .collect(),
            skews: Mutex::new(vec![0; scenario.actors()]),
            nonces: Mutex::default(),
            trace: Mutex::default(),
            scenario,
            options,
        })
    }

    /// The time, as an actor's clock has it.
    pub(crate) fn now(&self, actor: Actor) -> Timestamp {
        let secs = START + self.executor.now() / 1_000;
        Timestamp::from_secs(secs.saturating_add_signed(lock(&self.skews)[actor.0]))
    }

    /// A number below `end`.
    pub(crate) fn draw(&self, end: u64) -> u64 {
        lock(&self.dice).below(end)
    }

    /// Whether a fault strikes here.
    pub(crate) fn strikes(&self, fault: Fault, actor: Actor) -> Option<u64> {
        let struck = lock(&self.faults).strikes(fault, actor)?;
        self.note(actor, || format!("FAULT: {fault}"));
        Some(struck)
    }

    /// Adds a line to the trace, when there is one.
    pub(crate) fn note(&self, actor: Actor, what: impl FnOnce() -> String) {
        if self.options.trace {
            let line = (self.executor.now(), actor, what());
            lock(&self.trace).push(line);
        }
    }

    /// Brings the chain up to date.
    pub(crate) fn advance(&self) {
        let now = self.executor.now();
        lock(&self.state).chain.advance(now);
    }

    /// Whether a wish is part of this history.
    pub(crate) fn wanted(&self, wish: usize) -> bool {
        let wishes = self.options.wishes.as_ref();
        wishes.is_none_or(|wishes| wishes.contains(&wish))
    }

    /// The nonce in a request's credential, read without the code that wrote it.
    pub(crate) fn nonce_of(&self, request: &Request<Vec<u8>>) -> Option<Id> {
        let value = credential(request.headers())?;
        if let Some(known) = lock(&self.nonces).get(value) {
            return Some(*known);
        }
        let text = http402_x402::header::decode("credential", value.as_bytes()).ok()?;
        let at = text.find("\"nonce\":\"")? + "\"nonce\":\"".len();
        let nonce = Id(text.get(at..at + 66)?.parse().ok()?);
        lock(&self.nonces).insert(value.clone(), nonce);
        Some(nonce)
    }

    /// Writes of the shop's ledger that take a claim for one request.
    pub(crate) fn wrote(&self, writes: &[Write]) {
        for write in writes {
            let Some(record) = &write.put else {
                continue;
            };
            let Some(lease) = record.lease else {
                continue;
            };
            if matches!(record.phase, Phase::Reserved | Phase::Undelivered) {
                let nonce = write.key.as_str().rsplit(':').next();
                if let Some(nonce) = nonce.and_then(|text| text.parse().ok()) {
                    lock(&self.state).oracle.held(Id(nonce), lease.secs());
                }
            }
        }
    }

    /// A wallet is asked to sign: the policy must have seen it, and the purse must know of it.
    pub(crate) fn approved(&self, account: usize, document: &Eip3009, what: &ToSign) {
        let purse = &self.purses[account];
        let all = everything(purse.as_ref(), self.now(Scenario::NATURE), "attempt:");
        let nonce = document.nonce.as_slice();
        let mut recorded = all
            .iter()
            .filter(|(_, found)| found.record.phase == Phase::Approved);
        let known = recorded.any(|(_, found)| {
            let body = &found.record.body;
            body.windows(nonce.len()).any(|part| part == nonce)
        });
        let token = super::scenario::token();
        let domain = Domain {
            name: Some((&*token.domain().name).into()),
            version: Some((&*token.domain().version).into()),
            chain_id: token.chain.evm().map(U256::from),
            verifying_contract: token.address.evm(),
        };
        let known_kind = matches!(what, ToSign::TypedData { document, .. }
            if document.domain == domain && document.types == [Eip3009::TYPE]);
        let mut routes = self.scenario.routes.iter();
        let priced =
            routes.any(|route| route.requirement.price.ceiling().units() == document.value);
        let mut state = lock(&self.state);
        if !known {
            let what = format!("{} is signed and no purse has it", Id(document.nonce));
            state.oracle.violated(what);
        }
        if !known_kind || document.to != super::scenario::PAYEE || !priced {
            let what = format!("{} is signed and is no offer's", Id(document.nonce));
            state.oracle.violated(what);
        }
    }

    /// Strangers and the payer himself, who see or know of an authorization that is on its way.
    pub(crate) fn seen(&self, nonce: Id, actor: Actor) {
        let preempts = self.strikes(Fault::PreEmption, actor);
        let cancels = self.strikes(Fault::Cancel, actor);
        let drains = self.strikes(Fault::Drain, actor);
        if preempts.or(cancels).or(drains).is_none() {
            return;
        }
        self.advance();
        let mut state = lock(&self.state);
        let State { chain, oracle, .. } = &mut *state;
        let matter = oracle.matter(nonce);
        let Some((_, signed)) = matter.signed.clone() else {
            return;
        };
        if let Some(chance) = preempts {
            matter.preempted = true;
            let mut signed = signed.clone();
            signed.signature = mark(signed.from, nonce.0);
            chain.submit(Call::Execute(Box::new(signed)), chance % 3);
        }
        if let Some(chance) = cancels {
            let (from, nonce) = (signed.from, nonce.0);
            chain.submit(Call::Cancel { from, nonce }, chance % 6);
        }
        if let Some(chance) = drains {
            chain.submit(Call::Drain { from: signed.from }, chance % 6);
        }
    }
}

/// All unfinished records of a ledger.
pub(crate) fn everything(
    ledger: &dyn Ledger,
    now: Timestamp,
    prefix: &str,
) -> Vec<(Key, Versioned)> {
    let page = now_or_never(ledger.pending(now, prefix, None, 1_000));
    page.and_then(Result::ok)
        .map_or_else(Vec::new, |page: Page| page.records)
}
