//! What the tests share: a chain, a payer, a payment.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::contract::abi::TransferWithAuthorization;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS, Token};

pub(crate) const PAYER: usize = 1;
pub(crate) const SETTLER: usize = 2;

pub(crate) fn dev(index: usize) -> Address {
    DEV_ACCOUNTS[index].address()
}

pub(crate) fn shop() -> Address {
    Address::repeat_byte(0x5e)
}

pub(crate) fn usdc(chain: &Chain) -> Token {
    chain.token(USDC_BASE_SEPOLIA)
}

/// A payment of 1000 units from a payer to the shop, valid around the chain's present time.
pub(crate) fn payment(chain: &Chain, from: Address, nonce: u8) -> TransferWithAuthorization {
    TransferWithAuthorization {
        from,
        to: shop(),
        value: U256::from(1000),
        validAfter: U256::from(chain.now() - 600),
        validBefore: U256::from(chain.now() + 600),
        nonce: B256::repeat_byte(nonce),
    }
}

/// The calldata that settles a payment signed by the payer.
pub(crate) fn settlement(token: &Token, message: &TransferWithAuthorization) -> Bytes {
    let signature = token.authorize(&DEV_ACCOUNTS[PAYER].signer(), message);
    token.settlement(message, signature.as_bytes())
}

pub(crate) fn request(from: Address, to: Address, input: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(to)
        .input(input.into().into())
}

/// Sends with enough gas given, so that a transaction that fails is sent too, and returns its receipt.
pub(crate) fn send(
    chain: &Chain,
    from: Address,
    to: Address,
    input: impl Into<Bytes>,
) -> TransactionReceipt {
    let sent = chain.send(request(from, to, input).gas_limit(500_000));
    chain
        .receipt(sent.expect("the pool takes it"))
        .expect("it is mined")
}
