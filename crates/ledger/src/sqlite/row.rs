//! Records as rows.

use super::{Kind, SqliteError};
use http402_core::{
    Timestamp,
    ledger::{Phase, Record, Versioned},
};
use rusqlite::Row;

pub(super) fn time(time: Timestamp) -> [u8; 8] {
    time.secs().to_be_bytes()
}

/// The record in the columns `version, phase, lease, keep_until, body`.
pub(super) fn record(row: &Row<'_>) -> Result<Versioned, SqliteError> {
    let version: i64 = row.get(0)?;
    let phase: u8 = row.get(1)?;
    let lease: Option<[u8; 8]> = row.get(2)?;
    let keep_until: [u8; 8] = row.get(3)?;
    let body: Vec<u8> = row.get(4)?;
    let unreadable = SqliteError::new(Kind::Unreadable);
    Ok(Versioned {
        version: u64::try_from(version).map_err(|_| unreadable.clone())?,
        record: Record {
            phase: Phase::from_number(phase).ok_or(unreadable)?,
            lease: lease.map(from_bytes),
            keep_until: from_bytes(keep_until),
            body: body.into(),
        },
    })
}

pub(super) fn from_bytes(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_secs(u64::from_be_bytes(bytes))
}
