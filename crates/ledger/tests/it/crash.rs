//! A process that is killed at any instant has written all that it said it had, and no half of anything.

use crate::memory::write;
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Key, Ledger},
};
use http402_ledger::{Sqlite, conformance::block_on};
use std::{
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

const NOW: Timestamp = Timestamp::from_secs(1000);
const FILE: &str = "HTTP402_TEST_LEDGER";
const ROUND: &str = "HTTP402_TEST_ROUND";

/// Writes pairs until it is killed, and says each that is written. It is the child of the test below, and does nothing by
/// itself.
#[test]
fn child() {
    let (Ok(path), Ok(round)) = (std::env::var(FILE), std::env::var(ROUND)) else {
        return;
    };
    let ledger = Sqlite::open(path).unwrap();
    let mut out = std::io::stdout().lock();
    for at in 0_u64.. {
        let pair = ["a", "b"].map(|half| {
            write(
                &format!("{round}/{at:08}/{half}"),
                Expect::Absent,
                9000,
                200,
            )
        });
        let applied = block_on(ledger.apply(NOW, &pair)).unwrap();
        assert!(matches!(applied, Applied::Done(_)));
        writeln!(out, "written {at}").unwrap();
        out.flush().unwrap();
    }
}

/// Kills a writer after so many of its words.
fn kill_after(path: &Path, round: usize, words: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(FILE, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    // What the runner prints itself may stand in the same line.
    let said = lines.map_while(Result::ok).filter_map(|line| {
        let at = line.rfind("written ")?;
        line[at + 8..].trim().parse::<u64>().ok()
    });
    let mut count = 0;
    let mut killed = false;
    for at in said {
        last = at;
        count += 1;
        if count >= words && !killed {
            // It goes on while it is being killed, and what it says until its end counts too.
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child wrote at least {words} pairs");
    last
}

#[test]
fn what_was_said_to_be_written_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l");
    for (round, words) in [1, 2, 5, 13, 40, 97].into_iter().enumerate() {
        let last = kill_after(&path, round, words);
        let ledger = Sqlite::open(&path).unwrap();
        let has = |at: u64, half: &str| {
            let key = Key::new(format!("{round}/{at:08}/{half}"));
            block_on(ledger.get(NOW, &key)).unwrap().is_some()
        };
        for at in 0..=last {
            assert!(
                has(at, "a") && has(at, "b"),
                "pair {at} of round {round} was said to be written"
            );
        }
        // It may have written one more that it had no time to speak of: whole, or not at all.
        assert_eq!(has(last + 1, "a"), has(last + 1, "b"), "half of a pair");
        assert!(!has(last + 2, "a") && !has(last + 2, "b"));
    }
}
