//! The JSON-RPC methods, without a transport.

mod blocks;
mod dev;
mod fees;
mod params;
mod state;

use alloy_primitives::Bytes;
use serde_json::Value;

use super::account;
use super::error::RpcError;
use super::node::Node;
use params::{Params, json};

pub(super) use blocks::matching;
pub(super) use fees::suggested_tip;
pub(super) use state::{Situation, estimate, output};

type Answer = Result<Value, RpcError>;

/// Carries out one request.
pub(super) fn handle(node: &mut Node, method: &str, params: Value) -> Answer {
    let params = Params::new(params)?;
    match method {
        "eth_call" => state::call(node, &params),
        "eth_estimateGas" => state::estimate_gas(node, &params),
        "eth_getBalance" => state::balance(node, &params),
        "eth_getCode" => state::code(node, &params),
        "eth_getStorageAt" => state::storage_at(node, &params),
        "eth_getTransactionCount" => state::transaction_count(node, &params),
        "eth_blockNumber" => Ok(json(format!("{:#x}", node.visible()))),
        "eth_getBlockByNumber" => blocks::by_number(node, &params),
        "eth_getBlockByHash" => blocks::by_hash(node, &params),
        "eth_getBlockReceipts" => blocks::receipts(node, &params),
        "eth_getBlockTransactionCountByNumber" => blocks::count_by_number(node, &params),
        "eth_getTransactionByHash" => blocks::transaction(node, &params),
        "eth_getTransactionReceipt" => blocks::receipt(node, &params),
        "eth_getLogs" => blocks::logs(node, &params),
        "eth_gasPrice" => Ok(fees::gas_price(node)),
        "eth_maxPriorityFeePerGas" => Ok(fees::priority_fee(node)),
        "eth_feeHistory" => fees::history(node, &params),
        "eth_sendRawTransaction" => send_raw(node, &params),
        "eth_sendRawTransactionSync" => send_raw_and_wait(node, &params),
        "eth_sendTransaction" => send(node, &params),
        "eth_chainId" => Ok(json(format!("{:#x}", node.settings.chain_id))),
        "net_version" => Ok(json(node.settings.chain_id.to_string())),
        "net_listening" => Ok(json(true)),
        "eth_syncing" => Ok(json(false)),
        "eth_accounts" => Ok(json(account::DEV_ACCOUNTS.map(|dev| dev.address()))),
        "web3_clientVersion" => Ok(json(concat!("http402-testkit/", env!("CARGO_PKG_VERSION")))),
        _ => dev::handle(node, method, &params),
    }
}

fn send_raw(node: &mut Node, params: &Params) -> Answer {
    let bytes: Bytes = params.required(0, "data")?;
    node.submit_raw(&bytes).map(json)
}

/// EIP-7966. Nobody waits here: without a block at once there is none in time.
fn send_raw_and_wait(node: &mut Node, params: &Params) -> Answer {
    let bytes: Bytes = params.required(0, "data")?;
    let hash = node.submit_raw(&bytes)?;
    let late = || {
        let message = "the transaction was added to the mempool but wasn't processed in time";
        RpcError::new(4, message).with_data(hash)
    };
    let (block, index) = node.inclusion(&hash).ok_or_else(late)?;
    Ok(json(block.receipt(index)))
}

fn send(node: &mut Node, params: &Params) -> Answer {
    let request: alloy_rpc_types_eth::TransactionRequest = params.required(0, "transaction")?;
    let known = |from| {
        account::DEV_ACCOUNTS
            .iter()
            .any(|dev| dev.address() == from)
    };
    if !request.from.is_some_and(known) {
        return Err(RpcError::server("unknown account"));
    }
    let tx = super::request::sign(node, request)?;
    node.submit(tx).map(json)
}
