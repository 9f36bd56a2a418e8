//! Connecting, and what a connection is set to.

use super::{Kind, RemoteError, schema};
use crate::remote::Server;
use http402_core::seam::Boxed;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_postgres::{
    Client, Config, Error, Socket, Statement,
    config::TargetSessionAttrs,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect},
};

/// Opens a connection, and runs it until its client is dropped.
pub(super) type Open = Box<dyn Fn(Config) -> Boxed<'static, Result<Client, Error>> + Send + Sync>;

pub(super) fn open<T>(tls: T) -> Open
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    Box::new(move |config| {
        let tls = tls.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(tls).await?;
            // What ends it is told to the calls that are under way.
            tokio::spawn(async move { drop(connection.await) });
            Ok(client)
        })
    })
}

pub(super) struct Database {
    config: Config,
    schema: Box<str>,
    patience: Duration,
    open: Open,
    /// Whether the tables have been there.
    seen: AtomicBool,
}

/// A connection with its statements.
#[derive(Clone)]
pub(super) struct Connection(Arc<Prepared>);

struct Prepared {
    client: Client,
    apply: Statement,
    get: Statement,
    pending: Statement,
}

impl Connection {
    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn apply(&self) -> &Statement {
        &self.0.apply
    }

    pub(super) fn get(&self) -> &Statement {
        &self.0.get
    }

    pub(super) fn pending(&self) -> &Statement {
        &self.0.pending
    }
}

impl Database {
    pub(super) fn new(
        mut config: Config,
        schema: &str,
        patience: Duration,
        open: Open,
    ) -> Result<Self, RemoteError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = schema.starts_with(|first: char| first.is_ascii_lowercase());
        if schema.len() > 48 || !begins || !schema.bytes().all(plain) {
            return Err(RemoteError::new(Kind::Address));
        }
        config.connect_timeout(patience);
        // A standby does not know the last steps.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self {
            config,
            schema: schema.into(),
            patience,
            open,
            seen: AtomicBool::new(false),
        })
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// From now on tables that are not there have been lost.
    pub(super) fn seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    async fn ready(&self) -> Result<Connection, RemoteError> {
        let unreachable = |error: Error| RemoteError::because(Kind::Unreachable, error);
        let client = (self.open)(self.config.clone())
            .await
            .map_err(unreachable)?;
        let patience = self.patience.as_millis().clamp(1, 86_400_000);
        let settings = format!(
            "SET statement_timeout = {patience};
             SET default_transaction_isolation = 'read committed';
             SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'"
        );
        client.batch_execute(&settings).await.map_err(unreachable)?;
        let make = !self.seen.load(Ordering::Relaxed);
        schema::prepare(&client, &self.schema, make, schema::STEPS).await?;
        let schema = &self.schema;
        let prepare = async |text: String| client.prepare(&text).await.map_err(unreachable);
        let apply = prepare(format!(
            "SELECT * FROM {schema}.apply($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ));
        let get = prepare(format!(
            "SELECT version, phase, lease, keep_until, body FROM {schema}.record WHERE key = $1 AND keep_until > $2"
        ));
        let pending = prepare(format!(
            "SELECT version, phase, lease, keep_until, body, key FROM {schema}.record
             WHERE unfinished AND key >= $1 AND NOT ($2 AND key = $1) AND key < $3 AND keep_until > $4
             ORDER BY key LIMIT $5"
        ));
        let (apply, get, pending) = (apply.await?, get.await?, pending.await?);
        Ok(Connection(Arc::new(Prepared {
            client,
            apply,
            get,
            pending,
        })))
    }
}

impl Server for Database {
    type Connection = Connection;

    fn connect(&self) -> Boxed<'_, Result<Connection, RemoteError>> {
        Box::pin(self.ready())
    }

    fn ended(connection: &Connection) -> bool {
        connection.client().is_closed()
    }
}

/// What the failure of a call means.
pub(super) fn failed(error: Error) -> RemoteError {
    let kind = if error.code() == Some(&SqlState::QUERY_CANCELED) {
        Kind::Slow
    } else {
        Kind::Store
    };
    RemoteError::because(kind, error)
}
