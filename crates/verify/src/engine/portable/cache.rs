//! Which payers have a table.

use super::{key::BYTES, key::Table, point::Affine};
use http402_core::Address;
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Locks are taken by one payer in so many.
const SHARDS: usize = 16;

/// The keys of payers who came back, each with a table that makes its next check two to three times as fast.
///
/// It is bounded: [`Keys::MEMORY`] bytes a key, and 96 bytes for each of eight times as many payers that have paid once. The
/// key that was used longest ago makes room. It can not change an answer: a key is put only after it was recovered from a
/// signature and hashed to the address under which it stands.
pub struct Keys {
    shards: Box<[RwLock<Shard>]>,
    hasher: RandomState,
    clock: AtomicU64,
    limit: usize,
    after: u8,
}

#[derive(Default)]
struct Shard {
    tables: HashMap<Address, Slot>,
    /// How often payers without a table were right. When `young` is full it becomes `old`, and `old` is forgotten.
    young: HashMap<Address, u8>,
    old: HashMap<Address, u8>,
}

struct Slot {
    table: Arc<Table>,
    used: AtomicU64,
}

impl Keys {
    /// The bytes of one key's table.
    pub const MEMORY: usize = BYTES;

    /// How many keys are kept unless configured otherwise: about 22 MiB of tables.
    pub const LIMIT: usize = 1024;

    /// After how many right signatures a table is built unless configured otherwise. Building costs about as much as three
    /// recoveries, and each later check saves half of one.
    pub const AFTER: u8 = 3;

    /// Keeps up to about `limit` keys, the share of each of 16 shards rounded up.
    pub fn new(limit: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
            clock: AtomicU64::new(0),
            limit: limit.div_ceil(SHARDS),
            after: Self::AFTER,
        }
    }

    /// Builds a table with the `count`th right signature of a payer, the first being 1.
    #[must_use]
    pub fn build_after(mut self, count: u8) -> Self {
        self.after = count;
        self
    }

    /// How many keys have a table.
    pub fn len(&self) -> usize {
        let count = |shard: &RwLock<Shard>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.tables.len()
        };
        self.shards.iter().map(count).sum()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, address: &Address) -> &RwLock<Shard> {
        // Keyed at random, so that nobody chooses whose shard he crowds.
        let hash = self.hasher.hash_one(address) as usize;
        &self.shards[hash % SHARDS]
    }

    pub(super) fn find(&self, address: &Address) -> Option<Arc<Table>> {
        let shard = self.shard(address).read();
        let shard = shard.unwrap_or_else(PoisonError::into_inner);
        let slot = shard.tables.get(address)?;
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        slot.used.store(now, Ordering::Relaxed);
        Some(slot.table.clone())
    }

    /// Counts a right signature of `address`, whose key was recovered as `key`.
    pub(super) fn right(&self, address: &Address, key: Affine) {
        if self.limit == 0 || !self.count(address) {
            return;
        }
        // Built outside the lock. Two that build at once build the same table.
        let table = Arc::new(Table::new(key));
        let used = AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed));
        let shard = self.shard(address).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        shard.young.remove(address);
        shard.old.remove(address);
        if shard.tables.len() >= self.limit && !shard.tables.contains_key(address) {
            let age = |(_, slot): &(&Address, &Slot)| slot.used.load(Ordering::Relaxed);
            let oldest = shard.tables.iter().min_by_key(age);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                shard.tables.remove(&oldest);
            }
        }
        shard.tables.insert(*address, Slot { table, used });
    }

    /// Whether it has been right often enough now.
    fn count(&self, address: &Address) -> bool {
        let shard = self.shard(address).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        let before = shard.young.get(address).or(shard.old.get(address));
        let count = before.map_or(1, |before| before.saturating_add(1));
        if count >= self.after {
            return true;
        }
        if shard.young.len() >= self.limit.saturating_mul(4) && !shard.young.contains_key(address) {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(*address, count);
        false
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new(Self::LIMIT)
    }
}

/// How many keys there are, and none of them.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("len", &self.len())
            .field("limit", &self.limit.saturating_mul(SHARDS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payers of one shard.
    fn payers<const N: usize>(keys: &Keys) -> [Address; N] {
        let shard = keys.shard(&Address::ZERO);
        let all = (0_u32..).map(|number| Address::left_padding_from(&number.to_be_bytes()));
        let mut all = all.filter(|payer| std::ptr::eq(keys.shard(payer), shard));
        [(); N].map(|()| all.next().unwrap())
    }

    /// How many payers are counted, and how many were before.
    fn counted(keys: &Keys) -> (usize, usize) {
        let shard = keys.shard(&Address::ZERO).read().unwrap();
        (shard.young.len(), shard.old.len())
    }

    #[test]
    fn who_came_once_is_forgotten_when_others_have_filled_two_lists() {
        // Four of each shard in a list.
        let keys = Keys::new(16).build_after(3);
        let all = payers::<9>(&keys);
        assert!(all[..4].iter().all(|payer| !keys.count(payer)));
        // Nobody is new: the list stays as it is.
        assert!(!keys.count(&all[3]));
        assert_eq!(counted(&keys), (4, 0));
        assert!(keys.count(&all[3]));
        assert!(!keys.count(&all[4]));
        assert_eq!(counted(&keys), (1, 4));
        assert!(keys.count(&all[3]));
        // His count goes on in the new list.
        assert!(!keys.count(&all[0]));
        assert!(keys.count(&all[0]));
        assert!(all[5..8].iter().all(|payer| !keys.count(payer)));
        assert_eq!(counted(&keys), (1, 4));
        assert!(keys.count(&all[0]) && !keys.count(&all[3]) && !keys.count(&all[3]));
        assert_eq!(counted(&keys), (2, 4));
    }

    #[test]
    fn the_key_that_was_used_longest_ago_makes_room() {
        // Two of each shard.
        let keys = Keys::new(17).build_after(2);
        let [one, two, three] = payers(&keys);
        let right = |payer| keys.right(payer, Affine::GENERATOR);
        let known = || [&one, &two, &three].map(|payer| keys.find(payer).is_some());
        right(&one);
        assert_eq!((counted(&keys), keys.len()), ((1, 0), 0));
        right(&one);
        // Who has a table is counted no more.
        assert_eq!((counted(&keys), keys.len()), ((0, 0), 1));
        right(&two);
        right(&two);
        assert_eq!(known(), [true, true, false]);
        // Built again, as by two at once: nobody else makes room.
        right(&two);
        right(&two);
        assert_eq!(known(), [true, true, false]);
        assert!(keys.find(&one).is_some());
        right(&three);
        right(&three);
        assert_eq!(known(), [true, false, true]);
        assert_eq!(format!("{keys:?}"), "Keys { len: 2, limit: 32, .. }");
        assert!(!keys.is_empty() && Keys::new(9).is_empty());
    }
}
