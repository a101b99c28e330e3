//! Fuzz target for directory.toml: runs `directory` of fuzz/invariants.rs under libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::directory(data));
