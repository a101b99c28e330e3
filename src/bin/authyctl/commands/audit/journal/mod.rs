//! Reads the journal, by systemd's own journalctl.
//!
//! Any user can write an entry with our identifier and any text. Fields whose names begin with an
//! underscore are journald's own. An entry counts where journald saw a process of root whose number is
//! in the entry, and the file of our engine: root alone is not enough, since sudo shows a prompt that
//! its caller chooses, and a daemon passes on what others sent it. Of a process that had ended journald
//! does not know the file, so that the engine outlives its last line for a moment. The module's own
//! line (`reason=engine`) is written in the application's process: it counts where it names that
//! process and its real user. Where that is not root, the program must be one of root's with the
//! set-user-ID bit, as su, or have ended and name a service of such a program, and the line has no
//! address; its caller can bring about that very line by a real login, so that nothing more could be
//! forged.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pam_authy::base::arguments::ENGINE;
use pam_authy::base::text;
use serde_json::Value;

use super::event::{Event, Message, service_of};
use super::{Sink, Skipped, Stop};
use crate::error::CommandError;

/// Where systemd installs it.
const PROGRAMS: [&str; 2] = ["/usr/bin/journalctl", "/bin/journalctl"];
/// How long the next entry is waited for, in milliseconds.
const PATIENCE: u16 = 60_000;
/// The largest entry that is read, in bytes; a larger one is skipped.
const ENTRY: u64 = 256 * 1024;
/// How much of its standard error is kept, in bytes.
const REMARKS: u64 = 4096;
/// The set-user-ID bit (S_ISUID of inode(7)).
const SET_USER_ID: u32 = 0o4000;

/// The services of programs with that bit, whose module runs in a process of its caller.
const OF_CALLERS: [&str; 6] = ["su", "su-l", "sudo", "sudo-i", "doas", "polkit-1"];

/// The fields that are read. The facility is authpriv.
const FIELDS: &str =
    "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_UID,_PID,_EXE,_HOSTNAME";
const FACILITY: &str = "SYSLOG_FACILITY=10";

/// Passes each event from `since` on, in seconds since 1970, to `sink`.
pub(super) fn read(since: u64, sink: &mut Sink<'_>) -> Result<Skipped, Stop> {
    let program = PROGRAMS.iter().find(|path| Path::new(path).exists());
    let program = program.ok_or_else(|| {
        Stop::Input(
            CommandError::local("there is no journalctl on this host")
                .hint("--file reads what a syslog daemon has written, such as /var/log/auth.log"),
        )
    })?;
    let mut command = Command::new(program);
    command.args(["--no-pager", "--output=json", "--all", FIELDS]);
    if since > 0 {
        command.arg(format!("--since=@{since}"));
    }
    command.arg(FACILITY);
    let failed =
        |error: &io::Error| Stop::Input(CommandError::local(format!("{program}: {error}")));
    let mut child = Running::start(&mut command).map_err(|error| failed(&error))?;
    let mut skipped = Skipped::default();
    let result = child.entries(&mut skipped, sink);
    let (is_success, remark) = child.end(result.is_err());
    match result {
        Err(Stop::Input(error)) => return Err(Stop::Input(error)),
        Err(stop) => return Err(stop),
        Ok(()) if !is_success => {
            let why = remark.unwrap_or_else(|| "failed".to_owned());
            return Err(Stop::Input(CommandError::local(format!(
                "{program}: {why}"
            ))));
        }
        Ok(()) => {}
    }
    skipped.remark = remark;
    Ok(skipped)
}

/// A running journalctl.
struct Running {
    child: Child,
    stdout: BufReader<Patient>,
    stderr: JoinHandle<String>,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        Ok(Self {
            child,
            stdout: BufReader::new(Patient(stdout)),
            stderr: thread::spawn(move || remarks(stderr)),
        })
    }

    /// Reads all entries.
    fn entries(&mut self, skipped: &mut Skipped, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let failed =
            |error: &io::Error| Stop::Input(CommandError::local(format!("journalctl: {error}")));
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let length = (&mut self.stdout).take(ENTRY).read_until(b'\n', &mut bytes);
            if length.map_err(|error| failed(&error))? == 0 {
                return Ok(());
            }
            if bytes.last() != Some(&b'\n') {
                let rest = self.stdout.skip_until(b'\n');
                rest.map_err(|error| failed(&error))?;
                continue;
            }
            // `-- No entries --` is no object.
            if let Ok(entry) = serde_json::from_slice::<Value>(&bytes)
                && let Some(event) = event(&Entry(&entry), skipped)
            {
                sink(event).map_err(Stop::Output)?;
            }
        }
    }

    /// Ends the program, at once where its output is not wanted any more. Returns whether it succeeded,
    /// and what it said.
    fn end(mut self, at_once: bool) -> (bool, Option<String>) {
        if at_once {
            let _ = self.child.kill();
        }
        drop(self.stdout);
        let is_success = self.child.wait().is_ok_and(|status| status.success());
        let remark = self.stderr.join().unwrap_or_default();
        (is_success, (!remark.is_empty()).then_some(remark))
    }
}

/// What a program says on standard error, on one line.
fn remarks(mut stderr: impl Read) -> String {
    let mut text = Vec::new();
    let _ = (&mut stderr).take(REMARKS).read_to_end(&mut text);
    // The program must not wait for us.
    let _ = io::copy(&mut stderr, &mut io::sink());
    let text = String::from_utf8_lossy(&text);
    let words: Vec<_> = text.split_whitespace().collect();
    text::sanitize_to(&words.join(" "), 500)
}

/// A pipe that is not waited for without limit.
struct Patient(ChildStdout);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut descriptors = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        if poll(&mut descriptors, PollTimeout::from(PATIENCE))? == 0 {
            let why = "no entry has come within a minute";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        self.0.read(buffer)
    }
}

/// An entry of the journal.
struct Entry<'a>(&'a Value);

impl Entry<'_> {
    /// The value of a field. journalctl writes what is not printable as a list of bytes, and a field
    /// that occurs more than once as a list of texts, which is none of ours.
    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(bytes) => {
                let bytes = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok());
                let bytes = bytes.collect::<Option<Vec<u8>>>()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        }
    }

    /// Whether our engine or module has written this, rather than any user.
    fn is_ours(&self, service: &str, fields: &[(String, String)]) -> bool {
        let Some((uid, pid)) = self.text("_UID").zip(self.text("_PID")) else {
            return false;
        };
        if self.text("SYSLOG_PID").as_ref() != Some(&pid) {
            return false;
        }
        let is_root = uid == "0";
        let Some(program) = self.text("_EXE") else {
            // A caller of su who waits for no delay is gone soon.
            let has_ended = !is_root && self.0.get("_EXE").is_none();
            let is_of_caller = OF_CALLERS.contains(&service);
            return has_ended
                && is_of_caller
                && is_line_of_module(fields, &uid, &pid)
                && !has_address(fields);
        };
        // After an upgrade, the file of a login under way has no name any more.
        let program = program.trim_end_matches(" (deleted)");
        (is_root && program == ENGINE)
            || is_line_of_module(fields, &uid, &pid) && is_application(program, is_root, fields)
    }
}

/// Whether these are the fields of the line that the module writes itself, in this process.
fn is_line_of_module(fields: &[(String, String)], uid: &str, pid: &str) -> bool {
    let has = |name: &str, value: &str| {
        let mut fields = fields.iter();
        fields.any(|(known, found)| known == name && found == value)
    };
    let expected = [
        ("verdict", "error"),
        ("reason", "engine"),
        ("uid", uid),
        ("pid", pid),
    ];
    expected.iter().all(|(name, value)| has(name, value))
}

/// Whether a program whose real user is root, or not, may be the one in which the module runs.
fn is_application(program: &str, is_root: bool, fields: &[(String, String)]) -> bool {
    let changes_user = fs::symlink_metadata(program)
        .is_ok_and(|file| file.is_file() && file.uid() == 0 && file.mode() & SET_USER_ID != 0);
    if is_root {
        !changes_user
    } else {
        changes_user && !has_address(fields)
    }
}

fn has_address(fields: &[(String, String)]) -> bool {
    fields.iter().any(|(name, _)| name == "rhost")
}

/// The event of an entry; `None` for other entries. What looks like one is counted in `skipped`.
fn event(entry: &Entry<'_>, skipped: &mut Skipped) -> Option<Event> {
    let identifier = entry.text("SYSLOG_IDENTIFIER")?;
    let service = service_of(&identifier)?.to_owned();
    let line = entry.text("MESSAGE")?;
    let microseconds: u64 = entry.text("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let milliseconds = microseconds / 1000;
    match Message::parse(&line) {
        Message::Line(fields) if entry.is_ours(&service, &fields) => {
            let host = entry.text("_HOSTNAME");
            Some(Event::new(milliseconds, host, service, &line, fields))
        }
        Message::Line(_) => {
            skipped.untrusted += 1;
            None
        }
        Message::Cut => {
            if entry.is_ours(&service, &[]) {
                skipped.add(super::time::written(milliseconds));
            } else {
                skipped.untrusted += 1;
            }
            None
        }
        Message::Text => None,
    }
}

#[cfg(test)]
mod tests;
