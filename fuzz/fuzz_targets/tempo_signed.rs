//! `cargo fuzz run tempo_signed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("tempo_signed", data));
