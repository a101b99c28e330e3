//! What a factor at Twilio Verify keeps in the state folder: the verification that was started last
//! for a person and number, and the codes of the app that were accepted.
//!
//! `factor::twilio` uses both through the traits of `base::factor::twilio`; the challenges are counted
//! by `limits`. Root alone can read and write the files.

mod started;
mod used;

pub use started::StartedFiles;
pub use used::UsedFiles;

use std::time::{SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970; zero for an earlier time.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
