//! Many histories, on all cores.

use super::{
    fault::Fault,
    history::{History, Options, Outcomes, simulate},
};
use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Which seeds are run, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// How each history is run.
    pub options: Options,
    /// On how many threads.
    pub threads: usize,
    /// Whether it ends with the first violation.
    pub stops: bool,
    /// After how long it ends with the seeds that it has come to; `None` runs all of them.
    pub limit: Option<Duration>,
}

/// A seed whose history shows a violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What does not hold.
    pub violation: String,
}

/// What a campaign came to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// How many histories were run.
    pub histories: u64,
    /// How many of them had no fault.
    pub faultless: u64,
    /// How often each kind of fault struck, in the order of [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
    /// What became of claims and purchases.
    pub outcomes: Outcomes,
    /// How often a task was polled.
    pub polls: u64,
    /// Virtual time, in milliseconds.
    pub millis: u64,
    /// The seeds that failed, ascending.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub took: Duration,
}

impl Campaign {
    /// So many seeds from 0, on all cores.
    pub fn new(seeds: u64) -> Self {
        Self {
            from: 0,
            seeds,
            options: Options::default(),
            threads: thread::available_parallelism().map_or(1, Into::into),
            stops: false,
            limit: None,
        }
    }

    /// Runs it.
    pub fn run(&self) -> Summary {
        let start = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut whole = Summary::default();
        thread::scope(|scope| {
            let work = || {
                let mut part = Summary::default();
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let late = self.limit.is_some_and(|limit| start.elapsed() >= limit);
                    if at >= self.seeds || late {
                        break;
                    }
                    let seed = self.from.wrapping_add(at);
                    let history = simulate(seed, &self.options);
                    if history.violation.is_some() && self.stops {
                        stop.store(true, Ordering::Relaxed);
                    }
                    part.add(seed, history);
                }
                part
            };
            let threads: Vec<_> = (0..self.threads.max(1))
                .map(|_| scope.spawn(work))
                .collect();
            for thread in threads {
                match thread.join() {
                    Ok(part) => whole.join(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        whole.failures.sort();
        whole.took = start.elapsed();
        whole
    }
}

impl Summary {
    fn add(&mut self, seed: u64, history: History) {
        self.histories += 1;
        self.faultless += u64::from(history.struck.is_empty());
        for strike in &history.struck {
            self.faults[strike.fault.index()] += 1;
        }
        self.outcomes.add(&history.outcomes);
        self.polls += history.polls;
        self.millis += history.millis;
        if let Some(violation) = history.violation {
            self.failures.push(Failure { seed, violation });
        }
    }

    fn join(&mut self, other: Self) {
        self.histories += other.histories;
        self.faultless += other.faultless;
        for (sum, more) in self.faults.iter_mut().zip(other.faults) {
            *sum += more;
        }
        self.outcomes.add(&other.outcomes);
        self.polls += other.polls;
        self.millis += other.millis;
        self.failures.extend(other.failures);
    }

    /// Histories a second.
    pub fn rate(&self) -> u64 {
        let millis = self.took.as_millis().max(1);
        u64::try_from(u128::from(self.histories) * 1_000 / millis).unwrap_or(u64::MAX)
    }
}

impl Outcomes {
    fn add(&mut self, other: &Self) {
        self.signed += other.signed;
        self.settled += other.settled;
        self.delivered += other.delivered;
        self.given_away += other.given_away;
        self.taken += other.taken;
        self.preempted += other.preempted;
        self.reversed += other.reversed;
        self.marked += other.marked;
        self.wished += other.wished;
        self.fulfilled += other.fulfilled;
        self.denied += other.denied;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} histories in {:.1} s, {} a second; {} without a fault; {} polls; {} hours of virtual time",
            self.histories,
            self.took.as_secs_f64(),
            self.rate(),
            self.faultless,
            self.polls,
            self.millis / 3_600_000
        )?;
        writeln!(f, "\nfaults that struck")?;
        for (fault, count) in Fault::ALL.iter().zip(self.faults) {
            writeln!(f, "  {:<26} {count:>12}", fault.to_string())?;
        }
        let Outcomes {
            signed,
            settled,
            delivered,
            given_away,
            taken,
            preempted,
            reversed,
            marked,
            wished,
            fulfilled,
            denied,
        } = self.outcomes;
        writeln!(f, "\nwhat became of it")?;
        for (name, count) in [
            ("purchases wanted", wished),
            ("  goods received", fulfilled),
            ("  no budget left", denied),
            ("authorizations signed", signed),
            ("  settled", settled),
            ("  goods left the seller", delivered),
            ("  given away by a liar", given_away),
            ("  taken by a liar", taken),
            ("  pre-empted, come too late", preempted),
            ("  reversed by a reorg", reversed),
            ("    marked as such by the shop", marked),
        ] {
            writeln!(f, "  {name:<26} {count:>12}")?;
        }
        match self.failures.len() {
            0 => write!(f, "\nno violation"),
            count => write!(f, "\n{count} seeds show a violation"),
        }
    }
}
