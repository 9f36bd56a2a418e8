use http402_core::{B256, seam::Entropy};

/// Randomness of the operating system, for protocols that make every offer another.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the operating system has no randomness to give: an offer that somebody could foresee must not be made.
    fn bytes32(&self) -> B256 {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        B256::new(bytes)
    }
}
