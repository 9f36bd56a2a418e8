//! How a chain begins.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;

use super::contract::abi::TestUsdc;
use super::contract::{
    Contract, HOSTILE_TOKEN, MULTICALL, MULTICALL_ADDRESS, TEST_USDC, USDC_BASE_SEPOLIA,
};
use super::node::{Node, Settings};
use super::time::Time;
use super::{Chain, DEV_ACCOUNTS, DevAccount, Shared};

/// Makes a [`Chain`]. The defaults are those of a developer's Base Sepolia.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Settings,
    time: Time,
    automine: bool,
    tokens: Vec<(Address, &'static Contract, &'static str)>,
    holders: Vec<Address>,
}

impl Builder {
    /// The chain id; 84532 by default.
    #[must_use]
    pub fn chain_id(mut self, id: u64) -> Self {
        self.settings.chain_id = id;
        self
    }

    /// Lets the clock stand at a Unix time until it is moved, instead of following the system's. Two chains built
    /// and used alike are then equal in every hash.
    #[must_use]
    pub fn standing_clock(mut self, unix_seconds: u64) -> Self {
        self.time = Time::standing_at(unix_seconds);
        self
    }

    /// Whether each transaction is mined when it arrives; on by default.
    #[must_use]
    pub fn automine(mut self, on: bool) -> Self {
        self.automine = on;
        self
    }

    /// How many blocks behind the latest the `finalized` block is; `safe` is half as far. 0 by default.
    #[must_use]
    pub fn finality(mut self, blocks: u64) -> Self {
        self.settings.finality = blocks;
        self
    }

    /// The gas limit of a block; 30 million by default.
    #[must_use]
    pub fn gas_limit(mut self, gas: u64) -> Self {
        self.settings.gas_limit = gas;
        self
    }

    /// The base fee of the first block, in wei per gas; 1 gwei by default. It follows EIP-1559 from there.
    #[must_use]
    pub fn base_fee(mut self, wei: u64) -> Self {
        self.settings.base_fee = wei;
        self
    }

    /// Another token with the interface and the EIP-712 domain of USDC, at an address.
    #[must_use]
    pub fn usdc_at(mut self, address: Address) -> Self {
        self.tokens.push((address, &TEST_USDC, "USDC"));
        self
    }

    /// A token that can be told to cheat, with the EIP-712 domain of USDC, at an address.
    #[must_use]
    pub fn hostile_token_at(mut self, address: Address) -> Self {
        self.tokens.push((address, &HOSTILE_TOKEN, "USDC"));
        self
    }

    /// Another account with what each development account has: 10 000 ether and a million of each token.
    #[must_use]
    pub fn fund(mut self, account: Address) -> Self {
        self.holders.push(account);
        self
    }

    /// Starts the chain: its first block, and its accounts and contracts in it.
    pub fn build(self) -> Chain {
        let mut node = Node::new(self.settings, self.time);
        node.automine = self.automine;
        let shared = Shared {
            node: Mutex::new(node),
            ticker: Mutex::new(None),
        };
        let chain = Chain {
            shared: Arc::new(shared),
        };
        let ether = U256::from(10_000) * U256::from(10).pow(U256::from(18));
        for account in &self.holders {
            chain.set_balance(*account, ether);
        }
        chain.set_code(MULTICALL_ADDRESS, MULTICALL.runtime_code());
        for (address, contract, name) in self.tokens {
            let call = TestUsdc::initializeCall {
                name: name.into(),
                symbol: "USDC".into(),
                version: "2".into(),
                decimals: 6,
            };
            chain.set_code(address, contract.runtime_code());
            chain
                .execute(address, call.abi_encode())
                .expect("a new token can be initialised");
            for account in &self.holders {
                chain.token(address).mint(*account, 1_000_000_000_000);
            }
        }
        chain
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: Settings {
                chain_id: 84532,
                gas_limit: 30_000_000,
                call_gas: 50_000_000,
                base_fee: 1_000_000_000,
                finality: 0,
            },
            time: Time::wall(),
            automine: true,
            tokens: vec![(USDC_BASE_SEPOLIA, &TEST_USDC, "USDC")],
            holders: DEV_ACCOUNTS.iter().map(DevAccount::address).collect(),
        }
    }
}
