//! Writes a file under a size limit (RLIMIT_FSIZE): that of authyctl's caller, or one that the engine
//! could not raise (a container without CAP_SYS_RESOURCE).
//!
//! A write beyond that limit fails and also sends SIGXFSZ to the writing thread, which ends the
//! process. The signal is blocked for this thread during the write, and consumed before the mask is
//! restored, so that the error is reported and no incomplete file stays. Called by `change` and
//! `words`.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{Durability, errno};

/// Writes all of `bytes`, and syncs the file if the change is to survive a crash.
pub(super) fn all(file: OwnedFd, bytes: &[u8], durability: Durability) -> Result<(), Errno> {
    without_signal(|| {
        let mut file = File::from(file);
        file.write_all(bytes).map_err(|error| errno(&error))?;
        match durability {
            Durability::Machine => file.sync_all().map_err(|error| errno(&error)),
            Durability::Process => Ok(()),
        }
    })
}

/// Runs `write` so that exceeding the size limit is only an error.
pub(super) fn without_signal(write: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let mut signal = SigSet::empty();
    signal.add(Signal::SIGXFSZ);
    // Opened first: if no descriptor is left, nothing is written.
    let pending = SignalFd::with_flags(&signal, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let before = signal.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let written = write();
    if written == Err(Errno::EFBIG) {
        // Does not block; the signal was sent to this thread before the write returned (signal(7)).
        let _ = pending.read_signal();
    }
    before.thread_set_mask()?;
    written
}
