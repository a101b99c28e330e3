//! Fuzz target for a reply of the service: runs `reply` of fuzz/invariants.rs under libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::reply(data));
