//! The attack suite: S01 to S85 against any server or client over HTTP, not only http402's.
//!
//! [`Server`] attacks what sells: it reads the offers of a URL, pays it with a test key, and tries everything that gets more
//! than was paid for. [`Client`] attacks what buys: it is a hostile seller on loopback, and judges a client by what it sends.
//! Both return a [`Report`] with a line for every id of the list: passed, failed, not applicable with the reason, or covered
//! in-process.
//!
//! Nothing is sent to another machine unless [`Server::remote`] says so, and then nothing that could settle. Signatures are
//! made for test chains alone.

mod catalogue;
mod charge;
mod client;
mod dialect;
mod payment;
mod report;
mod rpc;
mod server;
mod wire;

pub use catalogue::{ATTACKS, Aim, Entry};
pub use client::{Client, Command, Drive, Errand, Lines, Ran};
pub use report::{Finding, Report, Verdict};
pub use server::{Server, Unfit};
pub use wire::{Dial, Opening, Stream, plain};

use std::{future::Future, pin::Pin};

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
