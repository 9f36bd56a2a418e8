//! Records as values: a head of 64 characters, and the body.

use super::{Kind, RemoteError};
use ::redis::Value;
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Key, Page, Phase, Record, Versioned, Write},
    seam::SeamError,
};

/// What stands for no lease.
const NONE: &str = "--------------------";

/// Twenty digits, the longest that there are: they compare as the numbers do, also in Lua, whose numbers end at 2^53.
pub(super) fn time(time: Timestamp) -> String {
    format!("{:020}", time.secs())
}

/// What the script is told of a write: the version that is expected, the head after the version, the record.
pub(super) fn arguments(write: &Write) -> [Vec<u8>; 3] {
    let expect = match write.expect {
        Expect::Absent => String::new(),
        Expect::Version(version) => format!("{version:020}"),
    };
    let (tail, value) = match &write.put {
        None => (String::new(), Vec::new()),
        Some(record) => {
            let lease = record.lease.map_or_else(|| NONE.into(), time);
            let (phase, end) = (record.phase, time(record.keep_until));
            let open = u8::from(phase.unfinished());
            let tail = format!("{open}{:03}{lease}{end}", phase.number());
            // The script writes the version.
            let value = [&[b'0'; 20], tail.as_bytes(), &record.body].concat();
            (tail, value)
        }
    };
    [expect.into_bytes(), tail.into_bytes(), value]
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub(super) fn record(value: &[u8]) -> Result<Versioned, RemoteError> {
    read(value).ok_or(RemoteError::new(Kind::Unreadable))
}

fn read(value: &[u8]) -> Option<Versioned> {
    let (head, body) = value.split_at_checked(64)?;
    let phase = u8::try_from(number(&head[21..24])?).ok()?;
    let lease = match &head[24..44] {
        none if none == NONE.as_bytes() => None,
        lease => Some(Timestamp::from_secs(number(lease)?)),
    };
    Some(Versioned {
        version: number(&head[..20])?,
        record: Record {
            phase: Phase::from_number(phase)?,
            lease,
            keep_until: Timestamp::from_secs(number(&head[44..])?),
            body: body.into(),
        },
    })
}

/// The answer to a step of so many writes.
pub(super) fn applied(answer: &[Value], writes: usize) -> Result<Applied, SeamError> {
    let unreadable = || RemoteError::new(Kind::Unreadable);
    let bytes = |value: &Value| match value {
        Value::BulkString(bytes) => Some(bytes.clone()),
        Value::SimpleString(text) => Some(text.clone().into_bytes()),
        _ => None,
    };
    let answer: Option<Vec<Vec<u8>>> = answer.iter().map(bytes).collect();
    let answer = answer.ok_or_else(unreadable)?;
    let (first, rest) = answer.split_first().ok_or_else(unreadable)?;
    match first.as_slice() {
        b"done" => {
            let versions: Option<Vec<u64>> = rest.iter().map(|version| number(version)).collect();
            let versions = versions.filter(|versions| versions.len() == writes);
            Ok(Applied::Done(versions.ok_or_else(unreadable)?))
        }
        b"full" => Err(Full.into()),
        b"lost" => Err(RemoteError::new(Kind::Lost).into()),
        index => {
            let index = number(index).and_then(|index| usize::try_from(index).ok());
            let index = index
                .and_then(|index| index.checked_sub(1))
                .ok_or_else(unreadable)?;
            let found = rest.first().map(|value| record(value)).transpose()?;
            Ok(Applied::Conflict { index, found })
        }
    }
}

pub(super) fn page(answer: &[Vec<u8>]) -> Result<Page, RemoteError> {
    let unreadable = || RemoteError::new(Kind::Unreadable);
    let key = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
        Ok::<_, RemoteError>(Key::new(text))
    };
    let (next, pairs) = answer.split_first().ok_or_else(unreadable)?;
    let mut page = Page::default();
    for pair in pairs.chunks(2) {
        let [name, value] = pair else {
            return Err(unreadable());
        };
        page.records.push((key(name)?, record(value)?));
    }
    if !next.is_empty() {
        page.next = Some(key(next)?);
    }
    Ok(page)
}
