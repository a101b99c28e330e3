//! Fuzz target for config.toml: runs `config` of fuzz/invariants.rs under libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::config(data));
