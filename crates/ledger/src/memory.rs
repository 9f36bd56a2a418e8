use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Key, Ledger, Page, Record, Versioned, Write},
    seam::{Boxed, SeamError},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
    ops::Bound,
    sync::PoisonError,
};

// In the tests of this module a scheduler says who gets the lock.
#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can not go on may panic")]
mod tests;

/// A ledger in memory: for tests, demonstrations, and sellers of one process who can bear to forget on a restart.
///
/// It is bounded. Records are removed when their time to be kept has passed, never before: a full store refuses what is new.
pub struct Memory {
    most: usize,
    most_bytes: usize,
    /// Hashes keys, whose parts strangers choose.
    seed: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: HashMap<Name, Versioned, BuildHasherDefault<Given>>,
    /// The keys of those that are unfinished, in order.
    unfinished: BTreeSet<Key>,
    /// The keys by the end of their time and their version, which no two have in common. What is kept for ever is not among them.
    ends: BTreeMap<(Timestamp, u64), Name>,
    bytes: usize,
    /// One count for all keys: no version comes twice, whatever was removed.
    version: u64,
}

/// A key with its hash, which is made once for all that a call looks up.
#[derive(Clone, PartialEq, Eq)]
struct Name {
    hash: u64,
    key: Key,
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes the hash that a [`Name`] brings.
#[derive(Default)]
struct Given(u64);

impl Hasher for Given {
    fn write(&mut self, bytes: &[u8]) {
        // A name writes nothing but a u64.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Memory")
            .field("records", &state.records.len())
            .field("bytes", &state.bytes)
            .finish_non_exhaustive()
    }
}

/// What a record takes at most, about: its key (of which copies share the text, unless its writers have made their own), its
/// body, and the trees around it.
fn size(key: &Key, record: &Record) -> usize {
    2 * key.as_str().len() + record.body.len() + 192
}

impl State {
    fn remove(&mut self, name: &Name) {
        if let Some(old) = self.records.remove(name) {
            let key = &name.key;
            self.bytes -= size(key, &old.record);
            self.ends.remove(&(old.record.keep_until, old.version));
            if old.record.phase.unfinished() {
                self.unfinished.remove(key);
            }
        }
    }

    fn insert(&mut self, name: &Name, new: Versioned) {
        let key = &name.key;
        let (end, version) = (new.record.keep_until, new.version);
        let unfinished = new.record.phase.unfinished();
        self.bytes += size(key, &new.record);
        let mut was = false;
        match self.records.get_mut(name) {
            Some(found) => {
                let old = std::mem::replace(found, new);
                self.bytes -= size(key, &old.record);
                self.ends.remove(&(old.record.keep_until, old.version));
                was = old.record.phase.unfinished();
            }
            None => {
                self.records.insert(name.clone(), new);
            }
        }
        if end != Timestamp::MAX {
            self.ends.insert((end, version), name.clone());
        }
        match (was, unfinished) {
            (false, true) => {
                self.unfinished.insert(key.clone());
            }
            (true, false) => {
                self.unfinished.remove(key);
            }
            _ => {}
        }
    }

    fn live(&self, now: Timestamp, name: &Name) -> Option<&Versioned> {
        self.records
            .get(name)
            .filter(|found| found.record.keep_until > now)
    }

    /// Removes what has passed, a few at a time: no call pays for all of it.
    fn purge(&mut self, now: Timestamp, most: usize) {
        for _ in 0..most {
            match self.ends.first_key_value() {
                Some(((end, _), name)) if *end <= now => {
                    let name = name.clone();
                    self.remove(&name);
                }
                _ => return,
            }
        }
    }
}

impl Memory {
    /// A ledger with room for 100 000 records and 256 MiB.
    pub fn new() -> Self {
        Self::with_room(100_000, 256 << 20)
    }

    /// A ledger with room for so many records, and so many bytes, keys and bookkeeping included.
    pub fn with_room(records: usize, bytes: usize) -> Self {
        Self {
            most: records,
            most_bytes: bytes,
            seed: RandomState::new(),
            state: Mutex::default(),
        }
    }

    /// How many records it holds, those included whose time has passed and which are not removed yet.
    pub fn len(&self) -> usize {
        self.state().records.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, key: &Key) -> Name {
        Name {
            hash: self.seed.hash_one(key),
            key: key.clone(),
        }
    }

    fn change(&self, now: Timestamp, writes: &[Write]) -> Result<Applied, SeamError> {
        crate::check(writes)?;
        let names: Vec<Name> = writes.iter().map(|write| self.name(&write.key)).collect();
        let named = || names.iter().zip(writes);
        let mut state = self.state();
        for (index, (name, write)) in named().enumerate() {
            let found = state.live(now, name);
            let holds = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found.is_some_and(|found| found.version == version),
            };
            if !holds {
                let found = found.cloned();
                return Ok(Applied::Conflict { index, found });
            }
        }
        state.purge(now, 8);
        if !self.fits(&state, named()) {
            state.purge(now, usize::MAX);
            if !self.fits(&state, named()) {
                return Err(Full.into());
            }
        }
        let mut versions = Vec::with_capacity(writes.len());
        for (name, write) in named() {
            match &write.put {
                None => {
                    state.remove(name);
                    versions.push(0);
                }
                Some(record) => {
                    state.version += 1;
                    let version = state.version;
                    let record = record.clone();
                    state.insert(name, Versioned { version, record });
                    versions.push(version);
                }
            }
        }
        Ok(Applied::Done(versions))
    }

    /// Whether there is room after the writes. What makes nothing larger always fits: an outcome of what is reserved must not
    /// fail for want of room, so finishing a record that is there may go over the bytes.
    fn fits<'a>(&self, state: &State, writes: impl Iterator<Item = (&'a Name, &'a Write)>) -> bool {
        let (mut records, mut bytes) = (state.records.len(), state.bytes);
        let mut new = false;
        for (name, write) in writes {
            let old = state.records.get(name);
            if let Some(old) = old {
                records -= 1;
                bytes -= size(&write.key, &old.record);
            }
            if let Some(record) = &write.put {
                records += 1;
                bytes += size(&write.key, record);
                new |= write.expect == Expect::Absent;
            }
        }
        !new || (records <= self.most && bytes <= self.most_bytes)
    }
}

impl Ledger for Memory {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move { self.change(now, writes) })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move { Ok(self.state().live(now, &self.name(key)).cloned()) })
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            let first = Key::new(prefix);
            let from = match cursor {
                Some(cursor) if *cursor >= first => Bound::Excluded(cursor),
                _ => Bound::Included(&first),
            };
            let state = self.state();
            let mut found = state
                .unfinished
                .range::<Key, _>((from, Bound::Unbounded))
                .take_while(|key| key.as_str().starts_with(prefix))
                .filter_map(|key| Some((key, state.live(now, &self.name(key))?)));
            let records: Vec<_> = found
                .by_ref()
                .take(limit)
                .map(|(key, found)| (key.clone(), found.clone()))
                .collect();
            let more = found.next().is_some();
            let next = records.last().filter(|_| more).map(|(key, _)| key.clone());
            Ok(Page { records, next })
        })
    }
}
