//! What `cargo xtask instructions` counts: one case, so many times. `count <case> <times>`.
#![allow(clippy::unwrap_used, reason = "a count that can not go on may panic")]

use http402_benches as _;
use http402_core::B256;
use http402_verify::{
    LocalKey, Signature,
    engine::{Engine, Keys, Portable},
};
use std::{hint::black_box, sync::Arc};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let case = arguments.next().unwrap();
    let times: u32 = arguments.next().unwrap().parse().unwrap();
    let key = LocalKey::from_bytes(&[7; 32]).unwrap();
    let digest = B256::repeat_byte(9);
    let signature = Signature::parse(&key.sign_digest(&digest.0)).unwrap();
    let payer = key.address();
    let engine = match case.as_str() {
        "new" => Portable::new(),
        "known" => Portable::with_keys(Arc::new(Keys::default().build_after(1))),
        other => panic!("no case {other}"),
    };
    assert!(engine.check(&digest, &signature, &payer));
    for _ in 0..times {
        assert!(black_box(&engine).check(black_box(&digest), &signature, &payer));
    }
}
