//! Clients without a ledger: the same bytes in the same number of round trips, pipelined on as many connections.

use http402_core::ledger::Write;
use http402_ledger::{postgres::tokio_postgres, redis::redis};
use std::sync::Arc;

/// A step's key and body.
fn pair(step: &[Write]) -> (&str, &[u8]) {
    let write = &step[0];
    let body = write.put.as_ref().map_or(&[][..], |put| &put.body);
    (write.key.as_str(), body)
}

/// The least that a step can be: the value is written when the version is the one that is expected, in one script. Nothing is
/// counted, listed, leased or removed.
const SWAP: &str = "local found = redis.call('GETRANGE', KEYS[1], 0, 19)
if found ~= ARGV[1] then return found end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[1]";

/// Over one multiplexed connection.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: redis::aio::MultiplexedConnection,
    swap: Arc<redis::Script>,
}

impl Redis {
    pub(crate) async fn connect(address: &str) -> Self {
        let client = redis::Client::open(address).unwrap();
        let patient = redis::AsyncConnectionConfig::new()
            .set_response_timeout(Some(std::time::Duration::from_secs(60)));
        let connecting = client.get_multiplexed_async_connection_with_config(&patient);
        Self {
            connection: connecting.await.unwrap(),
            swap: Arc::new(redis::Script::new(SWAP)),
        }
    }

    /// One script a step.
    pub(crate) async fn swap(&self, steps: &[Vec<Write>]) {
        let mut connection = self.connection.clone();
        let mut version = String::new();
        for (at, step) in steps.iter().enumerate() {
            let (key, body) = pair(step);
            let next = format!("{:020}", at + 1);
            let value = [next.as_bytes(), body].concat();
            let mut call = self.swap.key(format!("bare:{key}"));
            let call = call.arg(&version).arg(value);
            let done: String = call.invoke_async(&mut connection).await.unwrap();
            assert_eq!(done, version, "nobody else is at it");
            version = next;
        }
    }

    /// One `SET` a step.
    pub(crate) async fn set(&self, steps: &[Vec<Write>]) {
        let mut connection = self.connection.clone();
        for step in steps {
            let (key, body) = pair(step);
            let mut set = redis::cmd("SET");
            set.arg(format!("bare:{key}")).arg(body);
            let () = set.query_async(&mut connection).await.unwrap();
        }
    }

    /// Takes away what begins with `pattern`.
    pub(crate) async fn clear(&self, pattern: &str) {
        let mut connection = self.connection.clone();
        let script = redis::Script::new(
            "local keys = redis.call('KEYS', ARGV[1])
             for _, key in ipairs(keys) do redis.call('UNLINK', key) end",
        );
        let call = script.arg(pattern);
        let () = call.invoke_async(&mut connection).await.unwrap();
    }
}

/// One prepared upsert a step, over as many connections as the ledger has.
#[derive(Clone)]
pub(crate) struct Postgres(Arc<[(tokio_postgres::Client, tokio_postgres::Statement)]>);

impl Postgres {
    pub(crate) async fn connect(address: &str, schema: &str, connections: usize) -> Self {
        let mut all = Vec::new();
        for at in 0..connections {
            let (client, connection) = tokio_postgres::connect(address, tokio_postgres::NoTls)
                .await
                .unwrap();
            drop(tokio::spawn(connection));
            if at == 0 {
                let table = format!(
                    "CREATE TABLE {schema}.bare (key text COLLATE \"C\" PRIMARY KEY, body bytea NOT NULL)"
                );
                client.batch_execute(&table).await.unwrap();
            }
            let upsert = format!(
                "INSERT INTO {schema}.bare VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET body = excluded.body"
            );
            let upsert = client.prepare(&upsert).await.unwrap();
            all.push((client, upsert));
        }
        Self(all.into())
    }

    pub(crate) async fn make(&self, number: u64, steps: &[Vec<Write>]) {
        for (at, step) in steps.iter().enumerate() {
            let which = usize::try_from(number).unwrap() + at;
            let (client, upsert) = &self.0[which % self.0.len()];
            let (key, body) = pair(step);
            client.execute(upsert, &[&key, &body]).await.unwrap();
        }
    }

    pub(crate) async fn drop_schema(&self, schema: &str) {
        let (client, _) = &self.0[0];
        let text = format!("DROP SCHEMA {schema} CASCADE");
        client.batch_execute(&text).await.unwrap();
    }
}
