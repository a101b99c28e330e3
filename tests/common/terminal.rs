//! A real terminal for a program, in a tmux server of its own that ends with it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// One program on a terminal of 100 columns.
pub(crate) struct Terminal {
    folder: TempDir,
}

impl Terminal {
    /// Runs `program`; when it has ended the terminal says `ended with STATUS`.
    pub(crate) fn run(program: &Path, arguments: &[&str], environment: &str) -> Self {
        let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
        let mut words = vec![quoted(&program.display().to_string())];
        words.extend(arguments.iter().map(|word| quoted(word)));
        Self::start(&format!("{environment} {}", words.join(" ")))
    }

    /// The same for a shell command.
    pub(crate) fn start(command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("trap : INT; {command}; echo ended with $?; sleep 60");
        let terminal = Self { folder };
        let size = ["-x", "100", "-y", "50"];
        let mut tmux = terminal.tmux();
        tmux.args(["new-session", "-d"]).args(size).arg(line);
        assert!(tmux.status().unwrap().success(), "tmux does not start");
        terminal
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket"));
        tmux.args(["-f", "/dev/null"]).env_remove("TMUX");
        tmux.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        tmux
    }

    /// What the terminal shows, escape sequences of colours included.
    pub(crate) fn screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p", "-e"]).output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    }

    /// The screen once it shows `text`.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < until, "no {text:?} on:\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Presses keys, by tmux's names for them; a text is typed as it stands.
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
