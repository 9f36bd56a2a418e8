use crate::memory::write;
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger},
};
use http402_ledger::{
    Sqlite,
    conformance::{CHECKS, block_on, bounded},
    sqlite::Kind,
};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1000);

#[test]
fn it_conforms() {
    let folder = tempfile::tempdir().unwrap();
    for (name, check) in CHECKS {
        println!("{name}");
        let ledger = Sqlite::open(folder.path().join(name)).unwrap();
        block_on(check(Arc::new(ledger)));
    }
}

#[test]
fn s12_it_is_bounded_and_evicts_nothing_live() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Sqlite::builder()
        .max_records(3)
        .open(folder.path().join("l"))
        .unwrap();
    block_on(bounded(Arc::new(ledger), 3));
}

#[test]
fn two_that_have_the_file_open_see_and_fence_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l");
    let (one, two) = (Sqlite::open(&path).unwrap(), Sqlite::open(&path).unwrap());
    let mut versions = Vec::<u64>::new();
    for at in 0..20 {
        let (first, second) = if at % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        let key = format!("k{at}");
        let Ok(Applied::Done(done)) =
            block_on(first.apply(NOW, &[write(&key, Expect::Absent, 2000, 4)]))
        else {
            panic!("a free key is taken");
        };
        versions.extend(&done);
        let late = block_on(second.apply(NOW, &[write(&key, Expect::Absent, 2000, 4)])).unwrap();
        assert!(matches!(late, Applied::Conflict { .. }), "{late:?}");
        assert_eq!(
            block_on(second.get(NOW, &Key::new(&*key)))
                .unwrap()
                .unwrap()
                .version,
            done[0]
        );
    }
    assert!(
        versions.is_sorted() && versions.windows(2).all(|pair| pair[0] != pair[1]),
        "{versions:?}"
    );
}

#[test]
fn it_remembers_after_closing_versions_included() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l");
    let ledger = Sqlite::open(&path).unwrap();
    let Ok(Applied::Done(first)) =
        block_on(ledger.apply(NOW, &[write("a", Expect::Absent, 2000, 4)]))
    else {
        panic!("written");
    };
    let mut gone = write("a", Expect::Version(first[0]), 2000, 4);
    gone.put = None;
    block_on(ledger.apply(NOW, &[gone])).unwrap();
    block_on(ledger.apply(NOW, &[write("b", Expect::Absent, 2000, 4)])).unwrap();
    drop(ledger);
    let ledger = Sqlite::open(&path).unwrap();
    assert!(block_on(ledger.get(NOW, &Key::new("b"))).unwrap().is_some());
    let Ok(Applied::Done(again)) =
        block_on(ledger.apply(NOW, &[write("a", Expect::Absent, 2000, 4)]))
    else {
        panic!("written again");
    };
    assert!(again[0] > first[0] + 1);
}

#[cfg(unix)]
#[test]
fn s84_the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let ledger = Sqlite::open(folder.path().join("l")).unwrap();
    block_on(ledger.apply(NOW, &[write("a", Expect::Absent, 2000, 4)])).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert!(files.len() >= 2, "the file and its log");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn files_of_others_and_of_later_versions_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &std::path::Path| Sqlite::open(path).map(drop).unwrap_err().kind();
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "this is no database, and it is long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let before = std::fs::read(&text).unwrap();
    assert_eq!(kind(&text), Kind::Foreign);
    assert_eq!(std::fs::read(&text).unwrap(), before);

    let other = folder.path().join("other");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE mine (a); PRAGMA user_version = 1")
        .unwrap();
    drop(connection);
    assert_eq!(kind(&other), Kind::Foreign);

    let newer = folder.path().join("newer");
    drop(Sqlite::open(&newer).unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    assert_eq!(kind(&newer), Kind::Newer);
    assert_eq!(kind(&folder.path().join("no/such/folder")), Kind::File);
}
