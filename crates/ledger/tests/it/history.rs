//! Long histories of a ledger in Redis beside a model of it: what it answers, and what it counts.

use crate::servers::RedisName;
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Key, Ledger, Phase, Record, Write},
};
use http402_ledger::{
    Redis,
    conformance::block_on,
    remote::{Kind, RemoteError},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// What the store holds, read past the ledger.
struct Store<'a> {
    place: &'a RedisName,
    connection: redis::Connection,
}

impl<'a> Store<'a> {
    fn of(place: &'a RedisName) -> Self {
        let connection = place.connection();
        Self { place, connection }
    }

    fn name(&self, what: &str) -> String {
        format!("{{{}}}:{what}", self.place.name)
    }

    fn ask<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut self.connection).unwrap()
    }

    fn count(&mut self, field: &str) -> i64 {
        self.ask(&["HGET", &self.name("store"), field])
    }

    /// The counts and lists are those of the records that are there, passed or not. How many there are.
    fn is_exact(&mut self) -> u64 {
        let prefix = self.name("record:");
        let keys: Vec<String> = self.ask(&["KEYS", &format!("{prefix}*")]);
        let (mut names, mut open, mut bytes) = (Vec::new(), Vec::new(), 0);
        for key in &keys {
            let value: Vec<u8> = self.ask(&["GET", key]);
            let name = key.strip_prefix(&prefix).unwrap().to_owned();
            bytes += name.len() + value.len() - 64;
            if value[20] == b'1' {
                open.push(name.clone());
            }
            names.push(name);
        }
        names.sort();
        open.sort();
        let listed: Vec<String> = self.ask(&["ZRANGEBYLEX", &self.name("open"), "-", "+"]);
        assert_eq!(listed, open, "the unfinished");
        let mut listed: Vec<String> = self.ask(&["ZRANGE", &self.name("until"), "0", "-1"]);
        listed.sort();
        assert_eq!(listed, names, "whose end is known");
        assert_eq!(self.count("records"), i64::try_from(names.len()).unwrap());
        assert_eq!(self.count("bytes"), i64::try_from(bytes).unwrap());
        names.len() as u64
    }
}

/// What is there, by key.
type Model = BTreeMap<String, (u64, Record)>;

fn record(random: &mut Random, now: u64) -> Record {
    let phases = [
        Phase::Reserved,
        Phase::Owed,
        Phase::Undelivered,
        Phase::Settled,
        Phase::Tally,
    ];
    let end = match random.below(8) {
        0 => u64::MAX,
        1 => now + 10_000,
        _ => now + 1 + random.below(30),
    };
    Record {
        phase: phases[usize::try_from(random.below(5)).unwrap()],
        lease: None,
        keep_until: Timestamp::from_secs(end),
        body: vec![b'b'; usize::try_from(random.below(200)).unwrap()].into(),
    }
}

const MOST: u64 = 24;
const MOST_BYTES: u64 = 3000;

fn size(key: &str, record: &Record) -> u64 {
    (key.len() + record.body.len()) as u64
}

/// A step of one to three writes, most of which are possible.
fn step(random: &mut Random, now: u64, model: &Model) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for _ in 0..=random.below(3) {
        let key = format!("k{}", random.below(40));
        if writes.iter().any(|write| write.key.as_str() == key) {
            continue;
        }
        let live = model.get(&key).filter(|(_, it)| it.keep_until.secs() > now);
        let expect = match (live, random.below(20)) {
            (_, 0) => Expect::Absent,
            (_, 1) => Expect::Version(random.below(u64::MAX)),
            (None, _) => Expect::Absent,
            (Some((version, _)), _) => Expect::Version(*version),
        };
        let put = (random.below(5) > 0).then(|| record(random, now));
        let key = Key::new(key);
        writes.push(Write { key, expect, put });
    }
    writes
}

/// The first write whose expectation does not hold.
fn conflict(writes: &[Write], now: u64, model: &Model) -> Option<usize> {
    writes.iter().position(|write| {
        let found = model.get(write.key.as_str());
        let found = found.filter(|(_, it)| it.keep_until.secs() > now);
        let version = found.map(|(version, _)| *version);
        match write.expect {
            Expect::Absent => version.is_some(),
            Expect::Version(expected) => version != Some(expected),
        }
    })
}

/// Whether the writes have room when all that has passed is gone.
fn fits(writes: &[Write], now: u64, model: &Model) -> bool {
    let mut after: BTreeMap<&str, u64> = model
        .iter()
        .filter(|(_, (_, it))| it.keep_until.secs() > now)
        .map(|(key, (_, it))| (&**key, size(key, it)))
        .collect();
    let mut new = false;
    for write in writes {
        let key = write.key.as_str();
        match &write.put {
            None => drop(after.remove(key)),
            Some(put) => drop(after.insert(key, size(key, put))),
        }
        new |= write.expect == Expect::Absent && write.put.is_some();
    }
    !new || (after.len() as u64 <= MOST && after.values().sum::<u64>() <= MOST_BYTES)
}

#[test]
fn s12_histories_are_those_of_the_model_and_counts_stay_exact() {
    let Some(place) = RedisName::new() else {
        return;
    };
    // Two processes, as two ledgers choose versions apart from each other.
    let ledgers = [(), ()].map(|()| {
        let builder = place.builder().max_records(MOST).max_bytes(MOST_BYTES);
        place.with(builder).unwrap()
    });
    let mut store = Store::of(&place);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut model, mut now) = (Model::new(), 1_800_000_000);
    let mut seen: HashMap<String, HashSet<u64>> = HashMap::new();
    let (mut done, mut conflicts, mut full, mut lives) = (0, 0, 0, 0);
    for round in 0..6000 {
        now += u64::from(random.below(4) == 0);
        let ledger = &ledgers[usize::try_from(random.below(2)).unwrap()];
        let writes = step(&mut random, now, &model);
        let time = Timestamp::from_secs(now);
        match block_on(ledger.apply(time, &writes)) {
            Ok(Applied::Done(versions)) => {
                assert_eq!(conflict(&writes, now, &model), None, "{writes:?}");
                assert!(fits(&writes, now, &model), "{writes:?}");
                done += 1;
                for (write, version) in writes.into_iter().zip(versions) {
                    let key = write.key.as_str().to_owned();
                    let Some(put) = write.put else {
                        assert_eq!(version, 0);
                        model.remove(&key);
                        continue;
                    };
                    match write.expect {
                        Expect::Version(before) => assert_eq!(version, before + 1, "{key}"),
                        Expect::Absent => lives += 1,
                    }
                    let mine = seen.entry(key.clone()).or_default();
                    assert!(mine.insert(version), "{key} had version {version} before");
                    model.insert(key, (version, put));
                }
            }
            Ok(Applied::Conflict { index, found }) => {
                assert_eq!(conflict(&writes, now, &model), Some(index), "{writes:?}");
                conflicts += 1;
                let there = model.get(writes[index].key.as_str());
                let there = there.filter(|(_, it)| it.keep_until > time);
                assert_eq!(found.map(|it| (it.version, it.record)).as_ref(), there);
            }
            Err(why) => {
                assert!(why.is::<Full>(), "{why}");
                assert_eq!(conflict(&writes, now, &model), None, "{writes:?}");
                assert!(!fits(&writes, now, &model), "{writes:?}");
                full += 1;
            }
        }
        if round % 16 == 0 {
            let there = store.is_exact();
            let live = model.values().filter(|(_, it)| it.keep_until > time);
            assert!(there >= live.count() as u64, "nothing live is gone");
        }
    }
    store.is_exact();
    for (key, (version, wanted)) in &model {
        let now = Timestamp::from_secs(now);
        let found = block_on(ledgers[0].get(now, &Key::new(&**key))).unwrap();
        let found = found.map(|it| (it.version, it.record));
        let wanted = (wanted.keep_until > now).then(|| (*version, wanted.clone()));
        assert_eq!(found, wanted, "{key}");
    }
    // It has been everywhere.
    assert!(
        done > 2000 && conflicts > 400 && full > 300 && lives > 1000,
        "{done} {conflicts} {full} {lives}"
    );
}

fn put(key: &str, expect: Expect, end: u64) -> [Write; 1] {
    [crate::memory::write(key, expect, end, 40)]
}

fn made(ledger: &Redis, now: u64, writes: &[Write]) -> u64 {
    let applied = block_on(ledger.apply(Timestamp::from_secs(now), writes));
    let Ok(Applied::Done(versions)) = applied else {
        panic!("it is made: {applied:?}");
    };
    versions[0]
}

/// What has passed goes while others come, without being asked for room.
#[test]
fn what_has_passed_goes_by_itself() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let ledger = place.open();
    for at in 0..100 {
        made(
            &ledger,
            1000,
            &put(&format!("old{at}"), Expect::Absent, 2000),
        );
    }
    let mut store = Store::of(&place);
    assert_eq!(store.is_exact(), 100);
    // One creation in ten looks for 32 of them, as the versions fall: that fewer than four of 1000 do has a chance of 10^-40.
    for at in 0..1000 {
        made(
            &ledger,
            2000,
            &put(&format!("new{at}"), Expect::Absent, 9000),
        );
    }
    assert_eq!(store.is_exact(), 1000);
}

/// A store that somebody took away from under its records is not made again by a step, whatever it does.
#[test]
fn a_store_that_was_taken_away_grants_nothing() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let now = Timestamp::from_secs(1000);
    let ledger = place.open();
    let version = made(&ledger, 1000, &put("k", Expect::Absent, 9000));
    let mut store = Store::of(&place);
    let name = store.name("store");
    store.ask::<()>(&["DEL", &name]);
    let before: Vec<u8> = store.ask(&["GET", &store.name("record:k")]);
    let mut remove = put("k", Expect::Version(version), 0);
    remove[0].put = None;
    let mut same = put("k", Expect::Version(version), 9000);
    same[0].put.as_mut().unwrap().body = vec![7; 40].into();
    for writes in [
        put("new", Expect::Absent, 9000),
        put("k", Expect::Version(version), 8000),
        same,
        remove,
    ] {
        for _ in 0..2 {
            let error = block_on(ledger.apply(now, &writes)).unwrap_err();
            let error = error.downcast_ref::<RemoteError>().unwrap();
            assert_eq!(error.kind(), Kind::Lost, "{writes:?}");
            assert!(!store.ask::<bool>(&["EXISTS", &name]));
        }
    }
    let after: Vec<u8> = store.ask(&["GET", &store.name("record:k")]);
    assert_eq!(after, before);
    assert_eq!(block_on(ledger.get(now, &Key::new("new"))).unwrap(), None);
}

/// Former versions of this crate count versions in the store, and may run beside this one: no version comes twice, and the
/// counts are those of both.
#[test]
fn those_who_count_in_the_store_may_go_on_beside_it() {
    let Some(place) = RedisName::new() else {
        return;
    };
    let ledger = place.open();
    let mut store = Store::of(&place);
    let (counts, at) = (store.name("store"), store.name("record:k"));
    let mut version = made(&ledger, 1000, &put("k", Expect::Absent, 9000));
    let mut seen = HashSet::from([version]);
    for round in 0..100 {
        if round % 3 == 0 {
            // As they do it: the next number of all, over the record with the version that is there.
            let next: u64 = store.ask(&["HINCRBY", &counts, "last", "1"]);
            let value: Vec<u8> = store.ask(&["GET", &at]);
            assert_eq!(value[..20], *format!("{version:020}").as_bytes());
            store.ask::<()>(&["SETRANGE", &at, "0", &format!("{next:020}")]);
            version = next;
        } else {
            version = made(&ledger, 1000, &put("k", Expect::Version(version), 9000));
        }
        assert!(seen.insert(version), "version {version} comes again");
    }
    store.is_exact();
}
