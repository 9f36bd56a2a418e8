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
        match prepare(&connection, how) {
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

fn prepare(connection: &Connection, how: &Builder) -> Result<(), Failed> {
    // Before anything is changed: it may be somebody else's.
    schema(connection)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Failed::Refused(Kind::Store));
    }
    let synchronous = if how.power_safe { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Where a plain fsync leaves data in the disk's cache (Apple), ask for more.
    connection.pragma_update(None, "fullfsync", how.power_safe)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Sorting must not leave records in files elsewhere.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if schema(connection)? < STEPS.len() {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let migrated = migrate(connection);
        if migrated.is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        migrated?;
    }
    Ok(())
}

fn migrate(connection: &Connection) -> Result<(), Failed> {
    // Once more under the lock: another process may have been faster.
    let from = schema(connection)?;
    for step in &STEPS[from..] {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(
        None,
        "user_version",
        i64::try_from(STEPS.len()).unwrap_or(i64::MAX),
    )?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// How many steps the file has behind it.
fn schema(connection: &Connection) -> Result<usize, Failed> {
    // One statement, so that all of it is of one moment.
    let (application, version, tables): (i32, i64, i64) = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match (application, usize::try_from(version)) {
        (0, Ok(0)) if tables == 0 => Ok(0),
        (APPLICATION, Ok(version)) if version > STEPS.len() => Err(Failed::Refused(Kind::Newer)),
        (APPLICATION, Ok(version)) if version > 0 => Ok(version),
        _ => Err(Failed::Refused(Kind::Foreign)),
    }
}
