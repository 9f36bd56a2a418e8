//! Any history of three processes that share a ledger, held to a model of attempts and budgets: calls side by side that vanish,
//! processes that die, answers that are lost, refusals, faults of the store and the wallet, recoveries, and time that passes.
//!
//! The model is not told what a step leads to, but sees every write, signature and presentation that the world has seen, and
//! asks of each whether it may follow what came before.

use super::world::*;
use crate::client::{
    Buyer, Error, Payment, Policy, Reply, Target,
    attempt::{self, Body},
};
use http::Request;
use http402_core::{
    Amount, Authorization, B256, Bytes, Timestamp, TokenDomain,
    ledger::{Key, Phase},
    seam::{Boxed, Spent},
    typed::ToSign,
};
use proptest::{collection::vec, prelude::*};
use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

const PROCESSES: usize = 3;
/// Three at one origin, one of which is named, and one elsewhere.
const TARGETS: usize = 4;
const NAMED: usize = 3;
/// Calls that live at the same time.
const CALLS: usize = 4;

const HOUR: u64 = 3600;
const SHORT: u64 = 600;
/// No history is as long.
const FOREVER: u64 = 1_000_000_000;
const CAP_HOUR: u64 = 5000;
const CAP_SHORT: u64 = 3000;

fn capped() -> Policy {
    let all = crate::client::Allowance::of(&token(), "2").unwrap();
    let all = all.per_hour("5").unwrap();
    let all = all.per_origin(Duration::from_secs(SHORT), "3").unwrap();
    let all = all.per(Duration::from_secs(FOREVER), "1000000").unwrap();
    Policy::new().allow(all)
}

fn request(target: usize) -> Request<Vec<u8>> {
    match target {
        0 => get(URL),
        1 => get("https://seller.example/other"),
        2 => get("https://elsewhere.example/r"),
        _ => named("one"),
    }
}

fn elsewhere(target: usize) -> bool {
    target == 2
}

#[derive(Clone, Debug)]
enum Op {
    Begin {
        process: usize,
        target: usize,
    },
    Recover {
        process: usize,
    },
    Poll {
        call: usize,
        times: usize,
    },
    /// A call is dropped.
    Vanish {
        call: usize,
    },
    /// A process ends with all its calls; another one starts.
    Die {
        process: usize,
    },
    WriteOff {
        process: usize,
        attempt: usize,
    },
    Seller(Vec<Act>),
    Price(u64),
    Store(Vec<Fail>),
    Wallet {
        fails: bool,
        takes: u64,
    },
    /// What the chain says: the truth, nothing, or that it does not know.
    Chain(Option<bool>),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    const SLOW: &[(&str, &str)] = &[("x-receipt", "pending tx"), ("retry-after", "1")];
    const NO: &[(&str, &str)] = &[("x-receipt", "declined insufficient_funds")];
    prop_oneof![
        3 => Just(Act::Serve),
        2 => Just(Act::ServeAndLose),
        3 => Just(Act::Lose),
        1 => Just(Act::Say(503, SLOW)),
        1 => Just(Act::Say(402, NO)),
        1 => Just(Act::Say(402, &[])),
        1 => Just(Act::Say(500, &[])),
        1 => Just(Act::SettleAndSay(500)),
        1 => Just(Act::SettleAndSay(409)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let fail = prop_oneof![2 => Just(Fail::No), 1 => Just(Fail::Before), 1 => Just(Fail::After)];
    let seconds = prop_oneof![
        Just(1_u64),
        Just(31),
        Just(150),
        Just(301),
        Just(SHORT),
        Just(HOUR)
    ];
    let process = 0..PROCESSES;
    let call = 0..CALLS;
    prop_oneof![
        8 => (process.clone(), 0..TARGETS).prop_map(|(process, target)| Op::Begin { process, target }),
        8 => (call.clone(), 1..8_usize).prop_map(|(call, times)| Op::Poll { call, times }),
        8 => call.clone().prop_map(|call| Op::Poll { call, times: 1000 }),
        2 => call.prop_map(|call| Op::Vanish { call }),
        2 => process.clone().prop_map(|process| Op::Die { process }),
        2 => process.clone().prop_map(|process| Op::Recover { process }),
        1 => (process, 0..4_usize).prop_map(|(process, attempt)| Op::WriteOff { process, attempt }),
        4 => vec(act(), 1..6).prop_map(Op::Seller),
        1 => prop_oneof![Just(500_u64), Just(1000), Just(2000)].prop_map(Op::Price),
        1 => vec(fail, 1..4).prop_map(Op::Store),
        1 => (any::<bool>(), prop_oneof![Just(0_u64), Just(40), Just(400)])
            .prop_map(|(fails, takes)| Op::Wallet { fails, takes }),
        2 => any::<Option<bool>>().prop_map(Op::Chain),
        4 => seconds.prop_map(Op::Pass),
    ]
}

/// What a call ends with.
enum End {
    Paid(Result<Reply<Bytes>, Error>),
    Recovered,
}

struct Call {
    process: usize,
    /// What it is for; none for a recovery.
    target: Option<usize>,
    /// Whether no other call for the same lived at any time while this one did.
    alone: bool,
    future: Pin<Box<dyn Future<Output = End>>>,
}

/// What the model knows of an attempt.
struct Purchase {
    target: usize,
    authorization: Authorization,
    document: B256,
    spends: String,
    amount: u64,
    /// When it was drafted: from then on its charge counts.
    charged: u64,
    end: u64,
    phase: Phase,
    /// Whether signed bytes were allowed to leave.
    sent: bool,
    /// The bytes, once the seller has seen them.
    credential: Option<String>,
}

impl Purchase {
    fn open(&self) -> bool {
        matches!(self.phase, Phase::Approved | Phase::Sent)
    }

    /// Whether its amount may have left, or may leave yet.
    fn counts(&self) -> bool {
        self.phase != Phase::Unspent
    }
}

#[derive(Default)]
struct Model {
    /// All that ever were.
    purchases: Vec<Purchase>,
    /// Whose record stands under a key now.
    records: BTreeMap<Key, usize>,
    /// How much of the world's journals was seen.
    version: u64,
    signed: usize,
    presented: usize,
}

struct Bench {
    world: World,
    buyers: Vec<Arc<Buyer>>,
    calls: Vec<Call>,
    model: Model,
}

/// A process that starts.
fn start(world: &World) -> Arc<Buyer> {
    let buyer = world.buyer_with(capped());
    Arc::new(buyer.chain_view(Arc::new(world.clone())))
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        world.with(|state| {
            state.truthful = true;
            state.chain = Some(Spent::Never);
        });
        let buyers = (0..PROCESSES).map(|_| start(&world)).collect();
        Self {
            world,
            buyers,
            calls: Vec::new(),
            model: Model::default(),
        }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Begin { process, target } => self.begin(*process, Some(*target)),
            Op::Recover { process } => self.begin(*process, None),
            Op::Poll { call, times } => drop(self.poll(*call, *times)),
            Op::Vanish { call } if *call < self.calls.len() => drop(self.calls.remove(*call)),
            Op::Vanish { .. } => {}
            Op::Die { process } => {
                self.calls.retain(|call| call.process != *process);
                self.buyers[*process] = start(&self.world);
            }
            Op::WriteOff { process, attempt } => self.write_off(*process, *attempt),
            Op::Seller(acts) => self.world.script(acts),
            Op::Price(amount) => self.world.with(|state| state.offers = vec![offer(*amount)]),
            Op::Store(fails) => self
                .world
                .with(|state| state.ledger_fails = fails.iter().copied().collect()),
            Op::Wallet { fails, takes } => self.world.with(|state| {
                state.wallet_fails = *fails;
                state.wallet_takes = *takes;
            }),
            Op::Chain(says) => self.world.with(|state| {
                state.chain = says.map(|truth| if truth { Spent::Never } else { Spent::Unknown });
            }),
            Op::Pass(seconds) => self.world.pass(*seconds),
        }
    }

    fn begin(&mut self, process: usize, target: Option<usize>) {
        if self.calls.len() == CALLS {
            return;
        }
        let mut alone = true;
        for call in &mut self.calls {
            if call.target == target {
                call.alone = false;
                alone = false;
            }
        }
        let (buyer, world) = (Arc::clone(&self.buyers[process]), self.world.clone());
        let future: Boxed<'static, End> = match target {
            Some(target) => {
                Box::pin(async move { End::Paid(buyer.pay(&world, request(target)).await) })
            }
            None => Box::pin(async move {
                // Without the ledger there is nothing to recover.
                drop(buyer.recover().await);
                End::Recovered
            }),
        };
        self.calls.push(Call {
            process,
            target,
            alone,
            future,
        });
    }

    /// Polls a call, looking after every time. What it paid, when it has come to its end.
    fn poll(&mut self, at: usize, times: usize) -> Option<Result<Payment, Error>> {
        for _ in 0..times {
            let call = self.calls.get_mut(at)?;
            let end = polls(pin!(call.future.as_mut()), 1);
            let alone = call.target.filter(|_| call.alone);
            self.model.observe(&self.world, alone);
            if let Some(end) = end {
                drop(self.calls.remove(at));
                let End::Paid(reply) = end else {
                    return None;
                };
                self.model.told(&self.world, &reply);
                return Some(reply.map(|reply| reply.payment));
            }
        }
        None
    }

    fn write_off(&mut self, process: usize, at: usize) {
        let mut open = self.model.records.iter();
        let open = open.find(|(_, one)| **one == at && self.model.purchases[at].open());
        let Some(key) = open.map(|(key, _)| key.clone()) else {
            return;
        };
        let body = self.world.with(|state| state.records[&key].record.clone());
        let attempt = Body::decode(&body).unwrap().summary(&key);
        // It may be at work, or the store may fail.
        let _ = run(self.buyers[process].write_off(&attempt));
        self.model.observe(&self.world, None);
    }

    /// All faults are over, and nothing signed can be executed any more.
    fn end(mut self) {
        self.calls.clear();
        self.world.with(|state| {
            state.ledger_fails.clear();
            state.acts.clear();
            state.usual = Act::Serve;
            state.wallet_fails = false;
            state.wallet_takes = 0;
            state.chain = Some(Spent::Never);
            state.offers = vec![offer(1000)];
        });
        self.world.pass(HOUR + 60);
        run(start(&self.world).recover()).unwrap();
        self.model.observe(&self.world, None);
        for one in &self.model.purchases {
            let settled = self.model.settled(&self.world, one);
            match one.phase {
                Phase::Approved => panic!("nothing of it has left, and it stays charged"),
                Phase::Unspent => assert!(!settled, "what was taken back was not paid"),
                Phase::Sent | Phase::Paid => assert!(settled, "an open one is paid"),
                _ => {}
            }
        }
        for target in 0..TARGETS {
            self.ask_again(target);
        }
    }

    /// Who has paid and got nothing gets it without a new signature; others can pay.
    fn ask_again(&mut self, target: usize) {
        let of = |one: &&Purchase| one.target == target;
        let open = self.model.purchases.iter().filter(of).any(Purchase::open);
        let finished = |one: &Purchase| matches!(one.phase, Phase::Paid | Phase::Spent);
        let closed = self.model.purchases.iter().filter(of).any(finished);
        let written_off = self
            .model
            .purchases
            .iter()
            .filter(of)
            .any(|one| one.phase == Phase::Spent);
        let before = self.world.signatures();
        self.begin(0, Some(target));
        let payment = self.poll(0, 1000).expect("it ends").unwrap();
        let known = open || (target == NAMED && closed);
        assert_eq!(self.world.signatures() - before, usize::from(!known));
        if target != NAMED || !written_off {
            assert!(matches!(payment, Payment::Paid { .. }), "{:?}", payment);
        }
    }
}

impl Model {
    fn settled(&self, world: &World, one: &Purchase) -> bool {
        let spends = format!("{}|", one.spends);
        world.with(|state| state.settled.iter().any(|it| it.starts_with(&spends)))
    }

    /// After every poll, which makes one write at most. `alone` is what the polled call is for, when no other call was.
    fn observe(&mut self, world: &World, alone: Option<usize>) {
        let (version, now) = world.with(|state| (state.version, state.millis / 1000));
        if version != self.version {
            self.version = version;
            self.attempts(world, now, alone);
            self.tallies(world, now);
        }
        self.signatures(world);
        self.presentations(world);
    }

    fn attempts(&mut self, world: &World, now: u64, alone: Option<usize>) {
        let payer = world.buyer().payer();
        for target in 0..TARGETS {
            let prefix = attempt::prefix_of(&payer, &Target::of(&request(target)).unwrap());
            let records: Vec<_> = world.with(|state| {
                let of = |key: &&Key| key.as_str().starts_with(&prefix);
                let keys = state.records.keys().filter(of);
                keys.map(|key| (key.clone(), state.records[key].record.clone()))
                    .collect()
            });
            for (key, record) in records {
                let body = Body::decode(&record).unwrap();
                let known = self.records.get(&key).copied();
                match known {
                    Some(at) if self.purchases[at].authorization == body.authorization => {
                        self.moved(world, at, record.phase, now);
                    }
                    _ => {
                        if let Some(at) = known {
                            let phase = self.purchases[at].phase;
                            assert_eq!(phase, Phase::Unspent, "its place is free");
                        }
                        self.approved(target, record.phase, &body, now, alone);
                        self.records.insert(key, self.purchases.len() - 1);
                    }
                }
            }
        }
    }

    /// A new attempt.
    fn approved(
        &mut self,
        target: usize,
        phase: Phase,
        body: &Body,
        now: u64,
        alone: Option<usize>,
    ) {
        assert_eq!(
            phase,
            Phase::Approved,
            "it is written down before anything else"
        );
        assert!(body.drafted.secs() <= now, "charged when it was drafted");
        let Authorization::Eip3009(transfer) = &body.authorization else {
            panic!("{:?}", body.authorization);
        };
        let domain = TokenDomain::new("Token", "1");
        let document = ToSign::typed(transfer.document(&domain, CHAIN, TOKEN.into())).digest();
        let (chain, asset) = (&body.requirement.chain, &body.requirement.asset);
        for other in &self.purchases {
            assert_ne!(other.document, document, "nothing is approved twice");
            assert!(
                alone != Some(target) || other.target != target || !other.open(),
                "an open attempt is gone on with"
            );
        }
        self.purchases.push(Purchase {
            target,
            authorization: body.authorization.clone(),
            document,
            spends: body.authorization.spends(chain, asset)[0].to_string(),
            amount: transfer.value.try_into().unwrap(),
            charged: body.drafted.secs(),
            end: transfer.window.end().secs(),
            phase,
            sent: false,
            credential: None,
        });
        let hour = self.most(HOUR, |_| true);
        assert!(hour <= CAP_HOUR, "{hour} in an hour");
        let short = self.most(SHORT, |one| elsewhere(one.target) == elsewhere(target));
        assert!(short <= CAP_SHORT, "{short} to an origin");
    }

    /// The most that counts in any window of time.
    fn most(&self, window: u64, of: impl Fn(&Purchase) -> bool) -> u64 {
        let last = self.purchases.iter().map(|one| one.charged);
        let sums = last.map(|last| self.sum(last, window, |one| one.charged <= last && of(one)));
        sums.max().unwrap_or_default()
    }

    /// What counts of so many seconds before.
    fn sum(&self, now: u64, window: u64, of: impl Fn(&Purchase) -> bool) -> u64 {
        let inside = |one: &&Purchase| one.counts() && one.charged + window > now && of(one);
        self.purchases
            .iter()
            .filter(inside)
            .map(|one| one.amount)
            .sum()
    }

    fn moved(&mut self, world: &World, at: usize, to: Phase, now: u64) {
        let one = &self.purchases[at];
        let from = one.phase;
        match (from, to) {
            _ if from == to => {}
            (Phase::Approved, Phase::Unspent) => assert!(!one.sent, "nothing of it has left"),
            (Phase::Approved | Phase::Sent, Phase::Spent) | (Phase::Approved, Phase::Sent) => {}
            (Phase::Sent, Phase::Paid) => {
                assert!(self.settled(world, one), "delivered, so paid");
            }
            // A named purchase is asked for under its name even so.
            (Phase::Spent, Phase::Paid) => {
                assert!(one.target == NAMED && self.settled(world, one));
            }
            (Phase::Sent, Phase::Unspent) => {
                assert!(one.end <= now, "it may still be executed");
                assert!(!self.settled(world, one), "it was executed");
            }
            _ => panic!("from {from:?} to {to:?}"),
        }
        let one = &mut self.purchases[at];
        one.phase = to;
        one.sent |= to == Phase::Sent;
    }

    /// What the budgets say is what the attempts say.
    fn tallies(&self, world: &World, now: u64) {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        world.with(|state| {
            let kept = |keep_until: Timestamp| keep_until.secs() > now;
            let all = state.records.iter();
            for (key, found) in all.filter(|(_, found)| kept(found.record.keep_until)) {
                let Some(name) = key.as_str().strip_prefix("budget:") else {
                    continue;
                };
                let mut body = crate::record::Reader::new(&found.record.body, 1).unwrap();
                let slices = body.read::<Vec<(u64, Amount)>>().unwrap();
                let sum = slices
                    .iter()
                    .map(|(_, amount)| u64::try_from(amount.units()).unwrap());
                sums.insert(name.into(), sum.sum());
            }
        });
        let charged = |window: u64| {
            let of = format!(":{window}:");
            let all = sums.iter().filter(|(name, _)| name.contains(&of));
            all.map(|(_, sum)| *sum).sum::<u64>()
        };
        let ever = self.sum(now, FOREVER, |_| true);
        assert_eq!(
            charged(FOREVER),
            ever,
            "what is neither proven unused nor released"
        );
        for window in [HOUR, SHORT] {
            let charged = charged(window);
            assert!(charged <= ever, "no more than was charged");
            assert!(
                charged >= self.sum(now, window, |_| true),
                "no less than counts"
            );
        }
    }

    fn signatures(&mut self, world: &World) {
        let signed = world.with(|state| state.signed.clone());
        for document in &signed[self.signed..] {
            let known = self.purchases.iter().any(|one| one.document == *document);
            assert!(known, "only what is charged and written down is signed");
        }
        self.signed = signed.len();
    }

    fn presentations(&mut self, world: &World) {
        let presented = world.with(|state| state.presented.clone());
        for credential in &presented[self.presented..] {
            let spends = credential.split('|').next().unwrap();
            let mut all = self.purchases.iter_mut();
            let one = all.find(|one| one.spends == spends).unwrap();
            assert!(one.sent, "the ledger has it before it leaves");
            let first = one.credential.get_or_insert_with(|| credential.clone());
            assert_eq!(first, credential, "always the same bytes");
        }
        self.presented = presented.len();
    }

    /// What a caller is told is so.
    fn told(&self, world: &World, reply: &Result<Reply<Bytes>, Error>) {
        let settled = |key: &Key| self.settled(world, &self.purchases[self.records[key]]);
        match reply {
            Ok(reply) => match &reply.payment {
                Payment::Paid { attempt, .. } | Payment::Spent { attempt, .. } => {
                    assert!(settled(&attempt.key));
                }
                Payment::Refused { attempt, .. } | Payment::Unknown { attempt, .. } => {
                    assert!(!attempt.spent);
                }
                Payment::None => panic!("the seller asks for payment"),
            },
            Err(Error::Lost { attempt, .. }) => {
                assert!(attempt.sent);
                assert!(!attempt.spent || settled(&attempt.key));
            }
            Err(
                Error::Denied(_)
                | Error::Ledger(_)
                | Error::Signer(_)
                | Error::Busy(_)
                | Error::Unproven(_)
                | Error::Late,
            ) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_one_of_the_model(ops in vec(op(), 1..40)) {
        let mut bench = Bench::new();
        for op in &ops {
            bench.step(op);
        }
        bench.end();
    }
}
