//! Transactions that wait for a block.

use std::collections::{BTreeMap, HashMap};

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_primitives::{Address, B256};

use super::error::RpcError;

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) tx: Recovered<TxEnvelope>,
    arrival: u64,
}

/// The mempool: at most one transaction per sender and nonce, gaps allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    queues: BTreeMap<Address, BTreeMap<u64, Waiting>>,
    hashes: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

impl Pool {
    /// Takes a transaction in, if it does not stand against a better paying one.
    pub(super) fn insert(&mut self, tx: Recovered<TxEnvelope>) -> Result<(), RpcError> {
        let (hash, sender, nonce) = (*tx.tx_hash(), tx.signer(), tx.nonce());
        if self.hashes.contains_key(&hash) {
            return Err(RpcError::server("already known"));
        }
        let queue = self.queues.entry(sender).or_default();
        if let Some(old) = queue.get(&nonce) {
            if !outbids(&tx, &old.tx) {
                return Err(RpcError::server("replacement transaction underpriced"));
            }
            self.hashes.remove(old.tx.tx_hash());
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        queue.insert(nonce, Waiting { tx, arrival });
        self.hashes.insert(hash, (sender, nonce));
        Ok(())
    }

    pub(super) fn get(&self, hash: &B256) -> Option<&Recovered<TxEnvelope>> {
        let (sender, nonce) = self.hashes.get(hash)?;
        let waiting = self.queues.get(sender)?.get(nonce)?;
        Some(&waiting.tx)
    }

    pub(super) fn remove(&mut self, hash: &B256) -> Option<Recovered<TxEnvelope>> {
        let (sender, nonce) = self.hashes.remove(hash)?;
        let queue = self.queues.get_mut(&sender)?;
        let waiting = queue.remove(&nonce)?;
        if queue.is_empty() {
            self.queues.remove(&sender);
        }
        Some(waiting.tx)
    }

    /// The next nonce of a sender when the transactions without a gap before them are counted.
    pub(super) fn next_nonce(&self, sender: Address, state: u64) -> u64 {
        let queue = self.queues.get(&sender);
        let taken = |nonce: &u64| queue.is_some_and(|queue| queue.contains_key(nonce));
        (state..).find(|nonce| !taken(nonce)).unwrap_or(state)
    }

    /// The transaction to include next: the best tip first, then the oldest.
    pub(super) fn best(
        &self,
        nonce_of: impl Fn(Address) -> u64,
        fits: impl Fn(&Recovered<TxEnvelope>) -> bool,
        base_fee: u64,
    ) -> Option<B256> {
        let ready = self.queues.iter().filter_map(|(sender, queue)| {
            let waiting = queue.get(&nonce_of(*sender))?;
            fits(&waiting.tx).then_some(waiting)
        });
        let tip = |waiting: &Waiting| waiting.tx.effective_tip_per_gas(base_fee);
        ready
            .max_by_key(|waiting| (tip(waiting), std::cmp::Reverse(waiting.arrival)))
            .map(|waiting| *waiting.tx.tx_hash())
    }

    /// Drops what can never be included again.
    pub(super) fn drop_below(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.queues.get_mut(&sender) else {
            return;
        };
        let keep = queue.split_off(&nonce);
        for stale in std::mem::replace(queue, keep).into_values() {
            self.hashes.remove(stale.tx.tx_hash());
        }
        if queue.is_empty() {
            self.queues.remove(&sender);
        }
    }

    pub(super) fn senders(&self) -> Vec<Address> {
        self.queues.keys().copied().collect()
    }

    /// All transactions, oldest first.
    pub(super) fn all(&self) -> Vec<&Recovered<TxEnvelope>> {
        let mut all: Vec<_> = self.queues.values().flat_map(BTreeMap::values).collect();
        all.sort_by_key(|waiting| waiting.arrival);
        all.into_iter().map(|waiting| &waiting.tx).collect()
    }
}

/// go-ethereum's rule: both fees at least ten percent higher.
fn outbids(new: &Recovered<TxEnvelope>, old: &Recovered<TxEnvelope>) -> bool {
    let tip = |tx: &Recovered<TxEnvelope>| {
        tx.max_priority_fee_per_gas()
            .unwrap_or(tx.max_fee_per_gas())
    };
    let beats = |new: u128, old: u128| new > old && new >= old.saturating_add(old / 10);
    beats(new.max_fee_per_gas(), old.max_fee_per_gas()) && beats(tip(new), tip(old))
}
