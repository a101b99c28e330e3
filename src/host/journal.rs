//! The system's log: RFC 3164 datagrams in UTC over a local socket, with the facility authpriv.
//! Called by `engine::audit`, where journald does not take the line itself (`journald`), and by
//! `pam::log` where no engine could be reached.
//!
//! The formatter of the syslog crate is not used: it needs a calendar library, 41 KB of code, for a
//! timestamp of fifteen characters. Where the queue of the log is full, a call waits up to 200 ms for it,
//! once, so that a burst of logins loses no line; a log that is not read must not delay a login for
//! longer.

use std::cell::Cell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::SystemTime;

use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect as connect_to, send, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// The socket of the log when config.toml could not be read.
pub const DEFAULT_LOG: &str = "/dev/log";

/// The facility authpriv (LOG_AUTHPRIV of syslog(3)).
const AUTHPRIV: u8 = 10 << 3;
/// The severity of an error (LOG_ERR of syslog(3)).
pub const ERROR: u8 = 3;

/// How long a call waits for room in the queue of the log, which holds ten lines by default
/// (Linux, `net.unix.max_dgram_qlen`), in milliseconds.
const WRITE_TIMEOUT: i64 = 200;

/// The log, for the lines of one call of the module.
#[derive(Debug)]
pub struct Journal {
    /// The tag and the process: `pam_authy(sshd:auth)[4711]`.
    tag: String,
    socket: Option<OwnedFd>,
    /// A line was lost. No later line is sent, so that a call waits only once.
    has_given_up: Cell<bool>,
}

impl Journal {
    /// Opens the log for the PAM service `service`, over the datagram socket at `log`. Does not
    /// fail: without a usable socket the lines are lost.
    #[must_use]
    pub fn open(service: &str, log: &Path) -> Self {
        Self::tagged(&name_of_service(service), log)
    }

    /// The same for plain users' programs, whose lines have the tag `pam_authy(locker)`: no PAM
    /// service has it.
    #[must_use]
    #[cfg(feature = "engine")]
    pub fn of_lockers(log: &Path) -> Self {
        Self::tagged("locker", log)
    }

    fn tagged(name: &str, log: &Path) -> Self {
        Self {
            tag: format!("pam_authy({name})[{}]", std::process::id()),
            socket: connect(log),
            has_given_up: Cell::new(false),
        }
    }

    /// Writes a line with a `severity` of syslog(3), 0 to 7. Blocks up to 200 ms where the log is
    /// full, once for each [`Journal`].
    pub fn write(&self, severity: u8, message: &str) {
        let Some(socket) = &self.socket else { return };
        let datagram = datagram(severity, SystemTime::now(), &self.tag, message);
        // Where the socket is full or gone, the line is lost.
        let is_sent = || {
            let flags = MsgFlags::MSG_NOSIGNAL;
            send(socket.as_raw_fd(), datagram.as_bytes(), flags).is_ok()
        };
        if !self.has_given_up.get() && !is_sent() {
            self.has_given_up.set(true);
        }
    }
}

/// Formats `<PRI>TIMESTAMP TAG: MESSAGE` (RFC 3164 section 4.1; a local log needs no host name).
fn datagram(severity: u8, now: SystemTime, tag: &str, message: &str) -> String {
    let priority = AUTHPRIV | severity & 7;
    format!("<{priority}>{} {tag}: {message}", timestamp(now))
}

/// Formats `now` as `Nov  5 09:08:07`, in UTC.
fn timestamp(now: SystemTime) -> String {
    const MONTHS: [&str; 12] = [
        "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb",
    ];
    let now = now.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = now.unwrap_or_default().as_secs();
    // Years are counted from 1 March of a year that begins a period of 400 years, so a leap day is
    // the last day of its year.
    let day = (seconds / 86_400 + 719_468) % 146_097;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, every five months have 153 days.
    let month = (5 * day + 2) / 153;
    let name = usize::try_from(month).ok().and_then(|at| MONTHS.get(at));
    format!(
        "{} {:>2} {:02}:{:02}:{:02}",
        name.unwrap_or(&"Jan"),
        day - (153 * month + 2) / 5 + 1,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Connects to the datagram socket at `log`, with a limit for how long one message waits. `None`:
/// there is no log.
pub(super) fn connect(log: &Path) -> Option<OwnedFd> {
    let (kind, flags) = (SockType::Datagram, SockFlag::SOCK_CLOEXEC);
    let socket = socket(AddressFamily::Unix, kind, flags, None).ok()?;
    setsockopt(&socket, SendTimeout, &TimeVal::milliseconds(WRITE_TIMEOUT)).ok()?;
    connect_to(socket.as_raw_fd(), &UnixAddr::new(log).ok()?).ok()?;
    Some(socket)
}

/// What the tag of a PAM service has in brackets: `sshd:auth`.
pub(super) fn name_of_service(service: &str) -> String {
    format!("{}:auth", tag(service))
}

/// The service as a syslog tag, without characters that could end the tag early.
fn tag(service: &str) -> String {
    let mut tag = String::new();
    for c in service.chars().take(64) {
        let is_allowed =
            matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '/' | '@');
        tag.push(if is_allowed { c } else { '?' });
    }
    tag
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_log_that_is_not_read_delays_a_call_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let _listener = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::open("sshd", &path);
        let start = std::time::Instant::now();
        for _ in 0..10_000 {
            journal.write(ERROR, "a line");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{start:?}");
    }

    /// Seen with 64 logins at once: the queue of ten lines was full for a moment, and lines were
    /// lost.
    #[test]
    fn a_burst_that_fills_the_queue_loses_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let reader = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            let mut buffer = [0; 2048];
            let waiting = listener.set_read_timeout(Some(Duration::from_millis(500)));
            waiting.unwrap();
            (0..)
                .take_while(|_| listener.recv(&mut buffer).is_ok())
                .count()
        });
        for _ in 0..600 {
            Journal::open("sshd", &path).write(ERROR, "a line");
        }
        assert_eq!(reader.join().unwrap(), 600);
    }

    #[test]
    fn the_timestamp_has_the_date_of_every_day_until_2100() {
        let at = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "Jan  1 00:00:00");
        assert_eq!(at(1_795_633_387), "Nov 25 19:03:07");
        // 2100 is not a leap year.
        assert_eq!(at(4_107_542_400 - 1), "Feb 28 23:59:59");
        let (mut day, mut wrong) = (0, Vec::new());
        for year in 1970..2100 {
            let february = if year % 4 == 0 { 29 } else { 28 };
            let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(' ');
            for (name, days) in names.zip(days) {
                for date in 1..=days {
                    if at(day * 86_400) != format!("{name} {date:>2} 00:00:00") {
                        wrong.push(format!("{name} {date} {year}: {}", at(day * 86_400)));
                    }
                    day += 1;
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
