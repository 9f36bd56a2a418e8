use crate::run::{code, http402, http402_with, stderr, stdout};
use serde_json::Value;
#[cfg(unix)]
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Atomic units of a text such as `1000000.28 USDC`.
fn units(text: &Value) -> i128 {
    let text = text.as_str().expect("a text").trim_end_matches(" USDC");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<6}").parse().expect("an amount")
}

#[test]
fn the_demo_adds_up_to_the_last_unit() {
    let output = http402(&["demo", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).expect("one document");
    assert_eq!(report["ok"], true);
    let change = |at: usize| {
        let balance = &report["balances"][at];
        units(&balance["after"]) - units(&balance["before"])
    };
    // $0.01 three times and $0.25, and $0.01 whose answer was lost.
    assert_eq!([change(0), change(1), change(2)], [-290_000, 290_000, 0]);
    let protocols: Vec<_> = report["purchases"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let protocols: Vec<_> = protocols
        .iter()
        .map(|one| one["protocol"].as_str())
        .collect();
    let expected = ["x402/2", "x402/2", "x402/1", "mpp/1"].map(Some);
    assert_eq!(protocols, expected);
    for purchase in report["purchases"].as_array().expect("a list") {
        assert_eq!(purchase["steps"].as_array().map(Vec::len), Some(6));
    }
    assert_eq!(report["replay"]["other"]["status"], 409);
    assert_eq!(report["lost"]["presented"], 2);
    assert_eq!(report["overspend"]["signatures"], 0);
}

#[test]
fn the_demo_tells_its_steps_to_people() {
    let output = http402(&["demo"]);
    let text = stdout(&output);
    for part in [
        "PAYMENT-REQUIRED",
        "PAYMENT-SIGNATURE",
        "X-PAYMENT-RESPONSE",
        "WWW-AUTHENTICATE: Payment",
        "PAYMENT-RECEIPT",
        "Replay",
        "Overspend",
        "every balance adds up",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
}

#[test]
fn without_anvil_the_demo_of_tempo_says_how_to_get_it() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let path = nowhere.path().to_str().expect("UTF-8");
    let output = http402_with(&[("PATH", path)], &["demo", "--tempo"]);
    assert_eq!(code(&output), 2, "{}", stdout(&output));
    let said = stderr(&output);
    for part in [
        "anvil 1.7",
        "getfoundry.sh",
        "npm install",
        "@foundry-rs/anvil",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

/// A program that takes the place of anvil in a folder of its own.
#[cfg(unix)]
fn stand_in(script: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("anvil");
    std::fs::write(&file, script).expect("written");
    let may = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(&file, may).expect("it may run");
    folder
}

#[cfg(unix)]
#[test]
fn an_anvil_that_is_too_old_is_named_with_what_it_said() {
    let script = "#!/bin/sh\necho 'unexpected argument --network' >&2\nexit 2\n";
    let folder = stand_in(script);
    let path = folder.path().to_str().expect("UTF-8");
    let output = http402_with(&[("PATH", path)], &["demo", "--tempo"]);
    assert_eq!(code(&output), 2, "{}", stdout(&output));
    let said = stderr(&output);
    for part in [path, "1.7 or later", "unexpected argument --network"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

/// npm's `anvil` is a script that starts the real one, and does not live to tell it when it is killed.
#[cfg(unix)]
#[test]
fn nothing_that_anvil_has_started_outlives_the_demo() {
    let script = "#!/bin/sh\n/bin/sleep 600 >/dev/null 2>&1 &\necho $! >\"$0.started\"\n\
                  echo Listening on 127.0.0.1:1\nwait\n";
    let folder = stand_in(script);
    let path = folder.path().to_str().expect("UTF-8");
    let output = http402_with(&[("PATH", path)], &["demo", "--tempo"]);
    assert_eq!(
        code(&output),
        2,
        "nobody answers there: {}",
        stdout(&output)
    );
    let started = std::fs::read_to_string(folder.path().join("anvil.started")).expect("a number");
    let gone = || {
        let alive = Command::new("/bin/sh")
            .args(["-c", &format!("kill -0 {}", started.trim())])
            .stderr(std::process::Stdio::null())
            .status();
        alive.is_ok_and(|status| !status.success())
    };
    // Whoever has inherited it may still have to take note of its end.
    let end = Instant::now() + Duration::from_secs(60);
    while !gone() {
        assert!(Instant::now() < end, "process {started} is alive");
        std::thread::sleep(Duration::from_millis(20));
    }
}
