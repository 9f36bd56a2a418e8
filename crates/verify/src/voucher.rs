//! Vouchers of payment channels on Tempo.

use crate::{
    Signature, Verifier,
    batch::Asks,
    typed::{Typed, separator},
};
use alloy_primitives::{Address, B256, address};
use http402_core::{
    Price, Reason, Requirement, TransferMethod, U256, Verdict, authorization::Voucher, keccak256,
};
use std::sync::LazyLock;

static TYPE_HASH: LazyLock<B256> =
    LazyLock::new(|| keccak256("Voucher(bytes32 channelId,uint128 cumulativeAmount)"));

/// The escrows of the public networks.
const ESCROWS: [(u64, Address); 2] = [
    (
        4_217,
        address!("0x33b901018174ddabe4841042ab76ba85d4e24f25"),
    ),
    (
        42_431,
        address!("0xe1c4d3dce17bc111181ddf716f75bae49e61a336"),
    ),
];

/// The separators of their domains, in the same order.
static SEPARATORS: LazyLock<[B256; 2]> =
    LazyLock::new(|| ESCROWS.map(|(chain, escrow)| domain(chain, escrow)));

fn domain(chain: u64, escrow: Address) -> B256 {
    separator(Voucher::DOMAIN, Voucher::VERSION, chain, escrow)
}

fn message(chain: u64, voucher: &Voucher) -> Typed {
    let known = ESCROWS
        .iter()
        .position(|one| *one == (chain, voucher.escrow));
    let separator = match known {
        Some(at) => SEPARATORS[at],
        None => domain(chain, voucher.escrow),
    };
    Typed::new(separator, &TYPE_HASH)
        .word(voucher.channel.0)
        .number(U256::from(voucher.cumulative))
}

/// The forms that the escrow takes: 65 bytes with v 27 or 28, and the 64 of ERC-2098.
fn signature(bytes: &[u8]) -> Option<Signature> {
    match bytes {
        [.., 27 | 28] if bytes.len() == 65 => Signature::parse(bytes),
        _ => Signature::parse_compact(bytes),
    }
}

impl Verifier {
    /// The verdict up to the arithmetic of the curve. The escrow recovers the signer and asks no contract, so that a wrong
    /// signature is the last word.
    pub(crate) fn voucher_asks(&self, requirement: &Requirement, voucher: &Voucher) -> Asks {
        let wrong = |reason| Asks::Nothing(Verdict::Invalid(reason));
        if requirement.transfer != TransferMethod::Native {
            return wrong(Reason::MethodMismatch);
        }
        // How much it adds to what the channel has seen is for whoever keeps its watermark.
        if !matches!(requirement.price, Price::Metered { .. }) {
            return wrong(Reason::AmountMismatch);
        }
        let Some(chain) = requirement.chain.evm() else {
            return wrong(Reason::UnsupportedNetwork);
        };
        match signature(&voucher.signature) {
            Some(signature) => Asks::Engine {
                message: message(chain, voucher),
                signature,
                payer: voucher.signer,
                absent: true,
            },
            None => wrong(Reason::Signature),
        }
    }
}
