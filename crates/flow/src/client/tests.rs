//! The buyer's steps against scripted sellers, wallets, ledgers and chains.

mod crash;
mod lost;
mod model;
mod native;
mod order;
mod policy;
mod terms;
mod world;
