//! A chain without machine: balances, EIP-3009 nonces, blocks, a mempool, finality and reorganisations.

use super::dice::Dice;
use http402_core::{Address, B256, U256, authorization::Eip3009};
use std::collections::{BTreeMap, HashMap};

/// How long a block takes, in milliseconds.
pub(crate) const BLOCK: u64 = 2_000;
/// How many blocks lie between the head and the last one that does not change any more.
pub(crate) const FINALITY: u64 = 8;

/// The number of a transaction.
pub(crate) type Hash = u64;

/// What a transaction does.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Executes an authorization.
    Execute(Box<Eip3009>),
    /// The payer cancels one.
    Cancel { from: Address, nonce: B256 },
    /// The payer moves his money away.
    Drain { from: Address },
}

#[derive(Clone, Debug)]
struct Transaction {
    hash: Hash,
    call: Call,
    /// In which block it is included at the earliest.
    due: u64,
}

/// A transaction in a block.
#[derive(Clone, Debug)]
struct Included {
    transaction: Transaction,
    /// What it moved; `None` when it was reverted.
    effect: Option<U256>,
}

/// What a nonce was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) block: u64,
    pub(crate) hash: Hash,
    /// By whom and how much; `None` when it was cancelled.
    pub(crate) moved: Option<(Address, U256)>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Waiting.
    Pool,
    /// In this block, executed or reverted.
    Block(u64, bool),
    /// Nowhere.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Chain {
    /// Unix time of block 0, in seconds.
    start: u64,
    head: u64,
    blocks: BTreeMap<u64, Vec<Included>>,
    pool: Vec<Transaction>,
    balances: HashMap<Address, U256>,
    used: HashMap<(Address, B256), Use>,
    next: Hash,
    dice: Dice,
    /// The authorizations whose execution a reorganisation took back.
    pub(crate) undone: Vec<(Address, B256)>,
}

impl Chain {
    pub(crate) fn new(seed: u64, start: u64) -> Self {
        Self {
            start,
            head: 0,
            blocks: BTreeMap::new(),
            pool: Vec::new(),
            balances: HashMap::new(),
            used: HashMap::new(),
            next: 1,
            dice: Dice::new(seed, 2),
            undone: Vec::new(),
        }
    }

    pub(crate) fn fund(&mut self, account: Address, amount: u64) {
        *self.balances.entry(account).or_default() += U256::from(amount);
    }

    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// Unix time of a block.
    pub(crate) const fn time(&self, block: u64) -> u64 {
        self.start + block * BLOCK / 1_000
    }

    pub(crate) const fn last_final(&self) -> u64 {
        self.head.saturating_sub(FINALITY)
    }

    /// Produces the blocks until so many milliseconds after the beginning.
    pub(crate) fn advance(&mut self, millis: u64) {
        let target = millis / BLOCK;
        while self.head < target {
            let next = self.pool.iter().map(|waiting| waiting.due).min();
            let Some(due) = next.filter(|due| *due <= target) else {
                self.head = target;
                return;
            };
            self.head = due.max(self.head + 1);
            let head = self.head;
            let (mut taken, left) = std::mem::take(&mut self.pool)
                .into_iter()
                .partition::<Vec<_>, _>(|waiting| waiting.due <= head);
            self.pool = left;
            // Who builds the block chooses the order.
            for at in (1..taken.len()).rev() {
                let other = usize::try_from(self.dice.below(at as u64 + 1)).unwrap_or(0);
                taken.swap(at, other);
            }
            for transaction in taken {
                let effect = self.execute(&transaction);
                let block = self.blocks.entry(head).or_default();
                block.push(Included {
                    transaction,
                    effect,
                });
            }
        }
    }

    fn execute(&mut self, transaction: &Transaction) -> Option<U256> {
        let (block, hash) = (self.head, transaction.hash);
        match &transaction.call {
            Call::Execute(signed) => {
                let time = U256::from(self.time(block));
                let open = signed.window.after < time && time < signed.window.before;
                let key = (signed.from, signed.nonce);
                if !open || self.used.contains_key(&key) || self.balance(signed.from) < signed.value
                {
                    return None;
                }
                *self.balances.entry(signed.from).or_default() -= signed.value;
                *self.balances.entry(signed.to).or_default() += signed.value;
                let moved = Some((signed.to, signed.value));
                self.used.insert(key, Use { block, hash, moved });
                Some(signed.value)
            }
            Call::Cancel { from, nonce } => {
                let key = (*from, *nonce);
                if self.used.contains_key(&key) {
                    return None;
                }
                let moved = None;
                self.used.insert(key, Use { block, hash, moved });
                Some(U256::ZERO)
            }
            Call::Drain { from } => {
                let all = self.balance(*from);
                self.balances.insert(*from, U256::ZERO);
                *self.balances.entry(Address::ZERO).or_default() += all;
                Some(all)
            }
        }
    }

    fn undo(&mut self, included: &Included) {
        let Some(effect) = included.effect else {
            return;
        };
        match &included.transaction.call {
            Call::Execute(signed) => {
                *self.balances.entry(signed.to).or_default() -= effect;
                *self.balances.entry(signed.from).or_default() += effect;
                self.used.remove(&(signed.from, signed.nonce));
                self.undone.push((signed.from, signed.nonce));
            }
            Call::Cancel { from, nonce } => {
                self.used.remove(&(*from, *nonce));
            }
            Call::Drain { from } => {
                *self.balances.entry(Address::ZERO).or_default() -= effect;
                *self.balances.entry(*from).or_default() += effect;
            }
        }
    }

    /// Puts a transaction into the mempool; it is included `delay` blocks after the next one at the earliest.
    pub(crate) fn submit(&mut self, call: Call, delay: u64) -> Hash {
        let hash = self.next;
        self.next += 1;
        let due = self.head + 1 + delay;
        self.pool.push(Transaction { hash, call, due });
        hash
    }

    /// Takes the last `depth` blocks back, none that is final. Their transactions wait again, some are forgotten.
    pub(crate) fn reorg(&mut self, depth: u64) -> usize {
        let keep = self.head.saturating_sub(depth.min(FINALITY));
        let undone = self.blocks.split_off(&(keep + 1));
        let mut count = 0;
        for included in undone
            .into_values()
            .rev()
            .flat_map(|block| block.into_iter().rev())
        {
            self.undo(&included);
            count += 1;
            if self.dice.below(4) > 0 {
                let due = self.head + 1 + self.dice.below(3);
                self.pool.push(Transaction {
                    due,
                    ..included.transaction
                });
            }
        }
        count
    }

    /// Forgets a waiting transaction.
    pub(crate) fn evict(&mut self, hash: Hash) {
        self.pool.retain(|waiting| waiting.hash != hash);
    }

    pub(crate) fn place(&self, hash: Hash) -> Place {
        if self.pool.iter().any(|waiting| waiting.hash == hash) {
            return Place::Pool;
        }
        for (number, block) in self.blocks.iter().rev() {
            if let Some(found) = block.iter().find(|one| one.transaction.hash == hash) {
                return Place::Block(*number, found.effect.is_some());
            }
        }
        Place::Gone
    }

    /// What a nonce was used for, as of the head.
    pub(crate) fn used(&self, from: Address, nonce: B256) -> Option<Use> {
        self.used.get(&(from, nonce)).copied()
    }

    /// Whether a transaction that executes the authorization waits in the mempool.
    pub(crate) fn waits(&self, from: Address, nonce: B256) -> bool {
        self.pool.iter().any(|waiting| match &waiting.call {
            Call::Execute(signed) => (signed.from, signed.nonce) == (from, nonce),
            _ => false,
        })
    }

    /// Whether the authorization was not executed at a final block after its window, or was cancelled in one: the proof
    /// that it never will be.
    pub(crate) fn never(&self, signed: &Eip3009) -> bool {
        let ended = U256::from(self.time(self.last_final())) >= signed.window.before;
        match self.used(signed.from, signed.nonce) {
            Some(found) => found.moved.is_none() && (ended || found.block <= self.last_final()),
            None => ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http402_core::{Bytes, Timestamp, Window};

    fn signed(nonce: u8) -> Eip3009 {
        Eip3009 {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(10),
            window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(1_060)),
            nonce: B256::repeat_byte(nonce),
            signature: Bytes::new(),
        }
    }

    #[test]
    fn an_authorization_is_executed_once_within_its_window() {
        let mut chain = Chain::new(1, 1_000);
        chain.fund(signed(1).from, 25);
        let first = chain.submit(Call::Execute(Box::new(signed(1))), 0);
        let twin = chain.submit(Call::Execute(Box::new(signed(1))), 1);
        chain.advance(6_000);
        assert_eq!(chain.place(first), Place::Block(1, true));
        assert_eq!(chain.place(twin), Place::Block(2, false));
        assert_eq!(chain.balance(signed(1).to), U256::from(10));
        assert!(!chain.never(&signed(2)));
        chain.advance(59_000);
        let late = chain.submit(Call::Execute(Box::new(signed(2))), 0);
        chain.advance(100_000);
        assert_eq!(chain.place(late), Place::Block(30, false));
        assert!(chain.never(&signed(2)) && !chain.never(&signed(1)));
    }

    #[test]
    fn a_reorg_takes_back_what_is_not_final() {
        let mut chain = Chain::new(1, 1_000);
        chain.fund(signed(1).from, 10);
        chain.submit(Call::Execute(Box::new(signed(1))), 0);
        chain.advance(4_000);
        assert_eq!(chain.reorg(1), 0);
        assert!(chain.used(signed(1).from, signed(1).nonce).is_some());
        assert_eq!(chain.reorg(2), 1);
        assert_eq!(chain.balance(signed(1).from), U256::from(10));
        assert_eq!(chain.balances.values().sum::<U256>(), U256::from(10));
        let cancel = Call::Cancel {
            from: signed(1).from,
            nonce: signed(3).nonce,
        };
        chain.submit(cancel, 0);
        chain.advance(2 * BLOCK * (FINALITY + 4));
        assert!(chain.never(&signed(3)));
        assert_eq!(chain.reorg(100), 0, "what is final stays");
    }
}
