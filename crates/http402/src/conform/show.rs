//! The report on a terminal.

use crate::style::{BAD, GOOD, NAME, QUIET, TITLE};
use anstream::println;
use http402_testkit::attacks::{Finding, Report, Verdict};

pub(super) fn print(report: &Report, verbose: bool) {
    println!(
        "{TITLE}{}{TITLE:#}  {QUIET}{}{QUIET:#}",
        report.target, report.kind
    );
    for note in &report.notes {
        println!("{QUIET}  {note}{QUIET:#}");
    }
    println!();
    for finding in &report.findings {
        let tried = matches!(finding.verdict, Verdict::Pass | Verdict::Fail);
        if tried || verbose {
            line(finding);
        }
    }
    if !verbose {
        rest(report, Verdict::InProcess);
        rest(report, Verdict::NotApplicable);
    }
    println!("\n{}", report.summary());
}

fn line(finding: &Finding) {
    let style = match finding.verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail => BAD,
        _ => QUIET,
    };
    let word = match finding.verdict {
        Verdict::InProcess => "inside",
        Verdict::NotApplicable => "n/a",
        verdict => verdict.word(),
    };
    println!(
        "{style}{word:<6}{style:#} {NAME}S{:02}{NAME:#}  {}",
        finding.id, finding.attack
    );
    if finding.verdict == Verdict::Fail {
        println!("             {QUIET}expected{QUIET:#} {}", finding.expected);
    }
    println!("             {QUIET}seen{QUIET:#}     {}", finding.seen);
}

/// Those that were not made, by reason.
fn rest(report: &Report, verdict: Verdict) {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for finding in report.findings.iter().filter(|it| it.verdict == verdict) {
        let id = format!("S{:02}", finding.id);
        let reason = match verdict {
            Verdict::InProcess => "can not be made from outside; the tests of http402 make them",
            _ => &finding.seen,
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(id),
            None => reasons.push((reason, vec![id])),
        }
    }
    for (reason, ids) in reasons {
        println!("{QUIET}{verdict}: {reason}:{QUIET:#} {}", ids.join(" "));
    }
}
