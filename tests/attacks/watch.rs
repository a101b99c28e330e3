//! What /proc shows to every user about a su that runs as root.

use std::fs;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

/// The state of a process as in ps(1): R, S, T, Z. `None` if there is no such process.
pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
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
