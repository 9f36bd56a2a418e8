//! From header to verdict: ours and the peers', in one run. Built and run by `cargo xtask compare`, which says in the environment
//! where the packages of npm and PyPI are, if they are.

mod peers;
mod picture;

use http402_benches::{
    Rounds, cpu,
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
    engine::{Engine, Keys, Lanes, Libsecp256k1, Portable},
};
use std::sync::Arc;

/// How many payments a batch has.
const BATCH: u8 = 64;

fn known() -> Known {
    Known::at(NOW).payer_code(PayerCode::Absent)
}

fn right(verdict: Verdict) {
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
}

fn judge(engine: impl Engine + 'static) -> Verifier {
    Verifier::new(Assets::known()).engine(engine)
}

fn memory() -> Portable {
    Portable::with_keys(Arc::new(Keys::default().build_after(1)))
}

/// Ours, for x402.
fn payments<'a>(all: &mut Rounds<'a>, scenes: &'a [Scene]) {
    let one = move |judge: &Verifier| right(judge.judge(&scenes[0].read(), &known()));
    let batch = move |judge: &Verifier| {
        let known = known();
        let claims: Vec<Claim> = scenes.iter().map(Scene::read).collect();
        let claims: Vec<_> = claims.iter().map(|claim| (claim, &known)).collect();
        judge.judge_batch(&claims).into_iter().for_each(right);
    };
    let default = Verifier::new(Assets::known());
    all.add("x402: http402, k256", 1, move || one(&default));
    let new = judge(Portable::new());
    all.add("x402: http402, portable", 1, move || one(&new));
    let back = judge(memory());
    all.add("x402: http402, portable, a payer who came back", 1, move || one(&back));
    let count = u32::from(BATCH);
    if let (Some(new), Some(back)) = (Lanes::detect(Portable::new()), Lanes::detect(memory())) {
        let (new, back) = (judge(new), judge(back));
        all.add("x402: http402, lanes, 64 at once", count, move || batch(&new));
        all.add("x402: http402, lanes, 64 at once, who came back", count, move || {
            batch(&back);
        });
    }
}

/// Ours, for MPP.
fn vouchers<'a>(all: &mut Rounds<'a>, session: &'a Session) {
    let one = move |judge: &Verifier| right(judge.judge(&session.read(), &known()));
    let new = judge(Portable::new());
    all.add("MPP voucher: http402, portable", 1, move || one(&new));
    let back = judge(memory());
    all.add("MPP voucher: http402, portable, a known signer", 1, move || one(&back));
}

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok());
    let scenes: Vec<Scene> = (1..=BATCH).map(Scene::new).collect();
    let session = Session::new(7);
    let signature = Signature::parse(&scenes[0].signature).expect("a payment is signed");
    let digest = scenes[0].digest;
    let header = scenes[0].headers["payment-signature"].to_str().expect("a header is text");
    let mut all = Rounds::default();
    all.add("libsecp256k1's bare recovery to an address", 1, || {
        assert!(Libsecp256k1.recover(std::hint::black_box(&digest), &signature).is_some());
    });
    payments(&mut all, &scenes);
    peers::payments(&mut all, header);
    vouchers(&mut all, &session);
    peers::vouchers(&mut all, &session);
    let measured = all.measure(rounds.unwrap_or(41));
    println!("CPU: {}\n", cpu());
    println!("| from header to verdict | µs | of the reference |\n|---|--:|--:|");
    for case in &measured {
        println!("| {} | {:.1} | {:.2} |", case.name, case.microseconds, case.ratio);
    }
    if let Ok(path) = std::env::var("PICTURE") {
        std::fs::write(&path, picture::draw(&measured)).expect("the picture can be written");
    }
}
