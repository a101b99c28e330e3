//! What /proc shows to every user about a su that runs as root.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// The state of a process as in ps(1): R, S, T, Z. `None` if there is no such process.
pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// The number of threads of a process; 0 if it has ended.
pub(super) fn threads(pid: Pid) -> u64 {
    let links = fs::metadata(format!("/proc/{pid}/task")).map_or(2, |folder| folder.nlink());
    links.saturating_sub(2)
}

/// The engines of the product, which belong to root.
pub(super) fn engines() -> Vec<Pid> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_engine = |pid: &Pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        // The first process of a sandbox leaves those that have ended.
        name.is_ok_and(|name| name.starts_with("pam_authyd")) && state(*pid) != Some('Z')
    };
    pids.map(Pid::from_raw).filter(is_engine).collect()
}

/// Waits up to `limit` for an answer that waits unread in a connection to `port`, and returns its
/// length.
pub(super) fn unread(port: u16, limit: Duration) -> Option<u64> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        let before = queued(port);
        std::thread::sleep(Duration::from_millis(20));
        if before > 0 && queued(port) == before {
            return Some(before);
        }
    }
    None
}

/// The sum of `rx_queue` over all connections to `port`.
fn queued(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let to = u16::from_str_radix(fields.get(2)?.split(':').nth(1)?, 16).ok()?;
        let unread = u64::from_str_radix(fields.get(4)?.split(':').nth(1)?, 16).ok()?;
        (to == port).then_some(unread)
    });
    rows.sum()
}

/// The file locks of all processes.
pub(super) struct Locks(File);

impl Locks {
    pub(super) fn open() -> Self {
        Self(File::open("/proc/locks").unwrap())
    }

    /// The file (device and inode) that `pid` has locked.
    pub(super) fn of(&self, pid: Pid) -> Option<String> {
        let mut bytes = [0; 8192];
        let length = self.0.read_at(&mut bytes, 0).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]);
        // 1: FLOCK  ADVISORY  WRITE 812 fe:00:1234 0 EOF
        text.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let holder: i32 = fields.get(4)?.parse().ok()?;
            (holder == pid.as_raw()).then(|| (*fields.get(5).unwrap_or(&"")).to_owned())
        })
    }
}
