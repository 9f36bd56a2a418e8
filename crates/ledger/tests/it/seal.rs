use crate::memory::write;
use http402_core::{
    B256, Bytes, Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Page, Record, Versioned, Write},
    seam::{Boxed, Entropy, SeamError},
};
use http402_ledger::{
    Memory, Sealed, Sqlite,
    conformance::{CHECKS, block_on, bounded},
    seal::{Kind, Ring, SealError},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const NOW: Timestamp = Timestamp::from_secs(1000);
const ONE: [u8; 32] = [1; 32];
const TWO: [u8; 32] = [2; 32];

/// Never the same twice in this process, which is enough for a test.
struct Count(AtomicU64);

impl Entropy for Count {
    fn bytes32(&self) -> B256 {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        B256::right_padding_from(&number.to_be_bytes())
    }
}

fn entropy() -> Arc<dyn Entropy> {
    static SHARED: AtomicU64 = AtomicU64::new(1);
    Arc::new(Count(AtomicU64::new(
        SHARED.fetch_add(1 << 32, Ordering::Relaxed),
    )))
}

/// A ledger that tests look into beside the one that seals.
#[derive(Clone)]
struct Shared(Arc<Memory>);

impl Ledger for Shared {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        self.0.apply(now, writes)
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        self.0.get(now, key)
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        self.0.pending(now, prefix, cursor, limit)
    }
}

fn shared() -> Shared {
    Shared(Arc::new(Memory::new()))
}

fn sealed(within: &Shared, ring: Ring) -> Sealed<Shared> {
    Sealed::new(within.clone(), ring, entropy())
}

fn put(ledger: &dyn Ledger, key: &str) {
    let applied = block_on(ledger.apply(NOW, &[write(key, Expect::Absent, 9000, 40)]));
    assert!(matches!(applied, Ok(Applied::Done(_))), "{applied:?}");
}

fn body(ledger: &dyn Ledger, key: &str) -> Result<Bytes, Kind> {
    match block_on(ledger.get(NOW, &Key::new(key))) {
        Ok(found) => Ok(found.unwrap().record.body),
        Err(error) => Err(error.downcast_ref::<SealError>().unwrap().kind()),
    }
}

#[test]
fn it_conforms_over_memory_and_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = Sqlite::open(folder.path().join("ledger")).unwrap();
    let ring = || Ring::new(&ONE).former(&TWO);
    let all: [Arc<dyn Ledger>; 2] = [
        Arc::new(Sealed::new(Memory::new(), ring(), entropy())),
        Arc::new(Sealed::new(file, ring(), entropy())),
    ];
    for ledger in all {
        for (name, check) in CHECKS {
            println!("{name}");
            block_on(check(ledger.clone()));
        }
    }
    let small = Sealed::new(Memory::with_room(3, 1 << 20), ring(), entropy());
    block_on(bounded(Arc::new(small), 3));
}

#[test]
fn the_store_does_not_see_what_is_in_a_body() {
    let store = shared();
    let ledger = sealed(&store, Ring::new(&ONE));
    put(&ledger, "a");
    let plain = body(&ledger, "a").unwrap();
    let stored = body(&store, "a").unwrap();
    assert_eq!(plain.len(), 40);
    assert_eq!(stored.len(), 40 + 4 + 4 + 24 + 16);
    assert!(
        !stored
            .windows(8)
            .any(|part| plain.windows(8).any(|it| it == part))
    );
    put(&ledger, "b");
    assert_ne!(body(&store, "b").unwrap(), stored, "no nonce comes twice");
    assert!(!format!("{:?}", Ring::new(&ONE)).contains("1, 1"));
}

#[test]
fn keys_are_changed_one_after_the_other() {
    let store = shared();
    put(&sealed(&store, Ring::new(&ONE)), "old");
    let both = sealed(&store, Ring::new(&TWO).former(&ONE));
    put(&both, "new");
    assert!(body(&both, "old").is_ok() && body(&both, "new").is_ok());
    let new = sealed(&store, Ring::new(&TWO));
    assert_eq!(body(&new, "old"), Err(Kind::UnknownKey));
    assert!(body(&new, "new").is_ok());
}

/// Every way to come to a record fails closed: get, the list, and a conflict.
#[test]
fn another_key_is_an_error_and_nothing_is_written() {
    let store = shared();
    put(&sealed(&store, Ring::new(&ONE)), "a");
    let other = sealed(&store, Ring::new(&TWO));
    assert_eq!(body(&other, "a"), Err(Kind::UnknownKey));
    let listed = block_on(other.pending(NOW, "", None, 9)).unwrap_err();
    let again = [write("a", Expect::Absent, 9000, 40)];
    let conflict = block_on(other.apply(NOW, &again)).unwrap_err();
    for error in [listed, conflict] {
        let kind = error.downcast_ref::<SealError>().map(SealError::kind);
        assert_eq!(kind, Some(Kind::UnknownKey));
    }
}

/// One changed bit anywhere, a body cut short, and the body of another record.
#[test]
fn what_was_changed_or_moved_is_an_error() {
    let store = shared();
    let ledger = sealed(&store, Ring::new(&ONE));
    put(&ledger, "a");
    let stored = block_on(store.get(NOW, &Key::new("a"))).unwrap().unwrap();
    let plant = |key: &str, body: &[u8]| {
        let record = Record {
            body: Bytes::copy_from_slice(body),
            ..stored.record.clone()
        };
        let write = Write {
            key: Key::new(key),
            expect: Expect::Absent,
            put: Some(record),
        };
        let applied = block_on(store.apply(NOW, &[write]));
        assert!(matches!(applied, Ok(Applied::Done(_))));
    };
    plant("moved", &stored.record.body);
    assert_eq!(body(&ledger, "moved"), Err(Kind::Forged));
    let fresh = shared();
    for at in 0..stored.record.body.len() {
        let store = fresh.clone();
        let ledger = sealed(&store, Ring::new(&ONE));
        let mut bytes = stored.record.body.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let mut record = stored.record.clone();
        record.body = bytes.into();
        let key = Key::new("a");
        let version = block_on(store.get(NOW, &key)).unwrap().map(|it| it.version);
        let write = Write {
            key,
            expect: version.map_or(Expect::Absent, Expect::Version),
            put: Some(record),
        };
        let applied = block_on(store.apply(NOW, &[write]));
        assert!(matches!(applied, Ok(Applied::Done(_))));
        let wanted = match at {
            0..4 => Kind::Unsealed,
            4..8 => Kind::UnknownKey,
            _ => Kind::Forged,
        };
        assert_eq!(body(&ledger, "a"), Err(wanted), "byte {at}");
    }
    for length in [4, 8, 32, 40, stored.record.body.len() - 1] {
        let key = format!("cut{length}");
        plant(&key, &stored.record.body[..length]);
        assert_eq!(body(&ledger, &key), Err(Kind::Forged), "{length} bytes");
    }
}

#[test]
fn a_store_that_was_begun_without_keys_is_read_where_that_is_allowed() {
    let store = shared();
    put(&store, "plain");
    assert_eq!(
        body(&sealed(&store, Ring::new(&ONE)), "plain"),
        Err(Kind::Unsealed)
    );
    let lenient = sealed(&store, Ring::new(&ONE).also_unsealed());
    assert_eq!(body(&lenient, "plain"), body(&store, "plain"));
    put(&lenient, "new");
    assert_ne!(
        body(&lenient, "new"),
        body(&store, "new"),
        "what is new is sealed"
    );
}
