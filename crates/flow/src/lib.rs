//! The order of the steps of a paid request, for sellers and buyers, as state machines without IO.

pub mod client;
mod oneshot;
mod record;
pub mod server;
mod step;
