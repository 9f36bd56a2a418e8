use super::{Call, frame, list};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Encodable;
use http402_core::authorization::tempo::TRANSACTION;

/// A transaction before its sender signs it. The fields are public: change what differs from nothing.
///
/// [`Order`](crate::Order) makes the one that pays a charge. This is for every other one: a seller's tests send him what no
/// sponsor pays for.
///
/// ```
/// use http402_tempo::transaction::{EXPIRING, Unsigned};
/// let mut unsigned = Unsigned::new(42_431);
/// (unsigned.gas, unsigned.nonce_key, unsigned.valid_before) = (800_000, EXPIRING, Some(1_795_000_025));
/// assert_eq!(unsigned.encode().first(), Some(&0x76));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsigned {
    /// The number of the chain.
    pub chain: u64,
    /// What goes to who builds the block, at most, for a unit of gas in attodollars (10⁻¹⁸).
    pub priority_fee: u128,
    /// What a unit of gas may cost.
    pub max_fee: u128,
    /// The most gas that it uses.
    pub gas: u64,
    /// What it calls, in order.
    pub calls: Vec<Call>,
    /// Accounts and slots that it says to touch.
    pub access_list: Vec<(Address, Vec<B256>)>,
    /// The key that its nonce counts in.
    pub nonce_key: U256,
    /// Its nonce.
    pub nonce: u64,
    /// Not valid at or after this second.
    pub valid_before: Option<u64>,
    /// Not valid before this second.
    pub valid_after: Option<u64>,
    /// The token that its fee is paid in. A fee payer chooses it, where there is one.
    pub fee_token: Option<Address>,
    /// Whether somebody else pays the fee.
    pub sponsored: bool,
}

impl Unsigned {
    /// One that does nothing, on this chain.
    pub const fn new(chain: u64) -> Self {
        Self {
            chain,
            priority_fee: 0,
            max_fee: 0,
            gas: 0,
            calls: Vec::new(),
            access_list: Vec::new(),
            nonce_key: U256::ZERO,
            nonce: 0,
            valid_before: None,
            valid_after: None,
            fee_token: None,
            sponsored: false,
        }
    }

    /// Its bytes: 0x76 and the fields without the signature, as
    /// [`TempoTransaction::unsigned`](http402_core::authorization::TempoTransaction::unsigned) takes them.
    pub fn encode(&self) -> Bytes {
        let calls = self.calls.iter().map(|call| {
            let mut out = Vec::new();
            call.encode(&mut out);
            out
        });
        let access = self.access_list.iter().map(|(account, slots)| {
            let slots: Vec<Vec<u8>> = slots.iter().map(alloy_rlp::encode).collect();
            lists(&[alloy_rlp::encode(account), lists(&slots)])
        });
        let fields = [
            alloy_rlp::encode(self.chain),
            alloy_rlp::encode(self.priority_fee),
            alloy_rlp::encode(self.max_fee),
            alloy_rlp::encode(self.gas),
            lists(&calls.collect::<Vec<_>>()),
            lists(&access.collect::<Vec<_>>()),
            alloy_rlp::encode(self.nonce_key),
            alloy_rlp::encode(self.nonce),
            maybe(self.valid_before),
            maybe(self.valid_after),
            maybe(self.fee_token),
            vec![if self.sponsored { 0x00 } else { 0x80 }],
            lists(&[]),
        ];
        frame(TRANSACTION, &fields).into()
    }
}

/// The empty string where there is nothing.
fn maybe(value: Option<impl Encodable>) -> Vec<u8> {
    value.map_or_else(|| vec![0x80], alloy_rlp::encode)
}

/// A list of encoded items.
fn lists(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    list(&items.concat(), &mut out);
    out
}
