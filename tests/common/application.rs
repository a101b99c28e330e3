//! Runs application.c: a PAM application in C whose process is as a test wants it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::host::Host;

/// The program; compiled once in each test process, by the compiler that linking needs anyway.
pub(crate) fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let (own, shared) = (
            folder.join(format!("application.{}", std::process::id())),
            folder.join("application"),
        );
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Wextra", "-rdynamic", "-o"])
            .arg(&own);
        cc.arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/common/application.c"
        ));
        let status = cc.arg("-lpam").status().expect("a C compiler");
        assert!(status.success(), "{cc:?}");
        // Another test process may be at the same.
        std::fs::rename(&own, &shared).unwrap();
        shared
    })
}

/// What the application said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// How it ended; `None` for a signal.
    pub(crate) status: Option<i32>,
}

impl Said {
    /// PAM's codes as numbers, one for each login.
    pub(crate) fn codes(&self) -> Vec<i32> {
        let lines = self.text.lines();
        lines
            .filter_map(|line| line.strip_prefix("code ")?.parse().ok())
            .collect()
    }

    /// Whether the logins left the process as it was.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.text.lines().any(|line| line == "state same")
    }

    /// Kilobytes in memory after a quarter of the logins, and at the end.
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

/// The command that logs `user` in on `host`, run by `wrapper`, with the application's `options`.
pub(crate) fn command(host: &Host, user: &str, wrapper: &[&str], options: &[&str]) -> Command {
    let mut words = wrapper.iter();
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "5", "300"]);
    command.args(words.by_ref()).arg(program()).args(options);
    command.arg(host.stack_folder()).args(["sshd", user]);
    command
}

impl Running {
    /// Starts it.
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

    /// The process of the application itself, which `timeout` started.
    pub(crate) fn pid(&self) -> Pid {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let children = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(Ok(pid)) = children.split_whitespace().next().map(str::parse) {
                return Pid::from_raw(pid);
            }
            assert!(Instant::now() < until, "no child");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types a line.
    pub(crate) fn reply(&mut self, line: &str) {
        // It may be gone already.
        let _ = self.input.write_all(format!("{line}\n").as_bytes());
    }

    /// Waits for a line that begins with `start`, and gives the rest of it.
    pub(crate) fn wait_for(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "no {start:?} in {}", self.text);
            self.text.push_str(&line);
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Lets it end.
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

/// One run with these replies.
pub(crate) fn run(command: Command, replies: &[&str]) -> Said {
    let mut running = Running::start(command);
    for reply in replies {
        running.reply(reply);
    }
    running.finish()
}
