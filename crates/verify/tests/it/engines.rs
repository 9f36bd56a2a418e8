use http402_core::B256;
use http402_verify::{
    LocalKey, Signature,
    engine::{Check, Engine, K256, Keys, Portable},
};
use proptest::prelude::*;
use std::sync::Arc;

/// Every engine there is, the default first.
pub(crate) fn engines() -> Vec<Box<dyn Engine>> {
    let mut engines: Vec<Box<dyn Engine>> = vec![
        Box::new(K256),
        Box::new(Portable::new()),
        Box::new(Portable::with_keys(Arc::new(
            Keys::default().build_after(1),
        ))),
        #[cfg(feature = "libsecp256k1")]
        Box::new(http402_verify::engine::Libsecp256k1),
    ];
    engines.extend(lanes(Portable::new()));
    engines
}

/// The engine of the lanes, where the CPU and the features have it.
#[cfg_attr(
    not(feature = "lanes"),
    expect(clippy::needless_pass_by_value, reason = "the feature needs it")
)]
fn lanes(portable: Portable) -> Option<Box<dyn Engine>> {
    #[cfg(feature = "lanes")]
    if let Some(lanes) = http402_verify::engine::Lanes::detect(portable) {
        return Some(Box::new(lanes));
    }
    #[cfg(not(feature = "lanes"))]
    let _ = portable;
    None
}

/// Engines that remember who came back, after so many right signatures.
pub(crate) fn with_keys(after: u8) -> Vec<Box<dyn Engine>> {
    let keys = Arc::new(Keys::default().build_after(after));
    let engine = Portable::with_keys(keys);
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(engine.clone())];
    engines.extend(lanes(engine));
    engines
}

/// Engines that have a table for each of these payers.
pub(crate) fn known(checks: &[Check]) -> Vec<Box<dyn Engine>> {
    let engines = with_keys(1);
    assert!(engines[0].check_all(checks).iter().all(|right| *right));
    engines
}

/// Makes one signature that is right and one that is of something else.
fn two() -> [Check; 2] {
    let key = LocalKey::from_bytes(&[3; 32]).unwrap();
    let signed = key.sign_digest(&[1; 32]);
    let signature = Signature::parse(&signed).unwrap();
    [1, 2].map(|byte| Check {
        digest: B256::repeat_byte(byte),
        signature,
        payer: key.address(),
    })
}

#[test]
fn an_engine_answers_for_many_as_for_each_and_behind_a_pointer_as_itself() {
    let checks = two();
    let items = checks.map(|check| (check.digest, check.signature));
    let inputs: [&[u8]; 2] = [b"", b"abc"];
    for engine in engines() {
        let name = engine.name();
        let recovered = engine.recover_all(&items);
        assert_eq!(recovered[0], Some(checks[0].payer), "{name}");
        assert_ne!(recovered[1], Some(checks[1].payer), "{name}");
        assert_eq!(engine.check_all(&checks), [true, false], "{name}");
        for (at, (digest, signature)) in items.iter().enumerate() {
            assert_eq!(engine.recover(digest, signature), recovered[at], "{name}");
            let right = engine.check(digest, signature, &checks[at].payer);
            assert_eq!(right, at == 0, "{name}");
        }
        let hashes = inputs.map(http402_core::keccak256);
        assert_eq!(engine.keccak_all(&inputs), hashes, "{name}");

        let shared: Arc<dyn Engine> = Arc::from(engine);
        let shared: Arc<Arc<dyn Engine>> = Arc::new(shared);
        assert_eq!(shared.name(), name);
        assert_eq!(shared.recover_all(&items), recovered, "{name}");
        assert_eq!(shared.check_all(&checks), [true, false], "{name}");
        for (at, (digest, signature)) in items.iter().enumerate() {
            assert_eq!(shared.recover(digest, signature), recovered[at], "{name}");
            let right = shared.check(digest, signature, &checks[at].payer);
            assert_eq!(right, at == 0, "{name}");
        }
        assert_eq!(shared.keccak_all(&inputs), hashes, "{name}");
    }
    assert_eq!(K256.name(), "k256");
    assert_eq!(Portable::new().name(), "portable");
}

#[test]
fn every_input_of_a_batch_has_its_own_hash() {
    let bytes: Vec<u8> = (0..=255).collect();
    for engine in engines() {
        for count in 0..20 {
            // All of one length; one that is longer, in each place; and each of its own.
            let one_length = |at: usize| &bytes[at..at + 100];
            let own_length = |at: usize| &bytes[at..10 * at + 1];
            let mut batches = vec![
                (0..count).map(one_length).collect::<Vec<_>>(),
                (0..count).map(own_length).collect(),
            ];
            for longer in 0..count {
                let mut batch = batches[0].clone();
                batch[longer] = &bytes;
                batches.push(batch);
            }
            for batch in batches {
                let alone: Vec<_> = batch.iter().map(http402_core::keccak256).collect();
                assert_eq!(engine.keccak_all(&batch), alone, "{}", engine.name());
            }
        }
    }
}

proptest! {
    #[test]
    fn what_a_key_signs_every_engine_recovers(secret in any::<[u8; 32]>(), digest in any::<[u8; 32]>()) {
        let Ok(key) = LocalKey::from_bytes(&secret) else { return Ok(()) };
        let bytes = key.sign_digest(&digest);
        prop_assert!(bytes[64] == 27 || bytes[64] == 28);
        let signature = Signature::parse(&bytes).expect("what is emitted is in the accepted form");
        prop_assert_eq!(signature.to_bytes(), bytes);
        for engine in engines() {
            prop_assert_eq!(engine.recover(&B256::new(digest), &signature), Some(key.address()));
        }
    }

    /// Random and damaged signatures: the engines agree on every one.
    #[test]
    fn engines_agree(bytes in any::<[u8; 32]>(), s in any::<[u8; 32]>(), odd in any::<bool>(), digest in any::<[u8; 32]>()) {
        let mut all = [bytes.as_slice(), s.as_slice(), &[27 + u8::from(odd)]].concat();
        all[32] &= 0x7f;
        let Some(signature) = Signature::parse(&all) else { return Ok(()) };
        let answers: Vec<_> = engines().iter().map(|engine| engine.recover(&B256::new(digest), &signature)).collect();
        prop_assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", answers);
    }
}
