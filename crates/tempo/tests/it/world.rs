//! A chain that is a table: what its node answers is set by the test.

use alloy_primitives::{Log, LogData, U256, address, keccak256};
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Leg, Party, Price,
    Requirement, Timestamp, TransferMethod, Wire,
    authorization::{ChallengeRef, TempoTransaction},
    seam::{Boxed, Clock},
};
use http402_mpp::{MPP, memo::Memo};
use http402_tempo::{
    AskError, Charge, Node, Order, Settler,
    node::{At, Block, Fees, MemoTopics, Mined, Sent, Simulated},
    transaction::{self, Call},
};
use http402_verify::LocalKey;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

pub(crate) const CHAIN: u64 = 42_431;
pub(crate) const TOKEN: Address = address!("20c0000000000000000000000000000000000000");
pub(crate) const PAYEE: Address = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
pub(crate) const PARTNER: Address = address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65");
pub(crate) const NOW: u64 = 1_795_000_000;

pub(crate) fn key(byte: u8) -> LocalKey {
    LocalKey::from_bytes(&[byte; 32]).unwrap()
}

pub(crate) fn payer() -> LocalKey {
    key(7)
}

pub(crate) fn challenge() -> ChallengeRef {
    ChallengeRef::new("shop.example", "one")
}

pub(crate) fn requirement() -> Requirement {
    let mut requirement = Requirement::exactly(
        Amount::from_units(U256::from(30)),
        ChainId::eip155(CHAIN),
        Party::Evm(TOKEN),
        Party::Evm(PAYEE),
        None,
    )
    .upfront();
    requirement.splits = vec![Leg {
        to: Party::Evm(PARTNER),
        amount: Amount::from_units(U256::from(10)),
    }];
    requirement.transfer = TransferMethod::Native;
    requirement
}

pub(crate) fn free() -> Requirement {
    let mut requirement = requirement();
    requirement.price = Price::Nothing;
    requirement.splits.clear();
    requirement
}

pub(crate) fn order(sponsored: bool) -> Order<'static> {
    let charge = Charge::of(&requirement(), challenge()).unwrap();
    Order::new(charge, CHAIN).sponsored(sponsored)
}

pub(crate) const FEES: Fees = Fees {
    base: 20_000_000_000,
    priority: 1_000_000_000,
};

pub(crate) fn signed(order: &Order<'_>, key: &LocalKey) -> TempoTransaction {
    let unsigned = order.transaction(key.address(), &FEES, 800_000, Timestamp::from_secs(NOW));
    let unsigned = unsigned.unwrap();
    unsigned
        .sign(&key.sign_digest(&unsigned.signing_hash().0))
        .unwrap()
}

pub(crate) fn claim(authorization: Authorization) -> Claim {
    claim_for(requirement(), authorization)
}

pub(crate) fn claim_for(requirement: Requirement, authorization: Authorization) -> Claim {
    let wire = Wire {
        protocol: MPP,
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    Claim::new(requirement, authorization, wire)
}

/// The logs of the charge's transfers, as the token writes them.
pub(crate) fn logs(from: Address) -> Vec<Log> {
    let word = |address: Address| address.into_word();
    let data = |amount: u64| Bytes::from(U256::from(amount).to_be_bytes_vec());
    let transfer = keccak256("Transfer(address,address,uint256)");
    let with_memo = keccak256("TransferWithMemo(address,address,uint256,bytes32)");
    let memo = Memo::new(&challenge(), None).bytes();
    let log = |topics: Vec<B256>, amount| Log {
        address: TOKEN,
        data: LogData::new_unchecked(topics, data(amount)),
    };
    vec![
        log(vec![transfer, word(from), word(PAYEE)], 20),
        log(vec![with_memo, word(from), word(PAYEE), memo], 20),
        log(vec![transfer, word(from), word(PARTNER)], 10),
    ]
}

pub(crate) fn mined(hash: B256, from: Address) -> Mined {
    Mined {
        hash,
        from,
        block: 5,
        success: true,
        logs: logs(from),
    }
}

/// What the node does with the next question of a kind.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) simulated: Option<Result<Vec<Simulated>, AskError>>,
    /// What becomes of a transaction that is handed over.
    pub(crate) sending: Sending,
    pub(crate) receipts: Vec<Mined>,
    /// Whether the node gives receipts.
    pub(crate) silent: bool,
    pub(crate) found: Vec<B256>,
    pub(crate) latest: Block,
    pub(crate) finalized: Option<Block>,
    pub(crate) reads: Vec<(Address, Bytes)>,
    pub(crate) chain: u64,
    pub(crate) sent: Vec<Bytes>,
}

#[derive(Clone, Debug)]
pub(crate) enum Sending {
    Mine,
    MineAndLose,
    Revert,
    Answer(Sent),
}

#[derive(Clone, Debug)]
pub(crate) struct Table(pub(crate) Arc<Mutex<State>>);

impl Table {
    pub(crate) fn new() -> Self {
        let block = Block {
            number: 100,
            timestamp: NOW,
        };
        Self(Arc::new(Mutex::new(State {
            simulated: None,
            sending: Sending::Mine,
            receipts: Vec::new(),
            silent: false,
            found: Vec::new(),
            latest: block,
            finalized: Some(block),
            reads: Vec::new(),
            chain: CHAIN,
            sent: Vec::new(),
        })))
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub(crate) fn sent(&self) -> usize {
        self.with(|state| state.sent.len())
    }
}

pub(crate) fn done(from: Address, calls: usize) -> Vec<Simulated> {
    (0..calls)
        .map(|at| Simulated {
            success: true,
            gas: 50_000,
            logs: if at == 0 { logs(from) } else { Vec::new() },
            output: Bytes::new(),
        })
        .collect()
}

impl Node for Table {
    fn chain(&self) -> Boxed<'_, Result<u64, AskError>> {
        Box::pin(async { Ok(self.with(|state| state.chain)) })
    }

    fn fees(&self) -> Boxed<'_, Result<Fees, AskError>> {
        Box::pin(async { Ok(FEES) })
    }

    fn block(&self, at: At) -> Boxed<'_, Result<Option<Block>, AskError>> {
        Box::pin(async move {
            Ok(self.with(|state| match at {
                At::Latest => Some(state.latest),
                At::Final => state.finalized,
                At::Number(number) => Some(Block {
                    number,
                    // A block a second.
                    timestamp: state.latest.timestamp - (state.latest.number - number),
                }),
            }))
        })
    }

    fn simulate<'a>(
        &'a self,
        from: Address,
        calls: &'a [Call],
    ) -> Boxed<'a, Result<Vec<Simulated>, AskError>> {
        Box::pin(async move {
            let set = self.with(|state| state.simulated.clone());
            set.unwrap_or_else(|| Ok(done(from, calls.len())))
        })
    }

    fn read(&self, to: Address, input: Bytes) -> Boxed<'_, Result<Option<Bytes>, AskError>> {
        let _ = input;
        Box::pin(async move {
            Ok(self.with(|state| {
                let found = state.reads.iter().find(|(at, _)| *at == to);
                found.map(|(_, answer)| answer.clone())
            }))
        })
    }

    fn send<'a>(&'a self, raw: &'a Bytes) -> Boxed<'a, Sent> {
        Box::pin(async move {
            self.with(|state| {
                state.sent.push(raw.clone());
                let mut mined = mined(transaction::hash(raw), payer().address());
                match state.sending.clone() {
                    Sending::Mine => Sent::Mined(mined),
                    Sending::Revert => {
                        mined.success = false;
                        Sent::Mined(mined)
                    }
                    Sending::MineAndLose => {
                        state.receipts.push(mined);
                        Sent::Lost(AskError::new("send", "lost"))
                    }
                    Sending::Answer(sent) => sent,
                }
            })
        })
    }

    fn receipt(&self, hash: B256) -> Boxed<'_, Result<Option<Mined>, AskError>> {
        Box::pin(async move {
            self.with(|state| {
                if state.silent {
                    return Err(AskError::new("eth_getTransactionReceipt", "time-out"));
                }
                let found = state.receipts.iter().find(|mined| mined.hash == hash);
                Ok(found.cloned())
            })
        })
    }

    fn with_memo<'a>(
        &'a self,
        token: Address,
        topics: MemoTopics,
        _: (u64, u64),
    ) -> Boxed<'a, Result<Vec<B256>, AskError>> {
        Box::pin(async move {
            let sought = (token, topics.to, topics.memo);
            assert_eq!(
                sought,
                (TOKEN, PAYEE, Memo::new(&challenge(), None).bytes())
            );
            Ok(self.with(|state| state.found.clone()))
        })
    }
}

/// Time that stands; who waits has waited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(crate) fn settler(table: &Table) -> Settler {
    Settler::builder(Arc::new(Still))
        .chain(CHAIN, table.clone())
        .kind(MPP, "tempo")
        .build()
        .unwrap()
}
