//! A few connections for many calls. Each connection carries many calls at a time, one behind the other.

use super::{Kind, RemoteError};
use crate::room::QUEUE;
use http402_core::seam::Boxed;
use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, timeout_at},
};

/// How to get connections.
pub(crate) trait Server: Send + Sync + 'static {
    /// A connection that several calls use at once.
    type Connection: Clone + Send + 'static;

    fn connect(&self) -> Boxed<'_, Result<Self::Connection, RemoteError>>;

    /// Whether it is known to have ended.
    fn ended(connection: &Self::Connection) -> bool;
}

pub(crate) struct Pool<S: Server> {
    server: Arc<S>,
    slots: Box<[Arc<Slot<S::Connection>>]>,
    next: AtomicUsize,
    room: Arc<Semaphore>,
    patience: Duration,
    runtime: Handle,
}

struct Slot<C> {
    current: Mutex<Option<(u64, C)>>,
    /// How many connections were made. Held while one is made, so that calls do not make one each.
    made: tokio::sync::Mutex<u64>,
}

impl<C: Clone> Slot<C> {
    fn new() -> Self {
        Self {
            current: Mutex::new(None),
            made: tokio::sync::Mutex::new(0),
        }
    }

    fn current<S: Server<Connection = C>>(&self) -> Option<(u64, C)> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone().filter(|(_, it)| !S::ended(it))
    }

    async fn get<S: Server<Connection = C>>(&self, server: &S) -> Result<(u64, C), RemoteError> {
        if let Some(current) = self.current::<S>() {
            return Ok(current);
        }
        let mut made = self.made.lock().await;
        if let Some(current) = self.current::<S>() {
            return Ok(current);
        }
        let connection = server.connect().await?;
        *made += 1;
        let current = (*made, connection);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current.clone());
        Ok(current)
    }

    /// Calls that are under way on it go on; new ones use another.
    fn forget(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|(it, _)| *it == number) {
            *current = None;
        }
    }
}

impl<S: Server> Pool<S> {
    /// A pool without connections. It lives on the runtime that it is made on.
    pub(crate) fn new(
        server: S,
        connections: usize,
        patience: Duration,
    ) -> Result<Self, RemoteError> {
        let runtime =
            Handle::try_current().map_err(|error| RemoteError::because(Kind::Gone, error))?;
        Ok(Self {
            server: Arc::new(server),
            slots: (0..connections.max(1))
                .map(|_| Arc::new(Slot::new()))
                .collect(),
            next: AtomicUsize::new(0),
            room: Arc::new(Semaphore::new(QUEUE)),
            patience,
            runtime,
        })
    }

    pub(crate) fn server(&self) -> &S {
        &self.server
    }

    /// Does something with a connection. It runs on the pool's runtime, whoever waits for it and on what executor.
    pub(crate) async fn run<T, F>(
        &self,
        work: impl FnOnce(S::Connection) -> F + Send + 'static,
    ) -> Result<T, RemoteError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RemoteError>> + Send + 'static,
    {
        let room = self.room.clone().try_acquire_owned();
        let room = room.map_err(|_| RemoteError::new(Kind::Overloaded))?;
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let (server, slot) = (self.server.clone(), self.slots[at].clone());
        let end = Instant::now() + self.patience;
        let task = self.runtime.spawn(async move {
            let _room = room;
            let connecting = timeout_at(end, slot.get(&*server)).await;
            let (number, connection) =
                connecting.map_err(|_| RemoteError::new(Kind::Unreachable))??;
            let answer = timeout_at(end, work(connection)).await;
            let answer = answer.unwrap_or(Err(RemoteError::new(Kind::Slow)));
            if answer.as_ref().is_err_and(RemoteError::breaks) {
                slot.forget(number);
            }
            answer
        });
        task.await
            .map_err(|error| RemoteError::because(Kind::Gone, error))?
    }
}
