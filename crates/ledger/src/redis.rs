//! A ledger in Redis, shared by all replicas that reach it.

mod server;
mod value;
mod version;

pub use ::redis;

use crate::{
    remote::{Kind, Pool, RemoteError},
    room::{PATIENCE, Room},
};
use ::redis::{
    Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Script, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Page, Versioned, Write},
    seam::{Boxed, SeamError},
};
use server::{Names, Node};
use std::{fmt, sync::Arc, time::Duration};
use version::Versions;

/// A ledger in Redis 6 or later, or a server that speaks as it does.
///
/// A step is one script, and one round trip. All keys have one hash tag, `{name}`, so that a Redis Cluster holds them in one
/// slot. Nothing has a time to live of its own: the callers' time says what has passed, and records are removed by later steps.
///
/// Versions are chosen here and not counted there: a record that is made gets one of 2^62 at random, and each change adds one.
/// A write with a version from before its key was removed and made again, or had passed, fits by chance: one time in 4·10^17
/// for a record that was changed ten times since.
///
/// **What is remembered is up to the server.** Set `appendonly yes` and `appendfsync always`; with `everysec` a loss of power
/// forgets the last second, and what is forgotten is granted, or paid, a second time. The same holds for a replica that is
/// promoted before it has heard of the last writes.
///
/// It lives on the tokio runtime on which it was connected. Its futures can be awaited anywhere; one that is dropped after its
/// first poll may have written all the same.
pub struct Redis {
    pool: Pool<Node>,
    names: Arc<Names>,
    /// How many records and how many bytes, as the script reads them.
    room: [u8; 40],
    scripts: Arc<Scripts>,
    versions: Versions,
}

/// What the server says of a script that it does not know.
const UNKNOWN: ErrorKind = ErrorKind::Server(ServerErrorKind::NoScript);

/// When a record is looked at again at the latest, in seconds: its end may have been brought forward.
const LOOK_AGAIN: u64 = 3600;

struct Scripts {
    apply: Script,
    pending: Script,
}

/// How a ledger in Redis is opened.
#[derive(Clone, Debug)]
pub struct Builder {
    name: Box<str>,
    room: Room,
    patience: Duration,
    survive: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: "http402".into(),
            room: Room::DEFAULT,
            patience: PATIENCE,
            survive: true,
        }
    }
}

impl Builder {
    /// What the names of all its keys begin with, as `{name}:` (default `http402`): 1 to 64 letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// How many records it may hold (default 1 000 000), those included whose time has passed and which are not removed yet.
    /// A full ledger refuses new keys with [`Full`](http402_core::ledger::Full) and evicts nothing live.
    #[must_use]
    pub const fn max_records(mut self, records: u64) -> Self {
        self.room.records = records;
        self
    }

    /// How many bytes keys and bodies may have together (default 4 GiB). Redis needs more: about 400 bytes for each record.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.room.bytes = bytes;
        self
    }

    /// How long a call waits for the server, connecting included (default 5 s).
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether to refuse a server that keeps no append-only file (default true): it forgets what it held when it restarts.
    #[must_use]
    pub const fn survive_restart(mut self, yes: bool) -> Self {
        self.survive = yes;
        self
    }

    /// Connects, and makes the store if there is none.
    ///
    /// `address` is what the crate `redis` takes: `redis://user:password@host:port/database`, `unix:///path`, and
    /// `rediss://` when one of that crate's TLS features is on.
    ///
    /// # Errors
    /// When the server can not be reached, evicts or forgets records, or holds something else, or a later version, under this
    /// name; or outside of a tokio runtime.
    pub async fn connect(self, address: impl IntoConnectionInfo) -> Result<Redis, RemoteError> {
        let names = Arc::new(Names::new(&self.name)?);
        let client =
            Client::open(address).map_err(|error| RemoteError::because(Kind::Address, error))?;
        let node = Node::new(client, names.clone(), self.patience, self.survive);
        let pool = Pool::new(node, 1, self.patience)?;
        let mut room = [0; 40];
        room[..20].copy_from_slice(&value::digits(self.room.records));
        room[20..].copy_from_slice(&value::digits(self.room.bytes));
        let ledger = Redis {
            pool,
            names,
            room,
            versions: Versions::new(),
            scripts: Arc::new(Scripts {
                apply: Script::new(include_str!("redis/apply.lua")),
                pending: Script::new(include_str!("redis/pending.lua")),
            }),
        };
        ledger.pool.run(|_| async { Ok(()) }).await?;
        ledger.pool.server().seen();
        Ok(ledger)
    }
}

impl Redis {
    /// Connects with the defaults of [`Builder`].
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub async fn connect(address: impl IntoConnectionInfo) -> Result<Self, RemoteError> {
        Self::builder().connect(address).await
    }

    /// How a ledger is opened.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs a script: one round trip, and two more when the server does not know it yet.
    async fn script<T: FromRedisValue + Send + 'static>(
        &self,
        which: fn(&Scripts) -> &Script,
        call: Cmd,
    ) -> Result<T, RemoteError> {
        let scripts = self.scripts.clone();
        let work = move |mut connection: MultiplexedConnection| async move {
            let told = |answer: Value| answer.extract_error();
            let mut answer = connection.send_packed_command(&call).await.and_then(told);
            if answer.as_ref().is_err_and(|error| error.kind() == UNKNOWN) {
                let loaded = which(&scripts).load_async(&mut connection).await;
                loaded.map_err(server::failed)?;
                answer = connection.send_packed_command(&call).await.and_then(told);
            }
            let answer = answer.map_err(server::failed)?;
            T::from_redis_value(answer).map_err(|error| server::failed(error.into()))
        };
        self.pool.run(work).await
    }

    async fn change(&self, now: Timestamp, writes: &[Write]) -> Result<Applied, SeamError> {
        crate::check(writes)?;
        if writes.is_empty() {
            return Ok(Applied::Done(Vec::new()));
        }
        let names = &*self.names;
        let bodies = writes.iter().filter_map(|write| write.put.as_ref());
        let bodies: usize = bodies.map(|put| put.body.len()).sum();
        let mut call = Cmd::with_capacity(7 + 3 * writes.len(), bodies + 1024 * writes.len());
        call.arg("EVALSHA").arg(self.scripts.apply.get_hash());
        call.arg(3 + writes.len());
        call.arg(&*names.store).arg(&*names.ends).arg(&*names.open);
        let mut text = Vec::new();
        for write in writes {
            text.clear();
            text.extend_from_slice(names.records.as_bytes());
            text.extend_from_slice(write.key.as_str().as_bytes());
            call.arg(&*text);
        }
        text.clear();
        text.extend_from_slice(&value::time(now));
        text.extend_from_slice(&value::time(now.plus(LOOK_AGAIN)));
        if writes.iter().any(|write| write.expect == Expect::Absent) {
            text.extend_from_slice(&self.room);
        }
        call.arg(&*text);
        let mut versions = Vec::with_capacity(writes.len());
        for write in writes {
            match write.expect {
                Expect::Absent => call.arg(""),
                Expect::Version(version) => call.arg(&value::digits(version)),
            };
            text.clear();
            let version = match &write.put {
                None => 0,
                Some(record) => {
                    let version = self.versions.after(write.expect);
                    value::put(record, version, &mut text);
                    version
                }
            };
            call.arg(&*text);
            versions.push(version);
        }
        let answer: Value = self.script(|it| &it.apply, call).await?;
        value::applied(&answer, versions)
    }

    async fn find(&self, now: Timestamp, key: &Key) -> Result<Option<Versioned>, RemoteError> {
        let name = self.names.record(key);
        let work = move |mut connection: MultiplexedConnection| async move {
            let get = ::redis::cmd("GET")
                .arg(name)
                .query_async(&mut connection)
                .await;
            get.map_err(server::failed)
        };
        let found: Option<Vec<u8>> = self.pool.run(work).await?;
        let found = found.as_deref().map(value::record).transpose()?;
        Ok(found.filter(|found| found.record.keep_until > now))
    }

    async fn page(
        &self,
        now: Timestamp,
        prefix: &str,
        cursor: Option<&Key>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        let from = match cursor {
            Some(cursor) if cursor.as_str() >= prefix => format!("({cursor}"),
            _ => format!("[{prefix}"),
        };
        // No text has this byte: everything that begins with the prefix stands before it.
        let mut to = format!("({prefix}").into_bytes();
        to.push(0xff);
        let mut call = ::redis::cmd("EVALSHA");
        call.arg(self.scripts.pending.get_hash()).arg(1);
        call.arg(&*self.names.open).arg(&value::time(now));
        call.arg(from).arg(to).arg(limit).arg(&*self.names.records);
        let answer: Vec<Vec<u8>> = self.script(|it| &it.pending, call).await?;
        value::page(&answer)
    }
}

impl Ledger for Redis {
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

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("name", &self.names.tag)
            .finish_non_exhaustive()
    }
}
