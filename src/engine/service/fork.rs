//! The process of a login: a copy of the listener, which has one thread and holds nothing. And the
//! signals that both rely on.

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork};

/// Makes a copy of this process. Returns its number, or `None` in the copy.
///
/// # Errors
/// No process or memory is left.
pub(super) fn copy() -> Result<Option<Pid>, Errno> {
    // SAFETY: the listener has one thread, so that the copy finds no lock that is held. It starts
    // none before this, and `engine::serve` starts its own in the copy.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Undoes what the process that has started this one does with two signals: where it ignores
/// SIGCHLD, no login would end for the listener, and where it ignores or blocks SIGALRM, none would
/// be ended by its timer.
pub(super) fn reset_signals() {
    let mut both = SigSet::empty();
    for number in [Signal::SIGCHLD, Signal::SIGALRM] {
        both.add(number);
        // SAFETY: no handler is set, and none was.
        let _ = unsafe { signal(number, SigHandler::SigDfl) };
    }
    // Fails for no set of signals that there are.
    let _ = both.thread_unblock();
}
