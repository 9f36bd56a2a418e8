//! What a node answers instead of a result.

use std::fmt;

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use revm::context_interface::result::{HaltReason, InvalidTransaction};

/// A JSON-RPC error, with the codes and words of go-ethereum, which clients compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    code: i64,
    message: String,
    data: Option<Bytes>,
}

impl RpcError {
    /// An error with a code and a message of the caller's choice, as a fault to inject.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The same error with bytes in its `data` member.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// The JSON-RPC error code; 3 means that a call reverted.
    pub fn code(&self) -> i64 {
        self.code
    }

    /// The message, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The bytes a call reverted with, if this error is a revert.
    pub fn data(&self) -> Option<&Bytes> {
        self.data.as_ref()
    }

    /// Whether a contract refused the call, as opposed to a node that could not carry it out.
    pub fn is_revert(&self) -> bool {
        self.code == REVERTED
    }

    pub(super) fn server(message: impl Into<String>) -> Self {
        Self::new(SERVER, message)
    }

    pub(super) fn params(message: impl fmt::Display) -> Self {
        Self::new(-32602, format!("invalid params: {message}"))
    }

    pub(super) fn method(name: &str) -> Self {
        let message = format!("the method {name} does not exist/is not available");
        Self::new(-32601, message)
    }

    pub(super) fn reverted(output: &Bytes) -> Self {
        let message = match revert_reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".into(),
        };
        Self::new(REVERTED, message).with_data(output.clone())
    }

    pub(super) fn halted(reason: &HaltReason) -> Self {
        Self::server(match reason {
            HaltReason::OutOfGas(_) => "out of gas".into(),
            HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
            other => other.to_string().to_lowercase(),
        })
    }

    pub(super) fn invalid(why: &InvalidTransaction) -> Self {
        use InvalidTransaction as No;
        Self::server(match why {
            No::NonceTooLow { tx, state } => {
                format!("nonce too low: next nonce {state}, tx nonce {tx}")
            }
            No::NonceTooHigh { tx, state } => {
                format!("nonce too high: tx nonce {tx}, state nonce {state}")
            }
            No::LackOfFundForMaxFee { fee, balance } => insufficient(**balance, **fee),
            No::CallGasCostMoreThanGasLimit {
                initial_gas: need,
                gas_limit,
            }
            | No::GasFloorMoreThanGasLimit {
                gas_floor: need,
                gas_limit,
            } => {
                format!("intrinsic gas too low: gas {gas_limit}, minimum needed {need}")
            }
            No::CallerGasLimitMoreThanBlock => "exceeds block gas limit".into(),
            No::PriorityFeeGreaterThanMaxFee => {
                "max priority fee per gas higher than max fee per gas".into()
            }
            No::GasPriceLessThanBasefee => "max fee per gas less than block base fee".into(),
            No::RejectCallerWithCode => "sender not an eoa".into(),
            No::InvalidChainId => "invalid chain id for signer".into(),
            other => other.to_string(),
        })
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RpcError {}

pub(super) fn insufficient(balance: U256, cost: U256) -> String {
    let short = cost.saturating_sub(balance);
    format!(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {short}"
    )
}

fn revert_reason(output: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(output) {
        return Some(revert.reason().to_owned());
    }
    Panic::abi_decode(output)
        .ok()
        .map(|panic| match panic.kind() {
            Some(kind) => kind.as_str().to_owned(),
            None => format!("unknown panic code: {:#x}", panic.code),
        })
}

const REVERTED: i64 = 3;
const SERVER: i64 = -32000;
