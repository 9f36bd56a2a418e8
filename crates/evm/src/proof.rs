//! What receipts and logs prove about an authorization.

use crate::{AskError, Limits, abi::Token, rpc::Rpc};
use alloy_primitives::{Address, B256, Log};
use alloy_rpc_types_eth::{Filter, TransactionReceipt};
use alloy_sol_types::SolEvent;
use http402_core::authorization::Eip3009;

/// What became of a nonce that is used.
#[derive(Debug)]
pub(crate) enum Used {
    /// The transaction of this receipt moved what was signed.
    Paid(Box<TransactionReceipt>),
    /// It was cancelled in this block: the authorization can not be executed any more.
    Cancelled(u64),
    /// No trace was found, or one that does not show what it was used for.
    Unclear,
}

/// Whether a transaction moved what was signed: one `AuthorizationUsed` for the nonce, and one `Transfer` of exactly this
/// value, both by the token itself.
///
/// In a transaction that somebody else composed, a `Transfer` may belong to another payment by the same payer. There it
/// has to follow its `AuthorizationUsed` directly among the token's logs, as tokens write them.
pub(crate) fn paid(
    receipt: &TransactionReceipt,
    token: Address,
    signed: &Eip3009,
    composed_by: Option<Address>,
) -> bool {
    if !receipt.status() {
        return false;
    }
    let logs: Vec<&Log> = receipt
        .logs()
        .iter()
        .map(|log| &log.inner)
        .filter(|log| log.address == token)
        .collect();
    let transfer = |log: &Log| {
        Token::Transfer::decode_log(log).is_ok_and(|log| {
            log.from == signed.from && log.to == signed.to && log.value == signed.value
        })
    };
    let used = |log: &Log| {
        Token::AuthorizationUsed::decode_log(log)
            .is_ok_and(|log| log.authorizer == signed.from && log.nonce == signed.nonce)
    };
    let Some(at) = logs.iter().position(|log| used(log)) else {
        return false;
    };
    let own = receipt.to == Some(token) && Some(receipt.from) == composed_by;
    if own {
        logs.iter().filter(|log| transfer(log)).count() == 1
    } else {
        logs.get(at + 1).is_some_and(|log| transfer(log))
    }
}

/// Searches the latest blocks for what a used nonce was used for.
pub(crate) async fn search(
    rpc: &Rpc,
    limits: &Limits,
    token: Address,
    signed: &Eip3009,
    composed_by: Option<Address>,
) -> Result<Used, AskError> {
    let Some(found) = trace(rpc, limits, token, signed).await? else {
        return Ok(Used::Unclear);
    };
    let hash = match found {
        Trace::Used(hash) => hash,
        Trace::Cancelled(block) => return Ok(Used::Cancelled(block)),
    };
    let Some(receipt) = rpc.receipt(hash).await? else {
        return Ok(Used::Unclear);
    };
    Ok(if paid(&receipt, token, signed, composed_by) {
        Used::Paid(Box::new(receipt))
    } else {
        Used::Unclear
    })
}

/// The log that tells of a nonce's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    Used(B256),
    Cancelled(u64),
}

/// Searches backwards, in steps that providers accept.
pub(crate) async fn trace(
    rpc: &Rpc,
    limits: &Limits,
    token: Address,
    signed: &Eip3009,
) -> Result<Option<Trace>, AskError> {
    let head = rpc.head().await?;
    let lowest = head.saturating_sub(limits.search_blocks);
    let mut to = head;
    loop {
        let from = to.saturating_sub(limits.search_step - 1).max(lowest);
        let filter = Filter::new()
            .address(token)
            .event_signature(vec![
                Token::AuthorizationUsed::SIGNATURE_HASH,
                Token::AuthorizationCanceled::SIGNATURE_HASH,
            ])
            .topic1(signed.from.into_word())
            .topic2(signed.nonce)
            .from_block(from)
            .to_block(to);
        for log in rpc.logs(&filter).await? {
            // A provider that ignores the filter must not be believed.
            let topics = log.topics();
            let fits = log.address() == token
                && topics.get(1) == Some(&signed.from.into_word())
                && topics.get(2) == Some(&signed.nonce);
            if !fits {
                continue;
            }
            let kind = topics.first().copied().unwrap_or_default();
            match (log.transaction_hash, log.block_number) {
                (Some(hash), _) if kind == Token::AuthorizationUsed::SIGNATURE_HASH => {
                    return Ok(Some(Trace::Used(hash)));
                }
                (_, Some(block)) if kind == Token::AuthorizationCanceled::SIGNATURE_HASH => {
                    return Ok(Some(Trace::Cancelled(block)));
                }
                _ => {}
            }
        }
        if from == lowest {
            return Ok(None);
        }
        to = from - 1;
    }
}
