//! How records are written into the ledger: fields one after another, each of a fixed size or with its length before it.
//!
//! A version byte stands first. A record that can not be read is an error of the store, never a reason to grant.

mod nouns;

use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Flow, Leg, Party,
    Pending, Price, ProtocolId, Reason, Receipt, RequestDigest, Requirement, SpendKey, Timestamp,
    TokenDomain, TransferMethod, U256, Window, Wire,
    authorization::{ChallengeRef, Eip3009, Foreign, MppProof, TempoHash, TempoTransaction},
};
use std::{cell::Cell, fmt, sync::Arc};

/// A stored record that can not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt(&'static str);

impl Corrupt {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a ledger record can not be read: {}", self.0)
    }
}

impl std::error::Error for Corrupt {}

/// Something with a place in a record.
pub(crate) trait Field: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt>;
}

/// The bytes of a record that are still to be read.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins to read, and checks the version byte.
    pub(crate) fn new(bytes: &'a [u8], version: u8) -> Result<Self, Corrupt> {
        match bytes.split_first() {
            Some((first, rest)) if *first == version => Ok(Self(rest)),
            Some(_) => Err(Corrupt("written by another version")),
            None => Err(Corrupt("empty")),
        }
    }

    pub(crate) fn read<T: Field>(&mut self) -> Result<T, Corrupt> {
        T::read(self)
    }

    /// Ends: nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Corrupt> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Corrupt("bytes left over"))
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Corrupt("too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        self.take(N)?.try_into().map_err(|_| Corrupt("too short"))
    }
}

impl Field for u8 {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(from.array::<1>()?[0])
    }
}

impl Field for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array().map(Self::from_be_bytes)
    }
}

impl Field for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.secs().write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.read().map(Self::from_secs)
    }
}

impl Field for U256 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes::<32>());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array::<32>().map(Self::from_be_bytes)
    }
}

impl Field for Amount {
    fn write(&self, out: &mut Vec<u8>) {
        self.units().write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.read().map(Self::from_units)
    }
}

impl Field for B256 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array().map(Self::new)
    }
}

impl Field for RequestDigest {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.read().map(Self)
    }
}

/// Bytes with their length before them.
pub(crate) fn write_slice(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u64).write(out);
    out.extend_from_slice(bytes);
}

/// The text of something, with its length before it.
fn write_shown(what: &impl fmt::Display, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let at = out.len();
    0u64.write(out);
    let from = out.len();
    // A vector takes everything.
    let _ = write!(out, "{what}");
    let length = (out.len() - from) as u64;
    out[at..from].copy_from_slice(&length.to_be_bytes());
}

/// The bytes of a record, in a piece of memory of just their length.
pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    with_written(write, Bytes::copy_from_slice)
}

/// What is made of bytes that are written where this thread wrote the last ones.
pub(crate) fn with_written<T>(
    write: impl FnOnce(&mut Vec<u8>),
    make: impl FnOnce(&[u8]) -> T,
) -> T {
    /// A longer one was an exception, and its room is not kept.
    const KEPT: usize = 64 * 1024;
    thread_local! {
        static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut out = ROOM.take();
    write(&mut out);
    let made = make(&out);
    out.clear();
    if out.capacity() <= KEPT {
        ROOM.set(out);
    }
    made
}

fn read_slice<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], Corrupt> {
    let length = usize::try_from(from.read::<u64>()?).map_err(|_| Corrupt("too long"))?;
    from.take(length)
}

fn read_text<'a>(from: &mut Reader<'a>) -> Result<&'a str, Corrupt> {
    std::str::from_utf8(read_slice(from)?).map_err(|_| Corrupt("not UTF-8"))
}

impl Field for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self, out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_slice(from).map(Self::copy_from_slice)
    }
}

impl Field for Encoded {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.read().map(Self)
    }
}

impl Field for Box<str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.as_bytes(), out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_text(from).map(Into::into)
    }
}

impl Field for Arc<str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.as_bytes(), out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_text(from).map(Into::into)
    }
}

impl<T: Field> Field for Arc<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.read().map(Self::new)
    }
}

impl<T: Field> Field for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.write(out);
            }
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.read::<u8>()? {
            0 => Ok(None),
            1 => from.read().map(Some),
            _ => Err(Corrupt("unknown mark of an option")),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let count = from.read::<u64>()?;
        (0..count).map(|_| from.read()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authorization_is_read_back() {
        let challenge = ChallengeRef::new("api.example.com", "id");
        // A transaction with thirteen fields and a signature.
        let mut unsigned = vec![0x76, 0xc0 + 13, 1];
        unsigned.extend_from_slice(&[0x80; 12]);
        let unsigned =
            TempoTransaction::unsigned(challenge.clone(), Address::ZERO, unsigned.into()).unwrap();
        let all = [
            Authorization::TempoTransaction(unsigned.sign(&[7; 65]).unwrap()),
            Authorization::TempoTransaction(unsigned),
            Authorization::TempoHash(TempoHash {
                challenge: challenge.clone(),
                payer: Some(Address::repeat_byte(1)),
                hash: B256::repeat_byte(2),
            }),
            Authorization::MppProof(MppProof {
                challenge,
                account: Address::repeat_byte(3),
                signature: Bytes::from_static(&[4; 65]),
            }),
        ];
        for authorization in all {
            let mut out = vec![1];
            authorization.write(&mut out);
            let mut from = Reader::new(&out, 1).unwrap();
            assert_eq!(from.read::<Authorization>().unwrap(), authorization);
            from.finish().unwrap();
        }
    }
}
