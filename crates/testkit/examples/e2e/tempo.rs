//! What the programs on Tempo share.

use super::env;
use http402_core::Address;

/// The token that every account of the development chain has.
pub(crate) const PATH_USD: Address = Address::new([
    0x20, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/// A secret for tests.
#[allow(dead_code, reason = "only sellers have one")]
pub(crate) const SECRET: &[u8] = b"a secret for tests, of 32 bytes or more";

/// `TEMPO_CHAIN`, or the number of the test network.
pub(crate) fn chain() -> Result<u64, env::Fault> {
    let text = env::first(&["TEMPO_CHAIN"]);
    Ok(text.map_or(Ok(42_431), |text| text.parse())?)
}
