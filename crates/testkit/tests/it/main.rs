//! One binary for all integration tests, to link once.

mod adapter;
mod attacks;
mod calls;
mod cheats;
mod connection;
mod contracts;
mod e2e;
mod evm_chain;
mod evm_faults;
mod evm_hostile;
mod evm_scene;
mod evm_settle;
mod evm_view;
mod evm_wallet;
mod faults;
mod joint;
mod mpp;
mod mpp_adapter;
mod pool;
mod provider;
mod replicas;
mod scene;
mod time;
mod walk;
mod world;
