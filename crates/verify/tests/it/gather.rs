//! Requests whose claims are judged together: nobody waits for others to come, nobody is forgotten, and each gets his verdict.

use crate::{
    batch::poisons,
    claims::{NOW, claim, requirement, sign, unsigned},
};
use http402_core::{
    Address, B256, Claim, Timestamp, Verdict,
    asset::Assets,
    seam::{Boxed, Judge, Known, PayerCode},
};
use http402_verify::{
    Gather, Signature, Verifier,
    engine::{Check, Engine, K256},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| Known::at(Timestamp::from_secs(NOW)).payer_code(PayerCode::Absent));

type Before = Box<dyn FnOnce() + Send>;

/// Says how many checks it was asked for at once, and lets something happen before it answers.
#[derive(Clone, Default)]
struct Watched {
    sizes: Arc<Mutex<Vec<usize>>>,
    before: Arc<Mutex<Option<Before>>>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Watched {
    fn seen(&self, size: usize) {
        self.sizes.lock().unwrap().push(size);
        let before = self.before.lock().unwrap().take();
        if let Some(before) = before {
            before();
        }
    }

    fn sizes(&self) -> Vec<usize> {
        std::mem::take(&mut self.sizes.lock().unwrap())
    }
}

impl Engine for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        K256.recover(digest, signature)
    }

    fn check(&self, digest: &B256, signature: &Signature, payer: &Address) -> bool {
        self.seen(1);
        K256.check(digest, signature, payer)
    }

    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        self.seen(checks.len());
        K256.check_all(checks)
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn gather() -> (&'static Gather, Watched) {
    let engine = Watched::default();
    let verifier = Verifier::new(Assets::known()).engine(engine.clone());
    (Box::leak(Box::new(Gather::new(verifier))), engine)
}

fn right() -> &'static Claim {
    static RIGHT: LazyLock<Claim> = LazyLock::new(|| claim(requirement(), sign(unsigned())));
    &RIGHT
}

fn poll(future: &mut Boxed<'_, Verdict>, woken: &Arc<Woken>) -> Option<Verdict> {
    let waker = Waker::from(woken.clone());
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(verdict) => Some(verdict),
        Poll::Pending => None,
    }
}

#[test]
fn a_lone_request_goes_on_at_its_next_turn() {
    let (gather, engine) = gather();
    assert!(format!("{gather:?}").contains("watched"), "{gather:?}");
    let woken = Arc::default();
    let mut alone = gather.judge_among(right(), &KNOWN);
    assert_eq!(poll(&mut alone, &woken), None);
    // It has asked for that turn itself.
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(matches!(
        poll(&mut alone, &woken),
        Some(Verdict::Valid { .. })
    ));
    assert_eq!(engine.sizes(), [1]);
}

#[test]
fn what_needs_no_curve_has_its_verdict_at_once() {
    let (gather, engine) = gather();
    let late = Known::at(Timestamp::MAX).payer_code(PayerCode::Absent);
    let mut alone = gather.judge_among(right(), &late);
    let verdict = poll(&mut alone, &Arc::default()).unwrap();
    assert_eq!(verdict, gather.judge(right(), &late));
    assert!(matches!(verdict, Verdict::Invalid(_)));
    assert!(engine.sizes().is_empty());
}

#[test]
fn all_that_are_ready_are_judged_together_and_each_as_if_he_were_alone() {
    let (gather, engine) = gather();
    let claims = poisons();
    let alone: Vec<_> = claims
        .iter()
        .map(|claim| gather.judge(claim, &KNOWN))
        .collect();
    engine.sizes();
    let woken = Arc::default();
    for first in 0..claims.len() {
        let mut all: Vec<_> = claims
            .iter()
            .map(|claim| gather.judge_among(claim, &KNOWN))
            .collect();
        let mut verdicts: Vec<_> = all.iter_mut().map(|one| poll(one, &woken)).collect();
        let waiting = verdicts.iter().filter(|verdict| verdict.is_none()).count();
        assert!(waiting > 4);
        for at in (0..claims.len()).map(|at| (first + at) % claims.len()) {
            if verdicts[at].is_none() {
                verdicts[at] = poll(&mut all[at], &woken);
            }
        }
        let verdicts: Vec<_> = verdicts.into_iter().map(Option::unwrap).collect();
        assert_eq!(verdicts, alone);
        assert_eq!(engine.sizes(), [waiting], "{first} goes on first");
    }
}

#[test]
fn who_is_gone_is_not_judged_and_in_nobodys_way() {
    let (gather, engine) = gather();
    let woken = Arc::default();
    let mut all: Vec<_> = (0..5)
        .map(|_| gather.judge_among(right(), &KNOWN))
        .collect();
    assert!(all.iter_mut().all(|one| poll(one, &woken).is_none()));
    drop(all.remove(3));
    drop(all.remove(0));
    assert!(all.iter_mut().all(|one| poll(one, &woken).is_some()));
    assert_eq!(engine.sizes(), [3]);
}

#[test]
fn nobody_waits_for_more_than_a_batch() {
    let (gather, engine) = gather();
    let woken = Arc::default();
    let mut all: Vec<_> = (0..150)
        .map(|_| gather.judge_among(right(), &KNOWN))
        .collect();
    assert!(all.iter_mut().all(|one| poll(one, &woken).is_none()));
    assert!(poll(&mut all[0], &woken).is_some());
    assert_eq!(engine.sizes(), [64]);
    // One of the last is there only after those before him.
    assert!(poll(&mut all[149], &woken).is_some());
    assert_eq!(engine.sizes(), [64, 22]);
}

#[test]
fn who_was_taken_along_by_another_is_woken() {
    let (gather, engine) = gather();
    let (one, other) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut first = gather.judge_among(right(), &KNOWN);
    assert_eq!(poll(&mut first, &one), None);
    let second = Arc::new(Mutex::new(gather.judge_among(right(), &KNOWN)));
    assert_eq!(poll(&mut second.lock().unwrap(), &other), None);
    assert_eq!(other.0.load(Ordering::SeqCst), 1);
    // While the first is being judged, the second comes back on another thread and finds nothing to do.
    let (again, his) = (second.clone(), other.clone());
    *engine.before.lock().unwrap() = Some(Box::new(move || {
        assert_eq!(poll(&mut again.lock().unwrap(), &his), None);
    }));
    assert!(poll(&mut first, &one).is_some());
    assert_eq!(other.0.load(Ordering::SeqCst), 2);
    // Who has judged them needs no waking: once was for his first turn.
    assert_eq!(one.0.load(Ordering::SeqCst), 1);
    assert!(poll(&mut second.lock().unwrap(), &other).is_some());
    assert_eq!(engine.sizes(), [2]);
}

#[test]
fn who_was_taken_along_by_one_who_failed_is_judged_alone() {
    let (gather, engine) = gather();
    let woken = Arc::default();
    let mut all: Vec<_> = (0..3)
        .map(|_| gather.judge_among(right(), &KNOWN))
        .collect();
    assert!(all.iter_mut().all(|one| poll(one, &woken).is_none()));
    *engine.before.lock().unwrap() = Some(Box::new(|| panic!("an engine with a bug")));
    let failed = catch_unwind(AssertUnwindSafe(|| poll(&mut all[0], &woken)));
    assert!(failed.is_err());
    for one in &mut all[1..] {
        assert!(matches!(poll(one, &woken), Some(Verdict::Valid { .. })));
    }
    assert_eq!(engine.sizes(), [3, 1, 1]);
}

/// A thread that waits for its future.
struct Parked(thread::Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait(mut future: Boxed<'_, Verdict>) -> Verdict {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    loop {
        if let Poll::Ready(verdict) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return verdict;
        }
        thread::park();
    }
}

#[test]
fn no_thread_is_left_waiting() {
    let (gather, _) = gather();
    let claims = poisons();
    let alone: Vec<_> = claims
        .iter()
        .map(|claim| gather.judge(claim, &KNOWN))
        .collect();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (claims, alone) = (&claims, &alone);
            scope.spawn(move || {
                for round in 0..40 {
                    let at = (thread + round) % claims.len();
                    assert_eq!(wait(gather.judge_among(&claims[at], &KNOWN)), alone[at]);
                }
            });
        }
    });
}
