//! Fuzz target for text that is shown to a person: runs `text` of fuzz/invariants.rs under
//! libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::text(data));
