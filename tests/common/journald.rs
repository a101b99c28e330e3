//! A real journald in a sandbox, without systemd: it sets the trusted fields, whose names begin
//! with an underscore, as everywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sandbox::is_inside;

/// A running journald; dropping it kills its process.
pub(crate) struct Journald(Child);

impl Journald {
    /// Starts journald with its usual sockets, /dev/log among them. In a sandbox only, once.
    pub(crate) fn start() -> Self {
        assert!(is_inside(), "only in a sandbox");
        // Without the sockets and the entries of this machine's own journald.
        for folder in ["/run/systemd/journal", "/run/log/journal"] {
            let _ = fs::remove_dir_all(folder);
            fs::create_dir_all(folder).unwrap();
        }
        if fs::read_to_string("/etc/machine-id").map_or(0, |id| id.trim().len()) != 32 {
            fs::write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n").unwrap();
        }
        let child = Command::new("/lib/systemd/systemd-journald")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the package systemd");
        let journald = Self(child);
        let sockets = [
            "/run/systemd/journal/dev-log",
            "/run/systemd/journal/stdout",
        ];
        let deadline = Instant::now() + Duration::from_secs(10);
        while !sockets.iter().all(|path| Path::new(path).exists()) {
            assert!(Instant::now() < deadline, "journald makes no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        symlink(sockets[0], "/dev/log").unwrap();
        journald
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> PathBuf {
        let id = fs::read_to_string("/etc/machine-id").unwrap();
        Path::new("/run/log/journal").join(id.trim())
    }

    /// Returns the entries whose message contains `part`, as soon as there are `count` of them, or
    /// after 5 s.
    pub(crate) fn entries(&self, part: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let mut journalctl = Command::new("journalctl");
            journalctl.arg("-D").arg(self.folder()).args(["-o", "json"]);
            let output = journalctl.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let entries = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let is_wanted = |entry: &Value| {
                let message = entry["MESSAGE"].as_str();
                message.is_some_and(|message| message.contains(part))
            };
            let entries: Vec<Value> = entries.filter(is_wanted).collect();
            if entries.len() >= count || Instant::now() > deadline {
                return entries;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
