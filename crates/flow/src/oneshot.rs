use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// A value on its way from a spawned step to the request that waits for it.
///
/// Either side may vanish: who sends learns that nobody waits any more, who waits learns that nothing will come.
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(State {
        value: None,
        waker: None,
        sender: true,
        receiver: true,
    }));
    (Sender(shared.clone()), Receiver(shared))
}

struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
    sender: bool,
    receiver: bool,
}

pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);
pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Sender<T> {
    /// Hands the value over, or gives it back when nobody waits.
    pub(crate) fn send(self, value: T) -> Result<(), T> {
        let waker = {
            let mut state = lock(&self.0);
            if !state.receiver {
                return Err(value);
            }
            state.value = Some(value);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.0);
            state.sender = false;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The value; `None` when the sender vanished without one.
    pub(crate) async fn receive(self) -> Option<T> {
        poll_fn(|context| {
            let mut state = lock(&self.0);
            match state.value.take() {
                Some(value) => Poll::Ready(Some(value)),
                None if !state.sender => Poll::Ready(None),
                None => {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Takes a value that was sent and not received. After this, sending fails.
    fn close(&self) -> Option<T> {
        let mut state = lock(&self.0);
        state.receiver = false;
        state.value.take()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // A value that was sent and never taken is dropped here: values that matter clean up after themselves.
        drop(self.close());
    }
}
