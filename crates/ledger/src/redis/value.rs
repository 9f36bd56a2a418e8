//! Records as values: a head of 64 characters, and the body.

use super::{Kind, RemoteError};
use ::redis::Value;
use http402_core::{
    Bytes, Timestamp,
    ledger::{Applied, Full, Key, Page, Phase, Record, Versioned},
    seam::SeamError,
};

/// What stands for no lease.
const NONE: [u8; 20] = [b'-'; 20];

/// Twenty digits, the longest that there are: they compare as the numbers do, also in Lua, whose numbers end at 2^53.
pub(super) fn digits(mut number: u64) -> [u8; 20] {
    let mut digits = [b'0'; 20];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

pub(super) fn time(time: Timestamp) -> [u8; 20] {
    digits(time.secs())
}

/// Puts a record with this version behind what is there.
pub(super) fn put(record: &Record, version: u64, out: &mut Vec<u8>) {
    let (phase, lease) = (digits(record.phase.number().into()), record.lease.map(time));
    out.reserve(64 + record.body.len());
    out.extend_from_slice(&digits(version));
    out.push(b'0' + u8::from(record.phase.unfinished()));
    out.extend_from_slice(&phase[17..]);
    out.extend_from_slice(&lease.unwrap_or(NONE));
    out.extend_from_slice(&time(record.keep_until));
    out.extend_from_slice(&record.body);
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
        none if none == NONE => None,
        lease => Some(Timestamp::from_secs(number(lease)?)),
    };
    Some(Versioned {
        version: number(&head[..20])?,
        record: Record {
            phase: Phase::from_number(phase)?,
            lease,
            keep_until: Timestamp::from_secs(number(&head[44..])?),
            body: Bytes::copy_from_slice(body),
        },
    })
}

/// The answer to a step that wrote these versions.
pub(super) fn applied(answer: &Value, versions: Vec<u64>) -> Result<Applied, SeamError> {
    let unreadable = || RemoteError::new(Kind::Unreadable);
    match answer {
        Value::Int(1) => Ok(Applied::Done(versions)),
        Value::BulkString(why) if why == b"full" => Err(Full.into()),
        Value::BulkString(why) if why == b"lost" => Err(RemoteError::new(Kind::Lost).into()),
        Value::Array(conflict) => {
            let (index, found) = match &conflict[..] {
                [Value::Int(index)] => (index, None),
                [Value::Int(index), Value::BulkString(found)] => (index, Some(record(found)?)),
                _ => return Err(unreadable().into()),
            };
            let index = usize::try_from(*index)
                .ok()
                .filter(|index| (1..=versions.len()).contains(index))
                .ok_or_else(unreadable)?;
            let index = index - 1;
            Ok(Applied::Conflict { index, found })
        }
        _ => Err(unreadable().into()),
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
