//! The target of a run, and what is known of it.

use super::Unfit;
use crate::attacks::{
    charge::Purse,
    dialect::{self, Offer},
    payment::Payment,
    report::{Seen, fail, pass},
    rpc::Node,
    wire::{Answer, Heard, Wire},
};
use http402_core::U256;
use http402_verify::LocalKey;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

/// How much of each refusal is kept for what is judged at the end, and how many refusals.
const KEPT: usize = 8 * 1024;
const REFUSALS: usize = 4_000;

/// What is attacked.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) also: Option<String>,
    pub(super) failing: Option<String>,
}

/// A request that is being put together.
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Ask {
    pub(super) fn with(mut self, (name, value): (String, String)) -> Self {
        self.headers.push((name, value.into_bytes()));
        self
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

pub(super) struct Scene {
    pub(super) target: Target,
    pub(super) wire: Wire,
    /// Who pays, where something may be paid.
    pub(super) key: Option<LocalKey>,
    pub(super) node: Option<Node>,
    /// Whether the target is this machine.
    pub(super) here: bool,
    /// What a payment buys.
    pub(super) goods: Option<Answer>,
    mark: AtomicU32,
    sent: AtomicUsize,
    refusals: Mutex<Vec<Answer>>,
    /// Receipts of what was granted.
    receipts: Mutex<Vec<String>>,
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    pub(super) fn new(
        target: Target,
        wire: Wire,
        key: Option<LocalKey>,
        node: Option<Node>,
        here: bool,
    ) -> Self {
        Self {
            target,
            wire,
            key,
            node,
            here,
            goods: None,
            mark: AtomicU32::new(0),
            sent: AtomicUsize::new(0),
            refusals: Mutex::default(),
            receipts: Mutex::default(),
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// A node of another chain would count nothing.
    pub(super) async fn rpc_is_of(&self, offers: &[Offer]) -> Result<(), Unfit> {
        if let Some(node) = &self.node {
            let chain = node.chain().await.ok_or(Unfit::Node)?;
            if !offers.is_empty() && offers.iter().all(|offer| offer.number != chain) {
                return Err(Unfit::Node);
            }
        }
        Ok(())
    }

    /// The request for the resource; with `marked` one that differs from every other in its query.
    pub(super) fn ask(&self, marked: bool) -> Ask {
        let mut path = self.target.path.clone();
        if marked {
            path = self.marked(&path);
        }
        let headers = self.target.headers.iter();
        Ask {
            method: self.target.method.clone(),
            path,
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
                .collect(),
            body: self.target.body.clone(),
        }
    }

    pub(super) fn marked(&self, path: &str) -> String {
        let mark = self.mark.fetch_add(1, Ordering::SeqCst);
        let join = if path.contains('?') { '&' } else { '?' };
        format!("{path}{join}conform={mark}")
    }

    pub(super) fn bytes(&self, ask: &Ask) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", ask.method, ask.path).into_bytes();
        let given = |name: &str| {
            ask.headers
                .iter()
                .any(|(have, _)| have.eq_ignore_ascii_case(name))
        };
        if !given("host") {
            bytes.extend_from_slice(format!("Host: {}\r\n", self.target.authority).as_bytes());
        }
        for (name, value) in &ask.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !ask.body.is_empty() && !given("content-length") {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", ask.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(&ask.body);
        bytes
    }

    /// Sends one request.
    pub(super) async fn send(&self, ask: &Ask) -> Heard {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let heard = self.wire.send(&self.bytes(ask)).await;
        self.note(&heard);
        heard
    }

    /// Sends all of them at the same moment.
    pub(super) async fn volley(&self, asks: &[Ask]) -> Vec<Heard> {
        self.sent.fetch_add(asks.len(), Ordering::SeqCst);
        let all = asks.iter().map(|ask| self.bytes(ask)).collect();
        let heard = self.wire.volley(all).await;
        heard.iter().for_each(|heard| self.note(heard));
        heard
    }

    fn note(&self, heard: &Heard) {
        let Some(answer) = heard.answer() else { return };
        let receipt = dialect::receipt(answer);
        let hash = receipt.and_then(|it| Some(it["transaction"].as_str()?.to_owned()));
        if answer.granted() {
            lock(&self.receipts).extend(hash);
            return;
        }
        let mut refusals = lock(&self.refusals);
        if refusals.len() < REFUSALS {
            let mut answer = answer.clone();
            answer.body.truncate(KEPT);
            refusals.push(answer);
        }
    }

    /// Every refusal so far, and the transactions of what was granted.
    pub(super) fn told(&self) -> (Vec<Answer>, Vec<String>) {
        (lock(&self.refusals).clone(), lock(&self.receipts).clone())
    }

    /// The resource, without a payment.
    pub(super) async fn plain(&self) -> Heard {
        self.send(&self.ask(false)).await
    }

    /// A fresh payment by who may pay.
    pub(super) fn payment(&self, offer: &Offer) -> Option<Payment> {
        Some(Payment::honest(offer, self.key.as_ref()?))
    }

    /// Presents a payment: `at` is the path, that of the resource by default.
    pub(super) async fn present(&self, payment: &Payment, at: Option<String>) -> Heard {
        let mut ask = self.ask(false).with(payment.header());
        if let Some(at) = at {
            ask.path = at;
        }
        self.send(&ask).await
    }

    /// What the payer holds, where a node tells.
    pub(super) async fn purse(&self, of: impl Into<Purse>) -> Option<U256> {
        let key = self.key.as_ref()?;
        let Purse(asset) = of.into();
        self.node.as_ref()?.holds(asset, key.address()).await
    }

    /// What the payer has less than `before`.
    pub(super) async fn spent(&self, of: impl Into<Purse>, before: Option<U256>) -> Option<U256> {
        let after = self.purse(of).await?;
        Some(before?.saturating_sub(after))
    }

    /// Whether an answer holds what a payment buys: the same text, but for digits that may differ from call to call.
    pub(super) fn has_goods(&self, answer: &Answer) -> bool {
        let shape = |answer: &Answer| {
            let text = answer.text();
            let words = text.split(|c: char| c.is_ascii_digit());
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        self.goods
            .as_ref()
            .is_some_and(|goods| !goods.body.is_empty() && shape(goods) == shape(answer))
    }

    /// Sends each of these, one after the other: all of them are to be refused, and nothing is to be paid.
    pub(super) async fn refuses(&self, of: impl Into<Purse>, cases: Vec<(String, Ask)>) -> Seen {
        let of = of.into();
        let before = self.purse(of).await;
        let (mut statuses, mut bad) = (BTreeMap::<String, usize>::new(), Vec::new());
        for (name, ask) in &cases {
            let heard = self.send(ask).await;
            match &heard {
                Heard::Answer(answer) if answer.granted() => bad.push(format!("{name} is granted")),
                Heard::Answer(answer) if answer.status < 500 => {}
                // Not asked and not known are answers too, when they say so.
                Heard::Answer(answer) if matches!(answer.status, 502 | 503) => {}
                heard => bad.push(format!("{name}: {}", heard.word())),
            }
            *statuses.entry(heard.word()).or_default() += 1;
        }
        let spent = self.spent(of, before).await;
        if let Some(spent) = spent.filter(|spent| !spent.is_zero()) {
            bad.push(format!("{spent} units were taken"));
        }
        if bad.is_empty() {
            let statuses = statuses
                .iter()
                .map(|(status, count)| format!("{status} × {count}"));
            return pass(format!(
                "{} tried: {}",
                cases.len(),
                statuses.collect::<Vec<_>>().join(", ")
            ));
        }
        fail(shortened(&bad))
    }
}

/// The first few of many.
pub(super) fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    match all.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{}, and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
