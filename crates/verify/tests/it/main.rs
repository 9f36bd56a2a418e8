//! What the verifier accepts and refuses.
mod claims;
mod engines;
mod vectors;
