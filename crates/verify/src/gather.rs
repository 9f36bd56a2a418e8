//! Claims of many requests, judged as batches.

use crate::{Verifier, batch::Asks};
use http402_core::{
    Claim, Verdict,
    seam::{Boxed, Judge, Known},
};
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The most claims that are judged in one go, so that nobody waits for long: an engine has no more from more.
const MOST: usize = 64;

/// A [`Verifier`] that judges the claims of requests together which come at the same time.
///
/// Who asks by [`judge_among`](Judge::judge_among) lets the tasks go first that are ready to run as well, once, and then
/// judges what they have brought with his own. A lone request is never delayed by that: it finds nobody, and goes on. There is
/// no timer, no thread, and no runtime that it needs. Every verdict is that of the verifier.
pub struct Gather {
    verifier: Verifier,
    waiting: Mutex<Vec<Waiting>>,
}

impl Gather {
    /// Over this verifier. It gains by an engine that shares work within a batch: [`Portable`](crate::engine::Portable), and
    /// `Lanes` where the CPU has them.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            waiting: Mutex::default(),
        }
    }

    /// Judges those who wait, the first come first, and tells them. `false` when nobody does.
    fn go_on(&self, own: &Arc<Mutex<Told>>) -> bool {
        let batch: Vec<Waiting> = {
            let mut waiting = lock(&self.waiting);
            let most = waiting.len().min(MOST);
            waiting.drain(..most).collect()
        };
        if batch.is_empty() {
            return false;
        }
        // Whose requests have gone away are not in the way of the others.
        let alive = |one: &Waiting| Arc::strong_count(&one.place) > 1;
        let (mut places, mut asks) = (Vec::new(), Vec::new());
        for mut one in batch.into_iter().filter(alive) {
            asks.extend(one.asks.take());
            places.push(one);
        }
        let verdicts = self.verifier.finish_all(asks);
        for (one, verdict) in places.iter().zip(verdicts) {
            let waker = one.tell(Told::Verdict(verdict));
            // Who does this looks for his own verdict next, and needs no waking.
            if let Some(waker) = waker.filter(|_| !Arc::ptr_eq(&one.place, own)) {
                waker.wake();
            }
        }
        true
    }
}

impl fmt::Debug for Gather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

impl Judge for Gather {
    fn judge(&self, claim: &Claim, known: &Known) -> Verdict {
        self.verifier.judge(claim, known)
    }

    fn judge_among<'a>(&'a self, claim: &'a Claim, known: &'a Known) -> Boxed<'a, Verdict> {
        Box::pin(async move {
            let asks = match self.verifier.asks(claim, known) {
                Asks::Nothing(verdict) => return verdict,
                asks => asks,
            };
            let place = Arc::new(Mutex::new(Told::Nothing));
            let waits = Waits {
                gather: self,
                asks: Some(asks),
                place,
            };
            match waits.await {
                Some(verdict) => verdict,
                // Who had taken it along is gone.
                None => self.verifier.judge(claim, known),
            }
        })
    }
}

/// One who waits for a verdict, in the hands of who will tell him.
struct Waiting {
    asks: Option<Asks>,
    place: Arc<Mutex<Told>>,
}

/// What one who waits has been told.
enum Told {
    Nothing,
    /// Nothing yet, and somebody else has taken him along.
    Wake(Waker),
    Verdict(Verdict),
    /// Nobody will tell him any more.
    Lost,
}

impl Waiting {
    /// Who is to be woken for it.
    fn tell(&self, told: Told) -> Option<Waker> {
        let mut place = lock(&self.place);
        match *place {
            Told::Nothing | Told::Wake(_) => match mem::replace(&mut *place, told) {
                Told::Wake(waker) => Some(waker),
                _ => None,
            },
            Told::Verdict(_) | Told::Lost => None,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waker) = self.tell(Told::Lost) {
            waker.wake();
        }
    }
}

/// The way of one request from its question to its verdict; `None` when who had taken it along is gone.
struct Waits<'a> {
    gather: &'a Gather,
    /// What it asks, until it stands in the queue.
    asks: Option<Asks>,
    place: Arc<Mutex<Told>>,
}

impl Future for Waits<'_> {
    type Output = Option<Verdict>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Verdict>> {
        if let Some(asks) = self.asks.take() {
            lock(&self.gather.waiting).push(Waiting {
                asks: Some(asks),
                place: self.place.clone(),
            });
            // The others that are ready have their turn, and then this one.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            {
                let mut place = lock(&self.place);
                match mem::replace(&mut *place, Told::Lost) {
                    Told::Verdict(verdict) => return Poll::Ready(Some(verdict)),
                    Told::Lost => return Poll::Ready(None),
                    Told::Nothing | Told::Wake(_) => {
                        *place = Told::Wake(context.waker().clone());
                    }
                }
            }
            if !self.gather.go_on(&self.place) {
                // Another thread has it in its hands, and will wake this one.
                return Poll::Pending;
            }
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
