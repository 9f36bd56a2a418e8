//! The compiled contracts of `contracts/` and their interfaces.

use std::fmt;
use std::sync::OnceLock;

use alloy_primitives::{Address, Bytes, address, hex};
use alloy_sol_types::abi::TokenSeq;
use alloy_sol_types::{SolType, SolValue};
use serde_json::Value;

/// A compiled contract. None has immutables, so the runtime code may be placed at any address.
#[derive(Debug)]
pub struct Contract {
    name: &'static str,
    json: &'static str,
    code: OnceLock<(Bytes, Bytes)>,
}

impl Contract {
    /// The contract's name in its source.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The code that a deploying transaction carries, without constructor arguments.
    pub fn creation_code(&self) -> Bytes {
        self.codes().0.clone()
    }

    /// The code that a deploying transaction carries, with constructor arguments (a tuple) after it.
    pub fn creation_code_with<T>(&self, arguments: &T) -> Bytes
    where
        T: SolValue,
        for<'a> <T::SolType as SolType>::Token<'a>: TokenSeq<'a>,
    {
        [self.codes().0.as_ref(), &arguments.abi_encode_params()]
            .concat()
            .into()
    }

    /// The code that sits at the contract's address.
    pub fn runtime_code(&self) -> Bytes {
        self.codes().1.clone()
    }

    fn codes(&self) -> &(Bytes, Bytes) {
        self.code.get_or_init(|| {
            let artifact: Value = serde_json::from_str(self.json).expect("the artifact is our own");
            let code = |field| {
                let text = artifact[field].as_str().expect("the artifact is our own");
                Bytes::from(hex::decode(text).expect("the artifact is our own"))
            };
            (code("bytecode"), code("deployedBytecode"))
        })
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! contract {
    ($(#[$doc:meta])* $constant:ident, $name:literal) => {
        $(#[$doc])*
        pub static $constant: Contract = Contract {
            name: $name,
            json: include_str!(concat!("../../contracts/out/", $name, ".json")),
            code: OnceLock::new(),
        };
    };
}

contract!(
    /// The dollar stablecoin: ERC-20, EIP-2612, EIP-3009, ERC-1271.
    TEST_USDC, "TestUsdc"
);
contract!(
    /// The stablecoin with a fault, see [`abi::HostileToken`].
    HOSTILE_TOKEN, "HostileToken"
);
contract!(
    /// A contract account with one owner; also a delegate for EIP-7702.
    WALLET_1271, "Wallet1271"
);
contract!(
    /// Deploys wallets at addresses known before they exist.
    WALLET_FACTORY, "WalletFactory"
);
contract!(
    /// Contract accounts that answer in bad faith, see [`abi::HostileWallet`].
    HOSTILE_WALLET, "HostileWallet"
);
contract!(
    /// Several calls in one, with the interface of Multicall3.
    MULTICALL, "Multicall"
);

/// USDC on Base Sepolia (`eip155:84532`), where the default chain has its [`TEST_USDC`].
pub const USDC_BASE_SEPOLIA: Address = address!("036CbD53842c5426634e7929541eC2318f3dCF7e");

/// Where clients expect Multicall3, and the default chain has [`MULTICALL`].
pub const MULTICALL_ADDRESS: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

/// The interfaces of the contracts.
#[allow(missing_docs, clippy::too_many_arguments)]
pub mod abi {
    alloy_sol_types::sol! {
        /// What [`super::TEST_USDC`] answers to.
        #[derive(Debug)]
        interface TestUsdc {
            event Transfer(address indexed from, address indexed to, uint256 value);
            event Approval(address indexed owner, address indexed spender, uint256 value);
            event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
            event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

            function initialize(string name, string symbol, string version, uint8 decimals) external;
            function mint(address to, uint256 value) external returns (bool);
            function setPaused(bool value) external;
            function setBlacklisted(address account, bool value) external;
            function name() external view returns (string);
            function symbol() external view returns (string);
            function version() external view returns (string);
            function decimals() external view returns (uint8);
            function totalSupply() external view returns (uint256);
            function balanceOf(address account) external view returns (uint256);
            function allowance(address owner, address spender) external view returns (uint256);
            function nonces(address owner) external view returns (uint256);
            function DOMAIN_SEPARATOR() external view returns (bytes32);
            function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
            function transfer(address to, uint256 value) external returns (bool);
            function transferFrom(address from, address to, uint256 value) external returns (bool);
            function approve(address spender, uint256 value) external returns (bool);
            function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
            function permit(address owner, address spender, uint256 value, uint256 deadline, bytes signature) external;
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
            function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
            function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
            function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
            function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature) external;
        }

        /// What [`super::HOSTILE_TOKEN`] answers to besides the interface of the honest token.
        #[derive(Debug)]
        interface HostileToken {
            function setMode(uint256 mode) external;
            function mode() external view returns (uint256);
            function decoy() external view returns (address);
        }

        /// What [`super::WALLET_1271`] answers to.
        #[derive(Debug)]
        interface Wallet1271 {
            function owner() external view returns (address);
            function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
            function execute(address to, uint256 value, bytes data) external payable returns (bytes);
        }

        /// What [`super::WALLET_FACTORY`] answers to.
        #[derive(Debug)]
        interface WalletFactory {
            function deploy(address owner, bytes32 salt) external returns (address wallet);
            function addressOf(address owner, bytes32 salt) external view returns (address);
        }

        /// What [`super::HOSTILE_WALLET`] answers to.
        #[derive(Debug)]
        interface HostileWallet {
            function setMode(uint256 mode) external;
            function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
        }

        /// The part of [`super::MULTICALL`] that is used here.
        #[derive(Debug)]
        interface Multicall {
            struct Call3 { address target; bool allowFailure; bytes callData; }
            struct Result { bool success; bytes returnData; }
            function aggregate3(Call3[] calls) external payable returns (Result[] returnData);
        }

        /// The message a payer signs under EIP-3009.
        #[derive(Debug)]
        struct TransferWithAuthorization {
            address from;
            address to;
            uint256 value;
            uint256 validAfter;
            uint256 validBefore;
            bytes32 nonce;
        }
    }
}

/// A fault of [`HOSTILE_TOKEN`]; the numbers are those in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFault {
    /// None.
    Honest = 0,
    /// One percent of each transfer goes to the token.
    Fee = 1,
    /// A used nonce returns without a revert and without a transfer.
    SilentReplay = 2,
    /// Nothing moves; another contract logs the expected Transfer.
    OtherEmitter = 3,
    /// One unit less than signed moves and is logged.
    Short = 4,
    /// All gas is burnt.
    BurnGas = 5,
    /// Nothing moves, nothing is logged, the call succeeds.
    Nothing = 6,
    /// The token logs the expected Transfer, but nothing moves.
    Lie = 7,
    /// A revert with one megabyte of data.
    RevertBomb = 8,
    /// Two Transfers of half the value each.
    Split = 9,
    /// Works in a simulation, fails in a transaction.
    OnlyInSimulation = 10,
}

/// How a [`HOSTILE_WALLET`] answers ERC-1271; the numbers are those in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalletFault {
    /// Every signature is good.
    AlwaysTrue = 0,
    /// Loops until no gas is left.
    GasBomb = 1,
    /// The magic value, followed by one megabyte of zeros.
    ReturnBomb = 2,
    /// A revert with one megabyte of data.
    RevertBomb = 3,
    /// Good in a simulation, refused in a transaction.
    OnlyInSimulation = 4,
    /// The four magic bytes and not a byte more.
    ShortAnswer = 5,
    /// The number one instead of the magic value.
    Boolean = 6,
}
