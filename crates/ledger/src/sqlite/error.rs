use std::{error::Error, fmt, sync::Arc};

/// Why a ledger in a SQLite file could not be opened or asked. It names no key and shows no body.
#[derive(Clone)]
pub struct SqliteError {
    kind: Kind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kinds of [`SqliteError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The file could not be made.
    File,
    /// The file is a database of something else. It was not changed.
    Foreign,
    /// The file was written by a later version of this crate. It was not changed.
    Newer,
    /// Too many calls wait for the file. Nothing was written.
    Overloaded,
    /// A record is not one that this version can read.
    Unreadable,
    /// The thread that owns the file has ended.
    Gone,
    /// SQLite failed: the file is locked for too long, the disk is full, and the like.
    Store,
}

impl SqliteError {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn file(error: std::io::Error) -> Self {
        Self {
            kind: Kind::File,
            source: Some(Arc::new(error)),
        }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Kind::Foreign,
            _ => Kind::Store,
        };
        Self {
            kind,
            source: Some(Arc::new(error)),
        }
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::File => "the ledger's file can not be made",
            Kind::Foreign => "the file is not a ledger",
            Kind::Newer => "the ledger was written by a later version",
            Kind::Overloaded => "too many calls wait for the ledger",
            Kind::Unreadable => "a record of the ledger can not be read",
            Kind::Gone => "the ledger's thread has ended",
            Kind::Store => "the ledger's file could not be asked",
        })
    }
}

impl fmt::Debug for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteError")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for SqliteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
