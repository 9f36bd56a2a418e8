//! What was tried, and what became of it.

mod page;

use super::catalogue::{ATTACKS, Aim, Entry};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// What an attack came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// The target did not do what it was expected to do.
    Fail,
    /// It did.
    Pass,
    /// It can not be seen over HTTP; http402 itself is tested for it in its own process.
    InProcess,
    /// It does not concern this target, or was not possible here; the report says why.
    NotApplicable,
}

impl Verdict {
    /// The word of the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Pass => "pass",
            Self::InProcess => "covered in-process",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// 1 to 85.
    pub id: u8,
    /// What was tried, for people.
    pub attack: &'static str,
    /// What a sound target does.
    pub expected: String,
    /// What this one did, or why it was not tried.
    pub seen: String,
    /// What that comes to.
    pub verdict: Verdict,
}

/// What was tried against one target.
#[derive(Clone, Debug)]
pub struct Report {
    /// The URL of a server, or the command of a client.
    pub target: String,
    /// `server` or `client`.
    pub kind: &'static str,
    /// What the target spoke, and other remarks.
    pub notes: Vec<String>,
    /// How many requests were sent or answered.
    pub requests: usize,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// One for each of S01 to S85.
    pub findings: Vec<Finding>,
}

/// What came of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) text: String,
}

pub(super) fn pass(text: impl Into<String>) -> Seen {
    seen(Verdict::Pass, text)
}

pub(super) fn fail(text: impl Into<String>) -> Seen {
    seen(Verdict::Fail, text)
}

pub(super) fn not_here(text: impl Into<String>) -> Seen {
    seen(Verdict::NotApplicable, text)
}

fn seen(verdict: Verdict, text: impl Into<String>) -> Seen {
    Seen {
        verdict,
        text: text.into(),
    }
}

/// What one attempt was made under, and what came of it.
type Attempt = (String, Seen);

/// What the attempts at each attack came to, beside what was expected: the worst of them is the verdict.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<u8, (&'static str, Vec<Attempt>)>);

impl Tally {
    /// `under` tells attempts at the same attack apart.
    pub(super) fn add(&mut self, id: u8, expected: &'static str, under: &str, seen: Seen) {
        let entry = self.0.entry(id).or_insert_with(|| (expected, Vec::new()));
        entry.1.push((under.to_owned(), seen));
    }

    /// A line for every id.
    pub(super) fn findings(mut self, aim: Aim) -> Vec<Finding> {
        let line = |entry: &Entry| match self.0.remove(&entry.id) {
            Some((expected, attempts)) => tried(entry, expected, &attempts),
            None => untried(entry, aim),
        };
        ATTACKS.iter().map(line).collect()
    }
}

fn tried(entry: &Entry, expected: &str, attempts: &[Attempt]) -> Finding {
    let worst = attempts.iter().map(|(_, seen)| seen.verdict).min();
    let verdict = worst.unwrap_or(Verdict::NotApplicable);
    // What agrees with the verdict is told; in a failure, what failed.
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for (under, seen) in attempts.iter().filter(|(_, it)| it.verdict == verdict) {
        match told.iter_mut().find(|(text, _)| *text == seen.text) {
            Some((_, unders)) => unders.push(under),
            None => told.push((seen.text.clone(), vec![under])),
        }
    }
    let told = told.iter().map(|(text, unders)| {
        let unders: Vec<_> = unders.iter().filter(|one| !one.is_empty()).collect();
        match unders.as_slice() {
            [] => text.clone(),
            some => {
                let some: Vec<&str> = some.iter().map(|one| **one).collect();
                format!("{}: {text}", some.join(", "))
            }
        }
    });
    Finding {
        id: entry.id,
        attack: entry.title,
        expected: expected.to_owned(),
        seen: told.collect::<Vec<_>>().join("; "),
        verdict,
    }
}

fn untried(entry: &Entry, aim: Aim) -> Finding {
    let (verdict, seen) = match (entry.aim, aim, entry.inside) {
        (Aim::Client, Aim::Server, _) => no("an attack on clients"),
        (Aim::Server | Aim::Facilitator, Aim::Client, _) => no("an attack on servers"),
        (Aim::Mpp, Aim::Client, _) => no("about servers of MPP"),
        (Aim::Session, ..) => no("about sessions, which this suite does not speak yet"),
        (_, _, Some(test)) => (
            Verdict::InProcess,
            format!("can not be made from outside; http402 is tested for it by {test}"),
        ),
        (Aim::Facilitator, ..) => no("an attack on facilitators"),
        _ => no("can not be made from outside"),
    };
    Finding {
        id: entry.id,
        attack: entry.title,
        expected: String::new(),
        seen,
        verdict,
    }
}

fn no(why: &str) -> (Verdict, String) {
    (Verdict::NotApplicable, why.to_owned())
}

impl Report {
    /// How many lines have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let with = self.findings.iter().filter(|it| it.verdict == verdict);
        with.count()
    }

    /// The ids with this verdict.
    pub fn ids(&self, verdict: Verdict) -> Vec<u8> {
        let with = self.findings.iter().filter(|it| it.verdict == verdict);
        with.map(|finding| finding.id).collect()
    }

    /// The line of one id.
    pub fn finding(&self, id: u8) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.id == id)
    }

    /// One line about all of it.
    pub fn summary(&self) -> String {
        format!(
            "{} passed, {} failed, {} not applicable, {} covered in-process; {} requests in {}.{} s",
            self.count(Verdict::Pass),
            self.count(Verdict::Fail),
            self.count(Verdict::NotApplicable),
            self.count(Verdict::InProcess),
            self.requests,
            self.millis / 1000,
            self.millis % 1000 / 100,
        )
    }

    /// The report as a JSON document.
    pub fn json(&self) -> Value {
        let findings = self.findings.iter().map(|finding| {
            json!({
                "id": format!("S{:02}", finding.id), "attack": finding.attack, "expected": finding.expected,
                "seen": finding.seen, "verdict": finding.verdict.word(),
            })
        });
        json!({
            "target": self.target, "kind": self.kind, "notes": self.notes, "requests": self.requests,
            "milliseconds": self.millis, "passed": self.count(Verdict::Pass), "failed": self.count(Verdict::Fail),
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}
