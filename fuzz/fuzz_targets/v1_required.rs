//! `cargo fuzz run v1_required`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("v1_required", data));
