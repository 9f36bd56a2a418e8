//! Opening: who may read the file, whose file it is, and which schema it has.

use super::{Builder, Kind, SqliteError};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// "h402".
const APPLICATION: i32 = 0x6834_3032;

/// Each step leads from its index as `user_version` to the next.
///
/// Times are 8 bytes, most significant first: SQLite's integers end at 2^63, and blobs compare byte by byte.
/// `unfinished` is a column of its own so that the index of `pending` need not know the phases.
const STEPS: &[&str] = &["
    CREATE TABLE store (
        version INTEGER NOT NULL,
        records INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO store VALUES (0, 0, 0);
    CREATE TABLE record (
        key TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        phase INTEGER NOT NULL,
        unfinished INTEGER NOT NULL,
        lease BLOB,
        keep_until BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX record_unfinished ON record (key) WHERE unfinished = 1;
    CREATE INDEX record_keep_until ON record (keep_until);
"];

/// How many pages (4 KiB) the log has before it is folded into the file.
const CHECKPOINT: i64 = 16_384;

/// How many KiB of pages a connection keeps in memory at most.
const CACHE: i64 = 32_768;

/// Closing any descriptor of a file releases the POSIX locks that its process has on it, so nobody in this process may open
/// the file with SQLite while it is being made.
static MAKING: Mutex<()> = Mutex::new(());

/// Opens the file, makes it if there is none, and brings it to the newest schema.
pub(super) fn open(path: &Path, how: &Builder) -> Result<Connection, SqliteError> {
    // An absolute path is a file for SQLite, whatever it is called: not `:memory:`, not a URI.
    let path = std::path::absolute(path).map_err(SqliteError::file)?;
    let connection = {
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        make(&path).map_err(SqliteError::file)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&path, flags)?
    };
    connection.busy_timeout(how.patience)?;
    // The change to WAL does not wait for others by itself.
    let end = Instant::now() + how.patience;
    loop {
        match prepare(&connection, how, STEPS) {
            Err(Failed::Sqlite(error)) if busy(&error) && Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(Failed::Sqlite(error)) => return Err(error.into()),
            Err(Failed::Refused(kind)) => return Err(SqliteError::new(kind)),
            Ok(()) => return Ok(connection),
        }
    }
}

/// Makes an empty file that its owner alone can read. SQLite gives the files beside it the same mode.
fn make(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

enum Failed {
    Sqlite(rusqlite::Error),
    Refused(Kind),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn prepare(connection: &Connection, how: &Builder, steps: &[&str]) -> Result<(), Failed> {
    // Before anything is changed: it may be somebody else's.
    schema(connection, steps)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Failed::Refused(Kind::Store));
    }
    let synchronous = if how.power_safe { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Where a plain fsync leaves data in the disk's cache (Apple), ask for more.
    connection.pragma_update(None, "fullfsync", how.power_safe)?;
    // A page that is written again and again goes from the log to the file once.
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    // What one transaction changes stays in memory until it is committed.
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Sorting must not leave records in files elsewhere.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if schema(connection, steps)? < steps.len() {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let migrated = migrate(connection, steps);
        if migrated.is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        migrated?;
    }
    Ok(())
}

fn migrate(connection: &Connection, steps: &[&str]) -> Result<(), Failed> {
    // Once more under the lock: another process may have been faster.
    let from = schema(connection, steps)?;
    for step in &steps[from..] {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(
        None,
        "user_version",
        i64::try_from(steps.len()).unwrap_or(i64::MAX),
    )?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// How many steps the file has behind it.
fn schema(connection: &Connection, steps: &[&str]) -> Result<usize, Failed> {
    // One statement, so that all of it is of one moment.
    let (application, version, tables): (i32, i64, i64) = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match (application, usize::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Ok(0),
        (APPLICATION, Ok(version)) if version > steps.len() => Err(Failed::Refused(Kind::Newer)),
        (APPLICATION, Ok(version)) if version > 0 => Ok(version),
        _ => Err(Failed::Refused(Kind::Foreign)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
mod tests {
    use super::*;

    /// What version 1 wrote is there after the way from it to the newest, and to one that is still to come.
    #[test]
    fn a_file_of_version_1_is_brought_forward() {
        let connection = Connection::open_in_memory().unwrap();
        // As `user_version = 1` was first released.
        connection.execute_batch("BEGIN").unwrap();
        migrate(&connection, &STEPS[..1]).map_err(drop).unwrap();
        connection
            .execute(
                "INSERT INTO record VALUES ('k', 7, 2, 1, NULL, x'ffffffffffffffff', x'00ff')",
                [],
            )
            .unwrap();
        let more = [
            STEPS,
            &["ALTER TABLE record ADD COLUMN more INTEGER NOT NULL DEFAULT 5"],
        ]
        .concat();
        for (steps, version) in [(STEPS, STEPS.len()), (&more, STEPS.len() + 1)] {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            migrate(&connection, steps).map_err(drop).unwrap();
            assert_eq!(schema(&connection, steps).map_err(drop), Ok(version));
            let row: (i64, Vec<u8>) = connection
                .query_row(
                    "SELECT version, body FROM record WHERE key = 'k'",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            assert_eq!(row, (7, vec![0, 255]));
        }
        // This crate does not know the step that is still to come.
        assert!(matches!(
            schema(&connection, STEPS),
            Err(Failed::Refused(Kind::Newer))
        ));
    }

    /// A step that fails half way leaves the file as it was.
    #[test]
    fn a_step_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        drop(open(&path, &Builder::default()).unwrap());
        let connection = Connection::open(&path).unwrap();
        let broken = [STEPS, &["CREATE TABLE half (a); CREATE TABLE record (a)"]].concat();
        assert!(prepare(&connection, &Builder::default(), &broken).is_err());
        assert_eq!(schema(&connection, STEPS).map_err(drop), Ok(STEPS.len()));
        let half = "SELECT count(*) FROM sqlite_schema WHERE name = 'half'";
        let count: i64 = connection.query_row(half, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
    }
}
