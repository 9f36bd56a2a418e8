#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod abi;
mod charge;
mod error;
mod limits;
pub mod node;
mod order;
mod payer;
mod proof;
mod pull;
mod reader;
mod rpc;
mod search;
mod settler;
pub mod signature;
mod sponsor;
pub mod transaction;
mod view;
mod wallet;

pub use charge::{Charge, Swap, Terms};
pub use error::AskError;
pub use limits::Limits;
pub use node::Node;
pub use order::Order;
pub use payer::{PayError, Payer};
pub use reader::Reader;
pub use rpc::{Finality, Rpc};
pub use settler::{BuildError, Builder, Settler};
pub use sponsor::{Policy, Sponsor};
pub use transaction::Transaction;
pub use view::View;
pub use wallet::Wallet;
