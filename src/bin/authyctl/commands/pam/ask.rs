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
use crate::commands::stack::Files;
use crate::error::{CommandError, ErrorKind};

/// The interval, in milliseconds, for checking whether the change was rolled back, or confirmed
/// elsewhere.
const POLL_MILLISECONDS: u16 = 500;

/// What came instead of "yes", or before it.
enum Answer {
    Line(String),
    /// The end of the input.
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
    println!("log in from another window now; type \"yes\" to keep the change:");
    let mut input = io::stdin().lock();
    loop {
        match answer(&mut input, target).map_err(CommandError::local)? {
            Answer::Line(line) if line.trim() == "yes" => break,
            Answer::Line(_) => println!("the change is rolled back unless you type \"yes\":"),
            Answer::End => {
                let message = "the change is not confirmed, and will be rolled back";
                return Ok(vec![message.to_owned()]);
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

fn answer(input: &mut StdinLock<'_>, target: &Target) -> io::Result<Answer> {
    while pending::find(target).is_some() {
        let mut inputs = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut inputs, PollTimeout::from(POLL_MILLISECONDS)) {
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
