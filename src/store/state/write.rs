//! Writes a file whose size limit (RLIMIT_FSIZE) the caller of su or sudo chose.
//!
//! A write over that limit fails, and besides sends the writing thread SIGXFSZ, which kills. The signal
//! is blocked for this thread while it writes, and taken away before the mask is put back: no
//! disposition of the application changes, and nothing stays pending for it.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{Durability, errno};

/// Writes all of `bytes`, and waits for the disk where that is wanted.
pub(super) fn all(file: OwnedFd, bytes: &[u8], durability: Durability) -> Result<(), Errno> {
    without_signal(|| {
        let mut file = File::from(file);
        file.write_all(bytes).map_err(|error| errno(&error))?;
        match durability {
            Durability::Now => file.sync_all().map_err(|error| errno(&error)),
            Durability::Later => Ok(()),
        }
    })
}

/// Runs `write` so that exceeding the size limit is an error and nothing more.
fn without_signal(write: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let mut signal = SigSet::empty();
    signal.add(Signal::SIGXFSZ);
    // Opened first: without a descriptor left nothing is written at all.
    let pending = SignalFd::with_flags(&signal, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let before = signal.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let written = write();
    if written == Err(Errno::EFBIG) {
        // Never waits; the signal was sent to this thread before the write came back (signal(7)).
        let _ = pending.read_signal();
    }
    before.thread_set_mask()?;
    written
}
