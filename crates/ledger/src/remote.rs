//! What the backends on a server share: why a call failed, and connections that are made again.

mod error;
mod pool;

pub use error::{Kind, RemoteError};
pub(crate) use pool::{Pool, Server};
