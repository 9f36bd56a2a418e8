//! What became of a transaction, by its hash or by the memo that it writes.

use crate::{
    AskError, Limits,
    node::{At, MemoTopics, Mined, Node},
    transaction::{EXPIRING, Transaction},
};
use alloy_primitives::{Address, B256};

/// A transfer that is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    pub(crate) token: Address,
    pub(crate) topics: MemoTopics,
    /// The transaction, where it is known.
    pub(crate) hash: Option<B256>,
    /// Whether it can have no other hash: nobody else signs it.
    pub(crate) only: bool,
    /// The last second in which it could come into a block, not counted; `None` when there is no end.
    pub(crate) before: Option<u64>,
    /// It can not have been in a block before this second.
    pub(crate) since: u64,
}

/// How long before its end, in seconds, a transaction whose nonce expires can come into a block: nodes take less.
const REACH: u64 = 1_020;

/// The second before which a transaction can not have been in a block.
pub(crate) fn since(transaction: &Transaction, limits: &Limits) -> u64 {
    let reach = if transaction.nonce_key() == EXPIRING {
        REACH
    } else {
        limits.lifetime
    };
    let before = transaction.valid_before();
    before.map_or(0, |before| before.saturating_sub(reach))
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Outcome {
    Mined(Box<Mined>),
    /// It is in no block, and can no longer come into one.
    Never,
    /// Not known yet.
    Open,
}

/// Looks for it. That it never was is said only when the node knows a final block after its end, and every block that it
/// could be in was looked at: by its only hash, or by all logs since it could be there.
pub(crate) async fn search(
    node: &dyn Node,
    limits: &Limits,
    sought: &Sought,
) -> Result<Outcome, AskError> {
    // First: what comes after can not be older than this block.
    let last = node.block(At::Final).await?;
    let ended = |before| last.is_some_and(|block| block.timestamp >= before);
    let ended = sought.before.is_some_and(ended);
    if let Some(hash) = sought.hash
        && let Some(mined) = node.receipt(hash).await?
    {
        return Ok(Outcome::Mined(Box::new(mined)));
    }
    let looked = if sought.only {
        true
    } else {
        let (found, whole) = logs(node, limits, sought).await?;
        if let Some(mined) = found {
            return Ok(Outcome::Mined(Box::new(mined)));
        }
        whole
    };
    Ok(if ended && looked {
        Outcome::Never
    } else {
        Outcome::Open
    })
}

/// Searches backwards, in steps that providers accept; and whether everything was searched.
async fn logs(
    node: &dyn Node,
    limits: &Limits,
    sought: &Sought,
) -> Result<(Option<Mined>, bool), AskError> {
    let Some(head) = node.block(At::Latest).await? else {
        return Ok((None, false));
    };
    let lowest = head.number.saturating_sub(limits.search_blocks);
    let mut to = head.number;
    loop {
        let from = to.saturating_sub(limits.search_step.max(1) - 1).max(lowest);
        let found = node.with_memo(sought.token, sought.topics, (from, to));
        for hash in found.await? {
            if let Some(mined) = node.receipt(hash).await? {
                return Ok((Some(mined), true));
            }
        }
        let begin = node.block(At::Number(from)).await?;
        let whole = from == 0 || begin.is_some_and(|block| block.timestamp < sought.since);
        if whole || from == lowest {
            return Ok((None, whole));
        }
        to = from - 1;
    }
}
