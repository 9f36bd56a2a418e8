//! What is called and what is logged on Tempo.

use alloy_primitives::{Address, address};
use alloy_sol_types::sol;

/// The exchange of stablecoins that is part of the chain.
pub(crate) const EXCHANGE: Address = address!("dec0000000000000000000000000000000000000");
/// Where accounts keep their access keys.
pub(crate) const KEYCHAIN: Address = address!("AAAAAAAA00000000000000000000000000000000");

sol! {
    /// A TIP-20 token, as much of it as charges use.
    #[derive(Debug, PartialEq, Eq)]
    interface Token {
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 amount) external returns (bool);
        function transferWithMemo(address to, uint256 amount, bytes32 memo) external;
        function approve(address spender, uint256 amount) external returns (bool);
        event Transfer(address indexed from, address indexed to, uint256 amount);
        event TransferWithMemo(address indexed from, address indexed to, uint256 amount, bytes32 indexed memo);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Exchange {
        function swapExactAmountOut(address tokenIn, address tokenOut, uint128 amountOut, uint128 maxAmountIn)
            external returns (uint128 amountIn);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Keychain {
        struct KeyInfo {
            uint8 signatureType;
            address keyId;
            uint64 expiry;
            bool enforceLimits;
            bool isRevoked;
        }
        function getKey(address account, address keyId) external view returns (KeyInfo memory info);
    }
}
