//! Methods of development nodes: time, blocks, cheats.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde_json::{Value, json as object};

use super::Answer;
use super::params::{Params, json};
use crate::chain::error::RpcError;
use crate::chain::node::Node;

pub(super) fn handle(node: &mut Node, method: &str, params: &Params) -> Answer {
    match method {
        "evm_mine" => mine(node, params),
        "anvil_mine" | "hardhat_mine" => mine_many(node, params),
        "evm_setAutomine" | "anvil_setAutomine" => {
            node.automine = params.required(0, "enabled")?;
            Ok(Value::Null)
        }
        "evm_increaseTime" => {
            node.time
                .advance(params.number(0, "seconds")?.unwrap_or_default());
            Ok(json(node.time.now()))
        }
        "evm_setNextBlockTimestamp" | "anvil_setNextBlockTimestamp" => {
            set_next_timestamp(node, params)
        }
        "anvil_setTime" | "evm_setTime" => {
            node.time
                .set(params.number(0, "timestamp")?.unwrap_or_default());
            Ok(json(node.time.now()))
        }
        "anvil_setNextBlockBaseFeePerGas" | "hardhat_setNextBlockBaseFeePerGas" => {
            node.next_base_fee = params.number(0, "fee")?;
            Ok(Value::Null)
        }
        "evm_snapshot" => Ok(json(U64::from(node.snapshot()))),
        "evm_revert" => {
            let id = params.number(0, "id")?.unwrap_or_default();
            Ok(json(node.revert(id)))
        }
        "anvil_reorg" => reorg(node, params),
        "anvil_dropTransaction" | "hardhat_dropTransaction" => {
            let hash: B256 = params.required(0, "hash")?;
            Ok(node.pool.remove(&hash).map_or(Value::Null, |_| json(hash)))
        }
        "txpool_status" => Ok(pool_status(node)),
        _ => cheat(node, method, params),
    }
}

fn cheat(node: &mut Node, method: &str, params: &Params) -> Answer {
    match method {
        "anvil_setBalance" | "hardhat_setBalance" => {
            let balance: U256 = params.required(1, "balance")?;
            node.world.edit(params.required(0, "address")?, |info| {
                info.balance = balance;
            });
        }
        "anvil_setNonce" | "hardhat_setNonce" => {
            let nonce: U64 = params.required(1, "nonce")?;
            node.world.edit(params.required(0, "address")?, |info| {
                info.nonce = nonce.to();
            });
        }
        "anvil_setCode" | "hardhat_setCode" => {
            let code: Bytes = params.required(1, "code")?;
            node.world.set_code(params.required(0, "address")?, code);
        }
        "anvil_setStorageAt" | "hardhat_setStorageAt" => {
            let address: Address = params.required(0, "address")?;
            let value: B256 = params.required(2, "value")?;
            node.world
                .set_slot(address, params.required(1, "slot")?, value.into());
        }
        unknown => return Err(RpcError::method(unknown)),
    }
    node.touch();
    Ok(json(true))
}

fn mine(node: &mut Node, params: &Params) -> Answer {
    if let Ok(Some(timestamp)) = params.number(0, "timestamp") {
        node.time.set_next(timestamp);
    }
    node.mine();
    Ok(json("0x0"))
}

fn mine_many(node: &mut Node, params: &Params) -> Answer {
    let count = params.number(0, "blocks")?.unwrap_or(1);
    let interval = params.number(1, "interval")?.unwrap_or_default();
    if count > MOST_BLOCKS {
        let message = format!("more than {MOST_BLOCKS} blocks at once");
        return Err(RpcError::params(message));
    }
    for index in 0..count {
        if index > 0 && interval > 0 {
            node.time.advance(interval);
        }
        node.mine();
    }
    Ok(Value::Null)
}

fn set_next_timestamp(node: &mut Node, params: &Params) -> Answer {
    let missing = || RpcError::params("missing value for required argument 0 (timestamp)");
    let timestamp = params.number(0, "timestamp")?.ok_or_else(missing)?;
    let latest = node.head().header.timestamp;
    if timestamp < latest {
        let message = format!("timestamp {timestamp} is before the latest block's {latest}");
        return Err(RpcError::params(message));
    }
    node.time.set_next(timestamp);
    Ok(Value::Null)
}

/// Replaces the latest blocks by as many empty ones; their transactions are gone.
fn reorg(node: &mut Node, params: &Params) -> Answer {
    let depth = params.number(0, "depth")?.unwrap_or(1);
    let before = node.height();
    node.drop_blocks(depth);
    while node.height() < before {
        node.mine();
    }
    Ok(Value::Null)
}

fn pool_status(node: &Node) -> Value {
    let all = node.pool.all();
    let ready = all.iter().filter(|tx| {
        use alloy_consensus::Transaction;
        tx.nonce() < node.pool.next_nonce(tx.signer(), node.nonce(tx.signer()))
    });
    let ready = ready.count();
    object!({ "pending": U64::from(ready), "queued": U64::from(all.len() - ready) })
}

const MOST_BLOCKS: u64 = 10_000;
