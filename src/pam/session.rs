//! The process that the module runs in: its ids, its session and its terminal.
//!
//! The engine binds a remembered login to them (`store::remember`). They are read here, because the
//! engine's own process has none of them. The text of PAM_TTY may come from an attacker; /proc and
//! the kernel are trusted. Called by `items`.

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, lstat, major, minor};
use nix::unistd::{geteuid, getsid, getuid, read};

use crate::base::attempt::{Process, Session, Terminal};

/// Reads the facts about this process; `tty` is PAM_TTY. What cannot be read is absent.
pub(super) fn process(tty: Option<&str>) -> Process {
    Process {
        pid: std::process::id(),
        uid: getuid().as_raw(),
        effective_uid: geteuid().as_raw(),
        session: session(),
        terminal: tty.and_then(terminal),
    }
}

fn session() -> Option<Session> {
    let leader = getsid(None).ok()?.as_raw();
    let path = format!("/proc/{leader}/stat");
    let file = open(path.as_str(), OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    // More than the fields that are read can take.
    let mut stat = [0; 1024];
    let length = read(&file, &mut stat).ok()?;
    parse(u32::try_from(leader).ok()?, stat.get(..length)?)
}

/// Reads fields 7 and 22 of a process's stat. A process chooses its own name, field 2, which may
/// have spaces and parentheses; only numbers follow the last parenthesis.
///
/// Source: proc_pid_stat(5), also for the bits of the major and the minor number.
fn parse(leader: u32, stat: &[u8]) -> Option<Session> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    // Field 3 is the first after the name.
    let field = |number: usize| -> Option<i64> {
        let text = rest.split_ascii_whitespace().nth(number - 3)?;
        text.parse().ok()
    };
    let terminal = i32::try_from(field(7)?).ok()?.cast_unsigned();
    let minor = terminal & 0xff | terminal >> 12 & 0xf_ff00;
    Some(Session {
        leader,
        start: field(22)?.try_into().ok()?,
        terminal: (terminal >> 8 & 0xfff, minor),
    })
}

fn terminal(tty: &str) -> Option<Terminal> {
    let name = tty.strip_prefix("/dev/").unwrap_or(tty);
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return None;
    }
    let status = lstat(format!("/dev/{name}").as_str()).ok()?;
    let kind = SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits());
    let number = |part: u64| u32::try_from(part).ok();
    (kind == SFlag::S_IFCHR).then_some(())?;
    #[allow(clippy::useless_conversion, reason = "32 bits on some targets")]
    let changed = (status.st_ctime.into(), status.st_ctime_nsec.into());
    Some(Terminal {
        device: (
            number(major(status.st_rdev))?,
            number(minor(status.st_rdev))?,
        ),
        changed,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_start_of_a_session_is_read_under_any_name_of_its_leader() {
        let rest = "S 1 42 42 34817 43 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 9";
        for name in [
            "bash",
            "a b",
            ") S 1 1 1 1 (",
            "x) R 1 2 3 4 5 6",
            "\u{fffd}",
        ] {
            let session = parse(42, format!("42 ({name}) {rest}\n").as_bytes()).unwrap();
            let expected = Session {
                leader: 42,
                start: 987_654,
                terminal: (136, 1),
            };
            assert_eq!(session, expected, "{name}");
        }
        let high = rest.replace("34817", "1083395");
        let session = parse(42, format!("42 (sh) {high}").as_bytes()).unwrap();
        assert_eq!(session.terminal, (136, 259));
        for cut in [
            "",
            "42",
            "42 (bash",
            "42 (bash)",
            "42 (bash) S 1 42 42 34817 43",
        ] {
            assert_eq!(parse(42, cut.as_bytes()), None, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn no_stat_and_no_terminal_makes_the_readers_panic(bytes: Vec<u8>) {
            let _ = parse(1, &bytes);
            let _ = terminal(&String::from_utf8_lossy(&bytes));
        }
    }
}
