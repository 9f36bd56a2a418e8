//! Budgets: how much may leave in any window of time, over all processes that share the ledger.
//!
//! A budget is one ledger record with the charges of its window, summed in at most [`SLICES`] + 1 slices of time. A charge
//! counts until the slice that it lies in has left the window altogether, so the sum over any window is at most the cap.
//! The record changes together with the attempt that is charged, all or nothing.

use super::{Denial, Origin};
use crate::record::{Corrupt, Field, Reader};
use http402_core::{
    Amount, ChainId, Party, Timestamp,
    ledger::{Expect, Key, Phase, Record, Versioned, Write},
};

/// Into how many slices a window is cut.
const SLICES: u64 = 60;
const VERSION: u8 = 1;

/// What a budget adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    EachOrigin,
    EachPayee,
}

/// At most `cap` in any `window` seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) scope: Scope,
    pub(crate) cap: Amount,
    pub(crate) window: u64,
}

/// What a payment is for, as far as budgets tell payments apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    pub(crate) policy: &'a str,
    pub(crate) chain: &'a ChainId,
    pub(crate) asset: &'a Party,
    pub(crate) origin: &'a Origin,
    pub(crate) payee: &'a Party,
}

impl Budget {
    pub(crate) fn key(&self, purpose: &Purpose<'_>) -> Key {
        let Purpose {
            policy,
            chain,
            asset,
            origin,
            payee,
        } = purpose;
        let scope = match self.scope {
            Scope::Everything => "all".to_owned(),
            Scope::EachOrigin => format!("origin={}", origin.tag()),
            Scope::EachPayee => format!("payee={payee:?}"),
        };
        let window = self.window;
        Key::new(format!("budget:{policy}:{chain}:{asset}:{window}:{scope}"))
    }

    fn slice(&self) -> u64 {
        self.window.div_ceil(SLICES).max(1)
    }
}

/// A charge that was made, as far as it is needed to take it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) key: Key,
    pub(crate) slice: u64,
    pub(crate) amount: Amount,
}

impl Field for Charge {
    fn write(&self, out: &mut Vec<u8>) {
        Box::<str>::from(self.key.as_str()).write(out);
        (self.slice, self.amount).write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            key: Key::new(from.read::<Box<str>>()?),
            slice: from.read()?,
            amount: from.read()?,
        })
    }
}

/// The charges of a budget: slice number and sum, ascending.
#[derive(Default)]
struct Tally(Vec<(u64, Amount)>);

impl Tally {
    fn of(record: &Record) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(&record.body, VERSION)?;
        let slices = reader.read()?;
        reader.finish()?;
        Ok(Self(slices))
    }

    fn found(found: Option<&Versioned>) -> Result<Self, Corrupt> {
        found.map_or_else(|| Ok(Self::default()), |found| Self::of(&found.record))
    }

    fn record(&self, keep_until: Timestamp) -> Record {
        let mut body = vec![VERSION];
        self.0.write(&mut body);
        Record {
            phase: Phase::Tally,
            lease: None,
            keep_until,
            body: body.into_boxed_slice().into(),
        }
    }

    /// The sum, at most the largest amount.
    fn sum(&self) -> Amount {
        let add = |sum: Amount, (_, amount): &(u64, Amount)| sum.checked_add(*amount);
        self.0
            .iter()
            .try_fold(Amount::ZERO, add)
            .unwrap_or(Amount::MAX)
    }
}

fn expect(found: Option<&Versioned>) -> Expect {
    found.map_or(Expect::Absent, |found| Expect::Version(found.version))
}

/// The write that charges `amount` to a budget, whose record is `found`.
pub(crate) fn charge(
    budget: &Budget,
    purpose: &Purpose<'_>,
    amount: Amount,
    now: Timestamp,
    found: Option<&Versioned>,
) -> Result<Result<(Charge, Write), Denial>, Corrupt> {
    let slice = budget.slice();
    let mut tally = Tally::found(found)?;
    // A slice counts until its last second has left the window.
    tally.0.retain(|(number, _)| {
        let end = number.saturating_add(1).saturating_mul(slice);
        end.saturating_add(budget.window) > now.secs()
    });
    let left = budget.cap.checked_sub(tally.sum()).unwrap_or(Amount::ZERO);
    if amount > left {
        return Ok(Err(Denial::Budget {
            asked: amount,
            left,
            window: budget.window,
        }));
    }
    let number = now.secs() / slice;
    match tally.0.binary_search_by_key(&number, |(number, _)| *number) {
        Ok(at) => {
            let sum = &mut tally.0[at].1;
            *sum = sum.checked_add(amount).unwrap_or(Amount::MAX);
        }
        Err(at) => tally.0.insert(at, (number, amount)),
    }
    let last = tally.0.last().map_or(number, |(number, _)| *number);
    let end = last.saturating_add(1).saturating_mul(slice);
    let keep = Timestamp::from_secs(end.saturating_add(budget.window));
    let key = budget.key(purpose);
    let write = Write {
        key: key.clone(),
        expect: expect(found),
        put: Some(tally.record(keep)),
    };
    let charge = Charge {
        key,
        slice: number,
        amount,
    };
    Ok(Ok((charge, write)))
}

/// The write that takes a charge back, when its slice is still counted.
pub(crate) fn refund(charge: &Charge, found: Option<&Versioned>) -> Result<Option<Write>, Corrupt> {
    let Some(found) = found else {
        return Ok(None);
    };
    let mut tally = Tally::of(&found.record)?;
    let Ok(at) = tally
        .0
        .binary_search_by_key(&charge.slice, |(number, _)| *number)
    else {
        return Ok(None);
    };
    let sum = &mut tally.0[at].1;
    *sum = sum.checked_sub(charge.amount).unwrap_or(Amount::ZERO);
    Ok(Some(Write {
        key: charge.key.clone(),
        expect: Expect::Version(found.version),
        put: Some(tally.record(found.record.keep_until)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    struct Bench {
        budget: Budget,
        found: Option<Versioned>,
        origin: Origin,
        payee: Party,
        chain: ChainId,
    }

    impl Bench {
        fn new(cap: u64, window: u64) -> Self {
            Self {
                budget: Budget {
                    scope: Scope::Everything,
                    cap: cap.into(),
                    window,
                },
                found: None,
                origin: "https://shop.example".parse().unwrap(),
                payee: Party::Other("payee".into()),
                chain: ChainId::eip155(1),
            }
        }

        fn charge(&mut self, amount: u64, now: u64) -> Result<Charge, Denial> {
            let purpose = Purpose {
                policy: "p",
                chain: &self.chain,
                asset: &self.payee,
                origin: &self.origin,
                payee: &self.payee,
            };
            let (charge, write) = charge(
                &self.budget,
                &purpose,
                amount.into(),
                at(now),
                self.found.as_ref(),
            )
            .unwrap()?;
            self.put(write);
            Ok(charge)
        }

        fn put(&mut self, write: Write) {
            let version = self.found.as_ref().map_or(0, |found| found.version);
            let expected = match version {
                0 => Expect::Absent,
                version => Expect::Version(version),
            };
            assert_eq!(write.expect, expected);
            self.found = write.put.map(|record| Versioned {
                version: version + 1,
                record,
            });
        }
    }

    #[test]
    fn s79_no_window_holds_more_than_the_cap_and_the_record_stays_small() {
        let (cap, window) = (100, 3600);
        let mut bench = Bench::new(cap, window);
        let mut inside: VecDeque<(u64, u64)> = VecDeque::new();
        let mut seed = 7u64;
        let mut paid = 0;
        for step in 0..20_000u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let now = step * 7 + (seed >> 61);
            let amount = 1 + (seed >> 33) % 5;
            while inside.front().is_some_and(|(then, _)| then + window <= now) {
                inside.pop_front();
            }
            if bench.charge(amount, now).is_ok() {
                inside.push_back((now, amount));
                paid += 1;
            }
            let sum: u64 = inside.iter().map(|(_, amount)| amount).sum();
            assert!(sum <= cap, "{sum} at {now}");
            assert!(bench.found.as_ref().unwrap().record.body.len() < 62 * 40 + 20);
        }
        assert!(paid > 1_000, "a window frees what left it: {paid}");
    }

    #[test]
    fn a_charge_a_second_adds_up_in_slices() {
        let mut bench = Bench::new(1_000_000, 3600);
        for now in 0..8_000 {
            bench.charge(1, now).unwrap();
        }
        let tally = Tally::found(bench.found.as_ref()).unwrap();
        assert_eq!(tally.0.len(), 61);
        // The window, and what the oldest slice holds beyond it.
        assert_eq!(tally.sum(), Amount::from(3600 + 8_000 % 60));
    }

    #[test]
    fn a_refund_gives_back_what_is_still_counted() {
        let mut bench = Bench::new(10, 60);
        let first = bench.charge(10, 100).unwrap();
        assert_eq!(
            bench.charge(1, 100),
            Err(Denial::Budget {
                asked: 1.into(),
                left: Amount::ZERO,
                window: 60
            })
        );
        let write = refund(&first, bench.found.as_ref()).unwrap().unwrap();
        bench.put(write);
        assert!(bench.charge(10, 101).is_ok());
        assert!(bench.charge(1, 160).is_err());
        assert!(bench.charge(1, 162).is_ok());
        assert_eq!(refund(&first, bench.found.as_ref()).unwrap(), None);
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let mut bench = Bench::new(10, 60);
        assert!(bench.charge(10, 1_000).is_ok());
        assert!(bench.charge(1, 500).is_err());
    }

    #[test]
    fn an_amount_near_the_largest_does_not_wrap() {
        let mut bench = Bench::new(0, 60);
        bench.budget.cap = Amount::MAX;
        assert!(bench.charge(u64::MAX, 1).is_ok());
        assert!(bench.charge(u64::MAX, 2).is_ok());
    }
}
