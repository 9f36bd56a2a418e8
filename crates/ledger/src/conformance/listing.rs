//! The list of the unfinished.

use super::*;

/// The unfinished are listed in order, each once, in pages.
pub(super) async fn pending(ledger: Arc<dyn Ledger>) {
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

/// All keys of a listing in pages of this size.
async fn list(ledger: &dyn Ledger, prefix: &str, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = None;
    for _ in 0..10_000 {
        let page = ledger.pending(NOW, prefix, cursor.as_ref(), limit).await;
        let page = page.unwrap_or_else(|error| panic!("pending failed: {error}"));
        found.extend(page.records.iter().map(|(key, _)| key.as_str().to_owned()));
        match page.next {
            None => return found,
            next => cursor = next,
        }
    }
    panic!("pages without an end");
}

/// A prefix is text, whatever it means to a pattern; and each has an end, whatever its last letter is.
pub(super) async fn patterns(ledger: Arc<dyn Ledger>) {
    let odd = [
        "%",
        "_",
        "*",
        "?",
        "[a-z]",
        "[^a]",
        "\\",
        "^",
        "$",
        ".*",
        "{a}",
        "'",
        "\"",
        ":",
        " ",
        "a",
        "A",
        "ü",
        "\u{d7ff}",
        "\u{10ffff}",
        "a\u{10ffff}",
    ];
    for odd in odd {
        for at in 0..3 {
            let key = format!("pattern/{odd}{at}");
            done(
                &*ledger,
                &[put(&key, Expect::Absent, record(Phase::Owed, b""))],
            )
            .await;
        }
    }
    // A prefix may be one of another.
    let mut all: Vec<_> = odd
        .iter()
        .flat_map(|odd| (0..3).map(move |at| format!("pattern/{odd}{at}")))
        .collect();
    all.sort();
    for odd in odd {
        let prefix = format!("pattern/{odd}");
        let wanted: Vec<_> = all
            .iter()
            .filter(|key| key.starts_with(&prefix))
            .cloned()
            .collect();
        for limit in [2, 1000] {
            assert_eq!(
                list(&*ledger, &prefix, limit).await,
                wanted,
                "under {prefix}"
            );
        }
    }
    assert_eq!(list(&*ledger, "pattern/", 7).await, all);
    assert_eq!(
        list(&*ledger, "pattern/nothing", 7).await,
        Vec::<String>::new()
    );
    let everything = list(&*ledger, "", 50).await;
    assert!(
        all.iter().all(|key| everything.contains(key)),
        "the empty prefix is one of all"
    );
}

/// A scan goes on though the record at its cursor is gone, and sees no record twice.
pub(super) async fn changing(ledger: Arc<dyn Ledger>) {
    let name = |at: usize| format!("changing/{at:02}");
    for at in 0..20 {
        done(
            &*ledger,
            &[put(&name(at), Expect::Absent, record(Phase::Unknown, b""))],
        )
        .await;
    }
    let (mut cursor, mut seen) = (None, Vec::new());
    for _ in 0..1000 {
        let page = ledger.pending(NOW, "changing/", cursor.as_ref(), 3).await;
        let page = page.unwrap_or_else(|error| panic!("pending failed: {error}"));
        for (key, found) in page.records {
            let expect = Expect::Version(found.version);
            let write = match seen.len() % 2 {
                0 => remove(key.as_str(), expect),
                _ => put(key.as_str(), expect, record(Phase::Settled, b"")),
            };
            done(&*ledger, &[write]).await;
            seen.push(key.as_str().to_owned());
        }
        match page.next {
            None => break,
            next => cursor = next,
        }
    }
    let all: Vec<_> = (0..20).map(name).collect();
    assert_eq!(seen, all, "each once, in order");
    assert_eq!(list(&*ledger, "changing/", 3).await, Vec::<String>::new());
}
