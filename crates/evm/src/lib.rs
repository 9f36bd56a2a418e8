#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod abi;
mod error;
mod examine;
mod keeper;
mod lane;
mod limits;
mod memory;
mod proof;
mod revert;
mod rpc;
mod settler;
mod signature;
mod signer;
mod view;

pub use error::AskError;
pub use http402_core::development;
pub use limits::Limits;
pub use rpc::Finality;
pub use settler::{BuildError, Builder, Settler};
pub use signer::AlloySigner;
pub use view::View;
