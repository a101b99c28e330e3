//! Fuzz target for a message between module and engine: runs `protocol` of fuzz/invariants.rs under
//! libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::protocol(data));
