//! The engines beside libsecp256k1's bare recovery to an address: `cargo bench -p http402-benches --bench engines`.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]
#![allow(clippy::print_stdout, reason = "the table is what is read")]

use http402_benches::{Rounds, cpu};
use http402_core::B256;
use http402_verify::{
    LocalKey, Signature,
    engine::{Check, Engine, K256, Keys, Libsecp256k1, Portable},
};
use std::{hint::black_box, sync::Arc};

/// How many payers take turns.
const PAYERS: u8 = 64;

fn checks() -> Vec<Check> {
    let all = (1..=PAYERS).map(|payer| {
        let key = LocalKey::from_bytes(&[payer; 32]).unwrap();
        let digest = B256::repeat_byte(payer ^ 0x5a);
        Check {
            digest,
            signature: Signature::parse(&key.sign_digest(&digest.0)).unwrap(),
            payer: key.address(),
        }
    });
    all.collect()
}

/// An engine that knows these payers.
fn warm(checks: &[Check]) -> Portable {
    let engine = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    assert!(engine.check_all(checks).iter().all(|right| *right));
    engine
}

fn main() {
    // `cargo test` runs benches too, to see that they work.
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        41
    } else {
        1
    };
    let checks = checks();
    let items: Vec<_> = checks
        .iter()
        .map(|one| (one.digest, one.signature))
        .collect();
    let (new, known) = (Portable::new(), warm(&checks));
    let mut all = Rounds::default();
    let in_turn = |engine: &dyn Engine| {
        for check in black_box(&checks) {
            assert!(engine.check(&check.digest, &check.signature, &check.payer));
        }
    };
    let count = u32::from(PAYERS);
    all.add("libsecp256k1, recover to address", count, || {
        in_turn(&Libsecp256k1)
    });
    all.add("k256, recover", count, || in_turn(&K256));
    all.add("portable, recover", count, || in_turn(&new));
    let check = checks[0];
    all.aim("portable, known key", 1, 0.41, || {
        assert!(known.check(black_box(&check.digest), &check.signature, &check.payer));
    });
    all.add("portable, 64 known keys in turn", count, || in_turn(&known));
    all.add("portable, batch of 64, recover", count, || {
        assert!(
            new.recover_all(black_box(&items))
                .iter()
                .all(Option::is_some)
        );
    });
    all.add("portable, batch of 64, known keys", count, || {
        assert!(
            known
                .check_all(black_box(&checks))
                .iter()
                .all(|right| *right)
        );
    });
    println!("CPU: {}\n\n{}", cpu(), all.run(rounds));
}
