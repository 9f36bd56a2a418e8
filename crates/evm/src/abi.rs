//! The parts of the contracts' interfaces that are called or read.

#![allow(missing_docs, clippy::too_many_arguments)]

alloy_sol_types::sol! {
    /// A token with EIP-3009.
    interface Token {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
        event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

        function balanceOf(address account) external view returns (uint256);
        function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
        function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
        function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
    }

    /// ERC-1271.
    interface Wallet {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
    }

    /// Multicall3, through which a wallet is deployed: the factory never sees the account that pays the gas.
    interface Multicall {
        struct Call { address target; bool allowFailure; bytes callData; }
        struct Outcome { bool success; bytes returnData; }
        function aggregate3(Call[] calls) external payable returns (Outcome[] returnData);
    }
}
