//! The audit lines and the log of a [`Host`], which its simulator receives.

use std::time::{Duration, Instant};

use super::host::Host;

impl Host {
    /// Returns the audit lines, each from `verdict=`, without the fields of the process, which
    /// differ in each run ([`Host::audit_of_processes`] has them).
    pub(crate) fn audit(&self) -> Vec<String> {
        let lines = self.audit_of_processes();
        lines.iter().map(|line| without_process(line)).collect()
    }

    /// Returns the audit lines, each from `verdict=`.
    pub(crate) fn audit_of_processes(&self) -> Vec<String> {
        let lines = self.sim.log(|line| line.contains(" verdict="));
        let audit = lines
            .iter()
            .filter_map(|line| line.find("verdict=").map(|at| &line[at..]));
        audit.map(str::to_owned).collect()
    }

    /// Returns the audit lines as soon as there are `count` of them, or after 3 s.
    pub(crate) fn audit_of(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let lines = self.audit();
            if lines.len() >= count || Instant::now() > deadline {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the whole log as one text.
    pub(crate) fn log(&self) -> String {
        self.sim.log(|line| line.contains(" verdict=")).join("\n")
    }
}

/// An audit line without ` pid=N uid=N peer=WORD`, which are before the texts of the caller.
fn without_process(line: &str) -> String {
    let (before, rest) = line.split_once(" pid=").unwrap();
    let mut fields = rest.splitn(4, ' ');
    let (_pid, uid, peer) = (
        fields.next(),
        fields.next().unwrap(),
        fields.next().unwrap(),
    );
    assert!(
        uid.starts_with("uid=") && peer.starts_with("peer="),
        "{line}"
    );
    format!("{before} {}", fields.next().unwrap_or_default())
}
