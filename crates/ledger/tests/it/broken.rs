//! The kit finds ledgers that break the contract.

use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger, Page, Versioned, Write},
    seam::{Boxed, SeamError},
};
use http402_ledger::{
    Memory,
    conformance::{CHECKS, block_on},
};
use std::{
    collections::HashMap,
    panic::catch_unwind,
    sync::{Arc, Mutex},
};

/// How it is broken.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// Writes are made one by one.
    Piecemeal,
    /// Conflicts are not looked for.
    Overwrites,
    /// All versions are one.
    ReusesVersions,
    /// The versions of a key that was removed, or had passed, come again.
    BeginsAgain,
    /// What has passed is still read.
    NeverForgets,
    /// The last of a page is left out.
    SkipsOne,
    /// The prefix is taken for a shorter one.
    LoosePrefix,
    /// The end of time is cut to a signed number.
    CutsTime,
}

struct Broken {
    how: Break,
    memory: Memory,
    /// The version before the first of the present life of each key.
    begun: Mutex<HashMap<Key, u64>>,
}

impl Broken {
    fn new(how: Break) -> Self {
        Self {
            how,
            memory: Memory::new(),
            begun: Mutex::default(),
        }
    }

    /// A version as it is shown: counted from the beginning of the key's present life.
    fn show(&self, key: &Key, found: &mut Versioned) {
        if matches!(self.how, Break::BeginsAgain) {
            let begun = self.begun.lock().unwrap();
            found.version -= begun.get(key).copied().unwrap_or(0);
        }
    }

    fn begin_again(&self, now: Timestamp, writes: &[Write]) -> Result<Applied, SeamError> {
        let mut begun = self.begun.lock().unwrap();
        let mut real = writes.to_vec();
        for write in &mut real {
            if let Expect::Version(version) = &mut write.expect {
                *version += begun.get(&write.key).copied().unwrap_or(0);
            }
        }
        match block_on(self.memory.apply(now, &real))? {
            Applied::Done(mut versions) => {
                for (write, version) in writes.iter().zip(&mut versions) {
                    if write.put.is_some() && write.expect == Expect::Absent {
                        begun.insert(write.key.clone(), *version - 1);
                    }
                    if write.put.is_some() {
                        *version -= begun.get(&write.key).copied().unwrap_or(0);
                    }
                }
                Ok(Applied::Done(versions))
            }
            Applied::Conflict { index, mut found } => {
                let key = &writes[index].key;
                if let Some(found) = &mut found {
                    found.version -= begun.get(key).copied().unwrap_or(0);
                }
                Ok(Applied::Conflict { index, found })
            }
        }
    }
}

impl Ledger for Broken {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            match self.how {
                Break::Piecemeal => {
                    let mut versions = Vec::new();
                    for (index, write) in writes.iter().enumerate() {
                        match self.memory.apply(now, std::slice::from_ref(write)).await? {
                            Applied::Done(version) => versions.extend(version),
                            Applied::Conflict { found, .. } => {
                                return Ok(Applied::Conflict { index, found });
                            }
                        }
                    }
                    Ok(Applied::Done(versions))
                }
                Break::Overwrites => {
                    let mut writes = writes.to_vec();
                    for write in &mut writes {
                        let found = self.memory.get(now, &write.key).await?;
                        write.expect =
                            found.map_or(Expect::Absent, |found| Expect::Version(found.version));
                    }
                    self.memory.apply(now, &writes).await
                }
                Break::BeginsAgain => self.begin_again(now, writes),
                Break::CutsTime => {
                    let mut writes = writes.to_vec();
                    for record in writes.iter_mut().filter_map(|write| write.put.as_mut()) {
                        record.keep_until =
                            record.keep_until.min(Timestamp::from_secs(u64::MAX >> 1));
                    }
                    self.memory.apply(now, &writes).await
                }
                _ => self.memory.apply(now, writes).await,
            }
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            let now = match self.how {
                Break::NeverForgets => Timestamp::from_secs(0),
                _ => now,
            };
            let mut found = self.memory.get(now, key).await?;
            if let (Break::ReusesVersions, Some(found)) = (self.how, &mut found) {
                found.version = 1;
            }
            if let Some(found) = &mut found {
                self.show(key, found);
            }
            Ok(found)
        })
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            let prefix = match self.how {
                Break::LoosePrefix => &prefix[..prefix.len() - 2],
                _ => prefix,
            };
            let mut page = self.memory.pending(now, prefix, cursor, limit).await?;
            if matches!(self.how, Break::SkipsOne) && page.next.is_none() {
                page.records.pop();
            }
            for (key, found) in &mut page.records {
                self.show(key, found);
            }
            Ok(page)
        })
    }
}

#[test]
fn the_kit_finds_each_way_to_be_wrong() {
    for how in [
        Break::Piecemeal,
        Break::Overwrites,
        Break::ReusesVersions,
        Break::BeginsAgain,
        Break::NeverForgets,
        Break::SkipsOne,
        Break::LoosePrefix,
        Break::CutsTime,
    ] {
        // Others may go on for ever on a ledger like that one.
        let fencing = matches!(how, Break::BeginsAgain);
        let mut checks = CHECKS
            .iter()
            .filter(|(name, _)| !fencing || *name == "fencing");
        let found = checks.any(|(_, check)| {
            catch_unwind(|| block_on(check(Arc::new(Broken::new(how))))).is_err()
        });
        assert!(found, "{how:?} passes");
    }
}
