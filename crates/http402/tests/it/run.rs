use std::process::{Command, Output};

/// Runs the tool to its end, with these variables and no others of its own.
pub(crate) fn http402_with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_http402"))
        .env_remove("HTTP402_KEY")
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("the tool starts")
}

/// The same, without variables.
pub(crate) fn http402(arguments: &[&str]) -> Output {
    http402_with(&[], arguments)
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the tool prints UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}
