//! Any history of a route, held to a model of what may be: two payments are reserved, settled and delivered through faults of
//! the store and the facilitator, requests that vanish, and processes that die.

use super::world::*;
use crate::server::recover;
use http::{Response, StatusCode};
use http402_core::{B256, Bytes, Reason};
use proptest::{collection::vec, option, prelude::*};
use std::{collections::BTreeMap, pin::pin};

#[derive(Clone, Debug)]
enum Op {
    Ask {
        nonce: u8,
        fails: bool,
        chain: u8,
        store: Vec<u8>,
        /// After how many polls the request vanishes.
        polls: Option<usize>,
        /// Whether the process ends then, with everything that it was doing.
        dies: bool,
    },
    /// Leases end.
    Later,
    Recover,
}

fn op() -> impl Strategy<Value = Op> {
    let ask = (
        1..3_u8,
        any::<bool>(),
        0..5_u8,
        vec(0..4_u8, 0..4),
        option::of(0..30_usize),
        any::<bool>(),
    );
    prop_oneof![
        6 => ask.prop_map(|(nonce, fails, chain, store, polls, dies)| Op::Ask { nonce, fails, chain, store, polls, dies }),
        1 => Just(Op::Later),
        1 => Just(Op::Recover),
    ]
}

/// What is certain of a payment.
#[derive(Default)]
struct Payment {
    delivered: bool,
    /// Handlers that failed while nothing else did.
    failures: u8,
}

struct Model {
    world: World,
    upfront: bool,
    payments: BTreeMap<u8, Payment>,
    laters: u8,
}

impl Model {
    fn settled(&self, nonce: u8) -> bool {
        self.world
            .with(|state| state.settled.contains(&B256::repeat_byte(nonce)))
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Ask {
                nonce,
                fails,
                chain,
                store,
                polls,
                dies,
            } => {
                self.script(*nonce, *chain, store);
                let calm = !dies && store.iter().all(|it| *it < 2);
                let ran = self.world.with(|state| state.handled);
                let mut ask = paying(*nonce, "good");
                ask.upfront = self.upfront;
                if *fails {
                    ask.status = StatusCode::BAD_GATEWAY;
                }
                let gate = gate();
                let response = {
                    let mut request = pin!(self.world.ask(&gate, &ask));
                    self.world
                        .polls(request.as_mut(), polls.unwrap_or(usize::MAX))
                };
                if *dies {
                    let dead = self.world.with(|state| std::mem::take(&mut state.tasks));
                    // Dropping it may want to do something, which a dead process does not.
                    drop(dead);
                    self.world.with(|state| state.tasks.clear());
                }
                while self.world.turn() {}
                let ran = self.world.with(|state| state.handled) - ran;
                self.world.with(|state| {
                    state.settlements.clear();
                    state.ledger_fails.clear();
                });
                assert!(ran <= 1, "a request runs its handler once");
                if let Some(response) = response {
                    self.answered(*nonce, &response, ran, calm);
                }
            }
            // The authorizations stay good to the end.
            Op::Later if self.laters == 2 => {}
            Op::Later => {
                self.laters += 1;
                self.world.with(|state| state.now += 130);
            }
            Op::Recover => drop(self.world.run(recover(&self.world.seams(), &gate(), ""))),
        }
    }

    /// What facilitator and store will do. No facilitator declines what the chain shows as settled.
    fn script(&self, nonce: u8, chain: u8, store: &[u8]) {
        let settled = self.settled(nonce);
        self.world.with(|state| {
            state.settlements.extend(match chain {
                1 => Some(Script::LoseAnswer),
                2 => Some(Script::Doubt),
                3 => Some(Script::Down),
                4 if !settled => Some(Script::Decline(Reason::from_code("insufficient_funds"))),
                _ => None,
            });
            state.ledger_fails.extend(store.iter().map(|it| match it {
                2 => Fail::Before,
                3 => Fail::After,
                _ => Fail::No,
            }));
        });
    }

    fn answered(&mut self, nonce: u8, response: &Response<Bytes>, ran: usize, calm: bool) {
        let settled = self.settled(nonce);
        let tries = gate().tries;
        let payment = self.payments.entry(nonce).or_default();
        let status = response.status();
        assert!(!(payment.delivered && ran > 0), "delivered once");
        assert!(
            !(settled && offers(response)),
            "who has paid is not asked to pay again"
        );
        if !settled {
            assert!(
                !(ran > 0 && payment.failures >= tries),
                "no more tries than the gate allows"
            );
        }
        match status {
            StatusCode::OK => {
                assert!(settled, "nothing is delivered that is not settled");
                assert_eq!(response.headers()["x-receipt"], format!("tx-{nonce}"));
                assert_eq!(response.body().as_ref(), b"goods");
                payment.delivered = true;
            }
            StatusCode::BAD_GATEWAY if ran > 0 && calm && !settled => payment.failures += 1,
            _ => assert!(
                !(payment.delivered && calm),
                "what was delivered is told again: {status}"
            ),
        }
    }

    /// When all faults are over, whoever has paid gets what he paid for.
    fn end(mut self) {
        self.world.with(|state| state.now += 130);
        self.world
            .run(recover(&self.world.seams(), &gate(), ""))
            .unwrap();
        for nonce in [1, 2] {
            let before = self.settled(nonce);
            let mut ask = paying(nonce, "good");
            ask.upfront = self.upfront;
            let ran = self.world.with(|state| state.handled);
            let response = self.world.run(self.world.ask(&gate(), &ask));
            let ran = self.world.with(|state| state.handled) - ran;
            self.answered(nonce, &response, ran, true);
            if before {
                assert_eq!(response.status(), StatusCode::OK, "payment {nonce}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_one_of_the_model(upfront: bool, ops in vec(op(), 1..12)) {
        let mut model = Model {
            world: World::new(),
            upfront,
            payments: BTreeMap::new(),
            laters: 0,
        };
        for op in &ops {
            model.step(op);
        }
        // The last try comes before the authorizations end.
        if model.laters < 2 {
            model.end();
        }
    }
}
