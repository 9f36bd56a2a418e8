//! What is asked of a node, as a trait: programs bring a provider, tests bring faults.

use crate::{AskError, transaction::Call};
use alloy_primitives::{Address, B256, Bytes, Log};
use http402_core::seam::Boxed;

/// A node of a Tempo chain, as much of it as payments need. [`Rpc`](crate::Rpc) is one.
///
/// An answer that is late is an [`AskError`], too: who implements this bounds the time.
pub trait Node: Send + Sync {
    /// The number of its chain.
    fn chain(&self) -> Boxed<'_, Result<u64, AskError>>;

    /// What a transaction has to pay now.
    fn fees(&self) -> Boxed<'_, Result<Fees, AskError>>;

    /// A block; `None` when there is none yet.
    fn block(&self, at: At) -> Boxed<'_, Result<Option<Block>, AskError>>;

    /// What these calls of one account would do now, one after the other. It ends with the first that fails.
    fn simulate<'a>(
        &'a self,
        from: Address,
        calls: &'a [Call],
    ) -> Boxed<'a, Result<Vec<Simulated>, AskError>>;

    /// What a view function returns; `None` when it refuses.
    fn read(&self, to: Address, input: Bytes) -> Boxed<'_, Result<Option<Bytes>, AskError>>;

    /// Hands a signed transaction over and, where the node can do that, waits for its block.
    fn send<'a>(&'a self, raw: &'a Bytes) -> Boxed<'a, Sent>;

    /// The receipt of a transaction in a block.
    fn receipt(&self, hash: B256) -> Boxed<'_, Result<Option<Mined>, AskError>>;

    /// The transactions between two blocks, both counted, in which `token` wrote `TransferWithMemo` with these topics.
    fn with_memo<'a>(
        &'a self,
        token: Address,
        topics: MemoTopics,
        blocks: (u64, u64),
    ) -> Boxed<'a, Result<Vec<B256>, AskError>>;
}

/// Which block is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The latest.
    Latest,
    /// The latest that does not change any more.
    Final,
    /// The one with this number.
    Number(u64),
}

/// The indexed arguments of `TransferWithMemo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoTopics {
    /// Who pays.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// The memo.
    pub memo: B256,
}

/// What a unit of gas costs, in attodollars (10⁻¹⁸).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// What the latest block asked for.
    pub base: u128,
    /// What goes to who builds the block.
    pub priority: u128,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its time, in seconds since the epoch.
    pub timestamp: u64,
}

/// What a call would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// Whether it succeeds.
    pub success: bool,
    /// The gas that it uses as a transaction of its own.
    pub gas: u64,
    /// What it logs.
    pub logs: Vec<Log>,
    /// What it returns, or the error it fails with.
    pub output: Bytes,
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its hash.
    pub hash: B256,
    /// The account that it is of.
    pub from: Address,
    /// Its block.
    pub block: u64,
    /// Whether it was carried out.
    pub success: bool,
    /// What it logged.
    pub logs: Vec<Log>,
}

/// What became of handing a transaction over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is in a block.
    Mined(Mined),
    /// The node has it.
    Taken,
    /// The node has not taken it, and will not.
    Refused(AskError),
    /// It may have been taken.
    Lost(AskError),
}
