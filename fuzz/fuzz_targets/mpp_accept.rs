//! `cargo fuzz run mpp_accept`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("mpp_accept", data));
