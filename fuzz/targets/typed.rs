//! Fuzz target for text that a person types: runs `typed` of fuzz/invariants.rs under libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::typed(data));
