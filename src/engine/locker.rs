//! A login over the user socket: a screen locker, or another process of a plain user.
//!
//! The process may be anybody's and say anything. So the login is for the one account that has the
//! peer's uid, and of what the process says only the name and the replies are used. Nothing is
//! sent, remembered or enrolled, no recovery code is taken, and refused codes count in a book of
//! their own, so that a program of the user's can neither annoy them nor pause their other logins.
//! Called by `session` and `wiring`.

use std::fs;

use crate::base::attempt::{Attempt, Process};
use crate::base::factor::{Factor, SendMode};
use crate::host::account::{self, Spelling};
use crate::protocol::Start;
use crate::store::config::{EnrollTotp, Login, Subject};

/// The PAM service whose rules apply, `[service.locker]`, and its name in the log.
pub(super) const SERVICE: &str = "locker";
/// What the kernel shows in place of a uid of another namespace, where it does not say so itself.
const OVERFLOW: u32 = 65534;

/// The name of the account that has this uid; `None` without an account.
pub(super) fn account(uid: u32) -> Option<String> {
    let name = account::name_of(uid).ok()??;
    let is_own = matches!(account::spelling(&name), Ok(Spelling::Own));
    (is_own && uid != overflow_uid()).then_some(name)
}

/// What is used of a start that the process `pid` of the user `name` has sent; `None` where it is
/// for another account than that user's.
pub(super) fn start(start: Start, name: &str, uid: u32, pid: u32) -> Option<Start> {
    if name != start.attempt.user {
        return None;
    }
    Some(Start {
        attempt: Attempt {
            user: name.to_owned(),
            service: SERVICE.to_owned(),
            has_password: start.attempt.has_password,
            process: Process {
                pid,
                uid,
                effective_uid: uid,
                ..Process::default()
            },
            ..Attempt::default()
        },
        version: start.version,
        name: start.name,
        flags: 0,
        ssh_connection: None,
        arguments: Vec::new(),
    })
}

/// The rules of `[service.locker]`, with nothing that sends.
pub(super) fn rules(mut rules: Login) -> Login {
    rules.factors.retain(|factor| *factor == Factor::Token);
    (rules.push, rules.sms) = (SendMode::Never, SendMode::Never);
    rules.enroll_totp = EnrollTotp::Never;
    // The caller is the user; the locker's word for it is not used.
    rules.whose = Subject::User;
    // It must not be a plain user's process that gets an unenrolled account past the factor;
    // `unenrolled` of the same table is an administrator's word for lockers alone.
    rules.enroll_by = None;
    rules
}

/// The uid of processes in a user namespace that is not ours (user_namespaces(7)).
fn overflow_uid() -> u32 {
    let text = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    text.trim().parse().unwrap_or(OVERFLOW)
}

#[cfg(test)]
mod tests {
    use nix::unistd::{User, getuid};

    use super::*;
    use crate::base::attempt::{Session, Terminal};
    use crate::base::date::Date;
    use crate::protocol::{UserName, VERSION};

    fn sent(user: &str) -> Start {
        Start {
            version: VERSION,
            name: UserName::Known,
            flags: 0x8000,
            ssh_connection: Some("192.0.2.7 1 192.0.2.1 22".into()),
            arguments: vec!["config=/tmp/config.toml".into(), "nullok".into()],
            attempt: Attempt {
                user: user.to_owned(),
                service: "sshd".into(),
                rhost: Some("192.0.2.7".into()),
                tty: Some("/dev/pts/1".into()),
                ruser: Some("root".into()),
                address: "192.0.2.7".parse().ok(),
                ssh_auth: Some("publickey ssh-ed25519 AAAA\n".into()),
                believes_ssh: true,
                has_password: true,
                process: Process {
                    pid: 812,
                    uid: 0,
                    effective_uid: 0,
                    session: Some(Session {
                        leader: 1,
                        start: 2,
                        terminal: (136, 1),
                    }),
                    terminal: Some(Terminal {
                        device: (136, 1),
                        changed: (1, 2),
                    }),
                },
            },
        }
    }

    #[test]
    fn of_what_a_locker_says_only_the_own_name_counts() {
        let own = User::from_uid(getuid()).unwrap().unwrap();
        let uid = own.uid.as_raw();
        let used = start(sent(&own.name), &own.name, uid, 4711).unwrap();
        let expected = Attempt {
            user: own.name.clone(),
            service: "locker".into(),
            has_password: true,
            process: Process {
                pid: 4711,
                uid,
                effective_uid: uid,
                ..Process::default()
            },
            ..Attempt::default()
        };
        assert_eq!(used.attempt, expected);
        let rest = (used.ssh_connection, used.arguments, used.flags);
        assert_eq!(rest, (None, Vec::new(), 0));
    }

    #[test]
    fn a_locker_begins_no_login_of_another_account() {
        let uid = getuid().as_raw();
        let own = User::from_uid(getuid()).unwrap().unwrap().name;
        assert_eq!(account(uid).as_deref(), Some(own.as_str()));
        for name in [own.to_uppercase(), format!("{own} "), String::new()] {
            assert!(start(sent(&name), &own, uid, 1).is_none(), "{name:?}");
        }
        for uid in [uid + 54_321, overflow_uid()] {
            assert_eq!(account(uid), None, "{uid}");
        }
    }

    #[test]
    fn the_rules_of_a_locker_send_nothing_and_no_date_lets_an_account_in() {
        let rules = rules(Login {
            push: SendMode::Auto,
            sms: SendMode::Auto,
            enroll_by: Date::new(9999, 12, 31),
            ..Login::default()
        });
        assert_eq!(rules.enroll_by, None);
        assert_eq!(rules.factors, [Factor::Token]);
        assert_eq!((rules.push, rules.sms), (SendMode::Never, SendMode::Never));
    }
}
