//! `cargo fuzz run v1_payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("v1_payload", data));
