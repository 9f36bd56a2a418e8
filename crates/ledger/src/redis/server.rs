//! Connecting, and whether the server can be trusted with a ledger.

use super::{Kind, RemoteError};
use crate::{remote::Server, room::QUEUE};
use ::redis::{AsyncConnectionConfig, Client, RedisError, Script, aio::MultiplexedConnection};
use http402_core::{ledger::Key, seam::Boxed};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Each step leads from its index as the store's schema to the next. What was released is never changed: a change is a new
/// step. `apply.lua` names the last, and looks for it when `records` or `bytes` begins to count: a step that makes former
/// scripts wrong gives these two other names.
const STEPS: &[&str] = &[include_str!("1.lua"), include_str!("2.lua")];

/// The names of the ledger's keys in Redis.
#[derive(Debug)]
pub(super) struct Names {
    /// What all of them begin with.
    pub(super) tag: Box<str>,
    /// Schema, and how much there is.
    pub(super) store: Box<str>,
    /// The records' names, each with its end or an earlier time.
    pub(super) ends: Box<str>,
    /// The names of the unfinished, in order.
    pub(super) open: Box<str>,
    /// What stands before a record's name.
    pub(super) records: Box<str>,
}

impl Names {
    pub(super) fn new(name: &str) -> Result<Self, RemoteError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(RemoteError::new(Kind::Address));
        }
        let of = |what: &str| format!("{{{name}}}:{what}").into();
        Ok(Self {
            tag: of(""),
            store: of("store"),
            ends: of("until"),
            open: of("open"),
            records: of("record:"),
        })
    }

    /// What schema 1 had for the ends.
    fn ends_1(&self) -> String {
        format!("{}ends", self.tag)
    }

    /// The name of a record.
    pub(super) fn record(&self, key: &Key) -> String {
        format!("{}{key}", self.records)
    }
}

pub(super) struct Node {
    client: Client,
    names: Arc<Names>,
    patience: Duration,
    survive: bool,
    /// Whether the store has been there.
    seen: AtomicBool,
    look: Script,
}

impl Node {
    pub(super) fn new(
        client: Client,
        names: Arc<Names>,
        patience: Duration,
        survive: bool,
    ) -> Self {
        Self {
            client,
            names,
            patience,
            survive,
            seen: AtomicBool::new(false),
            look: Script::new(include_str!("look.lua")),
        }
    }

    /// From now on a store that is not there has been lost.
    pub(super) fn seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    async fn open(&self) -> Result<MultiplexedConnection, RemoteError> {
        // The pool waits for an answer as long as it may be waited for.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE);
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let unreachable = |error: RedisError| RemoteError::because(Kind::Unreachable, error);
        let mut connection = connecting.await.map_err(unreachable)?;
        let info: Result<String, _> = ::redis::cmd("INFO").query_async(&mut connection).await;
        self.trust(&info.map_err(unreachable)?)?;
        let make = !self.seen.load(Ordering::Relaxed);
        self.prepare(&mut connection, make, STEPS).await?;
        Ok(connection)
    }

    /// Sees to it that the store is one of the last of the steps. Only a process that has not seen it yet may `make` it.
    async fn prepare(
        &self,
        connection: &mut MultiplexedConnection,
        make: bool,
        steps: &[&str],
    ) -> Result<(), RemoteError> {
        let from = self.schema(connection).await?;
        if from > steps.len() {
            return Err(RemoteError::new(Kind::Newer));
        }
        if from == 0 && !make {
            return Err(RemoteError::new(Kind::Lost));
        }
        for (at, step) in steps.iter().enumerate().skip(from) {
            // The mark is the last that a step sets.
            let text = [
                include_str!("step.lua"),
                step,
                "redis.call('HSET', KEYS[1], 'schema', ARGV[1] + 1) return 1",
            ];
            let script = Script::new(&text.join("\n"));
            let mut call = script.prepare_invoke();
            call.key(&*self.names.store).key(self.names.ends_1());
            call.key(&*self.names.open).key(&*self.names.ends);
            call.arg(at);
            call.invoke_async::<u8>(connection).await.map_err(opening)?;
        }
        match self.schema(connection).await? {
            schema if schema == steps.len() => Ok(()),
            0 => Err(RemoteError::new(Kind::Lost)),
            _ => Err(RemoteError::new(Kind::Newer)),
        }
    }

    /// How many steps the store has behind it.
    async fn schema(&self, connection: &mut MultiplexedConnection) -> Result<usize, RemoteError> {
        let mut look = self.look.prepare_invoke();
        look.key(&*self.names.store);
        let schema: Result<String, _> = look.invoke_async(connection).await;
        let schema = schema.map_err(opening)?;
        schema.parse().map_err(|_| RemoteError::new(Kind::Foreign))
    }

    /// Refuses a server that throws records away to make room, or has forgotten them after a restart.
    fn trust(&self, info: &str) -> Result<(), RemoteError> {
        let is = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        // Nothing here has a time to live, so the `volatile` policies throw none of it away.
        let evicts = is("maxmemory_policy")
            .is_some_and(|policy| policy.trim().starts_with("allkeys"))
            && is("maxmemory").is_none_or(|most| most.trim() != "0");
        let forgets = self.survive && is("aof_enabled").is_none_or(|yes| yes.trim() != "1");
        if evicts || forgets {
            return Err(RemoteError::new(Kind::Careless));
        }
        Ok(())
    }
}

impl Server for Node {
    type Connection = MultiplexedConnection;

    fn connect(&self) -> Boxed<'_, Result<MultiplexedConnection, RemoteError>> {
        Box::pin(self.open())
    }

    fn ended(_: &MultiplexedConnection) -> bool {
        // It does not say so before it is used; a failed call makes the next one connect.
        false
    }
}

/// What a failure means before the ledger is open: no record was written.
fn opening(error: RedisError) -> RemoteError {
    let foreign = error.code() == Some("WRONGTYPE") || error.to_string().contains("WRONGTYPE");
    let kind = if foreign {
        Kind::Foreign
    } else {
        Kind::Unreachable
    };
    RemoteError::because(kind, error)
}

/// What the failure of a call means.
pub(super) fn failed(error: RedisError) -> RemoteError {
    let kind = if error.is_timeout() {
        Kind::Slow
    } else {
        Kind::Store
    };
    RemoteError::because(kind, error)
}

#[cfg(all(test, feature = "postgres", feature = "redis"))]
#[allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
mod tests {
    use super::*;
    use crate::servers;
    use http402_core::{
        Bytes, Timestamp,
        ledger::{Applied, Expect, Ledger, Phase, Record, Write},
    };

    const NOW: Timestamp = Timestamp::from_secs(1000);

    /// What schema 1 wrote is there after the steps to the newest: it is found, listed, written over and removed.
    #[test]
    fn a_store_of_schema_1_is_brought_forward() {
        let Some(place) = servers::RedisName::new() else {
            return;
        };
        let mut connection = place.connection();
        let tag = format!("{{{}}}:", place.name);
        // As schema 1 had it: one that has passed, and one that has not.
        let mut pipe = ::redis::pipe();
        pipe.hset_multiple(
            format!("{tag}store"),
            &[
                ("schema", "1"),
                ("version", "77"),
                ("records", "2"),
                ("bytes", "6"),
            ],
        );
        for (name, version, end) in [("old", 3, 900), ("new", 7, 5000)] {
            let head = format!("{version:020}1002{}{end:020}", "-".repeat(20));
            pipe.set(format!("{tag}record:{name}"), head);
            pipe.zadd(format!("{tag}ends"), format!("{end:020}{name}"), 0);
            pipe.zadd(format!("{tag}open"), name, 0);
        }
        pipe.exec(&mut connection).unwrap();
        let ledger = place.with(place.builder().max_records(2)).unwrap();
        let counts: Vec<Option<String>> = ::redis::cmd("HMGET")
            .arg(format!("{tag}store"))
            .arg(&["schema", "version", "last"])
            .query(&mut connection)
            .unwrap();
        let schema = STEPS.len().to_string();
        // Without `version` the script of schema 1 grants nothing.
        assert_eq!(counts, [Some(schema), None, Some("77".into())]);
        let old: bool = ::redis::cmd("EXISTS")
            .arg(format!("{tag}ends"))
            .query(&mut connection)
            .unwrap();
        assert!(!old);
        servers::runtime().block_on(async {
            let new = Key::new("new");
            let page = ledger.pending(NOW, "", None, 9).await.unwrap();
            let listed: Vec<_> = page.records.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(listed, ["new"]);
            assert_eq!(ledger.get(NOW, &new).await.unwrap().unwrap().version, 7);
            let write = |key: &str, expect| Write {
                key: Key::new(key),
                expect,
                put: Some(Record {
                    phase: Phase::Owed,
                    lease: None,
                    keep_until: Timestamp::MAX,
                    body: Bytes::new(),
                }),
            };
            let writes = [write("new", Expect::Version(7)), write("x", Expect::Absent)];
            // There is room for it: the one that has passed goes.
            let applied = ledger.apply(NOW, &writes).await.unwrap();
            let Applied::Done(versions) = applied else {
                panic!("{applied:?}");
            };
            // What was counted in the store is not gone on with.
            assert!(
                versions.iter().all(|version| *version > 1 << 62),
                "{versions:?}"
            );
            let later = Timestamp::from_secs(10_000);
            let full = ledger.apply(later, &[write("y", Expect::Absent)]).await;
            assert!(full.is_err(), "who was given more time stays: {full:?}");
        });
    }

    #[test]
    fn the_script_names_the_last_schema() {
        let names = format!("'schema') ~= '{}'", STEPS.len());
        assert!(include_str!("apply.lua").contains(&names), "{names}");
    }

    /// A step that is still to come is made once, by whoever comes first; one that fails leaves the schema as it was.
    #[test]
    fn a_step_is_made_once_and_one_that_fails_is_made_again() {
        let Some(place) = servers::RedisName::new() else {
            return;
        };
        servers::runtime().block_on(async {
            let client = Client::open(&*place.address).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            let names = Arc::new(Names::new(&place.name).unwrap());
            let node = Node::new(client, names, Duration::from_secs(60), false);
            let broken = [
                STEPS,
                &["redis.call('HSET', KEYS[1], 'half', 1) error('no')"],
            ]
            .concat();
            let failed = node.prepare(&mut connection, true, &broken).await;
            assert!(failed.is_err());
            assert_eq!(node.schema(&mut connection).await.unwrap(), STEPS.len());
            let more = [STEPS, &["redis.call('HINCRBY', KEYS[1], 'made', 1)"]].concat();
            for _ in 0..2 {
                node.prepare(&mut connection, true, &more).await.unwrap();
            }
            let made: u64 = ::redis::cmd("HGET")
                .arg(&*node.names.store)
                .arg("made")
                .query_async(&mut connection)
                .await
                .unwrap();
            assert_eq!(made, 1);
            // This crate does not know that step.
            let newer = node.prepare(&mut connection, true, STEPS).await;
            assert_eq!(newer.unwrap_err().kind(), Kind::Newer);
        });
    }
}
