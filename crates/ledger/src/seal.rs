//! Bodies that nobody reads, changes or exchanges without the key: a copy of the store is not one of the credentials in it.
//!
//! A body is sealed with XChaCha20-Poly1305 under a random nonce, and bound to its record's key. Keys, phases, leases, ends and
//! the length of a body stay readable: the store needs them. Who can write to the store can still take records away or set
//! them back.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use http402_core::{
    Bytes, Timestamp, keccak256,
    ledger::{Applied, Key, Ledger, Page, Record, Versioned, Write},
    seam::{Boxed, Entropy, SeamError},
};
use std::{fmt, sync::Arc};

/// What every sealed body begins with: after it the number of its key, the nonce, and what is sealed.
const MARK: [u8; 4] = [0xf4, 0x02, 0x5e, 0x01];
const NUMBER: usize = 4;
const NONCE: usize = 24;

/// The keys that bodies are sealed with. They are not shown by `Debug`, and overwritten when the ring is dropped.
#[derive(Clone)]
pub struct Ring {
    current: Sealer,
    former: Vec<Sealer>,
    unsealed: bool,
}

#[derive(Clone)]
struct Sealer {
    /// Says which key it is, and nothing about it.
    number: [u8; NUMBER],
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    fn new(key: &[u8; 32]) -> Self {
        let digest = keccak256([&b"http402 seal"[..], key].concat());
        let mut number = [0; NUMBER];
        number.copy_from_slice(&digest[..NUMBER]);
        Self {
            number,
            cipher: XChaCha20Poly1305::new(key.into()),
        }
    }
}

impl Ring {
    /// A ring with one key: 32 bytes from a source of random numbers, no password.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            current: Sealer::new(key),
            former: Vec::new(),
            unsealed: false,
        }
    }

    /// The same, with a key that earlier bodies were sealed with. Nothing new is sealed with it; leave it out when the last of
    /// its records has passed.
    ///
    /// Where several replicas share a store, give all of them the new key as a former one first, and then make it the first.
    #[must_use]
    pub fn former(mut self, key: &[u8; 32]) -> Self {
        self.former.push(Sealer::new(key));
        self
    }

    /// The same, and bodies that are not sealed are read as they are: for a store that was begun without keys, until its last
    /// such record has passed. Whoever can write to the store can plant records while this is on.
    #[must_use]
    pub fn also_unsealed(mut self) -> Self {
        self.unsealed = true;
        self
    }

    fn seal(&self, key: &Key, body: &[u8], entropy: &dyn Entropy) -> Result<Bytes, SealError> {
        let random = entropy.bytes32();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&random[..NONCE]);
        let payload = Payload {
            msg: body,
            aad: key.as_str().as_bytes(),
        };
        let sealed = self.current.cipher.encrypt(&nonce.into(), payload);
        let sealed = sealed.map_err(|_| SealError(Kind::TooLong))?;
        Ok([&MARK[..], &self.current.number, &nonce, &sealed]
            .concat()
            .into())
    }

    fn open(&self, key: &Key, body: &Bytes) -> Result<Bytes, SealError> {
        let Some(rest) = body.strip_prefix(&MARK) else {
            return if self.unsealed {
                Ok(body.clone())
            } else {
                Err(SealError(Kind::Unsealed))
            };
        };
        let forged = SealError(Kind::Forged);
        let (number, rest) = rest.split_first_chunk::<NUMBER>().ok_or(forged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(forged)?;
        let mut known = std::iter::once(&self.current).chain(&self.former);
        let sealer = known.find(|sealer| sealer.number == *number);
        let sealer = sealer.ok_or(SealError(Kind::UnknownKey))?;
        let payload = Payload {
            msg: sealed,
            aad: key.as_str().as_bytes(),
        };
        let opened = sealer.cipher.decrypt(nonce.into(), payload);
        opened.map(Into::into).map_err(|_| forged)
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("keys", &(1 + self.former.len()))
            .field("unsealed", &self.unsealed)
            .finish_non_exhaustive()
    }
}

/// Why a body could not be sealed or opened. Nothing is granted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealError(Kind);

/// The kinds of [`SealError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The body was sealed with a key that is not on the ring.
    UnknownKey,
    /// The body was changed, or belongs to another record.
    Forged,
    /// The body is not sealed, and the ring does not read such.
    Unsealed,
    /// The body is longer than can be sealed.
    TooLong,
}

impl SealError {
    /// What kind of failure it is.
    pub const fn kind(&self) -> Kind {
        self.0
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::UnknownKey => "a record of the ledger was sealed with another key",
            Kind::Forged => "a sealed record of the ledger is not as it was written",
            Kind::Unsealed => "a record of the ledger is not sealed",
            Kind::TooLong => "a record is too long to be sealed",
        })
    }
}

impl std::error::Error for SealError {}

/// A ledger whose bodies are sealed before they reach the one within.
///
/// ```
/// # use std::sync::Arc;
/// # use http402_core::{B256, seam::Entropy};
/// use http402_ledger::{Memory, Sealed, seal::Ring};
///
/// # fn seal(key: &[u8; 32], former: &[u8; 32], entropy: Arc<dyn Entropy>) {
/// let ledger = Sealed::new(Memory::new(), Ring::new(key).former(former), entropy);
/// # }
/// ```
pub struct Sealed<L> {
    within: L,
    ring: Ring,
    entropy: Arc<dyn Entropy>,
}

impl<L: Ledger> Sealed<L> {
    /// Seals what goes into `within`. Nonces are 24 bytes of `entropy`, which must not come again, in any process.
    pub fn new(within: L, ring: Ring, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            within,
            ring,
            entropy,
        }
    }

    fn sealed(&self, write: &Write) -> Result<Write, SealError> {
        let put = write.put.as_ref().map(|record| {
            let body = self.ring.seal(&write.key, &record.body, &*self.entropy)?;
            Ok::<_, SealError>(Record { body, ..*record })
        });
        Ok(Write {
            key: write.key.clone(),
            expect: write.expect,
            put: put.transpose()?,
        })
    }

    fn opened(&self, key: &Key, mut found: Versioned) -> Result<Versioned, SealError> {
        found.record.body = self.ring.open(key, &found.record.body)?;
        Ok(found)
    }
}

impl<L: Ledger> Ledger for Sealed<L> {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            let sealed: Result<Vec<_>, _> = writes.iter().map(|it| self.sealed(it)).collect();
            match self.within.apply(now, &sealed?).await? {
                Applied::Conflict { index, found } => {
                    let found = found.zip(writes.get(index));
                    let found = found.map(|(found, write)| self.opened(&write.key, found));
                    let found = found.transpose()?;
                    Ok(Applied::Conflict { index, found })
                }
                done @ Applied::Done(_) => Ok(done),
            }
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            let found = self.within.get(now, key).await?;
            let found = found.map(|found| self.opened(key, found));
            Ok(found.transpose()?)
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
            let mut page = self.within.pending(now, prefix, cursor, limit).await?;
            for (key, found) in &mut page.records {
                found.record.body = self.ring.open(key, &found.record.body)?;
            }
            Ok(page)
        })
    }
}

impl<L: fmt::Debug> fmt::Debug for Sealed<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("within", &self.within)
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}
