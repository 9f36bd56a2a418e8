//! A ledger in PostgreSQL, shared by all replicas that reach it.

mod row;
mod schema;
mod server;

pub use tokio_postgres;

use crate::{
    remote::{Kind, Pool, RemoteError},
    room::{PATIENCE, Room},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Key, Ledger, Page, Versioned, Write},
    seam::{Boxed, SeamError},
};
use row::Columns;
use server::{Connection, Database, open};
use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio_postgres::{
    Config, NoTls, Socket,
    tls::{MakeTlsConnect, TlsConnect},
    types::ToSql,
};

/// One step in so many removes some of what has passed, and how many that is.
const PURGE_EVERY: u32 = 16;
const PURGE: i32 = 64;

/// A ledger in PostgreSQL 12 or later.
///
/// A step is one statement, and one round trip: a function that locks its keys in order, looks at all of them and writes. Many
/// calls share few connections, one behind the other.
///
/// **What is remembered is up to the server.** The connections see to `synchronous_commit`; `fsync` must be on. With
/// replication that is not synchronous, a standby that is promoted may have missed the last steps, and what is forgotten is
/// granted, or paid, a second time.
///
/// It lives on the tokio runtime on which it was connected. Its futures can be awaited anywhere; one that is dropped after its
/// first poll may have written all the same.
pub struct Postgres {
    pool: Pool<Database>,
    room: Room,
    steps: AtomicU32,
}

/// How a ledger in PostgreSQL is opened.
#[derive(Clone, Debug)]
pub struct Builder {
    schema: Box<str>,
    room: Room,
    patience: Duration,
    connections: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            schema: "http402".into(),
            room: Room::DEFAULT,
            patience: PATIENCE,
            connections: 4,
        }
    }
}

impl Builder {
    /// In which schema of the database its tables are (default `http402`): 1 to 48 lower-case letters, digits and `_`, a letter
    /// first. It is made when it is not there, which the role must be allowed to do.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        self.schema = schema.into();
        self
    }

    /// How many records it may hold (default 1 000 000), those included whose time has passed and which are not removed yet.
    /// A full ledger refuses new keys with [`Full`](http402_core::ledger::Full) and evicts nothing live. Steps that are made
    /// at the same time do not see each other's count: the bound may be passed by as many steps as there are connections.
    #[must_use]
    pub const fn max_records(mut self, records: u64) -> Self {
        self.room.records = records;
        self
    }

    /// How many bytes keys and bodies may have together (default 4 GiB). The tables are larger.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.room.bytes = bytes;
        self
    }

    /// How long a call waits for the server, connecting included (default 5 s). The server gives a statement up after the same
    /// time.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many connections a process has at most (default 4). Steps of one connection are made one after the other, those of
    /// several are written to the disk together.
    #[must_use]
    pub const fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Connects without TLS, makes the tables if there are none, and brings those of an earlier version forward.
    ///
    /// # Errors
    /// When the address can not be read or asks for TLS, the server can not be reached, or what it holds is something else or
    /// of a later version; or outside of a tokio runtime.
    pub async fn connect(self, address: &str) -> Result<Postgres, RemoteError> {
        self.connect_tls(address, NoTls).await
    }

    /// As [`connect`](Self::connect), with TLS as the crate `tokio-postgres` has it.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_tls<T>(self, address: &str, tls: T) -> Result<Postgres, RemoteError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let config: Config =
            (address.parse()).map_err(|error| RemoteError::because(Kind::Address, error))?;
        let database = Database::new(config, &self.schema, self.patience, open(tls))?;
        let ledger = Postgres {
            pool: Pool::new(database, self.connections, self.patience)?,
            room: self.room,
            steps: AtomicU32::new(0),
        };
        ledger.pool.run(|_| async { Ok(()) }).await?;
        ledger.pool.server().seen();
        Ok(ledger)
    }
}

impl Postgres {
    /// Connects with the defaults of [`Builder`], without TLS.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub async fn connect(address: &str) -> Result<Self, RemoteError> {
        Self::builder().connect(address).await
    }

    /// How a ledger is opened.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn change(&self, now: Timestamp, writes: &[Write]) -> Result<Applied, SeamError> {
        crate::check(writes)?;
        if writes.is_empty() {
            return Ok(Applied::Done(Vec::new()));
        }
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        let purge = if step.is_multiple_of(PURGE_EVERY) {
            PURGE
        } else {
            0
        };
        let columns = Columns::new(now, self.room, purge, writes);
        let work = move |connection: Connection| async move {
            let client = connection.client();
            let row = client
                .query_one(connection.apply(), &columns.parameters())
                .await;
            row.map_err(server::failed)
        };
        let row = self.pool.run(work).await?;
        row::applied(&row, writes.len())
    }

    async fn find(&self, now: Timestamp, key: &Key) -> Result<Option<Versioned>, RemoteError> {
        if !crate::possible(key) {
            return Ok(None);
        }
        let (key, now) = (key.clone(), row::time(now));
        let work = move |connection: Connection| async move {
            let client = connection.client();
            let row = client
                .query_opt(connection.get(), &[&key.as_str(), &now])
                .await;
            row.map_err(server::failed)
        };
        let row = self.pool.run(work).await?;
        row.as_ref().map(row::record).transpose()
    }

    async fn page(
        &self,
        now: Timestamp,
        prefix: &str,
        cursor: Option<&Key>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        if prefix.contains('\0') {
            return Ok(Page::default());
        }
        let (after, from) = match cursor {
            Some(cursor) if cursor.as_str() >= prefix => (true, cursor.as_str().to_owned()),
            _ => (false, prefix.to_owned()),
        };
        let (now, until) = (row::time(now), row::until(prefix));
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let work = move |connection: Connection| async move {
            let client = connection.client();
            let parameters: [&(dyn ToSql + Sync); 5] = [&from, &after, &until, &now, &most];
            let rows = client.query(connection.pending(), &parameters).await;
            rows.map_err(server::failed)
        };
        let rows = self.pool.run(work).await?;
        row::page(&rows, limit)
    }
}

impl Ledger for Postgres {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(self.change(now, writes))
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move { Ok(self.find(now, key).await?) })
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move { Ok(self.page(now, prefix, cursor, limit).await?) })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("schema", &self.pool.server().schema())
            .finish_non_exhaustive()
    }
}
