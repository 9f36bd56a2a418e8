//! What pays an MPP charge on Tempo: a signed transaction that the server sends (pull), or the hash of one that the client
//! has sent (push).
//!
//! A transaction is kept as its bytes. Read are only its frame and what reserving it needs; what it does, and whose it is, is
//! for the crate that knows the chain.

mod rlp;

use super::ChallengeRef;
use crate::{ChainId, ParseError, SpendKey, Timestamp, Window, keccak256};
use alloc::{format, vec::Vec};
use alloy_primitives::{Address, B256, Bytes};
use core::fmt;
use rlp::Item;

/// The type byte of a Tempo transaction.
pub const TRANSACTION: u8 = 0x76;
/// The first byte of a transaction that waits for its fee payer.
pub const FEE_PAYER: u8 = 0x78;

/// The longest transaction that is looked at, in bytes.
pub const MAX_LEN: usize = 32 * 1024;

/// Fields of a transaction before its optional key authorization and its signature.
const FIELDS: usize = 13;
const VALID_BEFORE: usize = 8;
const VALID_AFTER: usize = 9;
const FEE_TOKEN: usize = 10;
const FEE_PAYER_SLOT: usize = 11;

/// A signed Tempo transaction that pays a challenge: of type 0x76, or 0x78 when somebody else pays its fee.
///
/// ```text
/// 0x76 ‖ rlp([chainId, maxPriorityFeePerGas, maxFeePerGas, gasLimit, calls, accessList, nonceKey, nonce, validBefore,
///             validAfter, feeToken, feePayerSignature, authorizationList, keyAuthorization?, senderSignature])
/// ```
/// With 0x78 the sender's address stands in the place of `feePayerSignature`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TempoTransaction {
    challenge: ChallengeRef,
    payer: Option<Address>,
    raw: Bytes,
    signed: bool,
    frame: Frame,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Frame {
    chain: u64,
    window: Window,
    sponsored: bool,
    sender: Option<Address>,
    signing: Bytes,
}

impl TempoTransaction {
    /// A transaction that a client signed. `payer` is whom the credential names as its sender, if it names somebody.
    ///
    /// # Errors
    /// When it is longer than [`MAX_LEN`], of another type, or not a list of the fields above.
    pub fn signed(
        challenge: ChallengeRef,
        payer: Option<Address>,
        raw: Bytes,
    ) -> Result<Self, ParseError> {
        let frame = Frame::read(&raw, true)?;
        Ok(Self {
            challenge,
            payer,
            raw,
            signed: true,
            frame,
        })
    }

    /// A transaction that is still to be signed by `payer`: 0x76 and the list without the sender's signature, exactly the
    /// bytes whose keccak256 is signed.
    ///
    /// # Errors
    /// As [`TempoTransaction::signed`].
    pub fn unsigned(
        challenge: ChallengeRef,
        payer: Address,
        signing: Bytes,
    ) -> Result<Self, ParseError> {
        if signing.first() != Some(&TRANSACTION) {
            return Err(error("an unsigned transaction begins with 0x76").at(0));
        }
        let frame = Frame::read(&signing, false)?;
        Ok(Self {
            challenge,
            payer: Some(payer),
            raw: signing,
            signed: false,
            frame,
        })
    }

    /// The same with the sender's signature: 0x76, or 0x78 when it is sponsored.
    ///
    /// # Errors
    /// When it is signed already, or becomes too long.
    pub fn sign(&self, signature: &[u8]) -> Result<Self, ParseError> {
        let (false, Some(payer)) = (self.signed, self.payer) else {
            return Err(error("signed already"));
        };
        let items = rlp::list(self.raw.get(1..).unwrap_or_default())?;
        let mut fields: Vec<Vec<u8>> = items.iter().map(|item| item.raw.to_vec()).collect();
        let kind = if self.frame.sponsored {
            if let Some(slot) = fields.get_mut(FEE_PAYER_SLOT) {
                *slot = rlp::string(payer.as_slice());
            }
            FEE_PAYER
        } else {
            TRANSACTION
        };
        fields.push(rlp::string(signature));
        let mut raw = alloc::vec![kind];
        raw.extend_from_slice(&rlp::encode(&fields));
        Self::signed(self.challenge.clone(), self.payer, raw.into())
    }

    /// What it pays.
    pub fn challenge(&self) -> &ChallengeRef {
        &self.challenge
    }

    /// Whose it says to be: the sender of a 0x78 envelope, else whom the credential names. Only the signature tells.
    pub fn payer(&self) -> Option<Address> {
        self.frame.sender.or(self.payer)
    }

    /// Whom the credential names as the payer.
    pub fn source(&self) -> Option<Address> {
        self.payer
    }

    /// The sender that a 0x78 envelope declares.
    pub fn sender(&self) -> Option<Address> {
        self.frame.sender
    }

    /// The bytes: as they were sent, or those that are to be signed.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Whether it is signed by its sender.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// Whether somebody else than the sender pays the fee.
    pub fn sponsored(&self) -> bool {
        self.frame.sponsored
    }

    /// The number of its chain.
    pub fn chain(&self) -> u64 {
        self.frame.chain
    }

    /// When it may be executed, as far as it says so.
    pub fn window(&self) -> Window {
        self.frame.window
    }

    /// The bytes that the sender signs: with the fee payer's part blank, so that they are the same whoever pays the fee.
    pub fn signing_bytes(&self) -> &Bytes {
        &self.frame.signing
    }

    /// The hash that the sender signs.
    pub fn signing_hash(&self) -> B256 {
        keccak256(&self.frame.signing)
    }

    /// What it spends: the challenge, and the transaction, by what its sender signs and not by the bytes of a signature.
    pub fn spends(&self, chain: &ChainId) -> Vec<SpendKey> {
        let own = format!("tempo:{chain}:{:#x}", self.signing_hash());
        Vec::from([self.challenge.spend_key(), SpendKey::new(own)])
    }
}

impl Frame {
    fn read(raw: &[u8], signed: bool) -> Result<Self, ParseError> {
        if raw.len() > MAX_LEN {
            return Err(error("longer than 32768 bytes"));
        }
        let (kind, list) = match raw.split_first() {
            Some((kind @ (&TRANSACTION | &FEE_PAYER), list)) => (*kind, list),
            _ => return Err(error("only types 0x76 and 0x78 are known").at(0)),
        };
        let items = rlp::list(list)?;
        let fields = items.len().checked_sub(usize::from(signed));
        if !matches!(fields, Some(FIELDS | 14)) {
            return Err(error("another number of fields"));
        }
        let at = |index: usize| items.get(index).ok_or_else(|| error("a field is missing"));
        let slot = at(FEE_PAYER_SLOT)?;
        let (sponsored, sender) = match (kind, slot) {
            (FEE_PAYER, slot) => {
                let sender = Address::try_from(slot.bytes()?)
                    .map_err(|_| error("0x78 needs its sender's address"))?;
                (true, Some(sender))
            }
            (_, slot) => (slot.raw != [0x80], None),
        };
        let secs = |index| at(index)?.number();
        let before = match secs(VALID_BEFORE)? {
            0 => Timestamp::MAX,
            secs => Timestamp::from_secs(secs),
        };
        let window = Window::new(Timestamp::from_secs(secs(VALID_AFTER)?), before);
        let end = items.len() - usize::from(signed);
        Ok(Self {
            chain: at(0)?.number()?,
            window,
            sponsored,
            sender,
            signing: signing(items.get(..end).unwrap_or_default(), sponsored),
        })
    }
}

/// What the sender signs: when the fee is somebody else's, neither who pays it nor in which token.
fn signing(items: &[Item<'_>], sponsored: bool) -> Bytes {
    let mut fields: Vec<&[u8]> = items.iter().map(|item| item.raw).collect();
    if sponsored {
        for (index, blank) in [(FEE_TOKEN, &[0x80][..]), (FEE_PAYER_SLOT, &[0x00])] {
            if let Some(field) = fields.get_mut(index) {
                *field = blank;
            }
        }
    }
    let mut out = alloc::vec![TRANSACTION];
    out.extend_from_slice(&rlp::encode(&fields));
    out.into()
}

fn error(why: &'static str) -> ParseError {
    ParseError::new("transaction", why)
}

/// Without the bytes: who holds them can have it executed.
impl fmt::Debug for TempoTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TempoTransaction")
            .field("challenge", &self.challenge)
            .field("payer", &self.payer())
            .field("chain", &self.frame.chain)
            .field("window", &self.frame.window)
            .field("sponsored", &self.frame.sponsored)
            .field("signing_hash", &self.signing_hash())
            .field("raw", &format_args!("[{} bytes]", self.raw.len()))
            .finish()
    }
}

/// A Tempo transaction that the client has sent itself, by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TempoHash {
    /// What it pays.
    pub challenge: ChallengeRef,
    /// Whom the credential names as the payer.
    pub payer: Option<Address>,
    /// The transaction's hash.
    pub hash: B256,
}

impl TempoHash {
    /// What it spends: the challenge, and the transaction.
    pub fn spends(&self, chain: &ChainId) -> Vec<SpendKey> {
        let own = format!("tempo:{chain}:tx:{:#x}", self.hash);
        Vec::from([self.challenge.spend_key(), SpendKey::new(own)])
    }
}

#[cfg(test)]
mod tests;
