//! Methods that read blocks, transactions and logs.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Transaction};
use serde_json::Value;

use super::Answer;
use super::params::{Params, json};
use crate::chain::block::Block;
use crate::chain::error::RpcError;
use crate::chain::node::Node;

pub(super) fn by_number(node: &Node, params: &Params) -> Answer {
    let tag: BlockNumberOrTag = params.required(0, "block")?;
    let full = params.optional(1, "full")?.unwrap_or(false);
    if tag.is_pending() {
        return Ok(pending(node));
    }
    let block = node.block(node.tagged(tag));
    Ok(block.map_or(Value::Null, |block| json(block.to_rpc(full))))
}

pub(super) fn by_hash(node: &Node, params: &Params) -> Answer {
    let hash: B256 = params.required(0, "hash")?;
    let full = params.optional(1, "full")?.unwrap_or(false);
    let number = node.number_of(&hash);
    let block = number.and_then(|number| node.block(number));
    Ok(block.map_or(Value::Null, |block| json(block.to_rpc(full))))
}

pub(super) fn receipts(node: &Node, params: &Params) -> Answer {
    let Ok(block) = node.at(params.required::<BlockId>(0, "block")?) else {
        return Ok(Value::Null);
    };
    if block.header.number < node.pruned {
        return Ok(Value::Null);
    }
    let all = 0..block.mined.len();
    Ok(json(
        all.map(|index| block.receipt(index)).collect::<Vec<_>>(),
    ))
}

pub(super) fn count_by_number(node: &Node, params: &Params) -> Answer {
    let block = node.at(params.required::<BlockId>(0, "block")?);
    Ok(block.map_or(Value::Null, |block| json(U64::from(block.mined.len()))))
}

pub(super) fn transaction(node: &Node, params: &Params) -> Answer {
    let hash = params.required(0, "hash")?;
    if let Some((block, index)) = node.inclusion(&hash) {
        return Ok(json(block.transaction(index)));
    }
    Ok(node.pool.get(&hash).map_or(Value::Null, |tx| {
        json(Transaction {
            inner: tx.clone(),
            block_hash: None,
            block_number: None,
            transaction_index: None,
            effective_gas_price: None,
            block_timestamp: None,
        })
    }))
}

pub(super) fn receipt(node: &Node, params: &Params) -> Answer {
    let hash = params.required(0, "hash")?;
    let found = node.inclusion(&hash);
    Ok(found.map_or(Value::Null, |(block, index)| json(block.receipt(index))))
}

pub(super) fn logs(node: &Node, params: &Params) -> Answer {
    let filter: Filter = params.required(0, "filter")?;
    let logs: Vec<_> = matching(node, &filter)?.collect();
    Ok(json(logs))
}

/// The logs that a filter asks for, in the order of the chain.
pub(crate) fn matching<'a>(
    node: &'a Node,
    filter: &'a Filter,
) -> Result<impl Iterator<Item = alloy_rpc_types_eth::Log> + 'a, RpcError> {
    let range = match &filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = node
                .number_of(hash)
                .ok_or_else(|| RpcError::server("unknown block"))?;
            number..=number
        }
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => {
            let number = |tag: &Option<BlockNumberOrTag>| node.tagged(tag.unwrap_or_default());
            let (from, to) = (number(from_block), number(to_block));
            if from > to {
                return Err(RpcError::params("invalid block range params"));
            }
            from..=to.min(node.visible())
        }
    };
    if *range.start() < node.pruned {
        return Err(RpcError::new(4444, "pruned history unavailable"));
    }
    let blocks = range.map_while(|number| node.block(number));
    Ok(blocks.flat_map(|block| block.logs(filter)))
}

/// The block that would be mined now, empty and without a hash.
fn pending(node: &Node) -> Value {
    let head = node.head();
    let block = Block::seal(&node.upcoming(), &head.header, head.hash, Vec::new(), 0);
    let mut value = json(block.to_rpc(false));
    value["hash"] = Value::Null;
    value["nonce"] = Value::Null;
    value
}
