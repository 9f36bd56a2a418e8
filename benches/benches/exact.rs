//! One x402 v2 payment of the scheme `exact`: from its header to the verdict, and its parts; and the refusal that asks for it.
//!
//! The references are libsecp256k1's bare recovery, and that of alloy-primitives. The table at the end is of this run.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]
#![allow(missing_docs, reason = "criterion's macros write functions")]
#![allow(clippy::print_stdout, reason = "the ratios are what is read")]

use alloy_primitives::keccak256;
use criterion::{Criterion, criterion_group};
use http402_benches::scene::{NOW, Scene};
use http402_core::{
    Authorization, Reason, Verdict,
    asset::Assets,
    json::Document,
    protocol::{Protocol, Refusal},
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{
    Signature, Verifier,
    engine::{Engine, K256, Libsecp256k1},
};
use http402_x402::{header, http::X402V2};
use std::{fs, hint::black_box, path::Path, time::Duration};

fn exact(criterion: &mut Criterion) {
    let scene = Scene::new(7);
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    let pure = Verifier::new(Assets::known());
    let with_c = Verifier::new(Assets::known()).engine(Libsecp256k1);
    let whole = |judge: &Verifier| {
        let claim = X402V2
            .claim(&scene.asked(), black_box(&scene.headers))
            .unwrap();
        let verdict = judge.judge(&claim, &known);
        assert!(matches!(verdict, Verdict::Valid { .. }));
        verdict
    };
    let signature = Signature::parse(&scene.signature).unwrap();
    let mut group = criterion.benchmark_group("exact");
    group
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));

    group.bench_function("reference: libsecp256k1 recover", |b| {
        use secp256k1::{
            Message,
            ecdsa::{RecoverableSignature, RecoveryId},
        };
        let id = RecoveryId::try_from(i32::from(scene.signature[64] - 27)).unwrap();
        let bare = RecoverableSignature::from_compact(&scene.signature[..64], id).unwrap();
        let message = Message::from_digest(scene.digest.0);
        b.iter(|| black_box(&bare).recover_ecdsa(message).unwrap());
    });
    group.bench_function("reference: alloy-primitives recover", |b| {
        let bare = alloy_primitives::Signature::from_raw_array(&scene.signature).unwrap();
        b.iter(|| {
            black_box(&bare)
                .recover_address_from_prehash(&scene.digest)
                .unwrap()
        });
    });
    group.bench_function("header to verdict, k256", |b| b.iter(|| whole(&pure)));
    group.bench_function("header to verdict, libsecp256k1", |b| {
        b.iter(|| whole(&with_c));
    });
    group.bench_function("part: base64", |b| {
        let value = scene.headers["payment-signature"].as_bytes();
        b.iter(|| header::decode("x", black_box(value)).unwrap());
    });
    group.bench_function("part: JSON", |b| {
        b.iter(|| black_box(Document::parse(black_box(&scene.text)).unwrap()));
    });
    group.bench_function("part: header to claim", |b| {
        b.iter(|| {
            X402V2
                .claim(&scene.asked(), black_box(&scene.headers))
                .unwrap()
        });
    });
    group.bench_function("part: EIP-712 digest", |b| {
        let Authorization::Eip3009(signed) = &scene.claim.authorization else {
            panic!("EIP-3009 was signed");
        };
        b.iter(|| {
            pure.eip3009_digest(&scene.claim.requirement, black_box(signed))
                .unwrap()
        });
    });
    group.bench_function("part: one keccak of 64 bytes", |b| {
        b.iter(|| keccak256(black_box(&scene.signature[..64])));
    });
    group.bench_function("part: recover, k256", |b| {
        b.iter(|| K256.recover(black_box(&scene.digest), &signature).unwrap());
    });
    group.bench_function("part: recover, libsecp256k1", |b| {
        b.iter(|| {
            Libsecp256k1
                .recover(black_box(&scene.digest), &signature)
                .unwrap()
        });
    });
    group.bench_function("402 generation", |b| {
        b.iter(|| {
            let mut refusal = Refusal::default();
            X402V2
                .offer(&scene.asked(), &Reason::PaymentRequired, &mut refusal)
                .unwrap();
            refusal
        });
    });
    group.finish();
}

/// Criterion's own estimates of this run, as multiples of the reference.
fn ratios() {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "../target".into());
    let folder = Path::new(&target).join("criterion").join("exact");
    let mut rows = Vec::new();
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = fs::read_to_string(entry.path().join("new/benchmark.json"));
        let estimate = fs::read_to_string(entry.path().join("new/estimates.json"));
        let (Ok(name), Ok(estimate)) = (name, estimate) else {
            continue;
        };
        let name: serde_json::Value = serde_json::from_str(&name).unwrap();
        let estimate: serde_json::Value = serde_json::from_str(&estimate).unwrap();
        let nanoseconds = estimate["median"]["point_estimate"].as_f64().unwrap();
        rows.push((
            name["function_id"].as_str().unwrap().to_owned(),
            nanoseconds,
        ));
    }
    let find = |wanted: &str| {
        rows.iter()
            .find(|(name, _)| name.contains(wanted))
            .map(|(_, time)| *time)
    };
    let (Some(c), Some(alloy)) = (find("reference: libsecp"), find("reference: alloy")) else {
        return;
    };
    rows.sort_by(|one, two| two.1.total_cmp(&one.1));
    println!(
        "\n{:<40} {:>12} {:>16} {:>12}",
        "", "median", "of libsecp256k1", "of alloy"
    );
    for (name, time) in rows {
        println!(
            "{name:<40} {:>9.2} µs {:>15.3}x {:>11.3}x",
            time / 1000.0,
            time / c,
            time / alloy
        );
    }
}

criterion_group!(benches, exact);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        ratios();
    }
}
