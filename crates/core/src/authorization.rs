//! What a payer signed, by primitive: one message is one variant, whichever protocol carried it.

mod challenge;
mod eip3009;
mod proof;
pub mod tempo;
mod voucher;

pub use challenge::ChallengeRef;
pub use eip3009::Eip3009;
pub use proof::MppProof;
pub use tempo::{TempoHash, TempoTransaction};
pub use voucher::Voucher;

use crate::{ChainId, Party, SpendKey, Window};
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::Bytes;

/// What a payer signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorization {
    /// EIP-3009 `TransferWithAuthorization`.
    Eip3009(Eip3009),
    /// A Tempo transaction that pays an MPP charge, to be sent by the server.
    TempoTransaction(TempoTransaction),
    /// A Tempo transaction that pays an MPP charge, sent by the client.
    TempoHash(TempoHash),
    /// Proof of who asks, for an MPP charge of nothing.
    MppProof(MppProof),
    /// A voucher of a payment channel of Tempo.
    Voucher(Voucher),
    /// A form that only its protocol and its facilitator understand.
    Foreign(Foreign),
}

/// An authorization that nothing here can judge; it is passed on, and reserved by a key from its wire crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The name of the form, for people and logs.
    pub kind: Box<str>,
    /// What it spends, over the decoded content. Without a key it is never served first.
    pub spends: Vec<SpendKey>,
    /// Who says to pay, where the form tells it.
    pub payer: Option<Party>,
    /// When it holds, where the form tells it.
    pub window: Option<Window>,
    /// The content, verbatim.
    pub content: Bytes,
}

impl Authorization {
    /// Who pays, as far as the authorization says; a verdict tells whether it is true.
    pub fn payer(&self) -> Option<Party> {
        match self {
            Self::Eip3009(authorization) => Some(Party::Evm(authorization.from)),
            Self::TempoTransaction(transaction) => transaction.payer().map(Party::Evm),
            Self::TempoHash(sent) => sent.payer.map(Party::Evm),
            Self::MppProof(proof) => Some(Party::Evm(proof.account)),
            Self::Voucher(voucher) => Some(Party::Evm(voucher.signer)),
            Self::Foreign(foreign) => foreign.payer.clone(),
        }
    }

    /// When it holds. A transaction that was sent, a proof and a voucher have no end of their own.
    pub fn window(&self) -> Option<Window> {
        match self {
            Self::Eip3009(authorization) => Some(authorization.window),
            Self::TempoTransaction(transaction) => Some(transaction.window()),
            Self::TempoHash(_) | Self::MppProof(_) | Self::Voucher(_) => None,
            Self::Foreign(foreign) => foreign.window,
        }
    }

    /// The keys of what it spends of `asset` on `chain`: two authorizations that can not both be executed share one.
    pub fn spends(&self, chain: &ChainId, asset: &Party) -> Vec<SpendKey> {
        match self {
            Self::Eip3009(authorization) => Vec::from([authorization.spend_key(chain, asset)]),
            Self::TempoTransaction(transaction) => transaction.spends(chain),
            Self::TempoHash(sent) => sent.spends(chain),
            Self::MppProof(proof) => Vec::from([proof.challenge.spend_key()]),
            Self::Voucher(voucher) => Vec::from([voucher.spend_key(chain)]),
            Self::Foreign(foreign) => foreign.spends.clone(),
        }
    }
}
