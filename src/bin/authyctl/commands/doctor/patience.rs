//! Waits where a provider is busy, answers HTTP 429 and says for how long.

use std::thread;
use std::time::Duration;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks, and once more where the provider names a short wait: `wait` are the seconds in its error.
/// Blocks for the two requests and [`LONGEST`] at most.
pub(super) fn patiently<T, E>(
    ask: impl Fn() -> Result<T, E>,
    wait: impl Fn(&E) -> Option<u64>,
) -> Result<T, E> {
    let answer = ask();
    let wait = answer.as_ref().err().and_then(wait);
    match wait.map(Duration::from_secs) {
        Some(wait) if wait <= LONGEST => {
            thread::sleep(wait);
            ask()
        }
        _ => answer,
    }
}
