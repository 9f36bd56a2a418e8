//! Copies of a payment side by side, in any order of their steps: at every await another request, or something that was
//! spawned, may come between, vanish, or be late.

use super::world::*;
use http::{Response, StatusCode};
use http402_core::{B256, Bytes};
use proptest::{collection::vec, option, prelude::*};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Three copies of one payment and one of another.
const NONCES: [u8; 4] = [1, 1, 1, 2];

#[derive(Clone, Copy, Debug)]
enum Turn {
    Request(usize),
    /// One of what was spawned; the one after it comes next.
    Spawned,
    Vanish(usize),
    /// Half of a lease.
    Later,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        60 => (0..NONCES.len()).prop_map(Turn::Request),
        30 => Just(Turn::Spawned),
        1 => (0..NONCES.len()).prop_map(Turn::Vanish),
        1 => Just(Turn::Later),
    ]
}

type Request<'a> = Pin<Box<dyn Future<Output = Response<Bytes>> + 'a>>;

struct Copies<'a> {
    world: &'a World,
    /// None when it has ended or vanished.
    requests: Vec<Option<Request<'a>>>,
    responses: Vec<(u8, Response<Bytes>)>,
    laters: u8,
}

impl Copies<'_> {
    fn step(&mut self, turn: Turn) {
        let mut context = Context::from_waker(Waker::noop());
        match turn {
            Turn::Request(at) => {
                let Some(request) = &mut self.requests[at] else {
                    return;
                };
                if let Poll::Ready(response) = request.as_mut().poll(&mut context) {
                    self.requests[at] = None;
                    self.responses.push((NONCES[at], response));
                }
            }
            Turn::Spawned => {
                let task = self.world.with(|state| state.tasks.pop_front());
                if let Some(mut task) = task {
                    if task.as_mut().poll(&mut context).is_pending() {
                        self.world.with(|state| state.tasks.push_back(task));
                    }
                }
            }
            Turn::Vanish(at) => self.requests[at] = None,
            // The authorizations stay good to the end.
            Turn::Later if self.laters == 3 => {}
            Turn::Later => {
                self.laters += 1;
                self.world.with(|state| state.now += 65);
            }
        }
    }

    /// All that still live come to their end.
    fn end(&mut self) {
        for _ in 0..10_000 {
            if self.requests.iter().all(Option::is_none) && !self.world.turn() {
                return;
            }
            (0..NONCES.len()).for_each(|at| self.step(Turn::Request(at)));
            self.step(Turn::Spawned);
        }
        panic!("they wait for each other");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_steps_delivers_and_settles_once(
        upfront: bool,
        keep: bool,
        scripts in vec(option::of(0..3_u8), 0..3),
        turns in vec(turn(), 0..200),
    ) {
        let world = World::new();
        world.with(|state| {
            state.settlements = scripts.iter().map(|it| match it {
                None => Script::Settle,
                Some(0) => Script::LoseAnswer,
                Some(1) => Script::Doubt,
                Some(_) => Script::Down,
            }).collect();
        });
        let gate = gate();
        let asks = NONCES.map(|nonce| Ask { upfront, keep, ..paying(nonce, "good") });
        let requests = asks.iter().map(|ask| Some(Box::pin(world.ask(&gate, ask)) as Request<'_>));
        let mut copies = Copies { world: &world, requests: requests.collect(), responses: Vec::new(), laters: 0 };
        for turn in &turns {
            copies.step(*turn);
        }
        copies.end();
        let vanished = copies.responses.len() < NONCES.len();
        for nonce in [1, 2] {
            let of = copies.responses.iter().filter(|(of, _)| *of == nonce);
            let of: Vec<_> = of.map(|(_, response)| response).collect();
            let settled = world.with(|state| {
                state.settled.iter().filter(|it| **it == B256::repeat_byte(nonce)).count()
            });
            prop_assert!(settled <= 1, "settled {settled} times");
            let paid = of.iter().filter(|it| it.status() == StatusCode::OK).count();
            prop_assert!(settled == 1 || paid == 0, "delivered and not settled");
            prop_assert!(keep || paid <= 1, "a response that is not kept is given once");
            prop_assert!(settled == 0 || of.iter().all(|it| !offers(it)), "asked to pay again");
            if scripts.is_empty() && !vanished && copies.laters == 0 {
                prop_assert_eq!(settled, 1);
                prop_assert_eq!(paid, if keep { of.len() } else { 1 });
            }
        }
        let handled = world.with(|state| state.handled);
        let calm = scripts.is_empty() && !vanished && copies.laters == 0;
        prop_assert!(!calm || handled == 2, "handled {handled} times");
    }
}
