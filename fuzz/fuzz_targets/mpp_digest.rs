//! `cargo fuzz run mpp_digest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| http402_fuzz::run("mpp_digest", data));
