//! From a history that shows a violation to the shortest one that still does.

use super::{
    fault::Strike,
    history::{History, Options, simulate},
};
use std::collections::BTreeSet;

/// How many histories are tried.
const TRIES: usize = 2_000;

/// The shortest history of a seed that shows a violation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shrunk {
    /// The history, with its trace.
    pub history: History,
    /// The faults that it needs.
    pub faults: BTreeSet<Strike>,
    /// The purchases that it needs, by number.
    pub wishes: BTreeSet<usize>,
    /// How many histories were tried.
    pub tried: usize,
}

/// Leaves faults and purchases out while the violation stays. `None` when the seed shows none.
pub fn shrink(seed: u64, options: &Options) -> Option<Shrunk> {
    let first = simulate(seed, options);
    first.violation.as_ref()?;
    let mut search = Search {
        seed,
        options: options.clone(),
        tried: 1,
    };
    let mut faults: BTreeSet<Strike> = first.struck.into_iter().collect();
    let mut wishes: BTreeSet<usize> = (0..first.wishes).collect();
    search.options.trace = false;
    let mut length = usize::MAX;
    while faults.len() + wishes.len() < length {
        length = faults.len() + wishes.len();
        wishes = search.fewer(wishes, |wishes, options| options.wishes = Some(wishes));
        search.options.wishes = Some(wishes.clone());
        // With fewer purchases other faults of the seed may strike.
        faults = simulate(seed, &search.options).struck.into_iter().collect();
        faults = search.fewer(faults, |faults, options| options.only = Some(faults));
        search.options.only = Some(faults.clone());
    }
    search.options.trace = true;
    Some(Shrunk {
        history: simulate(seed, &search.options),
        faults,
        wishes,
        tried: search.tried,
    })
}

struct Search {
    seed: u64,
    options: Options,
    tried: usize,
}

impl Search {
    /// A smallest part of a set that still shows a violation: halves are left out, then quarters, down to single ones.
    fn fewer<T: Copy + Ord>(
        &mut self,
        mut all: BTreeSet<T>,
        set: impl Fn(BTreeSet<T>, &mut Options),
    ) -> BTreeSet<T> {
        let mut size = all.len().div_ceil(2).max(1);
        loop {
            let items: Vec<T> = all.iter().copied().collect();
            let mut found = false;
            for part in items.chunks(size) {
                let fewer: BTreeSet<T> = all
                    .iter()
                    .filter(|item| !part.contains(item))
                    .copied()
                    .collect();
                if self.tried >= TRIES {
                    return all;
                }
                self.tried += 1;
                let mut options = self.options.clone();
                set(fewer.clone(), &mut options);
                if simulate(self.seed, &options).violation.is_some() {
                    all = fewer;
                    found = true;
                }
            }
            if size == 1 && !found {
                return all;
            }
            size = size.div_ceil(2).max(1);
        }
    }
}
