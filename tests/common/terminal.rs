//! A program on a terminal of its own, by tmux: what it shows, and keys to press.

use std::process::Command;
use std::time::{Duration, Instant};

/// A tmux server with one window; ended when dropped.
pub(crate) struct Terminal(String);

impl Terminal {
    /// Runs the shell command there; it is ended after a minute.
    pub(crate) fn start(command: &str) -> Self {
        let terminal = Self(format!("pam-authy-test-{}", std::process::id()));
        let command = format!("timeout --foreground 60 {command}; echo ended with $?; sleep 60");
        let size = ["-x", "200", "-y", "50"];
        terminal.tmux(
            &[
                &["-f", "/dev/null", "new-session", "-d"][..],
                &size,
                &[&command],
            ]
            .concat(),
        );
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        let output = tmux.args(["-L", &self.0]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until `text` is shown, half a minute at most.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let shown = self.tmux(&["capture-pane", "-p"]);
            if shown.contains(text) {
                return shown;
            }
            assert!(Instant::now() < until, "no {text:?} in:\n{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses keys, as tmux names them.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"][..], keys].concat());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .args(["-L", &self.0, "kill-server"])
            .output();
    }
}
