//! A real terminal for a program, in a separate tmux server.
//!
//! Tests of authyctl use it for what depends on a terminal: colours, progress bars, prompts without
//! echo and Ctrl-C; the tests of the screens use it for what a person reads. Dropping the
//! [`Terminal`] ends the server.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest time to wait for a text on the screen.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One program in a terminal.
pub(crate) struct Terminal {
    folder: TempDir,
}

impl Terminal {
    /// Runs `program`; the terminal shows `ended with STATUS` after its end.
    pub(crate) fn run(program: &Path, arguments: &[&str], environment: &str) -> Self {
        let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
        let mut words = vec![quoted(&program.display().to_string())];
        words.extend(arguments.iter().map(|word| quoted(word)));
        Self::start(&format!("{environment} {}", words.join(" ")))
    }

    /// Runs a shell command in the same way, in 100 columns and 60 lines.
    pub(crate) fn start(command: &str) -> Self {
        Self::sized(command, 100)
    }

    /// Runs a shell command in a terminal of 60 lines and as many columns.
    pub(crate) fn sized(command: &str, columns: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("trap : INT; {command}; echo ended with $?; sleep 60");
        let terminal = Self { folder };
        let columns = columns.to_string();
        let size = ["-x", &columns, "-y", "60"];
        let mut tmux = terminal.tmux();
        tmux.args(["new-session", "-d"]).args(size).arg(line);
        assert!(tmux.status().unwrap().success(), "tmux does not start");
        terminal
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket"));
        // UTF-8, whatever the locale of the tests.
        tmux.args(["-u", "-f", "/dev/null"]).env_remove("TMUX");
        tmux.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        tmux
    }

    /// Returns what the terminal shows, with the escape sequences of colours.
    pub(crate) fn screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p", "-e"]).output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    }

    /// Returns what the terminal shows as plain text, without blanks at the ends of lines and empty
    /// lines at the end.
    pub(crate) fn text(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p"]).output();
        let screen = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        let lines: Vec<_> = screen.trim_end().lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    /// Waits until `is_there` accepts the plain text, and returns the text once it has not changed
    /// for a moment.
    pub(crate) fn settle(&self, wanted: &str, is_there: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + TIMEOUT;
        let mut last = String::new();
        loop {
            let text = self.text();
            if text == last && is_there(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "no {wanted} on:\n{text}");
            last = text;
            std::thread::sleep(Duration::from_millis(60));
        }
    }

    /// Waits until the screen shows `text`, and returns the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < deadline, "no {text:?} on:\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Presses keys by tmux's names for them; any other text is typed literally.
    pub(crate) fn press(&self, keys: &[&str]) {
        let mut tmux = self.tmux();
        assert!(tmux.arg("send-keys").args(keys).status().unwrap().success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}
