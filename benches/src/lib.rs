//! Benchmarks: `cargo bench -p http402-benches`. They are read as ratios to a reference of the same run.
pub mod paywall;
pub mod scene;
pub mod session;

use rustix::time::{ClockId, clock_gettime};
use std::{fmt::Write as _, time::Duration};

/// How long one case runs in one round.
const SLICE: Duration = Duration::from_millis(3);

/// How a case is run.
enum Run<'a> {
    /// Here, and measured here.
    Here(Box<dyn FnMut() + 'a>),
    /// Elsewhere, so many times: it tells how long it took.
    Elsewhere(Box<dyn FnMut(u32) -> Duration + 'a>),
}

impl Run<'_> {
    fn times(&mut self, calls: u32) -> Duration {
        match self {
            Self::Here(call) => {
                let begin = used();
                for _ in 0..calls {
                    call();
                }
                used().saturating_sub(begin)
            }
            Self::Elsewhere(call) => call(calls),
        }
    }
}

/// What was measured of a case.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// What one operation took, the median in microseconds.
    pub microseconds: f64,
    /// The median of what it took to what the reference took in the same round.
    pub ratio: f64,
    /// What that is to be at most.
    pub target: Option<f64>,
}

struct Case<'a> {
    name: String,
    /// Operations in one call.
    each: u32,
    target: Option<f64>,
    run: Run<'a>,
    /// Calls in a slice.
    calls: u32,
    nanoseconds: Vec<f64>,
}

/// Cases that take turns, so that whatever else the machine does meets all of them: in every round each case runs for a few
/// milliseconds, and is compared with the reference, the first case, of the same round.
#[derive(Default)]
pub struct Rounds<'a> {
    cases: Vec<Case<'a>>,
}

impl std::fmt::Debug for Rounds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.cases.iter().map(|case| &case.name);
        f.debug_list().entries(names).finish()
    }
}

impl<'a> Rounds<'a> {
    /// Adds a case whose call does `each` operations. The first one is the reference.
    pub fn add(&mut self, name: &str, each: u32, call: impl FnMut() + 'a) {
        self.push(name, each, Run::Here(Box::new(call)));
    }

    /// Adds a case that runs in another process: it does so many operations, and tells for how long the process ran.
    pub fn elsewhere(&mut self, name: &str, call: impl FnMut(u32) -> Duration + 'a) {
        self.push(name, 1, Run::Elsewhere(Box::new(call)));
    }

    fn push(&mut self, name: &str, each: u32, run: Run<'a>) {
        self.cases.push(Case {
            name: name.into(),
            each,
            target: None,
            run,
            calls: 1,
            nanoseconds: Vec::new(),
        });
    }

    /// Adds a case that is to take at most `target` times the reference.
    pub fn aim(&mut self, name: &str, each: u32, target: f64, call: impl FnMut() + 'a) {
        self.add(name, each, call);
        if let Some(case) = self.cases.last_mut() {
            case.target = Some(target);
        }
    }

    /// Runs the rounds and returns the table.
    pub fn run(self, rounds: usize) -> String {
        let mut out =
            String::from("| case | median µs | of the reference | target |\n|---|--:|--:|--:|\n");
        for case in self.measure(rounds) {
            let Measured {
                name,
                microseconds,
                ratio,
                target,
            } = case;
            let target = match target {
                None => String::new(),
                Some(target) if ratio <= target => format!("{target:.2}"),
                Some(target) => format!("{target:.2}, missed"),
            };
            let _ = writeln!(
                out,
                "| {name} | {microseconds:.2} | {ratio:.3} | {target} |"
            );
        }
        out
    }

    /// Runs the rounds and returns what was measured of each case.
    pub fn measure(mut self, rounds: usize) -> Vec<Measured> {
        for case in &mut self.cases {
            case.run.times(1);
            let once = case.run.times(1).as_nanos().max(1);
            case.calls = u32::try_from(SLICE.as_nanos() / once).unwrap_or(1).max(1);
        }
        for _ in 0..rounds {
            for case in &mut self.cases {
                let time = case.run.times(case.calls).as_secs_f64() * 1e9;
                let operations = f64::from(case.calls) * f64::from(case.each);
                case.nanoseconds.push(time / operations);
            }
        }
        let reference = self.cases.first().map(|case| case.nanoseconds.clone());
        let reference = reference.unwrap_or_default();
        let all = self.cases.into_iter().map(|case| {
            let pairs = case.nanoseconds.iter().zip(&reference);
            Measured {
                ratio: median(pairs.map(|(own, reference)| own / reference).collect()),
                microseconds: median(case.nanoseconds) / 1000.0,
                name: case.name,
                target: case.target,
            }
        });
        all.collect()
    }
}

/// How long this thread has run: what it waits for the CPU while others have it does not count.
pub fn used() -> Duration {
    of(ClockId::ThreadCPUTime)
}

/// How long all threads of this process have run.
pub fn used_by_all() -> Duration {
    of(ClockId::ProcessCPUTime)
}

fn of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The middle one.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The features of this machine's CPU that matter here.
pub fn cpu() -> String {
    let mut found = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    for (name, there) in [
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("adx", is_x86_feature_detected!("adx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512ifma", is_x86_feature_detected!("avx512ifma")),
    ] {
        if there {
            found.push(name);
        }
    }
    found.join(" ")
}
