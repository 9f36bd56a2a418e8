//! EIP-3009 `TransferWithAuthorization`.
//!
//! The separator of a known token's domain is computed once, and nothing is allocated between a claim and its verdict.

use crate::{
    Signature, Verifier,
    batch::{Asks, wrong},
    typed::{Typed, separator},
};
use alloy_primitives::B256;
use http402_core::{
    Address, Price, Reason, Requirement, TokenDomain, TransferMethod, U256, Verdict,
    asset::Assets,
    authorization::Eip3009,
    keccak256,
    seam::{Known, PayerCode},
};
use std::{collections::HashMap, sync::LazyLock};

/// What an ERC-6492 signature ends with.
const WRAPPED: [u8; 32] = [
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
];

static TYPE_HASH: LazyLock<B256> = LazyLock::new(|| {
    keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
    )
});

/// The domain of a known token, and its separator.
struct Domain {
    name: String,
    version: String,
    separator: B256,
}

/// The domains of the known tokens.
pub(crate) struct Domains(HashMap<(u64, Address), Domain>);

impl Domains {
    pub(crate) fn of(assets: &Assets) -> Self {
        let mut all = HashMap::new();
        for asset in assets.iter() {
            let (Some(chain), Some(address)) = (asset.chain.evm(), asset.address.evm()) else {
                continue;
            };
            // The first one of a place is that which is found there.
            all.entry((chain, address)).or_insert_with(|| Domain {
                name: asset.name.to_string(),
                version: asset.version.to_string(),
                separator: separator(&asset.name, &asset.version, chain, address),
            });
        }
        Self(all)
    }
}

/// The message that the payer signs.
fn message(separator: B256, signed: &Eip3009) -> Typed {
    Typed::new(separator, &TYPE_HASH)
        .address(signed.from)
        .address(signed.to)
        .number(signed.value)
        .number(signed.window.after)
        .number(signed.window.before)
        .word(signed.nonce.0)
}

impl Verifier {
    /// The digest that `signed` has to be a signature of, to pay with `requirement`.
    ///
    /// # Errors
    /// When the requirement is not one for EIP-3009 on an EVM chain, or its domain is missing or not the token's.
    pub fn eip3009_digest(
        &self,
        requirement: &Requirement,
        signed: &Eip3009,
    ) -> Result<B256, Reason> {
        let separator = self.eip3009_separator(requirement)?;
        Ok(message(separator, signed).digest())
    }

    fn eip3009_separator(&self, requirement: &Requirement) -> Result<B256, Reason> {
        let chain = requirement.chain.evm().ok_or(Reason::UnsupportedNetwork)?;
        let contract = requirement.asset.evm().ok_or(Reason::AssetMismatch)?;
        let TokenDomain { name, version, .. } =
            requirement.domain.as_ref().ok_or(Reason::MissingDomain)?;
        match self.domains.0.get(&(chain, contract)) {
            Some(known) if known.name != **name || known.version != **version => {
                Err(Reason::DomainMismatch)
            }
            Some(known) => Ok(known.separator),
            None => Ok(separator(name, version, chain, contract)),
        }
    }

    /// The verdict up to the arithmetic of the curve.
    ///
    /// A payer with code is judged by its contract alone; without code, by recovery alone.
    pub(crate) fn eip3009_asks(
        &self,
        requirement: &Requirement,
        signed: &Eip3009,
        known: &Known,
    ) -> Asks {
        let separator = match self.fits(requirement, signed, known) {
            Ok(separator) => separator,
            Err(reason) => return Asks::Nothing(Verdict::Invalid(reason)),
        };
        let bytes: &[u8] = &signed.signature;
        if known.payer_code == PayerCode::Present || bytes.ends_with(&WRAPPED) {
            return Asks::Nothing(Verdict::NeedsChain);
        }
        let absent = known.payer_code == PayerCode::Absent;
        match Signature::parse(bytes) {
            Some(signature) => Asks::Engine {
                message: message(separator, signed),
                signature,
                payer: signed.from,
                absent,
            },
            None => Asks::Nothing(wrong(absent)),
        }
    }

    /// Everything but the signature; and the separator of the domain in which it is to be.
    fn fits(
        &self,
        requirement: &Requirement,
        signed: &Eip3009,
        known: &Known,
    ) -> Result<B256, Reason> {
        if requirement.transfer != TransferMethod::Eip3009 {
            return Err(Reason::MethodMismatch);
        }
        if requirement.pay_to.evm() != Some(signed.to) {
            return Err(Reason::RecipientMismatch);
        }
        match requirement.price {
            Price::Exactly(amount) if amount.units() == signed.value => {}
            _ => return Err(Reason::AmountMismatch),
        }
        if !signed.window.open(known.now) {
            return Err(Reason::Expired);
        }
        if !signed.window.begun(known.now) {
            return Err(Reason::NotYetValid);
        }
        if signed.window.before > U256::from(known.now.plus(self.max_lifetime).secs()) {
            return Err(Reason::LifetimeTooLong);
        }
        self.eip3009_separator(requirement)
    }
}
