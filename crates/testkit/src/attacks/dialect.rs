//! The protocols that the suite speaks: where an offer stands, and how a credential is written.
//!
//! A protocol whose offers may be answered often joins here: a variant of [`Dialect`] with its words, the reading of its offers
//! in [`offers`], and its credential in [`super::payment`]. The attacks take it from there. MPP, where each answer needs a
//! challenge of its own, has its charges in [`super::charge`] and its attacks beside the others.

use super::wire::Answer;
use base64::{Engine, engine::general_purpose::STANDARD};
use http402_core::{Address, ChainId, TokenDomain, U256};
use http402_x402::network;
use serde_json::Value;

/// A protocol to be paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    X402V2,
    X402V1,
}

impl Dialect {
    pub(super) const ALL: [Self; 2] = [Self::X402V2, Self::X402V1];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::X402V2 => "x402/2",
            Self::X402V1 => "x402/1",
        }
    }

    /// The header of a credential.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::X402V2 => "PAYMENT-SIGNATURE",
            Self::X402V1 => "X-PAYMENT",
        }
    }

    /// The header of a receipt.
    pub(super) fn receipt(self) -> &'static str {
        match self {
            Self::X402V2 => "payment-response",
            Self::X402V1 => "x-payment-response",
        }
    }

    /// The chain of a network's name.
    pub(super) fn chain(self, network: &str) -> Option<ChainId> {
        match self {
            Self::X402V2 => network.parse().ok(),
            Self::X402V1 => network::chain(network),
        }
    }

    /// The member of an offer that holds the amount.
    pub(super) fn amount(self) -> &'static str {
        match self {
            Self::X402V2 => "amount",
            Self::X402V1 => "maxAmountRequired",
        }
    }
}

/// One way to pay the target: `exact`, by an EIP-3009 authorization.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) dialect: Dialect,
    /// As it was made.
    pub(super) document: Value,
    /// What version 2 tells once for all offers, to be echoed.
    pub(super) resource: Option<Value>,
    pub(super) extensions: Option<Value>,
    pub(super) chain: ChainId,
    pub(super) number: u64,
    pub(super) asset: Address,
    pub(super) pay_to: Address,
    pub(super) amount: U256,
    pub(super) domain: TokenDomain,
    pub(super) timeout: u64,
}

/// The documents in which an answer asks for payment.
pub(super) fn demands(answer: &Answer) -> Vec<(Dialect, Value)> {
    let mut found = Vec::new();
    let second = answer.header("payment-required");
    let second = second.and_then(|text| STANDARD.decode(text).ok());
    if let Some(Ok(document)) = second.map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
        found.push((Dialect::X402V2, document));
    }
    if let Ok(document) = serde_json::from_slice::<Value>(&answer.body)
        && document["x402Version"] == 1
    {
        found.push((Dialect::X402V1, document));
    }
    found
}

/// Every way to pay that the suite knows, of a 402.
pub(super) fn offers(answer: &Answer) -> Vec<Offer> {
    let mut all = Vec::new();
    for (dialect, document) in demands(answer) {
        let accepts = document["accepts"].as_array().cloned().unwrap_or_default();
        for accept in accepts {
            all.extend(offer(dialect, &document, accept));
        }
    }
    all
}

fn offer(dialect: Dialect, document: &Value, accept: Value) -> Option<Offer> {
    if accept["scheme"] != "exact" {
        return None;
    }
    let extra = &accept["extra"];
    if extra["assetTransferMethod"]
        .as_str()
        .is_some_and(|method| method != "eip3009")
    {
        return None;
    }
    let chain = dialect.chain(accept["network"].as_str()?)?;
    Some(Offer {
        dialect,
        number: chain.evm()?,
        asset: accept["asset"].as_str()?.parse().ok()?,
        pay_to: accept["payTo"].as_str()?.parse().ok()?,
        amount: accept[dialect.amount()].as_str()?.parse().ok()?,
        domain: TokenDomain::new(extra["name"].as_str()?, extra["version"].as_str()?),
        timeout: accept["maxTimeoutSeconds"].as_u64().unwrap_or(60),
        resource: document.get("resource").cloned(),
        extensions: document.get("extensions").cloned(),
        chain,
        document: accept,
    })
}

/// The receipt of an answer.
pub(super) fn receipt(answer: &Answer) -> Option<Value> {
    Dialect::ALL.iter().find_map(|dialect| {
        let bytes = STANDARD.decode(answer.header(dialect.receipt())?).ok()?;
        serde_json::from_slice(&bytes).ok()
    })
}

/// The offers of other protocols than that of `offer`, on its chain.
pub(super) fn offers_of(answer: Option<&Answer>, offer: &Offer) -> Vec<Offer> {
    let all = answer.map(offers).unwrap_or_default();
    all.into_iter()
        .filter(|one| one.dialect != offer.dialect && one.chain == offer.chain)
        .take(1)
        .collect()
}
