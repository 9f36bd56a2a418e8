//! A single-threaded executor with virtual time. Chance says which of the ready tasks runs next.
//!
//! Every task belongs to an actor, a process of the simulated world: when that crashes, its tasks are dropped between two
//! polls, and what they spawn while they are dropped is dropped with them.

use super::dice::Dice;
use http402_core::seam::Boxed;
use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// A process of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Actor(pub(crate) usize);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Histories run on one thread each; a panic ends the history.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
pub(crate) struct Executor(Arc<Core>);

struct Core {
    state: Mutex<State>,
    ready: Arc<Mutex<Vec<usize>>>,
}

struct State {
    /// Milliseconds since the history began.
    now: u64,
    tasks: Vec<Option<Task>>,
    timers: BinaryHeap<Timer>,
    sequence: u64,
    dice: Dice,
    /// By actor: whether it lives, and how often it has been started.
    lives: Vec<(bool, u32)>,
}

struct Task {
    actor: Actor,
    future: Option<Boxed<'static, ()>>,
    wake: Arc<TaskWake>,
}

struct TaskWake {
    id: usize,
    queued: AtomicBool,
    ready: Arc<Mutex<Vec<usize>>>,
}

impl Wake for TaskWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Relaxed) {
            lock(&self.ready).push(self.id);
        }
    }
}

/// Ordered so that the heap gives the earliest first.
struct Timer {
    at: u64,
    sequence: u64,
    waker: Waker,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

/// What a step of the executor was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// A task of this actor was polled.
    Polled(Actor),
    /// Nothing was ready: time went on to the next timer.
    Waited,
    /// There is nothing left to do.
    Idle,
}

impl Executor {
    pub(crate) fn new(seed: u64, actors: usize) -> Self {
        Self(Arc::new(Core {
            state: Mutex::new(State {
                now: 0,
                tasks: Vec::with_capacity(64),
                timers: BinaryHeap::new(),
                sequence: 0,
                dice: Dice::new(seed, 1),
                lives: vec![(true, 0); actors],
            }),
            ready: Arc::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// Milliseconds since the history began.
    pub(crate) fn now(&self) -> u64 {
        self.state().now
    }

    /// The life that an actor is in; `None` while it is down.
    pub(crate) fn life(&self, actor: Actor) -> Option<u32> {
        let (alive, life) = self.state().lives[actor.0];
        alive.then_some(life)
    }

    /// Runs a future for an actor, unless the life that it was made in has ended: then it is dropped.
    pub(crate) fn spawn(&self, actor: Actor, life: u32, future: Boxed<'static, ()>) {
        if self.life(actor) != Some(life) {
            return;
        }
        let mut state = self.state();
        let id = state.tasks.len();
        let wake = Arc::new(TaskWake {
            id,
            queued: AtomicBool::new(true),
            ready: self.0.ready.clone(),
        });
        state.tasks.push(Some(Task {
            actor,
            future: Some(future),
            wake,
        }));
        lock(&self.0.ready).push(id);
    }

    /// Ends a life: the actor's tasks are dropped where they stand.
    pub(crate) fn kill(&self, actor: Actor) {
        let dead: Vec<_> = {
            let mut state = self.state();
            state.lives[actor.0].0 = false;
            let tasks = state.tasks.iter_mut();
            tasks
                .filter(|task| task.as_ref().is_some_and(|task| task.actor == actor))
                .filter_map(Option::take)
                .collect()
        };
        // Outside of the lock: what is dropped may wake and spawn.
        drop(dead);
    }

    /// Begins the next life of an actor that is down.
    pub(crate) fn revive(&self, actor: Actor) {
        let mut state = self.state();
        let (alive, life) = &mut state.lives[actor.0];
        if !*alive {
            (*alive, *life) = (true, *life + 1);
        }
    }

    /// Polls one ready task, or lets time go on when there is none.
    pub(crate) fn step(&self) -> Stepped {
        let Some(id) = self.choose() else {
            return self.wait();
        };
        let taken = {
            let mut state = self.state();
            state.tasks[id].as_mut().and_then(|task| {
                task.wake.queued.store(false, Relaxed);
                let future = task.future.take()?;
                Some((future, task.wake.clone(), task.actor))
            })
        };
        let Some((mut future, wake, actor)) = taken else {
            // Woken after its end.
            return Stepped::Waited;
        };
        let waker = Waker::from(wake);
        let ended = future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        if ended {
            let task = self.state().tasks[id].take();
            drop((task, future));
        } else if let Some(task) = &mut self.state().tasks[id] {
            task.future = Some(future);
        }
        Stepped::Polled(actor)
    }

    fn choose(&self) -> Option<usize> {
        let mut ready = lock(&self.0.ready);
        let count = ready.len();
        if count == 0 {
            return None;
        }
        let at = if count == 1 {
            0
        } else {
            self.state().dice.below(count as u64)
        };
        Some(ready.swap_remove(usize::try_from(at).unwrap_or(0)))
    }

    fn wait(&self) -> Stepped {
        let timer = {
            let mut state = self.state();
            let timer = state.timers.pop();
            if let Some(timer) = &timer {
                state.now = state.now.max(timer.at);
            }
            timer
        };
        match timer {
            Some(timer) => {
                timer.waker.wake();
                Stepped::Waited
            }
            None => Stepped::Idle,
        }
    }

    /// Waits so long; zero gives others a turn.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Sleep {
            executor: self.clone(),
            until: self.now().saturating_add(millis),
            asked: false,
        }
    }

    pub(crate) fn millis(&self, millis: u64) -> Sleep {
        self.sleep(Duration::from_millis(millis))
    }
}

/// A pause in virtual time.
pub(crate) struct Sleep {
    executor: Executor,
    until: u64,
    asked: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.executor.state();
        if self.asked && state.now >= self.until {
            return Poll::Ready(());
        }
        state.sequence += 1;
        let (at, sequence, waker) = (self.until, state.sequence, context.waker().clone());
        state.timers.push(Timer {
            at,
            sequence,
            waker,
        });
        drop(state);
        self.asked = true;
        Poll::Pending
    }
}

/// The end of a wait for a reply.
pub(crate) struct Slot<T>(Arc<Mutex<Inner<T>>>);
/// Where the reply comes from. It is lost when this is dropped.
pub(crate) struct Reply<T>(Arc<Mutex<Inner<T>>>);

struct Inner<T> {
    value: Option<T>,
    waiting: Option<Waker>,
    serving: Option<Waker>,
    asked: bool,
    answering: bool,
}

/// A connection: one waits for a reply, the other notices when he has gone.
pub(crate) fn connection<T>() -> (Reply<T>, Slot<T>) {
    let inner = Arc::new(Mutex::new(Inner {
        value: None,
        waiting: None,
        serving: None,
        asked: true,
        answering: true,
    }));
    (Reply(inner.clone()), Slot(inner))
}

impl<T> Reply<T> {
    pub(crate) fn send(self, value: T) {
        lock(&self.0).value = Some(value);
    }

    /// Whether the other one has gone; wakes the task when that happens.
    pub(crate) fn is_gone(&self, context: &Context<'_>) -> bool {
        let mut inner = lock(&self.0);
        if inner.asked {
            inner.serving = Some(context.waker().clone());
        }
        !inner.asked
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let waker = {
            let mut inner = lock(&self.0);
            inner.answering = false;
            inner.waiting.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Slot<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = lock(&self.0);
        match inner.value.take() {
            Some(value) => Poll::Ready(Some(value)),
            None if !inner.answering => Poll::Ready(None),
            None => {
                inner.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let (value, waker) = {
            let mut inner = lock(&self.0);
            inner.asked = false;
            (inner.value.take(), inner.serving.take())
        };
        drop(value);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
