//! What the listener has to say: lines on standard error, which the init system keeps.
//!
//! Users can be the cause of a line, so it must harm no other: there is one a minute at most, and
//! the listener neither waits for the reader of standard error nor ends with it. A line that cannot
//! be written is lost. Called by the listener alone.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(60);

/// The listener's lines.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    /// When the last one was written.
    last: Option<Instant>,
}

impl Complaints {
    /// Writes a line, unless there was one within the last minute. Does not block.
    pub(super) fn write(&mut self, why: &str) {
        if self.last.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.last = Some(Instant::now());
            // Short enough for a pipe that has room (PIPE_BUF of pipe(7)).
            let line = format!("pam_authyd: {why}\n");
            let mut stderr = io::stderr();
            let mut descriptors = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
            if matches!(poll(&mut descriptors, PollTimeout::ZERO), Ok(1)) {
                let _ = stderr.write_all(line.as_bytes());
            }
        }
    }
}
