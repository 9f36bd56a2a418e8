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
use std::{panic::catch_unwind, sync::Arc};

/// How it is broken.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// Writes are made one by one.
    Piecemeal,
    /// Conflicts are not looked for.
    Overwrites,
    /// The versions of removed keys come again.
    ReusesVersions,
    /// What has passed is still read.
    NeverForgets,
    /// The last of a page is left out.
    SkipsOne,
    /// The prefix is taken for a shorter one.
    LoosePrefix,
    /// The end of time is cut to a signed number.
    CutsTime,
}

struct Broken(Break, Memory);

impl Ledger for Broken {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            match self.0 {
                Break::Piecemeal => {
                    let mut versions = Vec::new();
                    for (index, write) in writes.iter().enumerate() {
                        match self.1.apply(now, std::slice::from_ref(write)).await? {
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
                        let found = self.1.get(now, &write.key).await?;
                        write.expect =
                            found.map_or(Expect::Absent, |found| Expect::Version(found.version));
                    }
                    self.1.apply(now, &writes).await
                }
                Break::CutsTime => {
                    let mut writes = writes.to_vec();
                    for record in writes.iter_mut().filter_map(|write| write.put.as_mut()) {
                        record.keep_until =
                            record.keep_until.min(Timestamp::from_secs(u64::MAX >> 1));
                    }
                    self.1.apply(now, &writes).await
                }
                _ => self.1.apply(now, writes).await,
            }
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            let now = match self.0 {
                Break::NeverForgets => Timestamp::from_secs(0),
                _ => now,
            };
            let mut found = self.1.get(now, key).await?;
            if let (Break::ReusesVersions, Some(found)) = (self.0, &mut found) {
                found.version = 1;
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
            let prefix = match self.0 {
                Break::LoosePrefix => &prefix[..prefix.len() - 2],
                _ => prefix,
            };
            let mut page = self.1.pending(now, prefix, cursor, limit).await?;
            if matches!(self.0, Break::SkipsOne) && page.next.is_none() {
                page.records.pop();
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
        Break::NeverForgets,
        Break::SkipsOne,
        Break::LoosePrefix,
        Break::CutsTime,
    ] {
        let found = CHECKS.iter().any(|(_, check)| {
            catch_unwind(|| block_on(check(Arc::new(Broken(how, Memory::new()))))).is_err()
        });
        assert!(found, "{how:?} passes");
    }
}
