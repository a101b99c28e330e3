//! The question of `pam enable` on a terminal: the change is kept when "yes" is typed before it is
//! rolled back.

use std::fs;
use std::io::{self, BufRead, StdinLock};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::file::FileEdit;
use super::{pending, profile, rollback};
use crate::cli::Target;
use crate::commands::signals::Signals;
use crate::commands::stack::Files;
use crate::error::{CommandError, ErrorKind};

/// The interval, in milliseconds, for checking whether the change was rolled back, or confirmed
/// elsewhere.
const POLL_MILLISECONDS: u16 = 500;

/// What came instead of "yes", or before it.
enum Answer {
    Line(String),
    /// The end of the input, or a signal.
    End,
    /// The change is no longer pending.
    Settled,
}

/// Asks until the change of `target` is settled; returns the messages about it.
///
/// # Errors
/// The change was rolled back, or standard input cannot be read.
pub(super) fn ask(
    target: &Target,
    edits: &[FileEdit],
    files: &Files,
) -> Result<Vec<String>, CommandError> {
    println!(
        "{} now; type \"yes\" to keep the change, \"no\" to undo it at once:",
        test_of(target)
    );
    let mut input = io::stdin().lock();
    let signals = Signals::block();
    loop {
        match answer(&mut input, target, &signals).map_err(CommandError::local)? {
            Answer::Line(line) if line.trim() == "yes" => break,
            // Where there is nothing left to undo, it was confirmed or rolled back elsewhere.
            Answer::Line(line) if line.trim() == "no" => {
                if rollback::roll_back_if(target, |_| true)? {
                    let message = format!("the change of {} is undone", target.name());
                    return Err(CommandError::new(ErrorKind::Refused, message));
                }
                break;
            }
            Answer::Line(_) => {
                let left = seconds_left(target);
                println!(
                    "still waiting: \"yes\" keeps the change, \"no\" undoes it now; otherwise it is undone in {left} s:"
                );
            }
            Answer::End => {
                let left = seconds_left(target);
                let message = format!("the change is not confirmed, and is undone in {left} s");
                return Err(CommandError::new(ErrorKind::Refused, message)
                    .hint("authyctl pam confirm keeps it, authyctl pam rollback undoes it now"));
            }
            Answer::Settled => break,
        }
    }
    // A roll-back that has begun ends first.
    let lock = pending::lock()?;
    let is_pending = pending::find(target).is_some();
    if !is_pending && !is_made(target, edits, files) {
        let message = format!(
            "{} was rolled back: the change was not confirmed",
            target.name()
        );
        return Err(CommandError::new(ErrorKind::Refused, message));
    }
    drop(lock);
    if !is_pending {
        return Ok(vec![rollback::kept(target)]);
    }
    Ok(rollback::confirm()?.lines)
}

/// How a person finds out that a changed service still lets them in.
fn test_of(target: &Target) -> String {
    match target.name() {
        "sudo" | "sudo-i" => "run `sudo -k id` in another window".to_owned(),
        "su" | "su-l" => "run `su -c id USER` as a plain user in another window".to_owned(),
        "sshd" => "log in from another window".to_owned(),
        "all" => "log in, and run `sudo -k id`, in another window".to_owned(),
        name => format!("log in by {name} in another window or place"),
    }
}

fn seconds_left(target: &Target) -> u64 {
    pending::find(target).map_or(0, |change| change.left.as_secs())
}

fn answer(input: &mut StdinLock<'_>, target: &Target, signals: &Signals) -> io::Result<Answer> {
    while pending::find(target).is_some() {
        let mut inputs = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut inputs, PollTimeout::from(POLL_MILLISECONDS)) {
            Ok(0) | Err(Errno::EINTR) if signals.arrived() => return Ok(Answer::End),
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut line = String::new();
        return Ok(match input.read_line(&mut line)? {
            0 => Answer::End,
            _ => Answer::Line(line),
        });
    }
    Ok(Answer::Settled)
}

/// Whether the files are as the change made them.
fn is_made(target: &Target, edits: &[FileEdit], files: &Files) -> bool {
    match target {
        Target::All => profile::is_on(files),
        Target::Service(_) => edits
            .iter()
            .all(|edit| fs::read(&edit.path).ok() == edit.new),
    }
}
