//! From a transaction request to a signed transaction.

use alloy_consensus::SignableTransaction;
use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Signature, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;

use super::account;
use super::error::RpcError;
use super::node::Node;
use super::rpc;

/// Fills in what is missing and signs with the sender's key if it is a development account. Anybody else is
/// impersonated: the signature is made up, and the sender is taken at the request's word.
pub(super) fn sign(
    node: &Node,
    mut request: TransactionRequest,
) -> Result<Recovered<alloy_consensus::TxEnvelope>, RpcError> {
    let from = request.from.unwrap_or_default();
    let pending = node.pool.next_nonce(from, node.nonce(from));
    request.nonce.get_or_insert(pending);
    request.chain_id.get_or_insert(node.settings.chain_id);
    request.to.get_or_insert_default();
    if request.gas_price.is_none() {
        let tip = rpc::suggested_tip(node);
        let tip = *request.max_priority_fee_per_gas.get_or_insert(tip);
        let fee = 2 * u128::from(node.next_base_fee()) + tip;
        request.max_fee_per_gas.get_or_insert(fee);
    }
    if request.gas.is_none() {
        let situation = rpc::Situation::latest(node);
        request.gas = Some(rpc::estimate(node, &situation, &request)?);
    }
    let typed = request
        .build_typed_tx()
        .map_err(|_| RpcError::params("fields of several transaction types, or too few of one"))?;
    let signature = match account::known_signer(from) {
        Some(signer) => signer
            .sign_hash_sync(&typed.signature_hash())
            .map_err(|error| RpcError::server(error.to_string()))?,
        None => Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false),
    };
    Ok(Recovered::new_unchecked(
        typed.into_envelope(signature),
        from,
    ))
}
