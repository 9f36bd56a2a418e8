//! What `cargo xtask instructions` counts: one case, so many times. `count <case> <times>`; `paid` at most 210 times.
#![allow(clippy::unwrap_used, reason = "a count that can not go on may panic")]

use http::HeaderMap;
use http402_benches::{
    paywall::Shop,
    scene::{NOW, Scene},
    session::Session,
};
use http402_core::{
    Claim, Verdict,
    asset::Assets,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{
    Signature, Verifier,
    engine::{Check, Engine, Keys, Lanes, Portable},
};
use std::{cell::RefCell, hint::black_box, sync::Arc};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().unwrap();
    let times: u32 = arguments.next().unwrap().parse().unwrap();
    let scene = Scene::new(7);
    let signature = Signature::parse(&scene.signature).unwrap();
    let known = Known::at(NOW).payer_code(PayerCode::Absent);
    let memory = Portable::with_keys(Arc::new(Keys::default().build_after(1)));
    let new = Verifier::new(Assets::known()).engine(Portable::new());
    let back = Verifier::new(Assets::known()).engine(memory.clone());
    let right = |verdict| {
        let Verdict::Valid { payer } = verdict else {
            panic!("a right payment was refused");
        };
        payer.evm().unwrap()
    };
    let payer = right(back.judge(&scene.claim, &known));
    let session = Session::new(7);
    let scenes: Vec<Scene> = (1..=64).map(Scene::new).collect();
    let checks: Vec<Check> = scenes
        .iter()
        .map(|scene| Check {
            digest: scene.digest,
            signature: Signature::parse(&scene.signature).unwrap(),
            payer: scene.claim.authorization.payer().unwrap().evm().unwrap(),
        })
        .collect();
    let items: Vec<_> = checks
        .iter()
        .map(|check| (check.digest, check.signature))
        .collect();
    // Valgrind knows no such CPU.
    let wide: Arc<dyn Engine> = match Lanes::detect(memory.clone()) {
        Some(lanes) => Arc::new(lanes),
        None => Arc::new(memory.clone()),
    };
    let batch = Verifier::new(Assets::known()).engine(wide.clone());
    assert!(wide.check_all(&checks).iter().all(|right| *right));
    // Every payment of one payer who came back, and none twice.
    let mut shop = Shop::new(&scene);
    let payment = |number: u8| Scene::again(7, [number; 32]);
    assert_eq!(shop.ask(&payment(u8::MAX).headers), 200);
    // As many for every length of a run: to sign them costs more than to take them.
    let most = if case == "paid" { 210 } else { 0 };
    let payments: Vec<_> = (0..most).map(payment).collect();
    let payments = RefCell::new(payments);
    let shop = RefCell::new(shop);
    let call: &dyn Fn() = match case.as_str() {
        "header" => &|| assert_eq!(right(new.judge(&scene.read(), &known)), payer),
        "header-back" => &|| assert_eq!(right(back.judge(&scene.read(), &known)), payer),
        "claim" => &|| {
            black_box(scene.read());
        },
        "recover" => &|| {
            let answer = Portable::new().recover(black_box(&scene.digest), &signature);
            assert_eq!(answer, Some(payer));
        },
        "lanes-known" => &|| {
            let answers = wide.check_all(black_box(&checks));
            assert!(answers.iter().all(|right| *right));
        },
        "lanes-new" => &|| {
            let keys = wide.recover_all(black_box(&items));
            assert!(keys.iter().all(Option::is_some));
        },
        "batch-back" => &|| {
            let claims: Vec<Claim> = scenes.iter().map(Scene::read).collect();
            let claims: Vec<_> = claims.iter().map(|claim| (claim, &known)).collect();
            for verdict in batch.judge_batch(&claims) {
                right(verdict);
            }
        },
        "voucher" => &|| {
            black_box(session.read());
        },
        "unpaid" => &|| assert_eq!(shop.borrow_mut().ask(&HeaderMap::new()), 402),
        "paid" => &|| {
            let payment = payments.borrow_mut().pop().unwrap();
            assert_eq!(shop.borrow_mut().ask(&payment.headers), 200);
        },
        "known" => &|| assert!(memory.check(black_box(&scene.digest), &signature, &payer)),
        other => panic!("no case {other}"),
    };
    for _ in 0..times {
        call();
    }
}
