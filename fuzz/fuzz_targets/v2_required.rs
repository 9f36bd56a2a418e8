//! `cargo fuzz run v2_required`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("v2_required", data));
