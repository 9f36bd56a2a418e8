//! What every public parser has to hold for any bytes, as plain functions: cargo-fuzz drives them on nightly Rust, and
//! `tests/replay.rs` and the program `stable` run them over the corpus and around it on stable.

use http402_core::{Amount, B256, ChainId, Party, json::Document};
use http402_tempo::signature::signer;
use http402_verify::{
    Signature,
    engine::{Check, Engine, K256, Keys, Lanes, Libsecp256k1, Portable},
};
use http402_x402::{
    header, network,
    reply::{SettleResponse, SupportedResponse, VerifyResponse},
    request, v1, v2,
};

mod mpp;
pub mod mutate;
mod transaction;

use std::sync::{Arc, LazyLock};

/// A target: it panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target, by the name of its folder in the corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("amount", amount),
    ("chain", chain),
    ("engines", engines),
    ("header", encoded),
    ("json", json),
    ("party", party),
    ("request", facilitator_request),
    ("signature", signature),
    ("tempo_signature", tempo_signature),
    ("v1_payload", v1_payload),
    ("v1_required", v1_required),
    ("v2_payload", v2_payload),
    ("v2_required", v2_required),
    ("replies", replies),
    ("mpp_challenge", mpp::challenge),
    ("mpp_credential", mpp::credential),
    ("mpp_field", mpp::field),
    ("mpp_receipt", mpp::receipt),
    ("mpp_problem", mpp::problem),
    ("mpp_accept", mpp::accept),
    ("mpp_jcs", mpp::jcs),
    ("mpp_time", mpp::time),
    ("mpp_method", mpp::method),
    ("mpp_mcp", mpp::mcp),
    ("mpp_discovery", mpp::discovery),
    ("mpp_digest", mpp::digest),
    ("tempo_transaction", mpp::tempo_transaction),
    ("tempo_signed", transaction::signed),
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or when it finds something.
pub fn run(name: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("a target of this name");
    target(data);
}

pub(crate) fn text(data: &[u8], with: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        with(text);
    }
}

/// What is read is written and read again as the same.
fn amount(data: &[u8]) {
    text(data, |text| {
        if let Ok(amount) = text.parse::<Amount>() {
            let digits = text.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            assert_eq!(amount.to_string(), digits, "zeros before it are dropped");
        }
        for decimals in [0, 6, 18, 77, 255] {
            if let Ok(amount) = Amount::from_decimal(text, decimals) {
                let shown = amount.to_decimal(decimals);
                assert_eq!(Amount::from_decimal(&shown, decimals), Ok(amount));
            }
            let _ = Amount::from_money(text, decimals);
        }
    });
}

fn chain(data: &[u8]) {
    text(data, |text| {
        if let Ok(chain) = text.parse::<ChainId>() {
            assert_eq!(chain.to_string(), text);
            assert_eq!(network::resolve(text), Ok(chain));
        }
        let _ = network::resolve(text);
    });
}

fn party(data: &[u8]) {
    text(data, |text| {
        for chain in ["eip155:1", "solana:x"] {
            let chain: ChainId = chain.parse().expect("a chain");
            if let Ok(party) = Party::parse(&chain, text) {
                assert_eq!(Party::parse(&chain, &party.to_string()), Ok(party));
            }
        }
    });
}

/// What is taken has one meaning: it is taken again, and every part of it stands in the text.
fn json(data: &[u8]) {
    text(data, |text| {
        if let Ok(document) = Document::parse(text) {
            let json = document.root();
            let again = Document::parse(json.raw()).expect("a part of JSON is JSON");
            assert!(json.same(again.root()));
            // Others read it too, but for numbers that no float holds: here they stay text.
            if let Err(error) = serde_json::from_str::<serde_json::Value>(json.raw()) {
                assert!(error.to_string().contains("number out of range"), "{error}");
            }
        }
    });
}

fn encoded(data: &[u8]) {
    if let Ok(text) = header::decode("header", data) {
        let again = header::encode(&text);
        assert_eq!(header::decode("header", again.as_bytes()), Ok(text));
    }
}

fn signature(data: &[u8]) {
    if let Some(signature) = Signature::parse(data) {
        assert_eq!(data.len(), 65, "{signature:?}");
    }
}

/// A digest, and a signature in one of the forms of Tempo accounts.
fn tempo_signature(data: &[u8]) {
    let Some((digest, signature)) = data.split_first_chunk::<32>() else {
        return;
    };
    let digest = B256::new(*digest);
    let account = signer(&K256, &digest, signature);
    assert_eq!(signer(&Libsecp256k1, &digest, signature), account);
    if account.is_some() {
        let known = match (signature.len(), signature[0]) {
            (65, _) | (130, 1) => true,
            (length, 2) => (1 + 37 + 128..=2049).contains(&length),
            _ => false,
        };
        assert!(known, "{} bytes", signature.len());
        let other = B256::new(digest.0.map(|byte| !byte));
        assert_ne!(signer(&K256, &other, signature), account);
    }
}

/// An engine that remembers payers, and the one that does so in lanes, where the CPU has some.
static REMEMBERING: LazyLock<Vec<Box<dyn Engine>>> = LazyLock::new(|| {
    let portable = Portable::with_keys(Arc::new(Keys::new(64).build_after(1)));
    let mut all: Vec<Box<dyn Engine>> = vec![Box::new(portable.clone())];
    if let Some(lanes) = Lanes::detect(portable) {
        all.push(Box::new(lanes));
    }
    all
});

/// A digest and a signature, then as many more as there are: all engines say the same of each, together and alone.
fn engines(data: &[u8]) {
    let mut checks = Vec::new();
    for chunk in data.chunks_exact(97).take(20) {
        let (digest, signature) = chunk.split_at(32);
        let Some(signature) = Signature::parse(signature) else {
            continue;
        };
        let digest = B256::from_slice(digest);
        let payer = Libsecp256k1.recover(&digest, &signature);
        assert_eq!(K256.recover(&digest, &signature), payer);
        assert_eq!(Portable::new().recover(&digest, &signature), payer);
        let known = checks.last().map(|check: &Check| check.payer);
        // Every third is said to be of the payer before.
        let other = if checks.len() % 3 == 2 { known } else { payer };
        checks.push(Check {
            digest,
            signature,
            payer: other.unwrap_or_default(),
        });
    }
    let right = |check: &Check| Libsecp256k1.check(&check.digest, &check.signature, &check.payer);
    let right: Vec<bool> = checks.iter().map(right).collect();
    // Twice: the second time the payers are known.
    for engine in REMEMBERING.iter().chain(&*REMEMBERING) {
        assert_eq!(engine.check_all(&checks), right, "{}", engine.name());
    }
}

fn facilitator_request(data: &[u8]) {
    if let Ok(claim) = request::parse(data) {
        let body = request::encode(&claim).expect("what was read is written");
        let again = request::parse(body.as_bytes()).expect("and read again");
        assert_eq!(claim, again);
        assert!(
            !claim.spends.is_empty(),
            "whatever is claimed spends something"
        );
    }
}

fn v1_payload(data: &[u8]) {
    text(data, |text| {
        if let Ok(document) = v1::PaymentPayload::parse(text) {
            assert_eq!(v1::PaymentPayload::parse(document.encode()), Ok(document));
        }
    });
}

fn v1_required(data: &[u8]) {
    text(data, |text| {
        if let Ok(document) = v1::PaymentRequired::parse(text) {
            for offer in document.accepts.iter().flatten() {
                let _ = offer.requirement();
                assert!(
                    text.contains(offer.encode()),
                    "an offer stands in its document"
                );
            }
            assert_eq!(v1::PaymentRequired::parse(document.encode()), Ok(document));
        }
    });
}

fn v2_payload(data: &[u8]) {
    text(data, |text| {
        if let Ok(document) = v2::PaymentPayload::parse(text) {
            let _ = request::claim(text, document.accepted.encode());
            assert_eq!(v2::PaymentPayload::parse(document.encode()), Ok(document));
        }
    });
}

fn v2_required(data: &[u8]) {
    text(data, |text| {
        if let Ok(document) = v2::PaymentRequired::parse(text) {
            for offer in document.accepts.iter().flatten() {
                if let Ok(requirement) = offer.requirement() {
                    assert_eq!(offer.matches(offer), Ok(()), "an offer is itself");
                    if let Ok(ours) = v2::PaymentRequirements::offer(&requirement) {
                        assert_eq!(ours.requirement().as_ref(), Ok(&requirement));
                    }
                }
                assert!(
                    text.contains(offer.encode()),
                    "an offer stands in its document"
                );
            }
            assert_eq!(v2::PaymentRequired::parse(document.encode()), Ok(document));
        }
    });
}

fn replies(data: &[u8]) {
    text(data, |text| {
        if let Ok(reply) = SettleResponse::parse(text) {
            assert_eq!(SettleResponse::parse(reply.encode()), Ok(reply));
        }
        if let Ok(reply) = VerifyResponse::parse(text) {
            assert_eq!(VerifyResponse::parse(reply.encode()), Ok(reply));
        }
        if let Ok(reply) = SupportedResponse::parse(text) {
            assert_eq!(SupportedResponse::parse(reply.encode()), Ok(reply));
        }
    });
}
