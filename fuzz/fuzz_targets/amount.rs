//! `cargo fuzz run amount`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("amount", data));
