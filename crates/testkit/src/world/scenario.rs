//! Who lives in a world, and who wants to buy what: drawn from the seed.

use super::{
    SKEW,
    chain::{BLOCK, FINALITY},
    dice::Dice,
    executor::Actor,
};
use http402_core::{
    Address, Amount, Requirement,
    asset::{Asset, Assets},
};
use std::sync::OnceLock;

/// Unix time at which every history begins, in seconds.
pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const HOST: &str = "shop.example";

/// How long a block takes to be final, in seconds of any clock.
const FINAL_AFTER: u64 = (FINALITY + 1) * BLOCK / 1_000 + 2 * SKEW;

/// Something that is sold.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) requirement: Requirement,
    /// Whether its responses have bodies that are known whole.
    pub(crate) whole: bool,
    pub(crate) facilitator: usize,
}

/// Somebody with money, in one or more processes that share a ledger.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) address: Address,
    pub(crate) cap: u64,
    pub(crate) first_version: bool,
    pub(crate) sees_chain: bool,
}

/// Something that a process of a buyer wants to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) process: usize,
    pub(crate) route: usize,
    pub(crate) named: bool,
    /// When it is first asked for, in milliseconds.
    pub(crate) begin: u64,
}

/// A facilitator's manners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// How many blocks it waits for after the one that has the transaction.
    pub(crate) confirmations: u64,
    /// Whether it settles again when it is asked what became of a settlement, as one behind HTTP does.
    pub(crate) again: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) replicas: usize,
    pub(crate) facilitators: Vec<Manners>,
    pub(crate) routes: Vec<Route>,
    pub(crate) accounts: Vec<Account>,
    /// The account of each process.
    pub(crate) processes: Vec<usize>,
    pub(crate) wishes: Vec<Wish>,
    /// After how many seconds the shop looks again at what it has delivered.
    pub(crate) finality: Option<u64>,
}

/// The token that everything is paid in.
pub(crate) fn token() -> &'static Asset {
    static TOKEN: OnceLock<Asset> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let chain = http402_core::ChainId::eip155(84_532);
        let known = Assets::known();
        let token = known.of_chain(&chain).cloned();
        token
            .unwrap_or_else(|| Asset::evm(84_532, Address::repeat_byte(0xaa), "USDC", 6, &domain()))
    })
}

fn domain() -> http402_core::TokenDomain {
    http402_core::TokenDomain::new("USDC", "2")
}

/// Whom the shop has paid.
pub(crate) const PAYEE: Address = Address::repeat_byte(0xbb);

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 3);
        let facilitators = (0..1 + dice.below(2))
            .map(|_| Manners {
                confirmations: dice.below(3),
                again: dice.below(2) == 0,
            })
            .collect::<Vec<_>>();
        let routes = (0..1 + dice.below(3))
            .map(|at| route(&mut dice, at, facilitators.len() as u64))
            .collect::<Vec<_>>();
        let accounts = (0..1 + dice.below(2))
            .map(|at| Account {
                address: super::wallet::address(at),
                cap: dice.pick(&[3_000, 6_000, 20_000, 20_000]),
                first_version: dice.below(4) == 0,
                sees_chain: dice.below(8) > 0,
            })
            .collect::<Vec<_>>();
        let processes = (0..accounts.len() as u64 + dice.below(2))
            .map(|at| usize::try_from(at).unwrap_or(0) % accounts.len())
            .collect::<Vec<_>>();
        let together = dice.below(3) == 0;
        let wishes = (0..dice.pick(&[1, 1, 2, 2, 3, 4, 6]))
            .map(|_| Wish {
                process: index(&mut dice, processes.len()),
                route: index(&mut dice, routes.len()),
                named: dice.below(3) > 0,
                begin: if together { 0 } else { dice.below(20_000) },
            })
            .collect();
        Self {
            replicas: 1 + index(&mut dice, 3),
            facilitators,
            routes,
            accounts,
            processes,
            wishes,
            finality: (dice.below(2) == 0).then_some(FINAL_AFTER),
        }
    }

    pub(crate) fn actors(&self) -> usize {
        1 + self.replicas + self.facilitators.len() + self.processes.len()
    }

    /// Chain, time and strangers.
    pub(crate) const NATURE: Actor = Actor(0);

    pub(crate) const fn replica(&self, at: usize) -> Actor {
        Actor(1 + at)
    }

    pub(crate) const fn facilitator(&self, at: usize) -> Actor {
        Actor(1 + self.replicas + at)
    }

    pub(crate) fn process(&self, at: usize) -> Actor {
        Actor(1 + self.replicas + self.facilitators.len() + at)
    }

    /// What kind of process an actor is.
    pub(crate) fn role(&self, actor: Actor) -> Role {
        let Some(at) = actor.0.checked_sub(1) else {
            return Role::Nature;
        };
        let Some(left) = at.checked_sub(self.replicas) else {
            return Role::Replica(at);
        };
        match left.checked_sub(self.facilitators.len()) {
            None => Role::Facilitator(left),
            Some(process) => Role::Process(process),
        }
    }

    /// An actor's name in a trace.
    pub(crate) fn name(&self, actor: Actor) -> String {
        match self.role(actor) {
            Role::Nature => "world".into(),
            Role::Replica(at) => format!("seller {}", at + 1),
            Role::Facilitator(at) => format!("facilitator {}", at + 1),
            Role::Process(at) => {
                let account = self.processes[at];
                format!("buyer {} process {}", account + 1, at + 1)
            }
        }
    }
}

/// What an actor is, and its number among those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Nature,
    Replica(usize),
    Facilitator(usize),
    Process(usize),
}

fn index(dice: &mut Dice, count: usize) -> usize {
    usize::try_from(dice.below(count as u64)).unwrap_or(0)
}

fn route(dice: &mut Dice, at: u64, facilitators: u64) -> Route {
    let token = token();
    let mut requirement = Requirement::exactly(
        Amount::from(1_000 + at * 100),
        token.chain.clone(),
        token.address.clone(),
        PAYEE.into(),
        Some(token.domain()),
    )
    .timeout(dice.pick(&[40, 60, 120, 300]));
    if dice.below(2) == 0 {
        requirement = requirement.upfront();
    }
    Route {
        path: format!("/r/{at}"),
        requirement,
        whole: dice.below(3) > 0,
        facilitator: usize::try_from(at % facilitators).unwrap_or(0),
    }
}
