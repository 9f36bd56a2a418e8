//! `cargo fuzz run engines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("engines", data));
