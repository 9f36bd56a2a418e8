//! Methods that read accounts or run calls.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::context::BlockEnv;
use revm::context_interface::result::ExecutionResult;
use revm::database::CacheDB;
use revm::state::Bytecode;
use revm::{DatabaseRef, primitives::StorageKeyMap};

use super::Answer;
use super::params::{Params, json};
use crate::chain::error::RpcError;
use crate::chain::evm::{self, ok};
use crate::chain::node::Node;
use crate::chain::world::View;

pub(super) fn balance(node: &Node, params: &Params) -> Answer {
    let (address, version) = account(node, params, 1)?;
    Ok(json(node.world.account(address, version).balance))
}

pub(super) fn code(node: &Node, params: &Params) -> Answer {
    let (address, version) = account(node, params, 1)?;
    Ok(json(node.world.code(address, version)))
}

pub(super) fn storage_at(node: &Node, params: &Params) -> Answer {
    let (address, version) = account(node, params, 2)?;
    let slot: U256 = params.required(1, "position")?;
    Ok(json(B256::from(node.world.slot(address, slot, version))))
}

pub(super) fn transaction_count(node: &Node, params: &Params) -> Answer {
    let (address, version) = account(node, params, 1)?;
    let mut nonce = node.world.account(address, version).nonce;
    if params.block(1)? == BlockId::Number(BlockNumberOrTag::Pending) {
        nonce = node.pool.next_nonce(address, nonce);
    }
    Ok(json(U64::from(nonce)))
}

pub(super) fn call(node: &Node, params: &Params) -> Answer {
    let situation = Situation::read(node, params)?;
    let request: TransactionRequest = params.required(0, "transaction")?;
    let gas = request
        .gas
        .unwrap_or(node.settings.call_gas)
        .min(node.settings.call_gas);
    output(situation.run(node, &request, gas)?).map(json)
}

pub(super) fn estimate_gas(node: &Node, params: &Params) -> Answer {
    let situation = Situation::read(node, params)?;
    let request: TransactionRequest = params.required(0, "transaction")?;
    estimate(node, &situation, &request).map(|gas| json(U64::from(gas)))
}

/// Where a call runs: a state and a block environment, both possibly changed by the caller.
pub(crate) struct Situation<'a> {
    db: CacheDB<View<'a>>,
    env: BlockEnv,
}

impl<'a> Situation<'a> {
    /// On top of the latest block, at the chain's present time.
    pub(crate) fn latest(node: &'a Node) -> Self {
        Self::at(node, BlockId::Number(BlockNumberOrTag::Latest)).expect("there is a latest block")
    }

    fn read(node: &'a Node, params: &Params) -> Result<Self, RpcError> {
        let mut situation = Self::at(node, params.block(1)?)?;
        let changes: Option<StateOverride> = params.optional(2, "state overrides")?;
        for (address, change) in changes.unwrap_or_default() {
            situation.change_account(address, change)?;
        }
        if let Some(change) = params.optional(3, "block overrides")? {
            situation.change_block(&change);
        }
        Ok(situation)
    }

    /// `latest` and `pending` mean now: idle chains make no blocks, and a call that asks whether something is
    /// valid must not see the time of the last transaction. Earlier blocks keep their own time.
    fn at(node: &'a Node, id: BlockId) -> Result<Self, RpcError> {
        let block = node.at(id)?;
        let mut env = block.env();
        match id {
            BlockId::Number(BlockNumberOrTag::Pending) => env = node.upcoming(),
            BlockId::Number(BlockNumberOrTag::Latest) => env.timestamp = node.upcoming().timestamp,
            _ => {}
        }
        let db = CacheDB::new(node.view(node.version_at(id)?));
        Ok(Self { db, env })
    }

    pub(crate) fn run(
        &self,
        node: &Node,
        request: &TransactionRequest,
        gas: u64,
    ) -> Result<ExecutionResult, RpcError> {
        evm::simulate(&self.db, node.rules(), self.env.clone(), request, gas)
    }

    fn change_account(
        &mut self,
        address: Address,
        change: AccountOverride,
    ) -> Result<(), RpcError> {
        let mut info = ok(self.db.basic_ref(address)).unwrap_or_default();
        info.balance = change.balance.unwrap_or(info.balance);
        info.nonce = change.nonce.unwrap_or(info.nonce);
        if let Some(code) = change.code {
            let code = Bytecode::new_raw_checked(code).map_err(RpcError::params)?;
            info.code_hash = code.hash_slow();
            info.code = Some(code);
        }
        self.db.insert_account_info(address, info);
        let slots = |map: alloy_primitives::map::B256HashMap<B256>| -> StorageKeyMap<U256> {
            map.into_iter()
                .map(|(slot, value)| (slot.into(), value.into()))
                .collect()
        };
        if let Some(all) = change.state {
            ok(self.db.replace_account_storage(address, slots(all)));
        }
        for (slot, value) in slots(change.state_diff.unwrap_or_default()) {
            ok(self.db.insert_account_storage(address, slot, value));
        }
        Ok(())
    }

    fn change_block(&mut self, change: &BlockOverrides) {
        let env = &mut self.env;
        env.number = change.number.unwrap_or(env.number);
        env.timestamp = change.time.map_or(env.timestamp, U256::from);
        env.gas_limit = change.gas_limit.unwrap_or(env.gas_limit);
        env.beneficiary = change.coinbase.unwrap_or(env.beneficiary);
        env.prevrandao = change.random.or(env.prevrandao);
        env.basefee = change
            .base_fee
            .map_or(env.basefee, |fee| fee.saturating_to());
    }
}

/// The smallest gas limit, within one and a half percent, with which the transaction succeeds.
pub(crate) fn estimate(
    node: &Node,
    situation: &Situation<'_>,
    request: &TransactionRequest,
) -> Result<u64, RpcError> {
    let mut high = request
        .gas
        .unwrap_or(node.settings.gas_limit)
        .min(node.settings.call_gas);
    if evm::has_fee(request) {
        high = high.min(affordable(situation, request)?);
    }
    let first = situation.run(node, request, high)?;
    let mut low = first.tx_gas_used().saturating_sub(1);
    output(first).map_err(|error| match error.message() {
        "out of gas" => RpcError::server(format!("gas required exceeds allowance ({high})")),
        _ => error,
    })?;
    if low + 1 == PLAIN_TRANSFER {
        return Ok(PLAIN_TRANSFER);
    }
    // A call keeps a 64th of its gas back, so a guess a little above what was used is usually right.
    let mut guess = (low + 1 + 2300) * 64 / 63;
    while low + 1 < high && (high - low) * 1000 > high * 15 {
        let middle = guess.clamp(low + 1, high - 1);
        let enough = situation
            .run(node, request, middle)
            .is_ok_and(|result| result.is_success());
        *(if enough { &mut high } else { &mut low }) = middle;
        guess = low + (high - low) / 2;
    }
    Ok(high)
}

fn affordable(situation: &Situation<'_>, request: &TransactionRequest) -> Result<u64, RpcError> {
    let from = request.from.unwrap_or_default();
    let balance = ok(situation.db.basic_ref(from)).unwrap_or_default().balance;
    let value = request.value.unwrap_or_default();
    let left = balance.checked_sub(value);
    let left = left.ok_or_else(|| RpcError::server("insufficient funds for transfer"))?;
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or(1);
    Ok((left / U256::from(price)).saturating_to())
}

pub(crate) fn output(result: ExecutionResult) -> Result<Bytes, RpcError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(&output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::halted(&reason)),
    }
}

fn account(node: &Node, params: &Params, block: usize) -> Result<(Address, u64), RpcError> {
    let address = params.required(0, "address")?;
    let version = node.version_at(params.block(block)?)?;
    Ok((address, version))
}

/// What every transaction costs; one that uses no more needs no more.
const PLAIN_TRANSFER: u64 = 21_000;
