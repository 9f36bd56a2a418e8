//! What one caller sees.

use super::*;

/// What is written is what is read, whatever it holds.
pub(super) async fn round_trip(ledger: Arc<dyn Ledger>) {
    let long = "k".repeat(Key::MAX_LEN - 11);
    let wide = "\u{10ffff}".repeat((Key::MAX_LEN - 11) / 4);
    let keys = [
        "plain",
        "100%_of",
        "it's \"odd\"",
        "a/b:c*?[",
        "ünï\\",
        &long,
        &wide,
    ];
    for (at, key) in keys.iter().enumerate() {
        let key = format!("round-trip/{key}");
        for phase in Phase::ALL {
            let record = Record {
                phase: *phase,
                lease: (at % 2 == 0).then_some(Timestamp::MAX),
                keep_until: Timestamp::from_secs(u64::MAX - at as u64),
                body: (0..=255).cycle().take(at * 40_000).collect(),
            };
            let expect = match get(&*ledger, NOW, &key).await {
                None => Expect::Absent,
                Some(found) => Expect::Version(found.version),
            };
            let versions = done(&*ledger, &[put(&key, expect, record.clone())]).await;
            let found = get(&*ledger, NOW, &key)
                .await
                .expect("what was written is there");
            assert_eq!(
                found.version, versions[0],
                "the version that was told is the one that is read"
            );
            assert_eq!(found.record, record, "the record under {key}");
        }
    }
}

/// Several writes are made together or not at all.
pub(super) async fn all_or_nothing(ledger: Arc<dyn Ledger>) {
    let name = |at: usize| format!("together/{at}");
    done(
        &*ledger,
        &[put(
            &name(2),
            Expect::Absent,
            record(Phase::Reserved, b"old"),
        )],
    )
    .await;
    let writes: Vec<_> = (0..4)
        .map(|at| put(&name(at), Expect::Absent, record(Phase::Reserved, b"new")))
        .collect();
    let applied = apply(&*ledger, &writes).await;
    assert!(
        matches!(applied, Applied::Conflict { index: 2, .. }),
        "the third write conflicts: {applied:?}"
    );
    for at in [0, 1, 3] {
        assert_eq!(
            get(&*ledger, NOW, &name(at)).await,
            None,
            "write {at} was made alone"
        );
    }
    let old = get(&*ledger, NOW, &name(2))
        .await
        .expect("the old record is there");
    assert_eq!(
        old.record.body[..],
        *b"old",
        "a conflicting write changed the record"
    );
    let writes = [
        remove(&name(2), Expect::Version(old.version)),
        put(&name(3), Expect::Absent, record(Phase::Owed, b"new")),
    ];
    let versions = done(&*ledger, &writes).await;
    assert_eq!(versions[0], 0, "a removed record has the version 0");
    assert_eq!(
        get(&*ledger, NOW, &name(2)).await,
        None,
        "a removed record is gone"
    );
    assert!(
        get(&*ledger, NOW, &name(3)).await.is_some(),
        "the write beside a removal is made"
    );
}

/// A conflict tells the first write that failed, and what stands in its way.
pub(super) async fn conflicts(ledger: Arc<dyn Ledger>) {
    let versions = done(
        &*ledger,
        &[put("conflict/a", Expect::Absent, record(Phase::Owed, b"a"))],
    )
    .await;
    let stale = Expect::Version(versions[0] + 1000);
    for (expect, key) in [
        (Expect::Absent, "conflict/a"),
        (stale, "conflict/a"),
        (stale, "conflict/none"),
    ] {
        let free = put("conflict/free", Expect::Absent, record(Phase::Owed, b""));
        let applied = apply(
            &*ledger,
            &[free, put(key, expect, record(Phase::Owed, b"b"))],
        )
        .await;
        let Applied::Conflict { index: 1, found } = applied else {
            panic!("{expect:?} of {key} is a conflict of write 1: {applied:?}");
        };
        assert_eq!(
            found,
            get(&*ledger, NOW, key).await,
            "a conflict tells what was found"
        );
    }
    let applied = apply(&*ledger, &[remove("conflict/none", stale)]).await;
    assert!(
        matches!(
            applied,
            Applied::Conflict {
                index: 0,
                found: None
            }
        ),
        "removing nothing: {applied:?}"
    );
}

/// No version comes twice, whatever was removed in between: the former holder's writes never fit.
pub(super) async fn fencing(ledger: Arc<dyn Ledger>) {
    let mut seen = Vec::new();
    let mut expect = Expect::Absent;
    for round in 0..12 {
        let versions = done(
            &*ledger,
            &[put("fence/a", expect, record(Phase::Reserved, b""))],
        )
        .await;
        let version = versions[0];
        assert!(
            version != 0 && !seen.contains(&version),
            "version {version} after {seen:?}"
        );
        for old in &seen {
            let late = put(
                "fence/a",
                Expect::Version(*old),
                record(Phase::Settled, b"late"),
            );
            let applied = apply(&*ledger, &[late]).await;
            assert!(
                matches!(applied, Applied::Conflict { .. }),
                "a former holder wrote with version {old}"
            );
        }
        seen.push(version);
        expect = Expect::Version(version);
        if round % 3 == 2 {
            done(&*ledger, &[remove("fence/a", expect)]).await;
            expect = Expect::Absent;
        }
    }
}

/// A record counts as absent from its end on, and not a second earlier.
pub(super) async fn expiry(ledger: Arc<dyn Ledger>) {
    let end = NOW.plus(10);
    let mut short = record(Phase::Reserved, b"short");
    short.keep_until = end;
    let first = done(&*ledger, &[put("expiry/a", Expect::Absent, short.clone())]).await[0];
    assert!(
        get(&*ledger, end.minus(1), "expiry/a").await.is_some(),
        "it is kept until its end"
    );
    assert_eq!(
        get(&*ledger, end, "expiry/a").await,
        None,
        "it counts as absent from its end on"
    );
    let page = ledger
        .pending(end, "expiry/", None, 10)
        .await
        .expect("pending is answered");
    assert!(page.records.is_empty(), "what has passed is not pending");
    let early = put("expiry/a", Expect::Absent, short.clone());
    let applied = ledger.apply(end.minus(1), &[early]).await;
    assert!(
        matches!(applied, Ok(Applied::Conflict { found: Some(_), .. })),
        "its key is taken until its end: {applied:?}"
    );
    let stale = put("expiry/a", Expect::Version(first), short.clone());
    let applied = ledger
        .apply(end, &[stale])
        .await
        .expect("apply is answered");
    assert!(
        matches!(applied, Applied::Conflict { found: None, .. }),
        "what has passed has no version: {applied:?}"
    );
    let mut fresh = short;
    fresh.keep_until = LATER;
    let again = ledger
        .apply(end, &[put("expiry/a", Expect::Absent, fresh)])
        .await;
    let Ok(Applied::Done(versions)) = again else {
        panic!("the key of what has passed is free: {again:?}");
    };
    assert_ne!(
        versions[0], first,
        "the version of what has passed comes again"
    );
}

/// What no backend can write is an error, and nothing is written.
pub(super) async fn bad_writes(ledger: Arc<dyn Ledger>) {
    let good = put("bad/good", Expect::Absent, record(Phase::Owed, b""));
    let long = "k".repeat(Key::MAX_LEN + 1);
    for bad in [
        vec![good.clone(), good.clone()],
        vec![
            good.clone(),
            put(&long, Expect::Absent, record(Phase::Owed, b"")),
        ],
        vec![
            good.clone(),
            put("", Expect::Absent, record(Phase::Owed, b"")),
        ],
        vec![
            good.clone(),
            put("bad/\n", Expect::Absent, record(Phase::Owed, b"")),
        ],
    ] {
        let names: Vec<_> = bad.iter().map(|write| write.key.clone()).collect();
        assert!(
            ledger.apply(NOW, &bad).await.is_err(),
            "writes of {names:?} are an error"
        );
    }
    assert_eq!(
        get(&*ledger, NOW, "bad/good").await,
        None,
        "the write beside a bad one was made"
    );
    assert_eq!(done(&*ledger, &[]).await, Vec::<u64>::new());
}

pub(super) async fn bounded(ledger: &dyn Ledger, most: usize) {
    let name = |at: usize| format!("bounded/{at}");
    let short = |end: Timestamp| Record {
        keep_until: end,
        ..record(Phase::Reserved, &[7; 10])
    };
    for at in 0..most {
        let end = LATER.plus(at as u64);
        done(ledger, &[put(&name(at), Expect::Absent, short(end))]).await;
    }
    let refused = ledger
        .apply(NOW, &[put(&name(most), Expect::Absent, short(LATER))])
        .await;
    let Err(refused) = refused else {
        panic!("record {most} has no room: {refused:?}");
    };
    assert!(refused.is::<Full>(), "the error is `Full`: {refused}");
    let first = get(ledger, NOW, &name(0)).await;
    let first = first.expect("nothing live is evicted");
    let mut large = record(Phase::Settled, &[8; 5000]);
    large.keep_until = LATER;
    let finish = put(&name(0), Expect::Version(first.version), large);
    done(ledger, &[finish]).await;
    // One has passed: there is room for one.
    let new = |at: usize| [put(&name(at), Expect::Absent, short(LATER.plus(1000)))];
    let applied = ledger.apply(LATER, &new(most)).await;
    assert!(
        matches!(applied, Ok(Applied::Done(_))),
        "what has passed makes room: {applied:?}"
    );
    let applied = ledger.apply(LATER, &new(most + 1)).await;
    assert!(applied.is_err(), "for one, and not for two: {applied:?}");
}
