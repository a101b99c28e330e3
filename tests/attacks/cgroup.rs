//! A control group that belongs to mallory, as systemd gives each user one, with two groups in it:
//! one for mallory's own process and one for each su that is to be frozen or killed.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::User;

use super::target::ATTACKER;

/// Moves itself into the group `$0` and becomes the rest of its arguments.
const ENTER: &str = "echo $$ >\"$0/cgroup.procs\" && exec \"$@\"";
const PROCS: &str = "cgroup.procs";

/// Mallory's group, for the test; it is removed when it is dropped.
pub(super) struct Delegated(PathBuf);

impl Delegated {
    /// Creates it. `None` where this machine has no second version of control groups to write to.
    pub(super) fn create() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut rows = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let root = rows.find(|fields| fields[2] == "cgroup2")?[1].to_owned();
        let folder = tempfile::Builder::new()
            .prefix("pam_authy-")
            .tempdir_in(root)
            .ok()?
            .keep();
        let user = User::from_name(ATTACKER).unwrap().unwrap();
        for path in ["", PROCS, "cgroup.threads", "cgroup.subtree_control"] {
            let path = folder.join(path);
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).ok()?;
        }
        fs::create_dir(folder.join("mallory")).ok()?;
        Some(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The program that starts another one in the group of mallory's own process.
    pub(super) fn wrapper(&self) -> [String; 4] {
        enter(&self.0.join("mallory"))
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        // Groups can only be removed from below, and only empty ones.
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        for _ in 0..50 {
            let _ = Command::new("find")
                .arg(&self.0)
                .args(["-depth", "-type", "d", "-delete"])
                .output();
            if !self.0.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// One group below mallory's, which mallory made for one su.
pub(super) struct Cage(PathBuf);

impl Cage {
    pub(super) fn create(delegated: &Path, name: &str) -> Self {
        let folder = delegated.join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn wrapper(&self) -> [String; 4] {
        enter(&self.0)
    }

    pub(super) fn freeze(&self, frozen: bool) {
        fs::write(self.0.join("cgroup.freeze"), if frozen { "1" } else { "0" }).unwrap();
    }

    pub(super) fn kill(&self) {
        fs::write(self.0.join("cgroup.kill"), "1").unwrap();
    }
}

fn enter(group: &Path) -> [String; 4] {
    ["sh", "-c", ENTER, &group.display().to_string()].map(str::to_owned)
}
