//! The attribution memo: 32 bytes in a Tempo transfer that say which challenge it pays.
//!
//! ```text
//! 0..4    keccak256("mpp")[0..4] = ef1ed712
//! 4       1, the version
//! 5..15   keccak256(realm)[0..10]
//! 15..25  keccak256(client)[0..10], or zeros
//! 25..32  keccak256(challenge id)[0..7]
//! ```

use http402_core::{B256, authorization::ChallengeRef, keccak256};

/// What every such memo begins with.
pub const TAG: [u8; 5] = [0xef, 0x1e, 0xd7, 0x12, 1];

/// A memo of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memo(B256);

impl Memo {
    /// The memo for a challenge, of a client that names itself or does not.
    pub fn new(challenge: &ChallengeRef, client: Option<&str>) -> Self {
        let mut bytes = [0; 32];
        bytes[..5].copy_from_slice(&TAG);
        bytes[5..15].copy_from_slice(&hash::<10>(challenge.realm()));
        if let Some(client) = client {
            bytes[15..25].copy_from_slice(&hash::<10>(client));
        }
        bytes[25..].copy_from_slice(&hash::<7>(challenge.id()));
        Self(bytes.into())
    }

    /// The memo in a transfer; `None` when it is not of this form, and says nothing of a challenge.
    pub fn read(memo: B256) -> Option<Self> {
        memo.starts_with(&TAG).then_some(Self(memo))
    }

    /// Whether it is bound to this challenge, of this realm. A memo of this form that is not pays something else.
    pub fn is_bound_to(&self, challenge: &ChallengeRef) -> bool {
        self.0[5..15] == hash::<10>(challenge.realm()) && self.0[25..] == hash::<7>(challenge.id())
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> B256 {
        self.0
    }
}

fn hash<const N: usize>(text: &str) -> [u8; N] {
    let hash = keccak256(text.as_bytes());
    std::array::from_fn(|at| hash[at])
}
