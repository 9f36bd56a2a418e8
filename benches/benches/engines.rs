//! The engines beside libsecp256k1's bare recovery to an address: `cargo bench -p http402-benches --bench engines`.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]
#![allow(clippy::print_stdout, reason = "the table is what is read")]

use http402_benches::{
    Rounds, cpu,
    scene::{NOW, Scene},
    session::Session,
};
use http402_core::{
    Authorization, B256, Claim, Verdict,
    asset::Assets,
    json::Document,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{
    LocalKey, Signature, Verifier,
    engine::{Check, Engine, K256, Keys, Lanes, Libsecp256k1, Portable},
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

/// From headers to verdicts, and what parts of it take.
fn headers<'a>(all: &mut Rounds<'a>, scenes: &'a [Scene]) {
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    let right = |verdict| assert!(matches!(verdict, Verdict::Valid { .. }));
    let judges = |engine: Portable| Verifier::new(Assets::known()).engine(engine);
    let new = judges(Portable::new());
    let memory = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    let back = judges(memory.clone());
    for scene in scenes {
        right(back.judge(&scene.claim, &known));
    }
    let count = u32::try_from(scenes.len()).unwrap();
    let each = move |judge: &Verifier| {
        for scene in scenes {
            right(judge.judge(&scene.read(), &known));
        }
    };
    let batch = move |judge: &Verifier| {
        let claims: Vec<Claim> = scenes.iter().map(Scene::read).collect();
        let claims: Vec<_> = claims.iter().map(|claim| (claim, &known)).collect();
        judge.judge_batch(&claims).into_iter().for_each(right);
    };
    let one = new.clone();
    all.aim(
        "header to verdict, portable, new payer",
        1,
        1.05,
        move || {
            right(one.judge(&scenes[0].read(), &known));
        },
    );
    let (one, many) = (back.clone(), back.clone());
    all.aim(
        "header to verdict, portable, 64 payers who came back, in turn",
        count,
        0.5,
        move || each(&one),
    );
    all.add(
        "header to verdict, portable, batch of 64, new payers",
        count,
        move || batch(&new),
    );
    all.add(
        "header to verdict, portable, batch of 64, payers who came back",
        count,
        move || batch(&many),
    );
    let wide = |engine| Some(Verifier::new(Assets::known()).engine(Lanes::detect(engine)?));
    if let (Some(new), Some(back)) = (wide(Portable::new()), wide(memory)) {
        all.aim(
            "header to verdict, lanes, batch of 64, new payers",
            count,
            0.2,
            move || batch(&new),
        );
        all.aim(
            "header to verdict, lanes, batch of 64, payers who came back",
            count,
            0.1,
            move || batch(&back),
        );
    }
    let scene = &scenes[0];
    all.add("part: header to claim", 1, || {
        black_box(scene.read());
    });
    all.aim("part: JSON", 1, 1.0 / 33.0, || {
        black_box(Document::parse(black_box(&scene.text)).unwrap());
    });
    all.aim("part: EIP-712 digest", 1, 0.85 / 33.0, move || {
        let Authorization::Eip3009(signed) = &scene.claim.authorization else {
            panic!("EIP-3009 was signed");
        };
        black_box(
            back.eip3009_digest(&scene.claim.requirement, black_box(signed))
                .unwrap(),
        );
    });
}

/// From the header of a session's credential to the verdict on its voucher.
fn sessions<'a>(all: &mut Rounds<'a>, session: &'a Session) {
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    let right = |verdict| assert!(matches!(verdict, Verdict::Valid { .. }));
    let judge = |engine: Portable| Verifier::new(Assets::known()).engine(engine);
    let new = judge(Portable::new());
    let back = judge(Portable::with_keys(Arc::new(
        Keys::default().build_after(1),
    )));
    right(back.judge(&session.read(), &known));
    all.aim(
        "MPP voucher to verdict, portable, new signer",
        1,
        1.12,
        move || {
            right(new.judge(&session.read(), &known));
        },
    );
    all.aim(
        "MPP voucher to verdict, portable, known signer",
        1,
        0.5,
        move || {
            right(back.judge(&session.read(), &known));
        },
    );
    all.add("part: MPP credential to claim", 1, || {
        black_box(session.read());
    });
}

fn main() {
    // `cargo test` runs benches too, to see that they work.
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        101
    } else {
        1
    };
    let checks = checks();
    let scenes: Vec<Scene> = (1..=PAYERS).map(Scene::new).collect();
    let items: Vec<_> = checks
        .iter()
        .map(|one| (one.digest, one.signature))
        .collect();
    let (new, known) = (Portable::new(), warm(&checks));
    let session = Session::new(7);
    let mut all = Rounds::default();
    let in_turn = |engine: &dyn Engine| {
        for check in black_box(&checks) {
            assert!(engine.check(&check.digest, &check.signature, &check.payer));
        }
    };
    let count = u32::from(PAYERS);
    all.add("libsecp256k1, recover to address", count, || {
        in_turn(&Libsecp256k1);
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
    if let (Some(new), Some(known)) = (Lanes::detect(new.clone()), Lanes::detect(known.clone())) {
        let (checks, items) = (&checks, &items);
        all.aim("lanes, batch of 64, recover", count, 0.16, move || {
            assert!(
                new.recover_all(black_box(items))
                    .iter()
                    .all(Option::is_some)
            );
        });
        for size in [8_u32, 64] {
            let name = format!("lanes, batch of {size}, known keys of as many payers");
            let (engine, batch) = (known.clone(), &checks[..size as usize]);
            let check = move || {
                let answers = engine.check_all(black_box(batch));
                assert!(answers.iter().all(|right| *right));
            };
            if size == count {
                all.aim(&name, size, 0.08, check);
            } else {
                all.add(&name, size, check);
            }
        }
    }
    headers(&mut all, &scenes);
    sessions(&mut all, &session);
    println!("CPU: {}\n\n{}", cpu(), all.run(rounds));
}
