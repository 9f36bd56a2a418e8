//! One binary for all integration tests, to link once.

mod calls;
mod cheats;
mod connection;
mod contracts;
mod faults;
mod pool;
mod provider;
mod scene;
mod time;
