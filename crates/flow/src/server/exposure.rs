//! How many payments may be unsettled at once, of one payer and in all (S14).

use http402_core::{Party, SpendKey, Timestamp, ledger::Key};
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Whose places among the unsettled payments are all taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crowded {
    /// The payer's.
    Payer,
    /// The gate's.
    Gate,
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payer => "too many payments of this payer are unsettled",
            Self::Gate => "too many payments are unsettled",
        })
    }
}

impl std::error::Error for Crowded {}

/// The unsettled payments of a gate in this process.
#[derive(Clone)]
pub(crate) struct Exposure {
    pub(crate) per_payer: usize,
    pub(crate) in_all: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    places: HashMap<Key, Place>,
    payers: HashMap<Party, usize>,
}

struct Place {
    payer: Party,
    until: Timestamp,
    /// Nobody holds a ticket for it: it ends with its authorization, or when somebody has found out.
    doubtful: bool,
}

/// A place among the unsettled payments, given back when it is dropped.
pub(crate) struct Ticket {
    open: Arc<Mutex<Open>>,
    key: Option<Key>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

impl Exposure {
    pub(crate) fn new(per_payer: usize, in_all: usize) -> Self {
        Self {
            per_payer,
            in_all,
            open: Arc::default(),
        }
    }

    /// Takes a place until its ticket is dropped. `None` when the payment has a place: another request holds its ticket.
    pub(crate) fn enter(
        &self,
        key: &SpendKey,
        payer: &Party,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Ticket>, Crowded> {
        let mut open = lock(&self.open);
        let key = Key::from(key);
        let mut entered = open.enter(self, &key, payer, until);
        if entered.is_err() {
            open.prune(now);
            entered = open.enter(self, &key, payer, until);
        }
        Ok(entered?.then(|| Ticket {
            open: self.open.clone(),
            key: Some(key),
        }))
    }

    /// The outcome is not known: it has a place until somebody has found out, or its authorization ends.
    pub(crate) fn stay(
        &self,
        ticket: Option<Ticket>,
        key: &SpendKey,
        payer: &Party,
        until: Timestamp,
    ) {
        if let Some(mut ticket) = ticket {
            ticket.key = None;
        }
        let mut open = lock(&self.open);
        let key = Key::from(key);
        open.insert(&key, payer, until);
        if let Some(place) = open.places.get_mut(&key) {
            place.doubtful = true;
        }
    }

    /// It is not in doubt any more, whoever has found out.
    pub(crate) fn leave(&self, key: &Key) {
        lock(&self.open).remove(key);
    }
}

impl Open {
    /// `false` when it has a place.
    fn enter(
        &mut self,
        most: &Exposure,
        key: &Key,
        payer: &Party,
        until: Timestamp,
    ) -> Result<bool, Crowded> {
        let all = self.places.len();
        // A key and a payer are looked for once: to hash them takes longer than all the rest.
        let Entry::Vacant(place) = self.places.entry(key.clone()) else {
            return Ok(false);
        };
        let of_payer = match self.payers.entry(payer.clone()) {
            Entry::Occupied(count) if *count.get() >= most.per_payer => {
                return Err(Crowded::Payer);
            }
            Entry::Vacant(_) if most.per_payer == 0 => return Err(Crowded::Payer),
            of_payer => of_payer,
        };
        if all >= most.in_all {
            return Err(Crowded::Gate);
        }
        *of_payer.or_default() += 1;
        place.insert(Place {
            payer: payer.clone(),
            until,
            doubtful: false,
        });
        Ok(true)
    }

    fn insert(&mut self, key: &Key, payer: &Party, until: Timestamp) {
        if let Entry::Vacant(free) = self.places.entry(key.clone()) {
            *self.payers.entry(payer.clone()).or_default() += 1;
            free.insert(Place {
                payer: payer.clone(),
                until,
                doubtful: false,
            });
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(place) = self.places.remove(key) else {
            return;
        };
        if let Entry::Occupied(mut count) = self.payers.entry(place.payer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// An authorization that has ended can not settle any more.
    fn prune(&mut self, now: Timestamp) {
        let ended = |place: &Place| place.doubtful && place.until < now;
        let places = self.places.iter().filter(|(_, place)| ended(place));
        let keys: Vec<Key> = places.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.remove(&key);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            lock(&self.open).remove(key);
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_what_is_in_doubt_has_a_place_until_it_has_ended() {
        let exposure = Exposure::new(10, 1);
        let (one, two) = (SpendKey::new("one"), SpendKey::new("two"));
        let payer = Party::Other("payer".into());
        let at = Timestamp::from_secs;
        // As after a restart: nobody has a ticket for it.
        exposure.stay(None, &one, &payer, at(100));
        let enter = |now| exposure.enter(&two, &payer, at(500), at(now));
        assert_eq!(enter(100).unwrap_err(), Crowded::Gate);
        let ticket = enter(101).unwrap().unwrap();
        exposure.stay(Some(ticket), &two, &payer, at(500));
        assert!(exposure.enter(&one, &payer, at(900), at(499)).is_err());
        exposure.leave(&Key::from(&two));
        let ticket = exposure.enter(&one, &payer, at(900), at(499));
        assert!(ticket.unwrap().is_some());
        // Its ticket is gone again, and nobody is counted twice.
        assert!(lock(&exposure.open).places.is_empty() && lock(&exposure.open).payers.is_empty());
    }

    #[test]
    fn s14_where_nobody_may_owe_nobody_has_a_place() {
        let (key, payer) = (SpendKey::new("one"), Party::Other("payer".into()));
        let at = Timestamp::from_secs;
        for (per_payer, in_all, whose) in [(0, 10, Crowded::Payer), (10, 0, Crowded::Gate)] {
            let exposure = Exposure::new(per_payer, in_all);
            let entered = exposure.enter(&key, &payer, at(100), at(50));
            assert_eq!(entered.unwrap_err(), whose);
        }
    }

    #[test]
    fn s14_what_has_ended_leaves_its_payers_place_and_what_is_held_does_not() {
        let exposure = Exposure::new(2, 10);
        let payer = Party::Other("payer".into());
        let at = Timestamp::from_secs;
        let enter = |name: &str, until, now| {
            let key = SpendKey::new(name.to_owned());
            exposure.enter(&key, &payer, at(until), at(now))
        };
        exposure.stay(None, &SpendKey::new("doubt"), &payer, at(100));
        let held = enter("held", 100, 50).unwrap();
        assert!(held.is_some());
        assert_eq!(enter("third", 500, 100).unwrap_err(), Crowded::Payer);
        let third = enter("third", 500, 101).unwrap();
        assert!(third.is_some());
        // A request that is still at it has its place, whatever the time.
        assert_eq!(enter("fourth", 500, 101).unwrap_err(), Crowded::Payer);
        drop(held);
        assert!(enter("fourth", 500, 101).unwrap().is_some());
    }
}
