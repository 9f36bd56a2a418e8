//! A token on the chain.

use std::borrow::Cow;

use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct};

use super::contract::TokenFault;
use super::contract::abi::{HostileToken, TestUsdc, TransferWithAuthorization};
use super::{Chain, RpcError};

/// A [`TEST_USDC`](super::contract::TEST_USDC) or [`HOSTILE_TOKEN`](super::contract::HOSTILE_TOKEN) on a chain.
#[derive(Clone, Debug)]
pub struct Token {
    chain: Chain,
    address: Address,
}

impl Token {
    pub(super) fn new(chain: Chain, address: Address) -> Self {
        Self { chain, address }
    }

    /// Where the token is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// What an account holds now, in the token's smallest unit.
    pub fn balance_of(&self, account: Address) -> U256 {
        self.read(&TestUsdc::balanceOfCall { account })
    }

    /// Gives an account new units, at once and outside any block, so without a log.
    pub fn mint(&self, to: Address, value: u64) {
        let value = U256::from(value);
        self.change(&TestUsdc::mintCall { to, value });
    }

    /// Whether an EIP-3009 nonce was used or cancelled.
    pub fn authorization_used(&self, authorizer: Address, nonce: B256) -> bool {
        self.read(&TestUsdc::authorizationStateCall { authorizer, nonce })
    }

    /// The EIP-712 domain separator, as the contract computes it.
    pub fn domain_separator(&self) -> B256 {
        self.read(&TestUsdc::DOMAIN_SEPARATORCall {})
    }

    /// The EIP-712 domain.
    pub fn domain(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some(Cow::Owned(self.read(&TestUsdc::nameCall {}))),
            Some(Cow::Owned(self.read(&TestUsdc::versionCall {}))),
            Some(U256::from(self.chain.chain_id())),
            Some(self.address),
            None,
        )
    }

    /// Stops or allows all transfers, as an issuer can.
    pub fn set_paused(&self, value: bool) {
        self.change(&TestUsdc::setPausedCall { value });
    }

    /// Blocks or frees an account, as an issuer can.
    pub fn set_blacklisted(&self, account: Address, value: bool) {
        self.change(&TestUsdc::setBlacklistedCall { account, value });
    }

    /// Chooses how a hostile token cheats from now on.
    pub fn set_fault(&self, fault: TokenFault) {
        let mode = U256::from(fault as u8);
        self.change(&HostileToken::setModeCall { mode });
    }

    /// The digest to sign for an EIP-3009 transfer of this token.
    pub fn digest(&self, message: &TransferWithAuthorization) -> B256 {
        message.eip712_signing_hash(&self.domain())
    }

    /// Signs an EIP-3009 transfer: 65 bytes, low s, v 27 or 28.
    pub fn authorize(
        &self,
        signer: &PrivateKeySigner,
        message: &TransferWithAuthorization,
    ) -> Signature {
        let digest = self.digest(message);
        signer
            .sign_hash_sync(&digest)
            .expect("a key in memory signs any digest")
    }

    /// The calldata that settles a signed transfer, in the form with a `bytes` signature.
    pub fn settlement(
        &self,
        message: &TransferWithAuthorization,
        signature: impl Into<Bytes>,
    ) -> Bytes {
        let call = TestUsdc::transferWithAuthorization_1Call {
            from: message.from,
            to: message.to,
            value: message.value,
            validAfter: message.validAfter,
            validBefore: message.validBefore,
            nonce: message.nonce,
            signature: signature.into(),
        };
        call.abi_encode().into()
    }

    fn read<C: SolCall>(&self, call: &C) -> C::Return {
        let answer = self.chain.read(self.address, call);
        answer.expect("the address holds a test token")
    }

    fn change(&self, call: &impl SolCall) {
        let done: Result<Bytes, RpcError> = self.chain.execute(self.address, call.abi_encode());
        done.expect("the address holds a test token");
    }
}
