//! SIGINT and SIGTERM, for commands that must not end at any moment, and waits that they cut short.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The longest wait that Authy may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The signals, blocked so that what has begun is brought to an end.
pub(super) struct Signals {
    fd: Option<SignalFd>,
    has_arrived: Cell<bool>,
}

impl Signals {
    pub(super) fn block() -> Self {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
        let fd = signals
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK));
        Self {
            fd: fd.ok(),
            has_arrived: Cell::new(false),
        }
    }

    /// Whether one has arrived so far.
    pub(super) fn arrived(&self) -> bool {
        let next = self.fd.as_ref().map(SignalFd::read_signal);
        let is_new = matches!(next, Some(Ok(Some(_))));
        self.has_arrived.set(self.has_arrived.get() || is_new);
        self.has_arrived.get()
    }

    /// Waits as long as Authy asks for. Returns false where that is too long or not said, or a signal
    /// ends the wait.
    pub(super) fn waits(&self, seconds: Option<u64>) -> bool {
        let wait = seconds.map(Duration::from_secs);
        let Some(wait) = wait.filter(|wait| *wait <= LONGEST_WAIT) else {
            return false;
        };
        let end = Instant::now() + wait;
        while Instant::now() < end {
            if self.arrived() {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            thread::sleep(left.min(Duration::from_millis(200)));
        }
        true
    }
}
