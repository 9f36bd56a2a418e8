//! Records as rows, and writes as columns.

use super::{Kind, RemoteError};
use crate::room::Room;
use http402_core::{
    Bytes, Timestamp,
    ledger::{Applied, Expect, Full, Key, Page, Phase, Record, Versioned, Write},
    seam::SeamError,
};
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql},
};

/// Seconds less 2^63: all of u64 has a place, and the order is kept.
pub(super) fn time(time: Timestamp) -> i64 {
    (time.secs() ^ (1 << 63)).cast_signed()
}

fn from_time(time: i64) -> Timestamp {
    Timestamp::from_secs(time.cast_unsigned() ^ (1 << 63))
}

/// The writes of a step, column by column.
pub(super) struct Columns {
    keys: Vec<Box<str>>,
    expects: Vec<Option<i64>>,
    phases: Vec<Option<i16>>,
    unfinished: Vec<Option<bool>>,
    leases: Vec<Option<i64>>,
    ends: Vec<Option<i64>>,
    bodies: Vec<Option<Vec<u8>>>,
    /// The time, the most records, the most bytes.
    numbers: [i64; 3],
    purge: i32,
}

impl Columns {
    pub(super) fn new(now: Timestamp, room: Room, purge: i32, writes: &[Write]) -> Self {
        let puts = || writes.iter().map(|write| write.put.as_ref());
        let most = |most: u64| i64::try_from(most).unwrap_or(i64::MAX);
        Self {
            keys: writes
                .iter()
                .map(|write| write.key.as_str().into())
                .collect(),
            expects: (writes.iter())
                .map(|write| match write.expect {
                    Expect::Absent => None,
                    // No version is as large: the record is not the one that is expected.
                    Expect::Version(version) => Some(most(version)),
                })
                .collect(),
            phases: puts()
                .map(|put| put.map(|it| it.phase.number().into()))
                .collect(),
            unfinished: puts()
                .map(|put| put.map(|it| it.phase.unfinished()))
                .collect(),
            leases: puts().map(|put| put?.lease.map(time)).collect(),
            ends: puts()
                .map(|put| put.map(|it| time(it.keep_until)))
                .collect(),
            bodies: puts().map(|put| put.map(|it| it.body.to_vec())).collect(),
            numbers: [time(now), most(room.records), most(room.bytes)],
            purge,
        }
    }

    /// The parameters of `apply`.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 11] {
        let [now, records, bytes] = &self.numbers;
        [
            now,
            &self.keys,
            &self.expects,
            &self.phases,
            &self.unfinished,
            &self.leases,
            &self.ends,
            &self.bodies,
            records,
            bytes,
            &self.purge,
        ]
    }
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, RemoteError> {
    row.try_get(at)
        .map_err(|error| RemoteError::because(Kind::Unreadable, error))
}

fn version(version: i64) -> Result<u64, RemoteError> {
    u64::try_from(version).map_err(|_| RemoteError::new(Kind::Unreadable))
}

/// The record in five columns from `at` on: version, phase, lease, end, body.
fn record_at(row: &Row, at: usize) -> Result<Versioned, RemoteError> {
    let phase = u8::try_from(column::<i16>(row, at + 1)?).ok();
    let phase = phase.and_then(Phase::from_number);
    Ok(Versioned {
        version: version(column(row, at)?)?,
        record: Record {
            phase: phase.ok_or(RemoteError::new(Kind::Unreadable))?,
            lease: column::<Option<i64>>(row, at + 2)?.map(from_time),
            keep_until: from_time(column(row, at + 3)?),
            body: Bytes::copy_from_slice(column(row, at + 4)?),
        },
    })
}

pub(super) fn record(row: &Row) -> Result<Versioned, RemoteError> {
    record_at(row, 0)
}

/// The answer to a step of so many writes.
pub(super) fn applied(row: &Row, writes: usize) -> Result<Applied, SeamError> {
    match column::<i32>(row, 0)? {
        -1 => {
            let versions: Vec<i64> = column(row, 1)?;
            let versions: Result<Vec<u64>, _> = versions.into_iter().map(version).collect();
            let versions = versions?;
            if versions.len() != writes {
                return Err(RemoteError::new(Kind::Unreadable).into());
            }
            Ok(Applied::Done(versions))
        }
        -2 => Err(Full.into()),
        index => {
            let index = usize::try_from(index).map_err(|_| RemoteError::new(Kind::Unreadable))?;
            let is_there = column::<Option<i64>>(row, 2)?.is_some();
            let found = is_there.then(|| record_at(row, 2)).transpose()?;
            Ok(Applied::Conflict { index, found })
        }
    }
}

/// The least text that is larger than everything that begins with the prefix: its last letter that has a next one, made the
/// next one. Without any, a text that is larger than every key.
pub(super) fn until(prefix: &str) -> String {
    let mut letters = prefix.chars();
    while let Some(last) = letters.next_back() {
        // Surrogates are no letters: the one after U+D7FF is U+E000.
        if let Some(next) = (last..=char::MAX).nth(1) {
            return letters.chain([next]).collect();
        }
    }
    char::MAX.to_string().repeat(Key::MAX_LEN / 4 + 1)
}

pub(super) fn page(rows: &[Row], limit: usize) -> Result<Page, RemoteError> {
    let mut page = Page::default();
    for row in rows.iter().take(limit) {
        let key = Key::new(column::<&str>(row, 5)?);
        page.records.push((key, record(row)?));
    }
    if rows.len() > limit {
        page.next = page.records.last().map(|(key, _)| key.clone());
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_order() {
        let times =
            [0, 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX].map(Timestamp::from_secs);
        assert!(times.map(time).is_sorted());
        assert_eq!(times.map(|it| from_time(time(it))), times);
    }

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(until("ab"), "ac");
        assert_eq!(until("a\u{d7ff}"), "a\u{e000}");
        assert_eq!(until("a\u{10ffff}\u{10ffff}"), "b");
        for last in ["", "\u{10ffff}"] {
            let longest = "\u{10ffff}".repeat(Key::MAX_LEN / 4);
            assert!(until(last) > longest);
        }
    }
}
