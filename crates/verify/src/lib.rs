#![doc = include_str!("../README.md")]

mod batch;
mod eip3009;
pub mod engine;
mod gather;
#[cfg(feature = "key")]
mod key;
#[cfg(feature = "p256")]
pub mod p256;
mod proof;
mod signature;
mod typed;
mod voucher;

pub use gather::Gather;
#[cfg(feature = "key")]
pub use key::{KeyError, LocalKey};
pub use signature::Signature;

use batch::Asks;
use engine::{Engine, K256};
use http402_core::{
    Authorization, Claim, Verdict,
    asset::Assets,
    seam::{Judge, Known},
};
use std::{fmt, sync::Arc};

/// How long an authorization may live to be accepted, unless configured otherwise: one day, in seconds.
pub const MAX_LIFETIME: u64 = 24 * 60 * 60;

/// Judges claims by what their bytes and the time can show. It does no IO and keeps no secrets.
///
/// ```
/// use http402_core::asset::Assets;
/// use http402_verify::{Verifier, engine::K256};
///
/// let verifier = Verifier::new(Assets::known()).engine(K256).max_lifetime(3600);
/// # let _ = verifier;
/// ```
#[derive(Clone)]
pub struct Verifier {
    engine: Arc<dyn Engine>,
    max_lifetime: u64,
    domains: Arc<eip3009::Domains>,
}

impl Verifier {
    /// A verifier that knows these tokens: an authorization for one of them has to use its EIP-712 domain. Tokens that it
    /// does not know are judged by the domain of the requirement.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what it keeps of them is its own affair"
    )]
    pub fn new(assets: Assets) -> Self {
        Self {
            domains: Arc::new(eip3009::Domains::of(&assets)),
            engine: Arc::new(K256),
            max_lifetime: MAX_LIFETIME,
        }
    }

    /// The same, with another engine. All engines give the same answers.
    #[must_use]
    pub fn engine(mut self, engine: impl Engine + 'static) -> Self {
        self.engine = Arc::new(engine);
        self
    }

    /// How long an authorization may live to be accepted, in seconds. Default: [`MAX_LIFETIME`].
    #[must_use]
    pub fn max_lifetime(mut self, secs: u64) -> Self {
        self.max_lifetime = secs;
        self
    }
}

impl Verifier {
    /// The verdict on a claim up to the arithmetic of the curve.
    fn asks(&self, claim: &Claim, known: &Known) -> Asks {
        match &claim.authorization {
            Authorization::Eip3009(signed) => self.eip3009_asks(&claim.requirement, signed, known),
            Authorization::Voucher(voucher) => self.voucher_asks(&claim.requirement, voucher),
            Authorization::MppProof(proof) => Asks::Nothing(self.proof(&claim.requirement, proof)),
            // Only its facilitator understands it.
            _ => Asks::Nothing(Verdict::NeedsChain),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("engine", &self.engine.name())
            .field("max_lifetime", &self.max_lifetime)
            .finish_non_exhaustive()
    }
}

impl Judge for Verifier {
    fn judge(&self, claim: &Claim, known: &Known) -> Verdict {
        self.finish(self.asks(claim, known))
    }
}
