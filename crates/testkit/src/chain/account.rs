//! The development accounts.

use alloy_primitives::{Address, B256, address, b256};
use alloy_signer_local::PrivateKeySigner;

/// One of the ten accounts of the mnemonic `test test test test test test test test test test test junk`, which
/// every Ethereum development tool ships. **The keys are public: whatever they hold on a real chain is lost.**
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevAccount {
    address: Address,
    key: B256,
}

impl DevAccount {
    /// The account's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The private key that the whole world knows.
    pub fn publicly_known_key(&self) -> B256 {
        self.key
    }

    /// A signer for transactions and digests of this account.
    pub fn signer(&self) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&self.key).expect("the ten keys are on the curve")
    }

    const fn new(address: Address, key: B256) -> Self {
        Self { address, key }
    }
}

/// The signer of an address, if it is a development account's.
pub(super) fn known_signer(address: Address) -> Option<PrivateKeySigner> {
    let known = DEV_ACCOUNTS.iter().find(|dev| dev.address == address);
    known.map(DevAccount::signer)
}

/// The ten development accounts. Their keys are publicly known.
pub const DEV_ACCOUNTS: [DevAccount; 10] = [
    DevAccount::new(
        address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    ),
    DevAccount::new(
        address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    ),
    DevAccount::new(
        address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    ),
    DevAccount::new(
        address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
        b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    ),
    DevAccount::new(
        address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
        b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    ),
    DevAccount::new(
        address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
        b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    ),
    DevAccount::new(
        address!("976EA74026E726554dB657fA54763abd0C3a0aa9"),
        b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    ),
    DevAccount::new(
        address!("14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
        b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    ),
    DevAccount::new(
        address!("23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
        b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    ),
    DevAccount::new(
        address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"),
        b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
    ),
];
