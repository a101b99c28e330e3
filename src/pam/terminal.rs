//! What was typed on the terminal of su and sudo while nothing read it.
//!
//! A person who waits for a push or a refusal may type a code meanwhile. Whatever ends the login
//! without a further prompt would leave it to the program that reads the terminal next, the shell.
//! sshd's process has no terminal; there the client decides. Called by `module`.

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{getpgrp, tcgetpgrp};

/// Discards what was typed on the controlling terminal and not read, where this process is in its
/// foreground; a flush from the background would stop it. Does not block or fail.
pub(super) fn discard_typed() {
    let flags = OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let Ok(terminal) = open(c"/dev/tty", flags, Mode::empty()) else {
        return;
    };
    if tcgetpgrp(&terminal) == Ok(getpgrp()) {
        // A terminal that is gone has nothing left to read.
        let _ = tcflush(&terminal, FlushArg::TCIFLUSH);
    }
}
