//! Senders side by side on one lane, in any order of their steps: at every question to the node, before it and after it,
//! another sender, a block, or somebody else with the same account may come between. The node takes what it is handed, loses
//! the answer, loses the transaction, or refuses.

use super::*;
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_json_rpc::{RequestPacket, ResponsePacket};
use alloy_provider::{Provider, RootProvider};
use alloy_rpc_client::RpcClient;
use alloy_transport::{TransportError, TransportFut};
use http402_core::{Timestamp, seam::Boxed};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower_service::Service;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The first nonce that is free when a history begins.
const FIRST: u64 = 7;

/// What the node does with a transaction that it could take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Take,
    TakeAndFail,
    Drop,
    Refuse,
}

const DEEDS: [Deed; 4] = [Deed::Take, Deed::TakeAndFail, Deed::Drop, Deed::Refuse];

#[derive(Debug, Default)]
struct State {
    /// How many transactions are in blocks.
    mined: u64,
    /// What waits, by nonce; what is in blocks stays here.
    has: BTreeMap<u64, B256>,
    /// What comes next; then it takes everything.
    script: VecDeque<Deed>,
}

impl State {
    /// The first nonce that is neither in a block nor waits behind one that is.
    fn pending(&self) -> u64 {
        (self.mined..)
            .find(|nonce| !self.has.contains_key(nonce))
            .unwrap_or(self.mined)
    }

    fn hand_over(&mut self, raw: &str) -> Result<Value, &'static str> {
        let raw: Bytes = raw.parse().unwrap();
        let transaction = TxEnvelope::decode_2718(&mut &raw[..]).unwrap();
        let (nonce, hash) = (transaction.nonce(), *transaction.tx_hash());
        if self.has.get(&nonce) == Some(&hash) {
            return Err("already known");
        }
        if nonce < self.mined {
            return Err("nonce too low");
        }
        if self.has.contains_key(&nonce) {
            return Err("replacement transaction underpriced");
        }
        let deed = self.script.pop_front().unwrap_or(Deed::Take);
        if matches!(deed, Deed::Take | Deed::TakeAndFail) {
            self.has.insert(nonce, hash);
        }
        match deed {
            Deed::Take => Ok(json!(hash)),
            Deed::TakeAndFail | Deed::Drop => Err("internal error"),
            Deed::Refuse => Err("insufficient funds for gas * price + value"),
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, &'static str> {
        match method {
            "eth_feeHistory" => Ok(json!({
                "oldestBlock": "0x1",
                "baseFeePerGas": ["0x3b9aca00", "0x3b9aca00"],
                "gasUsedRatio": [0.5],
                "reward": [["0x1"]],
            })),
            "eth_maxPriorityFeePerGas" => Ok(json!("0x1")),
            "eth_getTransactionCount" => Ok(json!(format!("{:#x}", self.pending()))),
            "eth_getTransactionReceipt" => Ok(Value::Null),
            "eth_sendRawTransaction" => self.hand_over(params[0].as_str().unwrap()),
            other => panic!("nobody asks {other}"),
        }
    }
}

/// Not ready once: here somebody else may come between.
async fn pause() {
    let mut before = true;
    std::future::poll_fn(|_| match std::mem::replace(&mut before, false) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[derive(Clone, Default)]
struct Node(Arc<Mutex<State>>);

impl Node {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Service<RequestPacket> for Node {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let node = self.clone();
        let asked: Value = serde_json::from_str(packet.serialize().unwrap().get()).unwrap();
        Box::pin(async move {
            let method = asked["method"].as_str().unwrap();
            // What fees cost is asked before the lane is entered, and changes nothing.
            let quiet = method.to_lowercase().contains("fee");
            if !quiet {
                pause().await;
            }
            let answer = node.state().answer(method, &asked["params"]);
            if !quiet {
                pause().await;
            }
            let id = &asked["id"];
            let answer = match answer {
                Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                Err(why) => {
                    let error = json!({"code": -32000, "message": why});
                    json!({"jsonrpc": "2.0", "id": id, "error": error})
                }
            };
            Ok(serde_json::from_value(answer).unwrap())
        })
    }
}

/// Time stands still, and nothing is too late.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _: Duration) -> Boxed<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Signs everything alike: the node does not look.
struct Stamp;

impl TxSigner<Signature> for Stamp {
    fn address(&self) -> Address {
        Address::repeat_byte(9)
    }

    fn sign_transaction<'a, 'b, 'c>(
        &'a self,
        _: &'b mut dyn SignableTransaction<Signature>,
    ) -> Pin<Box<dyn Future<Output = alloy_signer::Result<Signature>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async { Ok(Signature::new(U256::ONE, U256::ONE, false)) })
    }
}

type Sent = Result<(Hold, Attempt), NotSent>;

/// A lane, its node, and senders that are under way.
struct World {
    node: Node,
    lane: Arc<Lane>,
    senders: Vec<Option<Pin<Box<dyn Future<Output = Sent>>>>>,
    sent: Vec<(Hold, Attempt)>,
    refused: usize,
}

impl World {
    fn new(senders: usize, script: &[Deed]) -> Self {
        let node = Node::default();
        *node.state() = State {
            mined: FIRST,
            script: script.iter().copied().collect(),
            ..State::default()
        };
        let clock: Arc<dyn Clock> = Arc::new(Still);
        let provider = RootProvider::new(RpcClient::new(node.clone(), true)).erased();
        let limits = Limits::default();
        let rpc = Rpc::new(provider, clock.clone(), limits.answer);
        let signer: GasSigner = Arc::new(Stamp);
        let lane = Lane::new(1, rpc, signer, limits, Finality::Finalized, clock);
        let mut world = Self {
            node,
            lane: Arc::new(lane),
            senders: Vec::new(),
            sent: Vec::new(),
            refused: 0,
        };
        for _ in 0..senders {
            world.begin();
        }
        world
    }

    fn begin(&mut self) {
        let (lane, number) = (self.lane.clone(), self.senders.len());
        self.senders.push(Some(Box::pin(async move {
            // Each calls something of its own, so that no two transactions are one.
            let call = Call {
                to: Address::repeat_byte(1),
                input: Bytes::copy_from_slice(&number.to_be_bytes()),
                gas: 100_000,
            };
            let window = Window::new(NOW.minus(1000), NOW.plus(1000));
            lane.send(&call, &window, |_| ()).await
        })));
    }

    fn under_way(&self) -> Vec<usize> {
        let senders = self.senders.iter().enumerate();
        let senders = senders.filter(|(_, sender)| sender.is_some());
        senders.map(|(at, _)| at).collect()
    }

    fn poll(&mut self, at: usize) {
        let Some(sender) = &mut self.senders[at] else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(sent) = sender.as_mut().poll(&mut context) {
            self.senders[at] = None;
            match sent {
                Ok(sent) => self.sent.push(sent),
                Err(NotSent::Failed(_)) => self.refused += 1,
                Err(NotSent::Declined(why)) => panic!("nothing is too dear or too late: {why}"),
            }
        }
    }

    /// Lets everybody come to an end, and looks at what came of it.
    fn end(mut self) {
        for _ in 0..10_000 {
            for at in self.under_way() {
                self.poll(at);
            }
        }
        assert_eq!(self.under_way(), [0; 0], "somebody waits for ever");
        self.no_nonce_twice();
        self.no_gap();
        // Nobody looks after what was lost any more. The next one leaves no nonce behind him empty.
        self.sent.clear();
        self.node.state().script.clear();
        self.begin();
        let last = self.senders.len() - 1;
        for _ in 0..10_000 {
            self.poll(last);
        }
        let nonce = match &self.sent[..] {
            [(hold, _)] => hold.nonce,
            _ => panic!("a node that takes everything has taken it"),
        };
        assert_eq!(self.node.state().pending(), nonce + 1, "a gap is left");
    }

    fn no_nonce_twice(&self) {
        let mut nonces = BTreeMap::new();
        for (hold, attempt) in &self.sent {
            let other = nonces.insert(hold.nonce, attempt.hash);
            assert_eq!(other, None, "two have nonce {}", hold.nonce);
        }
        // What the node has under a sender's nonce is the sender's.
        let state = self.node.state();
        for (nonce, hash) in nonces {
            let there = state.has.get(&nonce);
            assert!(there.is_none_or(|there| *there == hash || *there == FOREIGN));
        }
    }

    /// Before each nonce that is taken, all are: by what the node has, or by somebody who looks after it.
    fn no_gap(&self) {
        let state = self.node.state();
        let held: BTreeSet<u64> = self.sent.iter().map(|(hold, _)| hold.nonce).collect();
        let taken = state.has.keys().chain(&held).max();
        let Some(top) = taken else { return };
        for nonce in FIRST..*top {
            assert!(
                state.has.contains_key(&nonce) || held.contains(&nonce),
                "nobody has nonce {nonce}, and {top} is taken"
            );
        }
    }
}

/// What somebody else sends from the same account.
const FOREIGN: B256 = B256::repeat_byte(0xff);

/// How many histories are tried: more when `HTTP402_ROUNDS` says so.
fn rounds(few: u64) -> u64 {
    let more = std::env::var("HTTP402_ROUNDS").ok();
    few * more.map_or(1, |more| more.parse().unwrap())
}

/// Every order of the first twelve steps of two senders, for every two deeds of the node.
#[test]
fn two_senders_in_every_order() {
    let mut orders = 0;
    for script in DEEDS.iter().flat_map(|one| DEEDS.map(|two| [*one, two])) {
        // Each turn that is taken is what had not been tried yet; the last one that had a choice is changed for the next order.
        let mut chosen: Vec<usize> = Vec::new();
        loop {
            let mut world = World::new(2, &script);
            let mut turn = 0;
            let mut choices = Vec::new();
            loop {
                let under_way = world.under_way();
                if under_way.is_empty() {
                    break;
                }
                let choice = chosen.get(turn).copied().unwrap_or(0);
                // Who waits for the lane gets nowhere, however often he is asked: not more than twelve turns are chosen.
                let most = if turn < 12 { under_way.len() } else { 1 };
                choices.push((choice, most));
                world.poll(under_way[choice]);
                if turn >= 12 {
                    for at in under_way {
                        world.poll(at);
                    }
                }
                turn += 1;
            }
            world.end();
            orders += 1;
            while choices
                .last()
                .is_some_and(|(choice, most)| choice + 1 == *most)
            {
                choices.pop();
            }
            let Some((last, _)) = choices.pop() else {
                break;
            };
            chosen = choices.iter().map(|(choice, _)| *choice).collect();
            chosen.push(last + 1);
        }
    }
    assert!(orders > 1000, "{orders} orders");
}

/// Four senders, blocks, and somebody else with the same account, in orders that are drawn.
#[test]
fn four_senders_blocks_and_a_stranger() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |end: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % end
    };
    let (mut refused, mut sent) = (0, 0);
    for _ in 0..rounds(3000) {
        let script: Vec<_> = (0..6).map(|_| DEEDS[below(4)]).collect();
        let mut world = World::new(4, &script);
        let mut strangers = below(3);
        for _ in 0..200 {
            match below(20) {
                0 => {
                    let mut state = world.node.state();
                    state.mined = state.pending();
                }
                1 if strangers > 0 => {
                    strangers -= 1;
                    let mut state = world.node.state();
                    let nonce = state.pending();
                    state.has.insert(nonce, FOREIGN);
                }
                other => world.poll(other % 4),
            }
        }
        refused += world.refused;
        sent += world.sent.len();
        world.end();
    }
    assert!(refused > 500 && sent > 3000, "{refused} {sent}");
}
