use crate::{
    claims::{NOW, claim, requirement, sign, unsigned},
    engines::{engines, known},
};
use http402_core::{
    Address, B256, Bytes, Claim, Party, Timestamp,
    authorization::Eip3009,
    seam::{Judge, Known, PayerCode},
};
use http402_core::{Verdict, asset::Assets};
use http402_verify::{
    LocalKey, Signature, Verifier,
    engine::{Check, Engine, K256},
};
use std::sync::{Arc, Mutex};

/// A right claim, and every way in which one can be wrong that a batch could mix up.
pub(crate) fn poisons() -> Vec<Claim> {
    let right = sign(unsigned());
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = right.signature.to_vec();
        change(&mut bytes);
        Eip3009 {
            signature: Bytes::from(bytes),
            ..right.clone()
        }
    };
    let authorizations = [
        right.clone(),
        with(&|bytes| bytes[64] ^= 1),
        with(&|bytes| bytes[63] ^= 1),
        with(&|bytes| bytes[31] ^= 1),
        with(&|bytes| bytes[..32].fill(0)),
        with(&|bytes| bytes[32..64].fill(0)),
        with(&|bytes| bytes[..32].fill(0xff)),
        with(&|bytes| bytes.truncate(64)),
        // 5 is no x of the curve.
        with(&|bytes| {
            bytes[..32].fill(0);
            bytes[31] = 5;
        }),
        Eip3009 {
            nonce: B256::ZERO,
            ..right.clone()
        },
        Eip3009 {
            from: [1; 20].into(),
            ..right.clone()
        },
    ];
    let claims = authorizations.map(|signed| claim(requirement(), signed));
    let mut elsewhere = requirement();
    elsewhere.pay_to = Party::Evm([9; 20].into());
    claims
        .into_iter()
        .chain([claim(elsewhere, right.clone())])
        .collect()
}

#[test]
fn a_batch_gives_each_claim_the_verdict_that_it_gets_alone() {
    let poisons = poisons();
    let at = |code| Known::at(Timestamp::from_secs(NOW)).payer_code(code);
    let knowns = [PayerCode::Absent, PayerCode::Unknown, PayerCode::Present].map(at);
    for engine in engines() {
        let verifier = Verifier::new(Assets::known()).engine(Arc::<dyn Engine>::from(engine));
        assert_eq!(verifier.judge_batch(&[]), []);
        for size in [1, 2, 7, 8, 9, 17] {
            for place in 0..size {
                for (at, poison) in poisons.iter().enumerate() {
                    let known = &knowns[at % 3];
                    let batch: Vec<_> = (0..size)
                        .map(|slot| if slot == place { poison } else { &poisons[0] })
                        .map(|claim| (claim, known))
                        .collect();
                    let alone: Vec<_> = batch
                        .iter()
                        .map(|(claim, known)| verifier.judge(claim, known))
                        .collect();
                    assert_eq!(verifier.judge_batch(&batch), alone);
                    let others = alone.iter().enumerate().filter(|(slot, _)| *slot != place);
                    let right = matches!(alone[place], Verdict::Valid { .. });
                    assert_eq!(right, at == 0 && known.payer_code != PayerCode::Present);
                    assert!(others.clone().all(|(_, verdict)| verdict
                        == others.clone().next().map_or(verdict, |(_, first)| first)));
                }
            }
        }
    }
}

/// Counts how many signatures it is asked for at once.
#[derive(Debug)]
struct Counts(Mutex<Vec<usize>>);

impl Engine for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }
    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        K256.recover(digest, signature)
    }
    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        self.0.lock().unwrap().push(checks.len());
        let all = checks.iter();
        all.map(|check| self.check(&check.digest, &check.signature, &check.payer))
            .collect()
    }
}

#[test]
fn an_engine_gets_what_a_batch_asks_of_the_curve_at_once() {
    let counts = Arc::new(Counts(Mutex::default()));
    let verifier = Verifier::new(Assets::known()).engine(counts.clone());
    let known = Known::at(Timestamp::from_secs(NOW)).payer_code(PayerCode::Absent);
    let transfer = claim(requirement(), sign(unsigned()));
    let voucher = crate::voucher::right();
    let mut elsewhere = transfer.clone();
    elsewhere.requirement.pay_to = Party::Evm([9; 20].into());
    let batch = [&transfer, &voucher, &elsewhere, &transfer].map(|claim| (claim, &known));
    let verdicts = verifier.judge_batch(&batch);
    let right = verdicts
        .iter()
        .map(|verdict| matches!(verdict, Verdict::Valid { .. }));
    assert_eq!(right.collect::<Vec<_>>(), [true, true, false, true]);
    // The one that goes elsewhere is refused without them.
    assert_eq!(*counts.0.lock().unwrap(), [3]);
}

#[test]
fn every_position_of_a_batch_answers_for_itself_alone() {
    let checks: Vec<Check> = (1..=21)
        .map(|number| {
            let key = LocalKey::from_bytes(&[1 + number % 5; 32]).unwrap();
            let digest = B256::repeat_byte(number);
            let signature = Signature::parse(&key.sign_digest(&digest.0)).unwrap();
            Check {
                digest,
                signature,
                payer: key.address(),
            }
        })
        .collect();
    let warm = known(&checks);
    for engine in engines().into_iter().chain(warm) {
        assert_eq!(engine.check_all(&checks), vec![true; checks.len()]);
        for place in 0..checks.len() {
            for bit in [0, 7, 255, 256, 300, 511, 512] {
                let mut poisoned = checks.clone();
                let mut bytes = poisoned[place].signature.to_bytes();
                if bit == 512 {
                    bytes[64] ^= 27 ^ 28;
                } else {
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
                let Some(signature) = Signature::parse(&bytes) else {
                    continue;
                };
                poisoned[place].signature = signature;
                let wanted: Vec<bool> = (0..checks.len()).map(|at| at != place).collect();
                assert_eq!(engine.check_all(&poisoned), wanted, "{engine:?}");
                let items: Vec<_> = poisoned
                    .iter()
                    .map(|check| (check.digest, check.signature))
                    .collect();
                let alone: Vec<_> = items
                    .iter()
                    .map(|(digest, signature)| engine.recover(digest, signature))
                    .collect();
                assert_eq!(engine.recover_all(&items), alone, "{engine:?}");
            }
        }
    }
}

/// R = G + u·Q, where u·Q is G and one entry of the table of Q: what can not add a point to itself leaves it to what can.
#[test]
fn a_known_key_may_meet_the_generator() {
    use k256::{
        ProjectivePoint, Scalar, U256,
        elliptic_curve::{PrimeField, ops::Reduce, point::AffineCoordinates},
    };
    const LAMBDA: &str = "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72";
    let twice = (ProjectivePoint::GENERATOR * Scalar::from(2_u64)).to_affine();
    let (r, odd) = (twice.x(), bool::from(twice.y_is_odd()));
    let number = Scalar::reduce(&U256::from_be_slice(&r));
    let signed = |u: Scalar| {
        let inverse = u.invert().unwrap();
        let key = LocalKey::from_bytes(&inverse.to_repr().into()).unwrap();
        let s = number * inverse;
        let of = |s: Scalar, odd: bool| {
            let v = [27 + u8::from(odd)];
            Signature::parse(&[r.as_slice(), &s.to_repr(), &v].concat())
        };
        Check {
            digest: B256::from_slice(&s.to_repr()),
            signature: of(s, odd).or_else(|| of(-s, !odd)).unwrap(),
            payer: key.address(),
        }
    };
    // One in every place of both halves of u.
    let mut u = [Scalar::ONE, Scalar::reduce(&U256::from_be_hex(LAMBDA))];
    let mut checks = Vec::new();
    for _ in 0..22 {
        checks.extend(u.map(signed));
        u = u.map(|u| u * Scalar::from(64_u64));
    }
    for engine in engines().into_iter().chain(known(&checks)) {
        // Each of them in each of eight lanes.
        for from in 0..8 {
            let checks = &checks[from..];
            let right = vec![true; checks.len()];
            assert_eq!(engine.check_all(checks), right, "{engine:?}");
        }
    }
}
