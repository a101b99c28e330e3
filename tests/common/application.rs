//! Compiles and runs application.c, a PAM application in C whose process state a test can choose:
//! limits, signals, closed descriptors, a network without free ports.
//!
//! The module's tests use it to check that the module changes nothing in its process and denies the
//! login when a resource is missing.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use pam_authy::pam_app::PamCode;

use super::compiled::compile;
use super::host::Host;

/// Returns the program's path. Compiles it once per test process.
pub(crate) fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("application", &["-rdynamic", "-pthread", "-lpam"]))
}

/// The output of the application.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// The exit status; `None` if a signal ended the application.
    pub(crate) status: Option<i32>,
}

impl Said {
    /// Returns PAM's codes as numbers, one for each login.
    pub(crate) fn codes(&self) -> Vec<i32> {
        let lines = self.text.lines();
        lines
            .filter_map(|line| line.strip_prefix("code ")?.parse().ok())
            .collect()
    }

    /// Returns the names of PAM's codes, one for each login.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let codes = self.codes().into_iter();
        codes.map(|code| PamCode(code).name()).collect()
    }

    /// Returns what the person saw (option -v): `prompt TEXT`, `error TEXT`, `info TEXT`.
    pub(crate) fn seen(&self) -> Vec<&str> {
        let kinds = ["prompt ", "error ", "info "];
        let is_text = |line: &&str| kinds.iter().any(|kind| line.starts_with(kind));
        self.text.lines().filter(is_text).collect()
    }

    /// Whether the logins left the process unchanged.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.text.lines().any(|line| line == "state same")
    }

    /// Returns of how many ended children the application heard.
    pub(crate) fn children(&self) -> u32 {
        let count = self.text.lines().find_map(|l| l.strip_prefix("children "));
        count.unwrap().parse().unwrap()
    }

    /// Returns the resident set size in KB after a quarter of the logins, and at the end.
    pub(crate) fn memory(&self) -> (i64, i64) {
        let line = self.text.lines().find_map(|line| line.strip_prefix("rss "));
        let (early, late) = line.unwrap().split_once(' ').unwrap();
        (early.parse().unwrap(), late.parse().unwrap())
    }
}

/// A running application.
pub(crate) struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    text: String,
}

/// Returns the command that logs `user` in on `host` with the application's `options`, started
/// through `wrapper`. It is killed after 300 s.
pub(crate) fn command(host: &Host, user: &str, wrapper: &[&str], options: &[&str]) -> Command {
    command_in(host.stack_folder(), user, wrapper, options)
}

/// As [`command`], with the stack of the service sshd in `folder`.
pub(crate) fn command_in(folder: &Path, user: &str, wrapper: &[&str], options: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "5", "300"]);
    command.args(wrapper).arg(program()).args(options);
    command.arg(folder).args(["sshd", user]);
    command
}

impl Running {
    /// Starts the application.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            text: String::new(),
        }
    }

    /// Returns the id of the application's process, a child of `timeout`. Waits up to 10 s for it.
    pub(crate) fn pid(&self) -> Pid {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let children = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(Ok(pid)) = children.split_whitespace().next().map(str::parse) {
                return Pid::from_raw(pid);
            }
            assert!(Instant::now() < deadline, "timeout started no child");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes one line to the application's standard input.
    pub(crate) fn reply(&mut self, line: &str) {
        // The application may have exited already.
        let _ = self.input.write_all(format!("{line}\n").as_bytes());
    }

    /// Waits for a line that begins with `start`, and returns the rest of it. The test fails if the
    /// output ends first.
    pub(crate) fn wait_for(&mut self, start: &str) -> String {
        self.wait_for_one_of(&[start]).1
    }

    /// The same for several: returns which one it was too.
    pub(crate) fn wait_for_one_of<'a>(&mut self, starts: &[&'a str]) -> (&'a str, String) {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "no {starts:?} in {}", self.text);
            self.text.push_str(&line);
            let rests = (starts.iter()).map(|start| (*start, line.strip_prefix(start)));
            for (start, rest) in rests {
                if let Some(rest) = rest {
                    return (start, rest.trim().to_owned());
                }
            }
        }
    }

    /// Closes the input and waits for the end of the application.
    pub(crate) fn finish(mut self) -> Said {
        drop(self.input);
        self.output.read_to_string(&mut self.text).unwrap();
        let status = self.child.wait().unwrap();
        Said {
            text: self.text,
            status: status.code(),
        }
    }
}

/// Runs the application with these replies.
pub(crate) fn run(command: Command, replies: &[&str]) -> Said {
    let mut running = Running::start(command);
    for reply in replies {
        running.reply(reply);
    }
    running.finish()
}
