//! Steps that go on to their end, whoever waits for them.

use crate::oneshot;
use http402_core::seam::{Boxed, Spawn};
use std::{future::poll_fn, task::Poll};

/// Takes a step. What it can do at once it does here; when it has to wait, it goes on in a task of its own, so that it comes
/// to its end though nobody waits for it any more. `None` when that task was lost.
pub(crate) async fn step<T: Send + 'static>(
    spawn: &dyn Spawn,
    mut work: Boxed<'static, T>,
) -> Option<T> {
    // Nothing is awaited between this and the task: whoever drops this drops it before the step has begun, or too late.
    let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    if let Poll::Ready(done) = begun {
        return Some(done);
    }
    let (sender, receiver) = oneshot::channel();
    spawn.spawn(Box::pin(async move {
        // What nobody waits for any more is dropped: values that matter clean up after themselves.
        drop(sender.send(work.await));
    }));
    receiver.receive().await
}
