//! A Tempo transaction, read to its last field.

mod unsigned;

pub use unsigned::Unsigned;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};
use http402_core::{
    ParseError,
    authorization::tempo::{FEE_PAYER, MAX_LEN, TRANSACTION},
};
use std::fmt;

/// The nonce key of transactions whose nonce expires with them (TIP-1009).
pub const EXPIRING: U256 = U256::MAX;

/// Fields before the optional key authorization and the signature.
const FIELDS: usize = 13;
pub(crate) const FEE_TOKEN: usize = 10;
pub(crate) const FEE_PAYER_SLOT: usize = 11;

/// A Tempo transaction of type 0x76, or 0x78 while it waits for its fee payer.
///
/// ```text
/// type ‖ rlp([chainId, maxPriorityFeePerGas, maxFeePerGas, gasLimit, [[to, value, input]…], accessList, nonceKey, nonce,
///             validBefore, validAfter, feeToken, feePayer, authorizationList, keyAuthorization?, signature])
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction {
    fields: Vec<Bytes>,
    chain: u64,
    priority_fee: u128,
    max_fee: u128,
    gas: u64,
    calls: Vec<Call>,
    nonce_key: U256,
    nonce: u64,
    before: Option<u64>,
    after: Option<u64>,
    fee_token: Option<Address>,
    fee_payer: FeePayer,
    signature: Bytes,
}

/// A call of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract; `None` creates one.
    pub to: Option<Address>,
    /// Native value. Tempo has none.
    pub value: U256,
    /// The call's data.
    pub input: Bytes,
}

impl Call {
    /// A call of a contract.
    pub fn new(to: Address, input: impl Into<Bytes>) -> Self {
        Self {
            to: Some(to),
            value: U256::ZERO,
            input: input.into(),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(self.input.len() + 32);
        match &self.to {
            Some(to) => to.encode(&mut payload),
            None => payload.push(0x80),
        }
        self.value.encode(&mut payload);
        self.input.encode(&mut payload);
        list(&payload, out);
    }
}

/// Who pays the fee of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeePayer {
    /// Its sender.
    Sender,
    /// Somebody who has not signed yet; the sender, where the envelope (0x78) names it.
    Awaited(Option<Address>),
    /// Somebody who has signed.
    Signed,
}

impl Transaction {
    /// Reads a signed transaction.
    ///
    /// # Errors
    /// When it is longer than 32 KiB, of another type, or not a list of exactly the fields above, in the shortest form.
    pub fn decode(raw: &[u8]) -> Result<Self, ParseError> {
        if raw.len() > MAX_LEN {
            return Err(error("longer than 32768 bytes"));
        }
        let (kind, mut rest) = match raw.split_first() {
            Some((kind @ (&TRANSACTION | &FEE_PAYER), rest)) => (*kind, rest),
            _ => return Err(error("only types 0x76 and 0x78 are known")),
        };
        let payload = Header::decode_bytes(&mut rest, true).map_err(rlp)?;
        if !rest.is_empty() {
            return Err(error("bytes after the transaction"));
        }
        let mut fields = items(payload)?;
        let signature = match fields.pop() {
            Some(field) if matches!(fields.len(), FIELDS | 14) => string(&field)?,
            _ => return Err(error("another number of fields")),
        };
        let at = |index: usize| fields.get(index).map_or(&[][..], |field| &field[..]);
        let slot = at(FEE_PAYER_SLOT);
        let fee_payer = match (kind, slot) {
            (FEE_PAYER, slot) => FeePayer::Awaited(Some(whole(slot)?)),
            (_, [0x80]) => FeePayer::Sender,
            (_, [0x00]) => FeePayer::Awaited(None),
            (_, slot) if slot.first() >= Some(&0xc0) => FeePayer::Signed,
            _ => return Err(error("the fee payer is not a signature")),
        };
        if fields
            .get(FIELDS)
            .is_some_and(|key| key.first() < Some(&0xc0))
        {
            return Err(error("the key authorization is not a list"));
        }
        let fee_token = match at(FEE_TOKEN) {
            [0x80] => None,
            token => Some(whole(token)?),
        };
        let seconds = |index| whole::<u64>(at(index)).map(|secs| (secs != 0).then_some(secs));
        Ok(Self {
            chain: whole(at(0))?,
            priority_fee: whole(at(1))?,
            max_fee: whole(at(2))?,
            gas: whole(at(3))?,
            calls: calls(at(4))?,
            nonce_key: whole(at(6))?,
            nonce: whole(at(7))?,
            before: seconds(8)?,
            after: seconds(9)?,
            fee_token,
            fee_payer,
            signature,
            fields,
        })
    }

    /// The number of its chain.
    pub fn chain(&self) -> u64 {
        self.chain
    }

    /// What it pays at most for a unit of gas, in attodollars (10⁻¹⁸).
    pub fn max_fee(&self) -> u128 {
        self.max_fee
    }

    /// What of that goes to who builds the block, at most.
    pub fn priority_fee(&self) -> u128 {
        self.priority_fee
    }

    /// The most gas that it uses.
    pub fn gas(&self) -> u64 {
        self.gas
    }

    /// What it calls, in order.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The key that its nonce counts in.
    pub fn nonce_key(&self) -> U256 {
        self.nonce_key
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Not valid at or after this second.
    pub fn valid_before(&self) -> Option<u64> {
        self.before
    }

    /// Not valid before this second.
    pub fn valid_after(&self) -> Option<u64> {
        self.after
    }

    /// The token that its fee is paid in.
    pub fn fee_token(&self) -> Option<Address> {
        self.fee_token
    }

    /// Who pays its fee.
    pub fn fee_payer(&self) -> &FeePayer {
        &self.fee_payer
    }

    /// Whether it has an access list.
    pub fn has_access_list(&self) -> bool {
        self.field(5) != [0xc0]
    }

    /// Whether it has an authorization list.
    pub fn has_authorizations(&self) -> bool {
        self.field(12) != [0xc0]
    }

    /// Whether it authorizes a key.
    pub fn authorizes_key(&self) -> bool {
        self.fields.len() > FIELDS
    }

    /// The sender's signature.
    pub fn signature(&self) -> &Bytes {
        &self.signature
    }

    /// What a fee payer signs who pays in `token`: 0x78 and the fields without the signature, with the sender in the fee
    /// payer's place.
    pub fn sponsored_bytes(&self, sender: Address, token: Address) -> Bytes {
        let fields = self.with(token, alloy_rlp::encode(sender));
        frame(FEE_PAYER, &fields).into()
    }

    /// The transaction as it is sent, with the fee payer's signature: 65 bytes, v 27 or 28.
    pub fn sponsored(&self, token: Address, signature: &[u8; 65]) -> Bytes {
        let mut vrs = Vec::with_capacity(70);
        (signature[64] == 28).encode(&mut vrs);
        for scalar in signature[..64].chunks_exact(32) {
            U256::from_be_slice(scalar).encode(&mut vrs);
        }
        let mut slot = Vec::with_capacity(72);
        list(&vrs, &mut slot);
        let mut fields = self.with(token, slot);
        fields.push(alloy_rlp::encode(&self.signature).into());
        frame(TRANSACTION, &fields).into()
    }

    fn with(&self, token: Address, slot: Vec<u8>) -> Vec<Bytes> {
        let mut fields = self.fields.clone();
        for (index, field) in [
            (FEE_TOKEN, alloy_rlp::encode(token)),
            (FEE_PAYER_SLOT, slot),
        ] {
            if let Some(place) = fields.get_mut(index) {
                *place = field.into();
            }
        }
        fields
    }

    fn field(&self, index: usize) -> &[u8] {
        self.fields.get(index).map_or(&[], |field| &field[..])
    }
}

/// Without the signature: who holds it can have the transaction executed.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("chain", &self.chain)
            .field("calls", &self.calls)
            .field("gas", &self.gas)
            .field("max_fee", &self.max_fee)
            .field("valid_before", &self.before)
            .field("fee_token", &self.fee_token)
            .field("fee_payer", &self.fee_payer)
            .finish_non_exhaustive()
    }
}

/// The hash of a transaction as it is sent.
pub fn hash(raw: &[u8]) -> B256 {
    keccak256(raw)
}

/// The items of a list's payload, with their headers.
fn items(mut payload: &[u8]) -> Result<Vec<Bytes>, ParseError> {
    let mut items = Vec::new();
    while !payload.is_empty() {
        let mut rest = payload;
        let header = Header::decode(&mut rest).map_err(rlp)?;
        let end = payload.len() - rest.len() + header.payload_length;
        let (item, after) = payload
            .split_at_checked(end)
            .ok_or_else(|| error("too short"))?;
        items.push(Bytes::copy_from_slice(item));
        payload = after;
    }
    Ok(items)
}

/// The one value that these bytes encode.
fn whole<T: Decodable>(mut item: &[u8]) -> Result<T, ParseError> {
    let value = T::decode(&mut item).map_err(rlp)?;
    if item.is_empty() {
        Ok(value)
    } else {
        Err(error("a field is too long"))
    }
}

fn string(item: &[u8]) -> Result<Bytes, ParseError> {
    whole(item)
}

fn calls(mut field: &[u8]) -> Result<Vec<Call>, ParseError> {
    let payload = Header::decode_bytes(&mut field, true).map_err(rlp)?;
    let calls = items(payload)?;
    calls.iter().map(|item| call(item)).collect()
}

fn call(mut item: &[u8]) -> Result<Call, ParseError> {
    let payload = Header::decode_bytes(&mut item, true).map_err(rlp)?;
    let fields = items(payload)?;
    let [to, value, input] = &fields[..] else {
        return Err(error("a call has three fields"));
    };
    Ok(Call {
        to: if to[..] == [0x80] {
            None
        } else {
            Some(whole(to)?)
        },
        value: whole(value)?,
        input: string(input)?,
    })
}

pub(crate) fn list(payload: &[u8], out: &mut Vec<u8>) {
    let header = Header {
        list: true,
        payload_length: payload.len(),
    };
    header.encode(out);
    out.extend_from_slice(payload);
}

/// A type byte and a list of encoded fields.
pub(crate) fn frame<T: AsRef<[u8]>>(kind: u8, fields: &[T]) -> Vec<u8> {
    let payload: Vec<u8> = fields
        .iter()
        .flat_map(|field| field.as_ref().to_vec())
        .collect();
    let mut out = vec![kind];
    list(&payload, &mut out);
    out
}

fn rlp(_: alloy_rlp::Error) -> ParseError {
    error("not canonical RLP of its fields")
}

fn error(why: &'static str) -> ParseError {
    ParseError::new("transaction", why)
}
