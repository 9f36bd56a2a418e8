//! `cargo fuzz run mpp_problem`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("mpp_problem", data));
