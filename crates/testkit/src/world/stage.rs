//! The course of a history: processes start, die and start again, blocks are replaced, and in the end all is calm.

use super::{
    History, SKEW,
    buyer::{Caller, Fate},
    chain::{BLOCK, FINALITY},
    executor::{Actor, Stepped, lock},
    fault::Fault,
    scenario::{Role, Scenario},
    seller::Seller,
    shared::{FUNDS, Shared, everything},
};
use http402_core::ledger::Ledger;
use std::sync::Arc;

/// After how many polls a history that does not come to rest is a violation.
const MOST_POLLS: u64 = 300_000;

impl Shared {
    /// Begins a life of an actor.
    fn start(self: &Arc<Self>, actor: Actor, first: bool) {
        let skew = match self.strikes(Fault::Skew, actor) {
            Some(chance) => {
                i64::try_from(chance % (2 * SKEW + 1)).unwrap_or(0) - SKEW.cast_signed()
            }
            None => 0,
        };
        lock(&self.skews)[actor.0] = skew;
        let Some(life) = self.executor.life(actor) else {
            return;
        };
        match self.scenario.role(actor) {
            Role::Replica(at) => {
                let seller = Seller::new(self, at).map(Arc::new);
                lock(&self.sellers)[at].clone_from(&seller);
                if let (Some(seller), false) = (seller, first) {
                    let task = async move { seller.recover().await };
                    self.executor.spawn(actor, life, Box::pin(task));
                }
            }
            Role::Process(at) => {
                if let Some(caller) = Caller::new(self, at) {
                    self.pursue(actor, life, Arc::new(caller), first);
                }
            }
            Role::Nature | Role::Facilitator(_) => {}
        }
    }

    fn pursue(self: &Arc<Self>, actor: Actor, life: u32, caller: Arc<Caller>, first: bool) {
        let world = self.clone();
        let task = async move {
            if !first {
                caller.recover().await;
            }
            for wish in caller.wishes() {
                let task = caller.clone().pursue(wish);
                world.executor.spawn(actor, life, Box::pin(task));
            }
        };
        self.executor.spawn(actor, life, Box::pin(task));
    }

    fn crash(self: &Arc<Self>, actor: Actor, chance: u64) {
        self.executor.kill(actor);
        if let Role::Replica(at) = self.scenario.role(actor) {
            let dead = lock(&self.sellers)[at].take();
            drop(dead);
        }
        // Mostly seconds; sometimes longer than what it held is leased.
        let pause = match chance % 4 {
            0 => 1_000 + (chance >> 8) % 200_000,
            _ => 10 + (chance >> 8) % 5_000,
        };
        let world = self.clone();
        let task = async move {
            world.executor.millis(pause).await;
            world.executor.revive(actor);
            world.note(actor, || "starts again".into());
            world.start(actor, false);
        };
        self.executor.spawn(Scenario::NATURE, 0, Box::pin(task));
    }

    /// Blocks, and what happens to them.
    async fn weather(self: Arc<Self>) {
        while lock(&self.faults).active() {
            self.executor.millis(BLOCK).await;
            if let Some(chance) = self.strikes(Fault::Reorg, Scenario::NATURE) {
                self.advance();
                let depth = 1 + chance % FINALITY;
                let undone = lock(&self.state).chain.reorg(depth);
                self.note(Scenario::NATURE, || {
                    format!("{depth} blocks are replaced, {undone} transactions undone")
                });
            }
        }
    }

    /// Runs until nothing is left to do, or an invariant does not hold.
    pub(crate) fn run(self: &Arc<Self>, polls: &mut u64, active: u64) {
        loop {
            match self.executor.step() {
                Stepped::Idle => return,
                Stepped::Waited => {}
                Stepped::Polled(actor) => {
                    *polls += 1;
                    if actor != Scenario::NATURE
                        && let Some(chance) = self.strikes(Fault::Crash, actor)
                    {
                        self.crash(actor, chance);
                    }
                }
            }
            if self.executor.now() > active {
                lock(&self.faults).stop();
            }
            let mut state = lock(&self.state);
            if *polls > MOST_POLLS {
                state.oracle.violated("the history does not come to rest");
            }
            if state.oracle.violation.is_some() {
                return;
            }
        }
    }

    pub(crate) fn begin(self: &Arc<Self>) {
        for actor in 0..self.scenario.actors() {
            self.start(Actor(actor), true);
        }
        if lock(&self.faults).may(Fault::Reorg) {
            let task = self.clone().weather();
            self.executor.spawn(Scenario::NATURE, 0, Box::pin(task));
        }
    }

    /// Whether nothing is left for recovery to do, and nobody wants anything that he could have.
    pub(crate) fn is_at_rest(&self) -> bool {
        let now = self.now(Scenario::NATURE);
        let finished = |ledger: &Arc<dyn Ledger>| everything(ledger.as_ref(), now, "").is_empty();
        let content = |fate: &Fate| matches!(fate, Fate::Fulfilled | Fate::Denied);
        lock(&self.state).fates.iter().all(content)
            && finished(&self.shop)
            && self.purses.iter().all(finished)
    }

    /// Nothing goes wrong any more: everybody is up, clocks are right, accounts have money, and recovery runs.
    pub(crate) fn calm(self: &Arc<Self>, asks: bool) {
        lock(&self.faults).stop();
        for skew in lock(&self.skews).iter_mut() {
            *skew = 0;
        }
        for account in &self.scenario.accounts {
            let mut state = lock(&self.state);
            if state.chain.balance(account.address) < http402_core::U256::from(FUNDS / 2) {
                state.chain.fund(account.address, FUNDS);
            }
        }
        for actor in (0..self.scenario.actors()).map(Actor) {
            self.executor.revive(actor);
            let Some(life) = self.executor.life(actor) else {
                continue;
            };
            match self.scenario.role(actor) {
                Role::Replica(at) => {
                    let seller = Seller::new(self, at).map(Arc::new);
                    lock(&self.sellers)[at].clone_from(&seller);
                    if let Some(seller) = seller {
                        let task = async move { seller.recover().await };
                        self.executor.spawn(actor, life, Box::pin(task));
                    }
                }
                Role::Process(at) => {
                    if let Some(caller) = Caller::new(self, at).map(Arc::new) {
                        if asks {
                            self.pursue(actor, life, caller, false);
                        } else {
                            let task = async move { caller.recover().await };
                            self.executor.spawn(actor, life, Box::pin(task));
                        }
                    }
                }
                Role::Nature | Role::Facilitator(_) => {}
            }
        }
    }

    /// Lets so much time pass.
    pub(crate) fn pass(self: &Arc<Self>, millis: u64) {
        let sleep = self.executor.millis(millis);
        self.executor.spawn(Scenario::NATURE, 0, Box::pin(sleep));
    }

    /// Ends the world: everything that refers to it is dropped.
    pub(crate) fn end(self: &Arc<Self>, polls: u64) -> History {
        for actor in 0..self.scenario.actors() {
            self.executor.kill(Actor(actor));
        }
        lock(&self.sellers).clear();
        let mut state = lock(&self.state);
        let trace = std::mem::take(&mut *lock(&self.trace));
        let line = |(at, actor, what): (u64, Actor, String)| {
            let name = self.scenario.name(actor);
            format!("{:>5}.{:03} s  {name:<18} {what}", at / 1_000, at % 1_000)
        };
        let lines = trace.into_iter().map(line).collect();
        let struck = std::mem::take(&mut lock(&self.faults).struck);
        History::of(&mut state, struck, lines, polls, self.executor.now())
    }
}
