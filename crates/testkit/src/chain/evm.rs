//! One transaction through the EVM.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Transaction, TxEnvelope, Typed2718};
use alloy_primitives::{Address, Bytes, TxKind, address};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::either::Either;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::context_interface::result::{
    EVMError, ExecutionResult, InvalidTransaction, ResultAndState,
};
use revm::handler::validation::validate_initial_tx_gas;
use revm::primitives::hardfork::SpecId;
use revm::{Context, DatabaseRef, ExecuteEvm, MainBuilder, MainContext};

use super::error::RpcError;
use super::world::Never;

/// The rules of the chain: Prague, which has EIP-7702 and no cap on the gas of one transaction.
pub(super) fn rules(chain_id: u64) -> CfgEnv {
    CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id)
}

/// Executes a transaction as part of a block.
pub(super) fn include<DB>(
    db: DB,
    rules: CfgEnv,
    env: BlockEnv,
    tx: &Recovered<TxEnvelope>,
) -> Result<ResultAndState, InvalidTransaction>
where
    DB: DatabaseRef<Error = Never>,
{
    transact(db, rules, env, signed(tx)).map_err(why)
}

/// The gas a transaction needs before its first instruction, compared with its limit.
pub(super) fn check_intrinsic_gas(tx: &Recovered<TxEnvelope>) -> Result<(), InvalidTransaction> {
    validate_initial_tx_gas(signed(tx), SPEC, false, false, u64::MAX, None).map(drop)
}

/// Executes a call that nobody signed: no nonce is checked, and without a fee in the request nothing is paid.
pub(super) fn simulate<DB>(
    db: DB,
    mut rules: CfgEnv,
    mut env: BlockEnv,
    request: &TransactionRequest,
    gas: u64,
) -> Result<ExecutionResult, RpcError>
where
    DB: DatabaseRef<Error = Never>,
{
    rules.disable_nonce_check = true;
    rules.disable_eip3607 = true;
    rules.disable_block_gas_limit = true;
    if !has_fee(request) {
        rules.disable_base_fee = true;
        env.basefee = 0;
    }
    let tx = unsigned(request, rules.chain_id, gas)?;
    let done = transact(db, rules, env, tx).map_err(|error| RpcError::invalid(&why(error)))?;
    Ok(done.result)
}

/// Executes something that no account pays for, from an address nobody has the key of.
pub(super) fn outside<DB>(
    db: DB,
    mut rules: CfgEnv,
    mut env: BlockEnv,
    kind: TxKind,
    data: Bytes,
) -> Result<ResultAndState, InvalidTransaction>
where
    DB: DatabaseRef<Error = Never>,
{
    rules.disable_nonce_check = true;
    rules.disable_base_fee = true;
    rules.disable_block_gas_limit = true;
    env.basefee = 0;
    let nonce = ok(db.basic_ref(STAGEHAND)).map_or(0, |info| info.nonce);
    let chain_id = Some(rules.chain_id);
    let (caller, gas_limit) = (STAGEHAND, STAGE_GAS);
    let tx = TxEnv {
        caller,
        kind,
        data,
        nonce,
        chain_id,
        gas_limit,
        ..TxEnv::default()
    };
    transact(db, rules, env, tx).map_err(why)
}

/// Unwraps what cannot have failed.
pub(super) fn ok<T>(result: Result<T, Never>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

pub(super) fn has_fee(request: &TransactionRequest) -> bool {
    let fee = request.gas_price.or(request.max_fee_per_gas);
    fee.is_some_and(|fee| fee > 0)
}

fn transact<DB>(
    db: DB,
    rules: CfgEnv,
    env: BlockEnv,
    tx: TxEnv,
) -> Result<ResultAndState, EVMError<Never>>
where
    DB: DatabaseRef<Error = Never>,
{
    let context = Context::mainnet()
        .with_ref_db(db)
        .with_cfg(rules)
        .with_block(env);
    context.build_mainnet().transact(tx)
}

fn why(error: EVMError<Never>) -> InvalidTransaction {
    match error {
        EVMError::Transaction(why) => why,
        EVMError::Database(never) => match never {},
        other => InvalidTransaction::Str(other.to_string().into()),
    }
}

fn signed(tx: &Recovered<TxEnvelope>) -> TxEnv {
    TxEnv {
        tx_type: tx.ty(),
        caller: tx.signer(),
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        authorization_list: authorizations(tx.authorization_list()),
        ..TxEnv::default()
    }
}

fn unsigned(request: &TransactionRequest, chain_id: u64, gas: u64) -> Result<TxEnv, RpcError> {
    if let Some(other) = request.chain_id.filter(|other| *other != chain_id) {
        let message = format!("chainId does not match node's (have={other}, want={chain_id})");
        return Err(RpcError::server(message));
    }
    let mut tx = TxEnv {
        caller: request.from.unwrap_or_default(),
        gas_limit: gas,
        gas_price: request
            .gas_price
            .or(request.max_fee_per_gas)
            .unwrap_or_default(),
        gas_priority_fee: request.max_priority_fee_per_gas,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: request.input.input().cloned().unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        authorization_list: authorizations(request.authorization_list.as_deref()),
        ..TxEnv::default()
    };
    tx.derive_tx_type().map_err(RpcError::params)?;
    Ok(tx)
}

type Authorizations = Vec<
    Either<alloy_eips::eip7702::SignedAuthorization, alloy_eips::eip7702::RecoveredAuthorization>,
>;

fn authorizations(list: Option<&[alloy_eips::eip7702::SignedAuthorization]>) -> Authorizations {
    list.unwrap_or_default()
        .iter()
        .cloned()
        .map(Either::Left)
        .collect()
}

/// Who acts when a scene is set.
const STAGEHAND: Address = address!("57a6e000000000000000000000000000000402aa");

const STAGE_GAS: u64 = 100_000_000;

const SPEC: SpecId = SpecId::PRAGUE;
