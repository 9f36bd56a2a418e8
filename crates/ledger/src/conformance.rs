//! Whether a ledger keeps to the contract of [`http402_core::ledger`]: what any backend has to pass, ours and yours.
//!
//! ```
//! # use std::sync::Arc;
//! use http402_ledger::{Memory, conformance};
//!
//! conformance::block_on(conformance::all(Arc::new(Memory::new())));
//! ```
//!
//! The checks panic with what they found. Each uses keys of its own, so one fresh store serves all of them.

use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Phase, Record, Versioned, Write},
    seam::Boxed,
};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// One check.
pub type Check = fn(Arc<dyn Ledger>) -> Boxed<'static, ()>;

/// Every check, with its name.
pub const CHECKS: &[(&str, Check)] = &[
    ("round_trip", |ledger| Box::pin(round_trip(ledger))),
    ("all_or_nothing", |ledger| Box::pin(all_or_nothing(ledger))),
    ("conflicts", |ledger| Box::pin(conflicts(ledger))),
    ("fencing", |ledger| Box::pin(fencing(ledger))),
    ("expiry", |ledger| Box::pin(expiry(ledger))),
    ("pending", |ledger| Box::pin(pending(ledger))),
    ("bad_writes", |ledger| Box::pin(bad_writes(ledger))),
    ("one_winner", |ledger| Box::pin(one_winner(ledger))),
    ("no_lost_update", |ledger| Box::pin(no_lost_update(ledger))),
];

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const LATER: Timestamp = Timestamp::from_secs(1_800_001_000);

/// Runs every check on one fresh store.
///
/// # Panics
/// When the ledger breaks the contract, with what was found.
pub async fn all(ledger: Arc<dyn Ledger>) {
    for (_, check) in CHECKS {
        check(ledger.clone()).await;
    }
}

/// Runs a future on this thread: the checks need no executor.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn record(phase: Phase, body: &[u8]) -> Record {
    Record {
        phase,
        lease: None,
        keep_until: LATER,
        body: body.into(),
    }
}

fn put(key: &str, expect: Expect, record: Record) -> Write {
    Write {
        key: Key::new(key),
        expect,
        put: Some(record),
    }
}

fn remove(key: &str, expect: Expect) -> Write {
    Write {
        key: Key::new(key),
        expect,
        put: None,
    }
}

async fn apply(ledger: &dyn Ledger, writes: &[Write]) -> Applied {
    let applied = ledger.apply(NOW, writes).await;
    applied.unwrap_or_else(|error| panic!("apply failed: {error}"))
}

/// Applies what must succeed, and returns the versions.
async fn done(ledger: &dyn Ledger, writes: &[Write]) -> Vec<u64> {
    match apply(ledger, writes).await {
        Applied::Done(versions) => {
            assert_eq!(versions.len(), writes.len(), "one version for each write");
            versions
        }
        Applied::Conflict { index, found } => panic!("write {index} conflicts with {found:?}"),
    }
}

async fn get(ledger: &dyn Ledger, now: Timestamp, key: &str) -> Option<Versioned> {
    let found = ledger.get(now, &Key::new(key)).await;
    found.unwrap_or_else(|error| panic!("get failed: {error}"))
}

/// What is written is what is read, whatever it holds.
async fn round_trip(ledger: Arc<dyn Ledger>) {
    let long = "k".repeat(Key::MAX_LEN - 11);
    let keys = ["plain", "100%_of", "it's \"odd\"", "a/b:c*?[", "ünï", &long];
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
async fn all_or_nothing(ledger: Arc<dyn Ledger>) {
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
        &*old.record.body, b"old",
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
async fn conflicts(ledger: Arc<dyn Ledger>) {
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
async fn fencing(ledger: Arc<dyn Ledger>) {
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
            seen.iter().all(|old| *old < version),
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
async fn expiry(ledger: Arc<dyn Ledger>) {
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
    assert!(versions[0] > first, "version {} after {first}", versions[0]);
}

/// The unfinished are listed in order, each once, in pages.
async fn pending(ledger: Arc<dyn Ledger>) {
    let mut wanted = Vec::new();
    for (at, phase) in Phase::ALL.iter().cycle().take(40).enumerate() {
        let key = format!("pend_%/{at:03}");
        done(&*ledger, &[put(&key, Expect::Absent, record(*phase, &[1]))]).await;
        if phase.unfinished() {
            wanted.push(key);
        }
    }
    // Neighbours that a pattern could take for the same prefix.
    for key in [
        "pend_",
        "pend_%",
        "pendX%/000",
        "pend_Y/000",
        "PEND_%/000",
        "pend_&/000",
    ] {
        done(
            &*ledger,
            &[put(key, Expect::Absent, record(Phase::Owed, &[]))],
        )
        .await;
    }
    for limit in [1, 3, 7, 100] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = ledger.pending(NOW, "pend_%/", cursor.as_ref(), limit).await;
            let page = page.unwrap_or_else(|error| panic!("pending failed: {error}"));
            assert!(
                page.records.len() <= limit,
                "a page has at most {limit} records"
            );
            found.extend(page.records.iter().map(|(key, _)| key.as_str().to_owned()));
            match page.next {
                None => break,
                next => cursor = next,
            }
            assert!(
                found.len() <= wanted.len(),
                "pages without an end: {found:?}"
            );
        }
        assert_eq!(found, wanted, "in pages of {limit}");
    }
}

/// What no backend can write is an error, and nothing is written.
async fn bad_writes(ledger: Arc<dyn Ledger>) {
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

/// Of many who want the same keys, one gets all of them.
async fn one_winner(ledger: Arc<dyn Ledger>) {
    for round in 0..20 {
        let tasks: Vec<_> = (0..8_usize)
            .map(|who| {
                let ledger = ledger.clone();
                thread::spawn(move || {
                    // In different orders, so that locks taken one by one would block each other.
                    let mut names = [0, 1, 2].map(|at| format!("winner/{round}/{at}"));
                    names.rotate_left(who % 3);
                    let mine = [u8::try_from(who).unwrap_or(0)];
                    let writes = names
                        .map(|name| put(&name, Expect::Absent, record(Phase::Reserved, &mine)));
                    let applied = block_on(ledger.apply(NOW, &writes));
                    matches!(applied, Ok(Applied::Done(_))).then_some(mine[0])
                })
            })
            .collect();
        let winners: Vec<u8> = tasks
            .into_iter()
            .filter_map(|task| task.join().expect("nobody panics"))
            .collect();
        assert_eq!(winners.len(), 1, "winners of round {round}: {winners:?}");
        for at in 0..3 {
            let found = get(&*ledger, NOW, &format!("winner/{round}/{at}")).await;
            assert_eq!(
                found.map(|it| it.record.body),
                Some(winners.clone().into()),
                "all keys are the winner's"
            );
        }
    }
}

/// Of many who count, no count is lost.
async fn no_lost_update(ledger: Arc<dyn Ledger>) {
    const EACH: u64 = 25;
    done(
        &*ledger,
        &[put(
            "count",
            Expect::Absent,
            record(Phase::Tally, &0_u64.to_be_bytes()),
        )],
    )
    .await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let ledger = ledger.clone();
            thread::spawn(move || block_on(async { count(&*ledger, EACH).await }))
        })
        .collect();
    for task in tasks {
        task.join().expect("nobody panics");
    }
    let found = get(&*ledger, NOW, "count")
        .await
        .expect("the count is there");
    assert_eq!(
        &*found.record.body,
        (4 * EACH).to_be_bytes(),
        "counts were lost"
    );
}

async fn count(ledger: &dyn Ledger, times: u64) {
    let mut left = times;
    while left > 0 {
        let found = get(ledger, NOW, "count").await.expect("the count is there");
        let old = u64::from_be_bytes(found.record.body[..8].try_into().expect("eight bytes"));
        let new = record(Phase::Tally, &(old + 1).to_be_bytes());
        let write = put("count", Expect::Version(found.version), new);
        if let Applied::Done(_) = apply(ledger, &[write]).await {
            left -= 1;
        }
    }
}
