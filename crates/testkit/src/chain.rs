//! An EVM chain in this process.
//!
//! [`Chain::builder`] makes one; it needs no socket. [`Chain::serve`] puts JSON-RPC in front of it, for clients
//! that speak HTTP. Blocks, time, the mempool and faults are in the caller's hand.

mod account;
mod block;
mod builder;
#[cfg(feature = "alloy")]
mod connection;
pub mod contract;
mod endpoint;
mod error;
mod evm;
mod gate;
mod node;
mod pool;
mod request;
mod rpc;
mod time;
mod token;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;
use serde_json::Value;

pub use account::{DEV_ACCOUNTS, DevAccount};
pub use builder::Builder;
#[cfg(feature = "alloy")]
pub use connection::Connection;
pub use endpoint::Endpoint;
pub use error::RpcError;
pub use gate::{Fault, Gate};
pub use token::Token;

use node::Node;

/// A chain. Clones are handles to the same chain, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Chain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    node: Mutex<Node>,
    /// Dropping the sender ends the thread that mines at intervals.
    ticker: Mutex<Option<mpsc::Sender<()>>>,
}

/// What becomes of the transactions in dropped blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// They wait in the mempool for the next block.
    Readmit,
    /// They are gone, as if they had never been sent.
    Forget,
}

impl Chain {
    /// A chain with id 84532, the development accounts funded, and a stablecoin where Base Sepolia has USDC;
    /// see [`Builder`] for what can be different.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Answers JSON-RPC over HTTP on a free port of 127.0.0.1, until the endpoint is dropped.
    pub fn serve(&self) -> io::Result<Endpoint> {
        Endpoint::start(self.clone(), 0)
    }

    /// As [`serve`](Self::serve), on a port of the caller's choice.
    pub fn serve_on(&self, port: u16) -> io::Result<Endpoint> {
        Endpoint::start(self.clone(), port)
    }

    /// A transport for alloy's providers that stays in this process.
    #[cfg(feature = "alloy")]
    pub fn connect(&self) -> Connection {
        Connection::new(self.clone())
    }

    /// Carries out one JSON-RPC request without a socket. `params` is an array, or null for none.
    pub fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.request_behind(0, method, params)
    }

    /// As [`request`](Self::request), for a reader who does not see the latest `lag` blocks.
    fn request_behind(&self, lag: u64, method: &str, params: Value) -> Result<Value, RpcError> {
        let mut node = self.node();
        node.lag = lag;
        let answer = rpc::handle(&mut node, method, params);
        node.lag = 0;
        answer
    }

    /// The number in `eip155:<number>`.
    pub fn chain_id(&self) -> u64 {
        self.node().settings.chain_id
    }

    /// The latest block's number.
    pub fn block_number(&self) -> u64 {
        self.node().height()
    }

    /// The latest block's hash.
    pub fn block_hash(&self) -> B256 {
        self.node().head().hash
    }

    /// The latest block's timestamp, in Unix seconds.
    pub fn timestamp(&self) -> u64 {
        self.node().head().header.timestamp
    }

    /// The present time of the chain's clock, in Unix seconds.
    pub fn now(&self) -> u64 {
        self.node().time.now()
    }

    /// The base fee of the next block, in wei per gas.
    pub fn base_fee(&self) -> u64 {
        self.node().next_base_fee()
    }

    /// An account's balance, in wei.
    pub fn balance(&self, address: Address) -> U256 {
        let node = self.node();
        node.world.account(address, node.world.version()).balance
    }

    /// How many transactions an account has in blocks.
    pub fn nonce(&self, address: Address) -> u64 {
        self.node().nonce(address)
    }

    /// The code at an address; empty if there is none.
    pub fn code(&self, address: Address) -> Bytes {
        let node = self.node();
        node.world.code(address, node.world.version())
    }

    /// The value of a storage slot.
    pub fn storage(&self, address: Address, slot: U256) -> U256 {
        let node = self.node();
        node.world.slot(address, slot, node.world.version())
    }

    /// A handle to a test token at an address.
    pub fn token(&self, address: Address) -> Token {
        Token::new(self.clone(), address)
    }

    /// Runs a call on the latest state and forgets what it changed.
    pub fn call(&self, request: &TransactionRequest) -> Result<Bytes, RpcError> {
        let node = self.node();
        let gas = request.gas.unwrap_or(node.settings.call_gas);
        let result = rpc::Situation::latest(&node).run(&node, request, gas)?;
        rpc::output(result)
    }

    /// Runs a call of a known interface on the latest state and forgets what it changed.
    pub fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, RpcError> {
        let request = TransactionRequest::default()
            .to(to)
            .input(call.abi_encode().into());
        let output = self.call(&request)?;
        C::abi_decode_returns(&output).map_err(|error| RpcError::server(error.to_string()))
    }

    /// Sends a transaction: fills in nonce, fees and gas where they are missing, signs with the sender's key if it
    /// is a development account, and impersonates any other account without code. It is mined at once if that is
    /// how the chain works.
    pub fn send(&self, request: TransactionRequest) -> Result<B256, RpcError> {
        let mut node = self.node();
        let tx = request::sign(&node, request)?;
        node.submit(tx)
    }

    /// Sends a signed and encoded transaction (EIP-2718).
    pub fn send_raw(&self, bytes: &[u8]) -> Result<B256, RpcError> {
        self.node().submit_raw(bytes)
    }

    /// The receipt of a transaction that is in a block.
    pub fn receipt(&self, hash: B256) -> Option<TransactionReceipt> {
        let node = self.node();
        let (block, index) = node.inclusion(&hash)?;
        Some(block.receipt(index))
    }

    /// The logs that a filter asks for.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, RpcError> {
        let node = self.node();
        let logs = rpc::matching(&node, filter)?;
        Ok(logs.collect())
    }

    /// Runs a call at once, outside any block, and keeps what it changed. No fee, no nonce, no receipt, no logs:
    /// for setting a scene, not for what is under test.
    pub fn execute(&self, to: Address, input: impl Into<Bytes>) -> Result<Bytes, RpcError> {
        let mut node = self.node();
        let done = node.execute(TxKind::Call(to), input.into())?;
        rpc::output(done)
    }

    /// Creates a contract at once, outside any block, from creation code with its arguments.
    pub fn deploy(&self, creation_code: impl Into<Bytes>) -> Result<Address, RpcError> {
        let mut node = self.node();
        let done = node.execute(TxKind::Create, creation_code.into())?;
        let created = done.created_address();
        rpc::output(done)?;
        created.ok_or_else(|| RpcError::server("no contract was created"))
    }

    /// Puts code at an address.
    pub fn set_code(&self, address: Address, code: impl Into<Bytes>) {
        let mut node = self.node();
        node.world.set_code(address, code.into());
        node.touch();
    }

    /// Sets an account's balance, in wei.
    pub fn set_balance(&self, address: Address, balance: U256) {
        let mut node = self.node();
        node.world.edit(address, |info| info.balance = balance);
        node.touch();
    }

    /// Sets a storage slot.
    pub fn set_storage(&self, address: Address, slot: U256, value: U256) {
        let mut node = self.node();
        node.world.set_slot(address, slot, value);
        node.touch();
    }

    /// Makes `count` blocks now and returns the latest block's number.
    pub fn mine(&self, count: u64) -> u64 {
        let mut node = self.node();
        for _ in 0..count {
            node.mine();
        }
        node.height()
    }

    /// Whether every transaction is mined when it arrives. Switched on, what waits is mined.
    pub fn set_automine(&self, on: bool) {
        let mut node = self.node();
        node.automine = on;
        if on {
            node.mine_while_ready();
        }
    }

    /// Makes a block at every interval, empty or not; `None` ends it.
    pub fn set_block_time(&self, interval: Option<Duration>) -> io::Result<()> {
        let mut ticker = self
            .shared
            .ticker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *ticker = None;
        if let Some(interval) = interval {
            *ticker = Some(start_ticker(&self.shared, interval)?);
        }
        Ok(())
    }

    /// The least tip, in wei per gas, with which a transaction is included; others wait, as under congestion.
    pub fn set_min_tip(&self, tip: u128) {
        self.node().min_tip = tip;
    }

    /// The base fee of the next block, in wei per gas, instead of the computed one.
    pub fn set_next_base_fee(&self, fee: u64) {
        self.node().next_base_fee = Some(fee);
    }

    /// Moves the clock on, by seconds.
    pub fn advance(&self, seconds: u64) {
        self.node().time.advance(seconds);
    }

    /// Sets the clock, in Unix seconds; it goes on from there. Blocks never go back in time.
    pub fn set_time(&self, to: u64) {
        self.node().time.set(to);
    }

    /// The hashes of the transactions in the mempool, oldest first.
    pub fn pending(&self) -> Vec<B256> {
        let node = self.node();
        node.pool
            .all()
            .into_iter()
            .map(|tx| *tx.tx_hash())
            .collect()
    }

    /// Removes a transaction from the mempool; `false` if it was not there.
    pub fn drop_pending(&self, hash: B256) -> bool {
        self.node().pool.remove(&hash).is_some()
    }

    /// Drops the latest `depth` blocks with all they changed, and returns the hashes of their transactions. The
    /// chain is shorter afterwards: [`mine`](Self::mine) makes the blocks that replace them, with other hashes.
    pub fn reorg(&self, depth: u64, orphans: Orphans) -> Vec<B256> {
        let mut node = self.node();
        let dropped = node.drop_blocks(depth);
        let hashes = dropped.iter().map(|tx| *tx.tx_hash()).collect();
        if orphans == Orphans::Readmit {
            node.readmit(dropped);
        }
        hashes
    }

    /// Forgets the transactions, logs and states of all but the latest `keep` blocks, as nodes do to save space.
    pub fn prune(&self, keep: u64) {
        let mut node = self.node();
        let first = (node.height() + 1).saturating_sub(keep);
        node.pruned = node.pruned.max(first.min(node.height()));
    }

    /// Remembers blocks, accounts, mempool and clock; the number is for [`revert`](Self::revert).
    pub fn snapshot(&self) -> u64 {
        self.node().snapshot()
    }

    /// Goes back to a snapshot, which is used up; `false` if it is not there any more.
    pub fn revert(&self, snapshot: u64) -> bool {
        self.node().revert(snapshot)
    }

    fn node(&self) -> MutexGuard<'_, Node> {
        self.shared
            .node
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn start_ticker(shared: &Arc<Shared>, interval: Duration) -> io::Result<mpsc::Sender<()>> {
    let (sender, stop) = mpsc::channel();
    let shared = Arc::downgrade(shared);
    let tick = move || {
        while stop.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            shared
                .node
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .mine();
        }
    };
    std::thread::Builder::new()
        .name("chain blocks".into())
        .spawn(tick)?;
    Ok(sender)
}
