//! journald's own socket, which takes entries with fields: `journalctl PAM_AUTHY_USER=alice` finds
//! the logins of a user without a search in texts.
//!
//! An entry is one datagram. The protocol has a second form, by a file descriptor, for those that are
//! larger than a datagram; ours are never: `engine::audit` cuts every text, so that an entry is below
//! 16 KiB, and a datagram may have 200 KiB. As for `journal`, a full queue is waited for at most
//! 200 ms, once. Called by `engine::audit`.
//!
//! Sources: systemd.io/JOURNAL_NATIVE_PROTOCOL, systemd.journal-fields(7).

use std::cell::Cell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{MsgFlags, send};

use super::journal::{connect, name_of_service};

/// The socket of journald.
pub const JOURNALD: &str = "/run/systemd/journal/socket";

/// The number of the facility authpriv (LOG_AUTHPRIV of syslog(3)).
const AUTHPRIV: &str = "10";

/// journald, for the entries of one login.
#[derive(Debug)]
pub struct Journald {
    /// As in a line of text: `pam_authy(sshd:auth)`.
    identifier: String,
    socket: OwnedFd,
    /// An entry was lost. No later one is sent, so that a login waits only once.
    has_given_up: Cell<bool>,
}

impl Journald {
    /// Opens the socket at `path` for the PAM service `service`, or for plain users' programs where
    /// that is `None`. Returns `None` where no journald listens there.
    #[must_use]
    pub fn open(service: Option<&str>, path: &Path) -> Option<Self> {
        let name = service.map_or_else(|| "locker".to_owned(), name_of_service);
        Some(Self {
            identifier: format!("pam_authy({name})"),
            socket: connect(path)?,
            has_given_up: Cell::new(false),
        })
    }

    /// Writes an entry with a `severity` of syslog(3), 0 to 7, and `fields` besides those that a line
    /// of text would have. Each name consists of capital letters, digits and underscores. Blocks up to
    /// 200 ms where the queue is full, once for each [`Journald`].
    pub fn write(&self, severity: u8, message: &str, fields: &[(String, String)]) {
        let mut entry = Entry::default();
        entry.add("MESSAGE", message);
        entry.add("PRIORITY", &(severity & 7).to_string());
        entry.add("SYSLOG_FACILITY", AUTHPRIV);
        entry.add("SYSLOG_IDENTIFIER", &self.identifier);
        entry.add("SYSLOG_PID", &std::process::id().to_string());
        for (name, value) in fields {
            entry.add(name, value);
        }
        let is_sent = || send(self.socket.as_raw_fd(), &entry.0, MsgFlags::MSG_NOSIGNAL).is_ok();
        if !self.has_given_up.get() && !is_sent() {
            self.has_given_up.set(true);
        }
    }
}

/// The bytes of an entry.
#[derive(Debug, Default)]
struct Entry(Vec<u8>);

impl Entry {
    /// Adds a field. A value with a line end has its length before it, so that it cannot be taken for
    /// the next field.
    fn add(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            self.0.push(b'\n');
            self.0
                .extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            self.0.push(b'=');
        }
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_value_with_a_line_end_is_no_second_field() {
        let mut entry = Entry::default();
        entry.add("A", "b\nPRIORITY=0");
        entry.add("C", "d=e");
        assert_eq!(entry.0, b"A\n\x0c\0\0\0\0\0\0\0b\nPRIORITY=0\nC=d=e\n");
    }

    #[test]
    fn a_journald_that_is_not_read_delays_a_login_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _listener = UnixDatagram::bind(&path).unwrap();
        let journald = Journald::open(Some("sshd"), &path).unwrap();
        let start = Instant::now();
        for _ in 0..10_000 {
            journald.write(3, "a line", &[]);
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{start:?}");
    }

    #[test]
    fn a_socket_that_is_missing_or_dead_is_no_journald() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(Journald::open(None, &path).is_none());
        drop(UnixDatagram::bind(&path).unwrap());
        assert!(Journald::open(None, &path).is_none());
    }
}
