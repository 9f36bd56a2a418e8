//! What threads see of each other, in every order that a scheduler can choose: it is as if each call was made at one instant
//! between its beginning and its end.

use super::*;
use http402_core::{Bytes, ledger::Phase};
use shuttle::{rand::Rng, thread};
use std::{
    collections::{HashMap as Map, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

const NOW: Timestamp = Timestamp::from_secs(1000);

/// How many schedules are tried: more when `HTTP402_ROUNDS` says so.
fn rounds(few: usize) -> usize {
    let more = std::env::var("HTTP402_ROUNDS").ok();
    few * more.map_or(1, |more| more.parse().unwrap())
}

/// What a thread asked, and what it was told.
#[derive(Clone, Debug)]
enum Call {
    Apply(Vec<Write>, Applied),
    Get(Key, Option<Versioned>),
    Pending(Vec<(Key, Versioned)>),
}

/// A call with the times of its beginning and its end.
#[derive(Clone, Debug)]
struct Event {
    from: usize,
    to: usize,
    call: Call,
}

/// A future of this ledger is never waited for.
fn now<T>(mut future: Boxed<'_, T>) -> T {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory does not wait"),
    }
}

/// The ledger as it is meant: one call after the other.
#[derive(Clone, Default)]
struct Model {
    records: BTreeMap<Key, Versioned>,
    used: HashSet<u64>,
}

impl Model {
    /// What it is after the call, if the call can have gone like this.
    fn after(&self, call: &Call) -> Option<Self> {
        match call {
            Call::Get(key, found) => {
                (self.records.get(key) == found.as_ref()).then(|| self.clone())
            }
            Call::Pending(all) => {
                let open = self.records.iter();
                let open = open.filter(|(_, found)| found.record.phase.unfinished());
                let same = open.eq(all.iter().map(|(key, found)| (key, found)));
                same.then(|| self.clone())
            }
            Call::Apply(writes, applied) => {
                let conflict = writes.iter().position(|write| {
                    let version = self.records.get(&write.key).map(|found| found.version);
                    match write.expect {
                        Expect::Absent => version.is_some(),
                        Expect::Version(expected) => version != Some(expected),
                    }
                });
                match (applied, conflict) {
                    (Applied::Done(versions), None) => self.made(writes, versions),
                    (Applied::Conflict { index, found }, Some(first)) => {
                        let there = self.records.get(&writes[*index].key);
                        (*index == first && there == found.as_ref()).then(|| self.clone())
                    }
                    _ => None,
                }
            }
        }
    }

    fn made(&self, writes: &[Write], versions: &[u64]) -> Option<Self> {
        let mut after = self.clone();
        for (write, version) in writes.iter().zip(versions) {
            match write.put.clone() {
                None => drop(after.records.remove(&write.key)),
                Some(record) => {
                    if !after.used.insert(*version) {
                        return None;
                    }
                    let version = *version;
                    let new = Versioned { version, record };
                    after.records.insert(write.key.clone(), new);
                }
            }
        }
        Some(after)
    }
}

/// Whether there is an order of the calls, each after those that had ended before it began, that the model explains.
fn linearizable(model: &Model, left: &[Event]) -> bool {
    let Some(first_end) = left.iter().map(|event| event.to).min() else {
        return true;
    };
    left.iter().enumerate().any(|(at, event)| {
        event.from < first_end
            && model.after(&event.call).is_some_and(|after| {
                let mut rest = left.to_vec();
                rest.remove(at);
                linearizable(&after, &rest)
            })
    })
}

const KEYS: [&str; 2] = ["a", "b"];

fn some_write(key: &str, known: &Map<&str, u64>, body: u64) -> Write {
    let mut random = shuttle::rand::thread_rng();
    let expect = match known.get(key) {
        Some(version) if random.gen_bool(0.9) => Expect::Version(*version),
        _ => Expect::Absent,
    };
    let phases = [Phase::Reserved, Phase::Owed, Phase::Settled];
    let put = random.gen_bool(0.8).then(|| Record {
        phase: phases[random.gen_range(0..3)],
        lease: None,
        keep_until: Timestamp::MAX,
        body: Bytes::copy_from_slice(&body.to_be_bytes()),
    });
    Write {
        key: Key::new(key),
        expect,
        put,
    }
}

/// Makes calls that a random choice of the scheduler's picks, each with what the thread has learnt by the ones before.
fn calls(ledger: &Memory, clock: &AtomicUsize, who: usize, count: usize) -> Vec<Event> {
    let mut known = Map::new();
    let mut events = Vec::new();
    for at in 0..count {
        let mut random = shuttle::rand::thread_rng();
        let choice = random.gen_range(0..8);
        let key = KEYS[random.gen_range(0..2)];
        let body = (who * 100 + at) as u64;
        let from = clock.fetch_add(1, Ordering::SeqCst);
        let call = match choice {
            0 => Call::Pending(now(ledger.pending(NOW, "", None, 10)).unwrap().records),
            1 | 2 => {
                let found = now(ledger.get(NOW, &Key::new(key))).unwrap();
                match &found {
                    Some(found) => known.insert(key, found.version),
                    None => known.remove(key),
                };
                Call::Get(Key::new(key), found)
            }
            _ => {
                let keys = if choice < 5 { &KEYS[..] } else { &[key][..] };
                let writes: Vec<_> = keys
                    .iter()
                    .map(|key| some_write(key, &known, body))
                    .collect();
                let applied = now(ledger.apply(NOW, &writes)).unwrap();
                match &applied {
                    Applied::Done(versions) => {
                        for (key, version) in keys.iter().zip(versions) {
                            known.insert(key, *version);
                        }
                        known.retain(|_, version| *version != 0);
                    }
                    Applied::Conflict { index, found } => {
                        match found {
                            Some(found) => known.insert(keys[*index], found.version),
                            None => known.remove(keys[*index]),
                        };
                    }
                }
                Call::Apply(writes, applied)
            }
        };
        let to = clock.fetch_add(1, Ordering::SeqCst);
        events.push(Event { from, to, call });
    }
    events
}

/// One history of threads that make so many calls each.
fn history(threads: usize, count: usize) {
    let ledger = Arc::new(Memory::new());
    let clock = Arc::new(AtomicUsize::new(0));
    let running: Vec<_> = (0..threads)
        .map(|who| {
            let (ledger, clock) = (ledger.clone(), clock.clone());
            thread::spawn(move || calls(&ledger, &clock, who, count))
        })
        .collect();
    let events: Vec<_> = running
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert!(
        linearizable(&Model::default(), &events),
        "no order explains {events:#?}"
    );
}

#[test]
fn two_threads_see_one_order() {
    shuttle::check_random(|| history(2, 5), rounds(2000));
}

#[test]
fn three_threads_see_one_order() {
    shuttle::check_pct(|| history(3, 4), rounds(1000), 3);
    shuttle::check_random(|| history(3, 4), rounds(1000));
}

/// The check itself finds what can not have been.
#[test]
fn two_winners_and_a_look_into_the_past_have_no_order() {
    let record = |body: &[u8]| Record {
        phase: Phase::Reserved,
        lease: None,
        keep_until: Timestamp::MAX,
        body: Bytes::copy_from_slice(body),
    };
    let take = |from, to, version: u64| Event {
        from,
        to,
        call: Call::Apply(
            vec![Write {
                key: Key::new("a"),
                expect: Expect::Absent,
                put: Some(record(b"")),
            }],
            Applied::Done(vec![version]),
        ),
    };
    let get = |from, to, found| Event {
        from,
        to,
        call: Call::Get(Key::new("a"), found),
    };
    let found = Versioned {
        version: 1,
        record: record(b""),
    };
    let good = [take(0, 3, 1), get(1, 2, None), get(4, 5, Some(found))];
    assert!(linearizable(&Model::default(), &good));
    let winners = [take(0, 2, 1), take(1, 3, 2)];
    assert!(!linearizable(&Model::default(), &winners));
    let past = [take(0, 1, 1), get(2, 3, None)];
    assert!(!linearizable(&Model::default(), &past));
}
