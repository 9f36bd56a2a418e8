//! What must hold in every history, claim by claim.
//!
//! Value delivered ≤ value granted ≤ value settled, plus what a ledger holds while a handler runs; settled ≤ signed; one
//! settlement and one delivery for each authorization; nothing signed that the policy did not approve; budgets over all
//! processes of a buyer.
//!
//! What a facilitator that lies may take is accounted to it, and to nobody else: goods for a claim of which it said
//! "settled" when nothing had moved (the seller loses them), and money of a claim of which it said "declined" or "invalid"
//! when it had moved or moved later (the buyer gets nothing for it). A reorganisation deeper than the facilitator waits for
//! is accounted to its confirmations in the same way. Both are counted, and excuse that one claim alone.

use super::{chain::Chain, facilitator::PATIENCE};
use http402_core::{B256, Bytes, Timestamp, U256, authorization::Eip3009};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The nonce of an authorization, which names its claim. It prints short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub(crate) B256);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..3]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A handler at work.
#[derive(Debug)]
struct Run {
    serial: u64,
    /// Until when the claim was leased when it began, in seconds of the seller's clock.
    lease: u64,
    alive: bool,
}

/// Everything that is known of one authorization.
#[derive(Debug, Default)]
pub(crate) struct Matter {
    pub(crate) signed: Option<(usize, Eip3009)>,
    pub(crate) presented: bool,
    /// The wishes that it was presented for.
    pub(crate) wishes: BTreeSet<usize>,
    holds: u64,
    lease: u64,
    runs: Vec<Run>,
    /// The goods that have left a seller for it.
    pub(crate) left: BTreeSet<u64>,
    /// The goods that a buyer got for it.
    pub(crate) received: BTreeSet<u64>,
    /// A settlement has begun and nobody was told that it did not happen.
    settling: bool,
    pub(crate) lied_settled: bool,
    pub(crate) lied_declined: bool,
    /// It was said of another signature that it is the payer's.
    pub(crate) lied_genuine: bool,
    /// Somebody else submitted it.
    pub(crate) preempted: bool,
    /// Somebody else submitted it, and it came to the seller after its window only.
    pub(crate) late: bool,
    pub(crate) declined: bool,
    /// The seller has found that the chain took it back.
    pub(crate) reversed: bool,
}

impl Matter {
    pub(crate) fn account(&self) -> Option<usize> {
        self.signed.as_ref().map(|(account, _)| *account)
    }
}

/// Watches a history.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) matters: BTreeMap<Id, Matter>,
    pub(crate) violation: Option<String>,
    serials: u64,
}

impl Oracle {
    /// The first violation counts: what follows it may be its consequence.
    pub(crate) fn violated(&mut self, what: impl Into<String>) {
        if self.violation.is_none() {
            self.violation = Some(what.into());
        }
    }

    pub(crate) fn matter(&mut self, nonce: Id) -> &mut Matter {
        self.matters.entry(nonce).or_default()
    }

    pub(crate) fn signed(&mut self, account: usize, document: &Eip3009) {
        let nonce = Id(document.nonce);
        let old = self
            .matter(nonce)
            .signed
            .replace((account, document.clone()));
        if old.is_some_and(|(_, old)| old != *document) {
            self.violated(format!("{nonce} was signed twice, for different things"));
        }
    }

    pub(crate) fn has_signed(&self, document: &Eip3009) -> bool {
        let matter = self.matters.get(&Id(document.nonce));
        let signed = matter.and_then(|matter| matter.signed.as_ref());
        signed.is_some_and(|(_, signed)| signed == document)
    }

    /// Signed bytes leave a process for the first time: what may leave of an account is at most its budget.
    pub(crate) fn presents(
        &mut self,
        nonce: Id,
        wish: usize,
        cap: impl Fn(usize) -> u64,
        chain: &Chain,
    ) {
        let matter = self.matter(nonce);
        let Some(account) = matter.account() else {
            return self.violated(format!("{nonce} left and nobody had signed it"));
        };
        matter.wishes.insert(wish);
        if matter.presented {
            return;
        }
        matter.presented = true;
        let mine = self.matters.values().filter(|one| one.presented);
        let charged = mine.filter_map(|one| one.signed.as_ref());
        let sum: U256 = charged
            .filter(|(of, signed)| *of == account && !chain.never(signed))
            .map(|(_, signed)| signed.value)
            .sum();
        if sum > U256::from(cap(account)) {
            self.violated(format!(
                "buyer {} has {sum} out, and may have {}",
                account + 1,
                cap(account)
            ));
        }
    }

    /// A write of a seller's ledger took the claim for one request until `lease`.
    pub(crate) fn held(&mut self, nonce: Id, lease: u64) {
        let matter = self.matter(nonce);
        matter.holds += 1;
        matter.lease = lease;
    }

    /// A handler begins to work for a claim: the value is granted. `now` in seconds; clocks are wrong by at most `skew`.
    pub(crate) fn granted(&mut self, nonce: Id, now: u64, skew: u64) -> u64 {
        self.serials += 1;
        let serial = self.serials;
        let matter = self.matter(nonce);
        let lease = matter.lease;
        let twin = matter
            .runs
            .iter()
            .any(|run| run.alive && now + 2 * skew < run.lease);
        let unheld = matter.runs.len() as u64 >= matter.holds;
        matter.runs.push(Run {
            serial,
            lease,
            alive: true,
        });
        if unheld {
            self.violated(format!("{nonce} was granted, and no ledger held it"));
        } else if twin {
            self.violated(format!("{nonce} was granted to two requests at once"));
        }
        serial
    }

    /// A handler has ended, or was dropped.
    pub(crate) fn handled(&mut self, nonce: Id, serial: u64) {
        let mut runs = self.matter(nonce).runs.iter_mut();
        if let Some(run) = runs.find(|run| run.serial == serial) {
            run.alive = false;
        }
    }

    /// Goods leave a seller.
    pub(crate) fn leaves(&mut self, nonce: Id, serial: u64, chain: &Chain) {
        let matter = self.matter(nonce);
        matter.left.insert(serial);
        let (many, lied) = (matter.left.len() > 1, matter.lied_settled);
        let signed = matter.signed.as_ref().map(|(_, signed)| signed);
        let settled = signed.is_some_and(|signed| has_moved(signed, chain));
        if many {
            self.violated(format!("{nonce} was paid once and delivered twice"));
        } else if !settled && !lied && !was_undone(nonce, chain) {
            self.violated(format!("{nonce} was delivered and had not settled"));
        }
    }

    /// Goods arrive at a buyer.
    pub(crate) fn arrives(&mut self, nonce: Id, serial: u64) {
        let matter = self.matter(nonce);
        matter.received.insert(serial);
        if !matter.left.contains(&serial) {
            self.violated(format!("{nonce} got goods that nobody had sent"));
        }
    }

    /// A seller answers a credential with offers: whoever gets them may sign again, so nothing of it may be in flight.
    pub(crate) fn offers(&mut self, nonce: Id, now: Timestamp, chain: &Chain) {
        let matter = self.matter(nonce);
        let Some((_, signed)) = matter.signed.clone() else {
            return;
        };
        // What is past its window is never taken up: it may be one whose record has rightly been forgotten.
        matter.late |= matter.preempted && !signed.window.open(now);
        let excused = matter.lied_declined || matter.lied_settled || matter.late;
        // A stranger's block may be younger than the answer that the seller goes by.
        let seen = chain.used(signed.from, signed.nonce).is_some_and(|found| {
            !matter.preempted || chain.time(found.block) + PATIENCE / 1_000 < now.secs()
        });
        let moved = seen && has_moved(&signed, chain);
        // What a stranger has sent and no block holds yet, nobody can know.
        let known = !matter.declined && !matter.preempted;
        let waits = chain.waits(signed.from, signed.nonce) && known;
        if !excused && (moved || waits) && !was_undone(nonce, chain) {
            let how = if moved { "was settled" } else { "is in flight" };
            self.violated(format!("{nonce} {how} and was answered with offers"));
        }
    }

    /// A seller asks for a settlement for the first time.
    pub(crate) fn settles(&mut self, nonce: Id) {
        let matter = self.matter(nonce);
        let twice = std::mem::replace(&mut matter.settling, true);
        if twice {
            self.violated(format!(
                "{nonce} was settled again while its first settlement was not known"
            ));
        }
    }

    /// A seller was told that it did not settle.
    pub(crate) fn declines(&mut self, nonce: Id) {
        let matter = self.matter(nonce);
        (matter.settling, matter.declined) = (false, true);
    }

    /// A seller says that the chain has taken a delivered payment back.
    pub(crate) fn reversed(&mut self, nonce: Id) {
        self.matter(nonce).reversed = true;
    }

    /// The books, when everything has come to rest. `looks`: sellers look again at what they have delivered.
    pub(crate) fn balance(&mut self, chain: &Chain, looks: bool) {
        let mut wrong = Vec::new();
        for (nonce, matter) in &self.matters {
            let signed = matter.signed.as_ref().map(|(_, signed)| signed);
            let Some(signed) = signed else {
                if !matter.runs.is_empty() {
                    wrong.push(format!("{nonce} was granted and nobody had signed it"));
                }
                continue;
            };
            let moved = has_moved(signed, chain);
            let excused = matter.lied_settled || was_undone(*nonce, chain);
            let lied = matter.lied_settled || matter.lied_declined;
            if looks && !lied && !matter.left.is_empty() && moved == matter.reversed {
                let what = if moved {
                    "stands and was"
                } else {
                    "was taken back and not"
                };
                wrong.push(format!("{nonce} {what} marked as reversed"));
            }
            if !matter.left.is_empty() && !moved && !excused {
                wrong.push(format!("{nonce} was delivered and is not settled"));
            }
        }
        for what in wrong {
            self.violated(what);
        }
    }
}

/// Whether the chain shows that the money went where it was to go.
pub(crate) fn has_moved(signed: &Eip3009, chain: &Chain) -> bool {
    let found = chain.used(signed.from, signed.nonce);
    found.is_some_and(|found| found.moved == Some((signed.to, signed.value)))
}

/// Whether a reorganisation had taken it back once.
pub(crate) fn was_undone(nonce: Id, chain: &Chain) -> bool {
    chain.undone.iter().any(|(_, undone)| *undone == nonce.0)
}

/// What a handler sells, with its number.
pub(crate) fn goods(serial: u64) -> Bytes {
    format!("goods {serial}").into_bytes().into()
}

/// The number of goods.
pub(crate) fn serial(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    text.strip_prefix("goods ")?.parse().ok()
}
