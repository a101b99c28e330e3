//! Fuzz target for SSH_AUTH_INFO_0: runs `ssh_auth` of fuzz/invariants.rs under libFuzzer.

#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::ssh_auth(data));
