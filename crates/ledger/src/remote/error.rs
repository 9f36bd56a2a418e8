use std::{error::Error, fmt, sync::Arc};

/// Why a ledger on a server could not be opened or asked. It names no key, and shows neither bodies nor passwords.
#[derive(Clone)]
pub struct RemoteError {
    kind: Kind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kinds of [`RemoteError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The address, or a name in it, is not one.
    Address,
    /// There was no connection to the server in time. Nothing was written.
    Unreachable,
    /// What is stored under the ledger's name is something else. It was not changed.
    Foreign,
    /// The store was written by a later version of this crate. It was not changed.
    Newer,
    /// The store is empty though this process has seen it before: the server has forgotten what it held. Nothing is granted on
    /// it until a process that opens it anew makes it again.
    Lost,
    /// The server is set to throw away or to forget what the ledger needs.
    Careless,
    /// Too many calls wait for the server. Nothing was written.
    Overloaded,
    /// The server did not answer in time. What was sent may have been written.
    Slow,
    /// A record is not one that this version can read.
    Unreadable,
    /// The runtime that the connections live on has ended.
    Gone,
    /// The server failed, or the connection did. What was sent may have been written.
    Store,
}

impl RemoteError {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn because(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: Some(source.into().into()),
        }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the next call had better use another connection.
    pub(crate) const fn breaks(&self) -> bool {
        matches!(self.kind, Kind::Slow | Kind::Store | Kind::Lost)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Address => "the ledger's address can not be read",
            Kind::Unreachable => "the ledger's server can not be reached",
            Kind::Foreign => "what is stored under the ledger's name is no ledger",
            Kind::Newer => "the ledger was written by a later version",
            Kind::Lost => "the ledger's server has lost what it held",
            Kind::Careless => "the ledger's server is set to forget records",
            Kind::Overloaded => "too many calls wait for the ledger",
            Kind::Slow => "the ledger's server did not answer in time",
            Kind::Unreadable => "a record of the ledger can not be read",
            Kind::Gone => "the runtime of the ledger's connections has ended",
            Kind::Store => "the ledger's server could not be asked",
        })
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteError")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for RemoteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
