//! Connecting, and whether the server can be trusted with a ledger.

use super::{Kind, RemoteError};
use crate::remote::Server;
use ::redis::{AsyncConnectionConfig, Client, RedisError, Script, aio::MultiplexedConnection};
use http402_core::{ledger::Key, seam::Boxed};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The schema that this version writes.
const SCHEMA: u32 = 1;

/// The names of the ledger's keys in Redis.
#[derive(Debug)]
pub(super) struct Names(Box<str>);

impl Names {
    pub(super) fn new(name: &str) -> Result<Self, RemoteError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(RemoteError::new(Kind::Address));
        }
        Ok(Self(format!("{{{name}}}:").into()))
    }

    pub(super) fn tag(&self) -> &str {
        &self.0
    }

    /// Schema, last version, and how much there is.
    pub(super) fn store(&self) -> String {
        format!("{}store", self.0)
    }

    /// The records' ends with their names, in order.
    pub(super) fn ends(&self) -> String {
        format!("{}ends", self.0)
    }

    /// The names of the unfinished, in order.
    pub(super) fn open(&self) -> String {
        format!("{}open", self.0)
    }

    /// What stands before a record's name.
    pub(super) fn records(&self) -> String {
        format!("{}record:", self.0)
    }

    pub(super) fn record(&self, key: &Key) -> String {
        format!("{}record:{key}", self.0)
    }
}

pub(super) struct Node {
    client: Client,
    names: Arc<Names>,
    patience: Duration,
    survive: bool,
    /// Whether the store has been there.
    seen: AtomicBool,
    open: Script,
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
            open: Script::new(include_str!("open.lua")),
        }
    }

    /// From now on a store that is not there has been lost.
    pub(super) fn seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    async fn open(&self) -> Result<MultiplexedConnection, RemoteError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let unreachable = |error: RedisError| RemoteError::because(Kind::Unreachable, error);
        let mut connection = connecting.await.map_err(unreachable)?;
        let info: Result<String, _> = ::redis::cmd("INFO").query_async(&mut connection).await;
        self.trust(&info.map_err(unreachable)?)?;
        let mut open = self.open.prepare_invoke();
        open.key(self.names.store()).arg(SCHEMA);
        open.arg(u8::from(!self.seen.load(Ordering::Relaxed)));
        let schema: String = open.invoke_async(&mut connection).await.map_err(|error| {
            // Nothing was written.
            let foreign =
                error.code() == Some("WRONGTYPE") || error.to_string().contains("WRONGTYPE");
            let kind = if foreign {
                Kind::Foreign
            } else {
                Kind::Unreachable
            };
            RemoteError::because(kind, error)
        })?;
        match schema.parse::<u32>() {
            Ok(schema) if schema > SCHEMA => Err(RemoteError::new(Kind::Newer)),
            Ok(SCHEMA) => Ok(connection),
            Err(_) if schema == "lost" => Err(RemoteError::new(Kind::Lost)),
            _ => Err(RemoteError::new(Kind::Foreign)),
        }
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

/// What the failure of a call means.
pub(super) fn failed(error: RedisError) -> RemoteError {
    let kind = if error.is_timeout() {
        Kind::Slow
    } else {
        Kind::Store
    };
    RemoteError::because(kind, error)
}
