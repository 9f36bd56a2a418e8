//! What `cargo xtask instructions` counts: one case, so many times. `count <case> <times>`.
#![allow(clippy::unwrap_used, reason = "a count that can not go on may panic")]

use http402_benches::scene::{NOW, Scene};
use http402_core::{
    Verdict,
    asset::Assets,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{
    Signature, Verifier,
    engine::{Engine, Keys, Portable},
};
use std::{hint::black_box, sync::Arc};

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
        "known" => &|| assert!(memory.check(black_box(&scene.digest), &signature, &payer)),
        other => panic!("no case {other}"),
    };
    for _ in 0..times {
        call();
    }
}
