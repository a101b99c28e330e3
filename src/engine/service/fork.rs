//! The process of a login: a copy of the listener, which has one thread and holds nothing.

use nix::errno::Errno;
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
