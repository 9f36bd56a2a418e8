use http402_core::{
    Timestamp,
    ledger::{Expect, Key, Ledger, Phase, Record, Write},
};
use http402_ledger::{
    Memory,
    conformance::{CHECKS, block_on, bounded},
};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1000);

pub(crate) fn write(key: &str, expect: Expect, end: u64, size: usize) -> Write {
    let record = Record {
        phase: Phase::Reserved,
        lease: None,
        keep_until: Timestamp::from_secs(end),
        body: vec![7; size].into(),
    };
    Write {
        key: Key::new(key),
        expect,
        put: Some(record),
    }
}

#[test]
fn it_conforms() {
    for (name, check) in CHECKS {
        println!("{name}");
        block_on(check(Arc::new(Memory::new())));
    }
}

#[test]
fn s12_it_is_bounded_and_evicts_nothing_live() {
    block_on(bounded(Arc::new(Memory::with_room(3, 1 << 20)), 3));
    let small = Memory::with_room(1000, 4096);
    let filled = (0..100).take_while(|at| {
        let write = write(&format!("k{at}"), Expect::Absent, 2000, 100);
        block_on(small.apply(NOW, &[write])).is_ok()
    });
    assert!(
        (5..30).contains(&filled.count()),
        "4096 bytes hold some records and not a hundred"
    );
}

#[test]
fn s84_debug_shows_no_body() {
    let memory = Memory::new();
    let mut secret = write("k", Expect::Absent, 2000, 0);
    secret.put.as_mut().unwrap().body = (*b"a-credential").into();
    block_on(memory.apply(NOW, std::slice::from_ref(&secret))).unwrap();
    let found = block_on(memory.get(NOW, &Key::new("k"))).unwrap();
    for shown in [
        format!("{memory:?}"),
        format!("{secret:?}"),
        format!("{found:?}"),
    ] {
        assert!(
            !shown.contains("credential") && !shown.contains("97, 45"),
            "{shown}"
        );
    }
}
