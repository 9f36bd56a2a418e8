//! Which tables there are, and the way from those of earlier versions.

use super::{Kind, RemoteError};
use tokio_postgres::{Client, error::SqlState};

/// Each step leads from its index as the schema's version to the next. What was released is never changed: a change is a new
/// step, and replicas of the former version go on beside it while they are replaced.
pub(super) const STEPS: &[&str] = &[include_str!("1.sql")];

/// A step's text names the schema like this.
const NAME: &str = "http402";

fn failed(error: tokio_postgres::Error) -> RemoteError {
    let foreign = [
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_FUNCTION,
        SqlState::DUPLICATE_OBJECT,
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_TABLE,
    ];
    let is_foreign = error.code().is_some_and(|code| foreign.contains(code));
    // Nothing of this counts as written before its COMMIT.
    let kind = if is_foreign {
        Kind::Foreign
    } else {
        Kind::Unreachable
    };
    RemoteError::because(kind, error)
}

/// Asks the catalog as it is now: `to_regclass` may answer from what the session knew before it waited for a lock.
const HAS_TABLE: &str = "SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    WHERE space.nspname = $1::text AND class.relname = 'store')";
const HAS_SCHEMA: &str =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)";

async fn is_there(client: &Client, question: &str, schema: &str) -> Result<bool, RemoteError> {
    let row = client.query_one(question, &[&schema]).await;
    row.and_then(|row| row.try_get(0)).map_err(failed)
}

/// The version of the tables that are there.
async fn version(client: &Client, schema: &str) -> Result<Option<usize>, RemoteError> {
    if !is_there(client, HAS_TABLE, schema).await? {
        return Ok(None);
    }
    let text = format!("SELECT schema FROM {schema}.store");
    let version = client.query_opt(&text, &[]).await.map_err(failed)?;
    let version = version.and_then(|row| row.try_get::<_, i32>(0).ok());
    let version = version.and_then(|version| usize::try_from(version).ok());
    version.map(Some).ok_or(RemoteError::new(Kind::Foreign))
}

/// Sees to it that the tables are those of the last of the steps. Only a process that has not seen them yet may `make` them.
pub(super) async fn prepare(
    client: &Client,
    schema: &str,
    make: bool,
    steps: &[&str],
) -> Result<(), RemoteError> {
    match version(client, schema).await? {
        Some(version) if version > steps.len() => Err(RemoteError::new(Kind::Newer)),
        Some(version) if version == steps.len() => Ok(()),
        None if !make => Err(RemoteError::new(Kind::Lost)),
        _ => migrate(client, schema, steps).await,
    }
}

/// Makes the steps that are missing, in one transaction, one process at a time.
async fn migrate(client: &Client, schema: &str, steps: &[&str]) -> Result<(), RemoteError> {
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED;
         SELECT pg_advisory_xact_lock(hashtextextended('http402 schema {schema}', 402))"
    );
    client.batch_execute(&begin).await.map_err(failed)?;
    let made = make(client, schema, steps).await;
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(failed)?;
    made
}

async fn make(client: &Client, schema: &str, steps: &[&str]) -> Result<(), RemoteError> {
    let done = match version(client, schema).await? {
        Some(version) if version > steps.len() => return Err(RemoteError::new(Kind::Newer)),
        Some(version) => version,
        None => {
            // Asked first: who may not make a schema can use one that was made for him.
            if !is_there(client, HAS_SCHEMA, schema).await? {
                let create = format!("CREATE SCHEMA {schema}");
                client.batch_execute(&create).await.map_err(failed)?;
            }
            0
        }
    };
    for (at, step) in steps.iter().enumerate().skip(done) {
        let text = step.replace(NAME, schema);
        client.batch_execute(&text).await.map_err(failed)?;
        let next = i32::try_from(at + 1).unwrap_or(i32::MAX);
        let keep = format!("UPDATE {schema}.store SET schema = {next}");
        client.batch_execute(&keep).await.map_err(failed)?;
    }
    Ok(())
}

#[cfg(all(test, feature = "postgres", feature = "redis"))]
#[allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
mod tests {
    use super::*;
    use crate::servers;
    use tokio_postgres::NoTls;

    /// What version 1 wrote is there after a step that is still to come; a step that fails half way changes nothing.
    #[test]
    fn tables_of_version_1_are_brought_forward() {
        let Some(place) = servers::PostgresSchema::new() else {
            return;
        };
        let name = &*place.schema;
        servers::runtime().block_on(async {
            let connecting = tokio_postgres::connect(&place.address, NoTls);
            let (client, connection) = connecting.await.unwrap();
            tokio::spawn(connection);
            prepare(&client, name, true, &STEPS[..1]).await.unwrap();
            let write = format!(
                "INSERT INTO {name}.record VALUES ('k', 7, 2, true, null, 9, '\\x00ff');
                 CREATE TABLE {name}.taken (a integer)"
            );
            client.batch_execute(&write).await.unwrap();

            let broken =
                "CREATE TABLE http402.half (a integer); CREATE TABLE http402.taken (a integer)";
            let broken = [STEPS, &[broken]].concat();
            assert!(prepare(&client, name, true, &broken).await.is_err());
            assert_eq!(version(&client, name).await.unwrap(), Some(STEPS.len()));
            let half = format!("SELECT FROM {name}.half");
            assert!(client.batch_execute(&half).await.is_err());

            let more = "ALTER TABLE http402.record ADD COLUMN more integer NOT NULL DEFAULT 5";
            let more = [STEPS, &[more]].concat();
            prepare(&client, name, true, &more).await.unwrap();
            assert_eq!(version(&client, name).await.unwrap(), Some(STEPS.len() + 1));
            let read = format!("SELECT version, body, more FROM {name}.record");
            let row = client.query_one(&read, &[]).await.unwrap();
            assert_eq!(
                (row.get::<_, i64>(0), row.get::<_, Vec<u8>>(1)),
                (7, vec![0, 255])
            );
            // This crate does not know that step.
            let newer = prepare(&client, name, true, STEPS).await.unwrap_err();
            assert_eq!(newer.kind(), Kind::Newer);
        });
    }
}
