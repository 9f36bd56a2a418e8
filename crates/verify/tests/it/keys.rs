use crate::engines::engines;
use http402_core::{Address, B256};
use http402_verify::{
    LocalKey, Signature,
    engine::{Engine, Keys, Portable},
};
use std::sync::Arc;

fn signed(payer: u8, digest: u8) -> (B256, Signature, Address) {
    let key = LocalKey::from_bytes(&[payer; 32]).unwrap();
    let digest = B256::repeat_byte(digest);
    let signature = Signature::parse(&key.sign_digest(&digest.0)).unwrap();
    (digest, signature, key.address())
}

fn check(engine: &Portable, (digest, signature, payer): &(B256, Signature, Address)) -> bool {
    engine.check(digest, signature, payer)
}

#[test]
fn a_key_gets_a_table_when_its_payer_came_back_and_was_right() {
    let keys = Arc::new(Keys::new(16).build_after(3));
    let engine = Portable::with_keys(keys.clone());
    let right = signed(1, 1);
    let wrong = (B256::repeat_byte(2), right.1, right.2);
    for _ in 0..10 {
        assert!(!check(&engine, &wrong));
        // Recovery alone names no payer who could be believed.
        assert_eq!(engine.recover(&right.0, &right.1), Some(right.2));
    }
    assert!(check(&engine, &right) && check(&engine, &right));
    assert!(keys.is_empty());
    assert!(check(&engine, &right));
    assert_eq!(keys.len(), 1);
    assert!(check(&engine, &right) && !check(&engine, &wrong));
    assert!(check(&engine, &signed(1, 9)) && !check(&engine, &(right.0, right.1, [3; 20].into())));
}

#[test]
fn a_table_answers_as_recovery_does() {
    let engine = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    let right = signed(1, 1);
    assert!(check(&engine, &right));
    let mut bytes = right.1.to_bytes();
    for bit in 0..520 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Some(signature) = Signature::parse(&bytes) {
            let own = check(&engine, &(right.0, signature, right.2));
            for other in engines() {
                assert_eq!(
                    own,
                    other.check(&right.0, &signature, &right.2),
                    "bit {bit}"
                );
            }
            assert!(!own, "bit {bit}");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    // The same signature with the other v: plain ECDSA takes it, and contracts do not.
    bytes[64] ^= 27 ^ 28;
    let other = Signature::parse(&bytes).unwrap();
    assert!(!check(&engine, &(right.0, other, right.2)));
    assert!(check(&engine, &right));
}

#[test]
fn keys_are_bounded_and_the_oldest_makes_room() {
    let keys = Arc::new(Keys::new(1).build_after(1));
    let engine = Portable::with_keys(keys.clone());
    for round in 0..2 {
        for payer in 1..=60 {
            assert!(check(&engine, &signed(payer, payer ^ 0x55)), "{round}");
            // One a shard.
            assert!(keys.len() <= 16);
        }
    }
    assert!(keys.len() > 8);
    let none = Arc::new(Keys::new(0).build_after(1));
    let engine = Portable::with_keys(none.clone());
    assert!(check(&engine, &signed(1, 1)) && check(&engine, &signed(1, 2)));
    assert!(none.is_empty());
    assert_eq!(Keys::MEMORY, 22_080);
    let text = format!("{keys:?}");
    assert!(text.starts_with("Keys {"), "{text}");
}

#[test]
fn threads_share_the_keys() {
    let keys = Arc::new(Keys::new(4).build_after(2));
    let engine = Portable::with_keys(keys.clone());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                for number in 0..100 {
                    let payer = 1 + (thread + number) % 40;
                    let (digest, signature, address) = signed(payer, number);
                    assert!(engine.check(&digest, &signature, &address));
                    assert!(!engine.check(&B256::repeat_byte(255), &signature, &address));
                }
            });
        }
    });
    assert!(!keys.is_empty() && keys.len() <= 16);
}
