//! The accounts that every Ethereum development tool ships. Their keys are public: whatever they hold on a chain with money
//! is lost.

use crate::ChainId;
use alloy_primitives::{Address, address};
use core::{error, fmt};

/// The accounts of the mnemonic `test test test test test test test test test test test junk`, as anvil and hardhat have
/// them.
pub const ACCOUNTS: [Address; 20] = [
    address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
    address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
    address!("976EA74026E726554dB657fA54763abd0C3a0aa9"),
    address!("14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
    address!("23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
    address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"),
    address!("Bcd4042DE499D14e55001CcbB24a551F3b954096"),
    address!("71bE63f3384f5fb98995898A86B02Fb2426c5788"),
    address!("FABB0ac9d68B0B445fB7357272Ff202C5651694a"),
    address!("1CBd3b2770909D4e10f157cABC84C7264073C9Ec"),
    address!("dF3e18d64BC6A983f673Ab319CCaE4f1a57C7097"),
    address!("cd3B766CCDd6AE721141F452C550Ca635964ce71"),
    address!("2546BcD3c84621e976D8185a91A922aE77ECEc30"),
    address!("bDA5747bFD65F08deb54cb465eB87D40e51B197E"),
    address!("dD2FD4581271e230360230F9337D5c0430Bf44C0"),
    address!("8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199"),
];

/// The chains where nothing is worth anything, by number.
const TEST_CHAINS: [u64; 15] = [
    1301,        // Unichain Sepolia
    1337,        // development
    4801,        // World Chain Sepolia
    17_000,      // Holesky
    31_337,      // development
    42_431,      // Tempo Moderato
    43_113,      // Avalanche Fuji
    59_141,      // Linea Sepolia
    80_002,      // Polygon Amoy
    84_532,      // Base Sepolia
    421_614,     // Arbitrum Sepolia
    560_048,     // Hoodi
    11_155_111,  // Sepolia
    11_155_420,  // OP Sepolia
    324_705_682, // SKALE Base Sepolia
];

/// Whether the key of an address is publicly known.
pub fn is_development_key(address: &Address) -> bool {
    ACCOUNTS.contains(address)
}

/// Whether a chain is known to be for tests.
pub fn is_test_chain(chain: &ChainId) -> bool {
    chain
        .evm()
        .is_some_and(|number| TEST_CHAINS.contains(&number))
}

/// Refuses an account whose key is publicly known, unless the chain is for tests.
///
/// ```
/// use http402_core::ChainId;
/// use http402_core::development::{ACCOUNTS, check_account};
///
/// assert!(check_account(&ChainId::eip155(84_532), &ACCOUNTS[0]).is_ok());
/// assert!(check_account(&ChainId::eip155(8453), &ACCOUNTS[0]).is_err());
/// ```
///
/// # Errors
/// When the key is known and the chain is not for tests.
pub fn check_account(chain: &ChainId, address: &Address) -> Result<(), DevelopmentKey> {
    if is_development_key(address) && !is_test_chain(chain) {
        return Err(DevelopmentKey(*address));
    }
    Ok(())
}

/// An account whose key is publicly known, on a chain that is not for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevelopmentKey(Address);

impl DevelopmentKey {
    /// The account.
    pub fn address(&self) -> Address {
        self.0
    }
}

impl fmt::Display for DevelopmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key of {} is publicly known", self.0)
    }
}

impl error::Error for DevelopmentKey {}
