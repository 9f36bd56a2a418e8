//! Methods about fees.

use alloy_consensus::Transaction;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U128;
use alloy_rpc_types_eth::FeeHistory;
use serde_json::Value;

use super::Answer;
use super::params::{Params, json};
use crate::chain::block::Block;
use crate::chain::error::RpcError;
use crate::chain::node::Node;

/// The tip suggested to whoever asks, or the least that is included, if that is more.
pub(crate) fn suggested_tip(node: &Node) -> u128 {
    node.min_tip.max(1_000_000)
}

pub(super) fn gas_price(node: &Node) -> Value {
    json(U128::from(
        u128::from(node.next_base_fee()) + suggested_tip(node),
    ))
}

pub(super) fn priority_fee(node: &Node) -> Value {
    json(U128::from(suggested_tip(node)))
}

pub(super) fn history(node: &Node, params: &Params) -> Answer {
    let missing = || RpcError::params("missing value for required argument 0 (blockCount)");
    let count = params.number(0, "blockCount")?.ok_or_else(missing)?;
    let newest: BlockNumberOrTag = params.required(1, "newestBlock")?;
    let percentiles: Option<Vec<f64>> = params.optional(2, "rewardPercentiles")?;
    let newest = node.tagged(newest);
    if newest > node.visible() {
        let message = format!(
            "request beyond head block: requested {newest}, head {}",
            node.visible()
        );
        return Err(RpcError::server(message));
    }
    let oldest = (newest + 1).saturating_sub(count.clamp(1, MOST_BLOCKS));
    let blocks: Vec<&Block> = (oldest..=newest)
        .filter_map(|number| node.block(number))
        .collect();
    let mut base_fees: Vec<_> = blocks
        .iter()
        .map(|block| u128::from(block.base_fee()))
        .collect();
    let next = match node.block(newest + 1) {
        Some(block) => block.base_fee(),
        None => node.next_base_fee(),
    };
    base_fees.push(next.into());
    let rewards = |percentiles: Vec<f64>| {
        blocks
            .iter()
            .map(|block| rewards(block, &percentiles))
            .collect()
    };
    Ok(json(FeeHistory {
        gas_used_ratio: blocks.iter().map(|block| ratio(block)).collect(),
        base_fee_per_blob_gas: vec![1; base_fees.len()],
        blob_gas_used_ratio: vec![0.0; blocks.len()],
        base_fee_per_gas: base_fees,
        oldest_block: oldest,
        reward: percentiles.map(rewards),
    }))
}

fn ratio(block: &Block) -> f64 {
    block.header.gas_used as f64 / block.header.gas_limit as f64
}

/// The tips paid in a block at the given percentiles of its gas.
fn rewards(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let paid = |tx: &crate::chain::block::Mined| {
        let tip = tx.tx.effective_tip_per_gas(block.base_fee());
        (tip.unwrap_or_default(), tx.gas_used)
    };
    let mut tips: Vec<_> = block.mined.iter().map(paid).collect();
    tips.sort_unstable();
    let at = |percentile: &f64| {
        let threshold = block.header.gas_used as f64 * percentile / 100.0;
        let mut used = 0.0;
        let reached = tips.iter().find(|(_, gas)| {
            used += *gas as f64;
            used >= threshold
        });
        reached.or(tips.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(at).collect()
}

const MOST_BLOCKS: u64 = 1024;
