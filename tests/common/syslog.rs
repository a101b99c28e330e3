//! /dev/log of a sandbox, where the module itself writes and no configuration says otherwise.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::sandbox::is_inside;

/// The lines that arrive at /dev/log. A thread reads them, so that no writer waits.
pub(crate) struct Syslog(Arc<Mutex<Vec<String>>>);

impl Syslog {
    /// Makes /dev/log. In a sandbox only, once.
    pub(crate) fn start() -> Self {
        assert!(is_inside(), "only in a sandbox");
        // Without this machine's own journald.
        let _ = fs::remove_dir_all("/run/systemd/journal");
        let socket = UnixDatagram::bind("/dev/log").unwrap();
        let mode = Permissions::from_mode(0o666);
        fs::set_permissions("/dev/log", mode).unwrap();
        let log = Self(Arc::default());
        let lines = Arc::clone(&log.0);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = socket.recv(&mut buffer) {
                let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
                lines.lock().unwrap().push(line);
            }
        });
        log
    }

    /// Returns the lines that contain `part`, as soon as there is one, or after 3 s none. The lines
    /// of a process that has ended are all there once its last one is.
    pub(crate) fn lines(&self, part: &str) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let lines = self.0.lock().unwrap().clone();
            let lines: Vec<_> = lines.into_iter().filter(|l| l.contains(part)).collect();
            if !lines.is_empty() || Instant::now() > deadline {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether a line that contains `part` has come already.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(part))
    }

    /// Returns the line before the first one that contains `part`: the detail of an audit line,
    /// where nothing else writes meanwhile.
    pub(crate) fn line_before(&self, part: &str) -> String {
        let lines = self.0.lock().unwrap();
        let at = lines.iter().position(|line| line.contains(part)).unwrap();
        lines[..at].last().cloned().unwrap_or_default()
    }
}
