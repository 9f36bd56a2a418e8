use super::*;
use ::p256::ecdsa::{Signature as Scalars, SigningKey, signature::hazmat::PrehashSigner};
use http402_verify::{LocalKey, engine::K256};
use sha2::{Digest, Sha256};

const NINES: B256 = B256::repeat_byte(9);
const CHALLENGE: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";

fn passkey() -> (SigningKey, Address) {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
    (key, address)
}

/// `r ‖ s ‖ x ‖ y`.
fn sign(hash: &[u8]) -> Vec<u8> {
    let (key, _) = passkey();
    let scalars: Scalars = key.sign_prehash(hash).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    [
        &scalars.normalize_s().to_bytes()[..],
        &point.as_bytes()[1..],
    ]
    .concat()
}

fn plain() -> Vec<u8> {
    [&[P256], &sign(NINES.as_slice())[..], &[0]].concat()
}

fn client(kind: &str, challenge: &str) -> String {
    format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://example.com","crossOrigin":false}}"#
    )
}

fn webauthn(client: &str) -> Vec<u8> {
    let mut authenticator = [1; AUTHENTICATOR];
    authenticator[32] = 0x05;
    let hash = Sha256::new_with_prefix(authenticator).chain_update(Sha256::digest(client));
    let signed = sign(&hash.finalize());
    [&[WEBAUTHN], &authenticator[..], client.as_bytes(), &signed].concat()
}

fn of_nines(signature: &[u8]) -> Option<Address> {
    signer(&K256, &NINES, signature)
}

#[test]
fn each_form_tells_its_account() {
    let (_, account) = passkey();
    let hashed = sign(&Sha256::digest(NINES));
    for flag in [1, 0xff] {
        let hashed = [&[P256], &hashed[..], &[flag]].concat();
        assert_eq!(of_nines(&hashed), Some(account));
    }
    for good in [plain(), webauthn(&client("webauthn.get", CHALLENGE))] {
        assert_eq!(of_nines(&good), Some(account));
        assert_eq!(signer(&K256, &B256::repeat_byte(8), &good), None);
    }
    let wallet = LocalKey::from_bytes(&[7; 32]).unwrap();
    assert_eq!(
        of_nines(&wallet.sign_digest(&NINES)),
        Some(wallet.address())
    );
}

#[test]
fn s45_a_signature_is_of_the_kind_that_its_form_says() {
    // 65 bytes are one of secp256k1, whatever they begin with; nothing else is.
    for kind in 0..=u8::MAX {
        let bytes = [kind; 65];
        let form = Form::read(&bytes);
        assert!(matches!(form, Some(Form::Own(Key::Secp256k1(_)))));
        let mut other = plain();
        other[0] = kind;
        assert_eq!(of_nines(&other).is_some(), kind == P256, "{kind}");
        let mut other = webauthn(&client("webauthn.get", CHALLENGE));
        other[0] = kind;
        assert_eq!(of_nines(&other).is_some(), kind == WEBAUTHN, "{kind}");
    }
    for length in (0..130).chain(131..140) {
        let mut other = plain();
        other.resize(length, 0);
        assert_eq!(of_nines(&other), None, "{length}");
    }
    for bad in [&[][..], &[1], &[3; 21], &[3; 40], &[9; 130]] {
        assert_eq!(Form::read(bad), None);
    }
    // The scalars of one curve are no signature of the other.
    let wallet = LocalKey::from_bytes(&[7; 32]).unwrap();
    let other = wallet.sign_digest(&NINES);
    let mut mixed = plain();
    mixed[1..65].copy_from_slice(&other[..64]);
    assert_eq!(of_nines(&mixed), None);
    let mut mixed = plain()[1..66].to_vec();
    mixed[64] = 27;
    assert_ne!(of_nines(&mixed), Some(passkey().1));
}

#[test]
fn s45_what_client_data_have_to_say() {
    let right = client("webauthn.get", CHALLENGE);
    assert!(of_nines(&webauthn(&right)).is_some());
    for wrong in [
        client("webauthn.create", CHALLENGE),
        client("webauthn.get", &CHALLENGE.replace('Q', "R")),
        client("webauthn.get", &format!("{CHALLENGE}=")),
        client("webauthn.get", "").replace(r#""challenge":"","#, ""),
        // Said in another member, in a second document, or twice.
        format!(r#"{{"a":{{"type":"webauthn.get","challenge":"{CHALLENGE}"}}}}"#),
        format!("{right}{right}"),
        right.replace(r#""origin""#, r#""type""#),
        String::new(),
        format!(
            r#"{{"a":"{}","type":"webauthn.get","challenge":"{CHALLENGE}"}}"#,
            "a".repeat(2000)
        ),
    ] {
        assert_eq!(of_nines(&webauthn(&wrong)), None, "{wrong}");
    }
}

#[test]
fn an_access_key_names_its_account_and_signs_it_in_the_newer_form() {
    let key = LocalKey::from_bytes(&[7; 32]).unwrap();
    let account = Address::repeat_byte(3);
    for (prefix, bound) in [(KEYCHAIN, false), (KEYCHAIN_V2, true)] {
        let mut bytes = vec![prefix];
        bytes.extend_from_slice(account.as_slice());
        bytes.extend_from_slice(&key.sign_digest(&NINES));
        let form = Form::read(&bytes).unwrap();
        assert_eq!(form.account(&NINES, &K256), Some(account));
        assert_eq!(form.digest(&NINES) != NINES, bound);
        let signer = form.key().signer(&form.digest(&NINES), &K256);
        assert_eq!(signer == Some(key.address()), !bound);
        assert_eq!(of_nines(&bytes), None);
    }
    // A passkey that has not signed speaks for nobody.
    let envelope = |inner: &[u8]| [&[KEYCHAIN], account.as_slice(), inner].concat();
    let mut inner = plain();
    let bytes = envelope(&inner);
    assert_eq!(
        Form::read(&bytes).unwrap().account(&NINES, &K256),
        Some(account)
    );
    inner[40] ^= 1;
    let bytes = envelope(&inner);
    assert_eq!(Form::read(&bytes).unwrap().account(&NINES, &K256), None);
    // An access key within an access key is none.
    assert_eq!(Form::read(&[3; 86 + 21]), None);
}
