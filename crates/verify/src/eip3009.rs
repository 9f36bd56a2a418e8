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
    Address, ChainId, Party, Price, Reason, Requirement, TokenDomain, TransferMethod, U256,
    Verdict,
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

/// The domain separators of the known tokens.
pub(crate) struct Separators(HashMap<(u64, Address), B256>);

impl Separators {
    pub(crate) fn of(assets: &Assets) -> Self {
        let evm = assets.iter().filter_map(|asset| {
            let place = (asset.chain.evm()?, asset.address.evm()?);
            Some((
                place,
                separator(&asset.name, &asset.version, place.0, place.1),
            ))
        });
        Self(evm.collect())
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
        Ok(self.eip3009_message(requirement, signed)?.digest())
    }

    fn eip3009_message(
        &self,
        requirement: &Requirement,
        signed: &Eip3009,
    ) -> Result<Typed, Reason> {
        let chain = requirement.chain.evm().ok_or(Reason::UnsupportedNetwork)?;
        let contract = requirement.asset.evm().ok_or(Reason::AssetMismatch)?;
        let domain = requirement.domain.as_ref().ok_or(Reason::MissingDomain)?;
        self.check_domain(&requirement.chain, &requirement.asset, domain)?;
        Ok(match self.separators.0.get(&(chain, contract)) {
            Some(known) => message(*known, signed),
            None => message(
                separator(&domain.name, &domain.version, chain, contract),
                signed,
            ),
        })
    }

    fn check_domain(
        &self,
        chain: &ChainId,
        asset: &Party,
        domain: &TokenDomain,
    ) -> Result<(), Reason> {
        match self.assets.find(chain, asset) {
            Some(known) if known.name != *domain.name || known.version != *domain.version => {
                Err(Reason::DomainMismatch)
            }
            _ => Ok(()),
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
        let message = match self.fits(requirement, signed, known) {
            Ok(message) => message,
            Err(reason) => return Asks::Nothing(Verdict::Invalid(reason)),
        };
        let bytes: &[u8] = &signed.signature;
        if known.payer_code == PayerCode::Present || bytes.ends_with(&WRAPPED) {
            return Asks::Nothing(Verdict::NeedsChain);
        }
        let absent = known.payer_code == PayerCode::Absent;
        match Signature::parse(bytes) {
            Some(signature) => Asks::Engine {
                message,
                signature,
                payer: signed.from,
                absent,
            },
            None => Asks::Nothing(wrong(absent)),
        }
    }

    /// Everything but the signature.
    fn fits(
        &self,
        requirement: &Requirement,
        signed: &Eip3009,
        known: &Known,
    ) -> Result<Typed, Reason> {
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
        self.eip3009_message(requirement, signed)
    }
}
