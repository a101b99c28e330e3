//! Control groups that tests make in /sys/fs/cgroup.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// A group that is removed when it is dropped, after the processes in it have ended.
pub(super) struct Group(pub(super) PathBuf);

impl Group {
    /// Makes a group in the `hierarchy`, the name of a folder of /sys/fs/cgroup; `None` if that is
    /// not there.
    pub(super) fn new(hierarchy: &str) -> Option<Self> {
        Self::named(hierarchy, b"pam_authy-test-")
    }

    /// The same; its name begins with these bytes.
    pub(super) fn named(hierarchy: &str, name: &[u8]) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup").join(hierarchy);
        if !root.join("cgroup.procs").exists() {
            println!("skipped: no {}", root.display());
            return None;
        }
        let nanos = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_nanos();
        let name = [name, nanos.to_string().as_bytes()].concat();
        let group = Self(root.join(OsStr::from_bytes(&name)));
        fs::create_dir(&group.0).unwrap();
        Some(group)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub(super) fn has(&self, pid: Pid) -> bool {
        let all = fs::read_to_string(self.0.join("cgroup.procs")).unwrap();
        all.lines().any(|line| line == pid.to_string())
    }

    /// The command of a shell that enters the group.
    pub(super) fn enter(&self) -> String {
        let bytes = self.0.as_os_str().as_bytes().iter();
        let octal: String = bytes.map(|byte| format!("\\{byte:03o}")).collect();
        format!("echo $$ > \"$(printf '{octal}')/cgroup.procs\"")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for (file, text) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
            let path = self.0.join(file);
            if path.exists() {
                let _ = fs::write(path, text);
            }
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
