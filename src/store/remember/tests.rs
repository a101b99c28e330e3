//! Remembered logins: a difference in any single fact makes it another login.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::base::factor::AuthyId;

struct Host {
    above: tempfile::TempDir,
    attempt: Attempt,
    rules: config::Remember,
    person: Person,
}

fn person(id: u64) -> Person {
    AuthyId::try_from(id).unwrap().into()
}

impl Host {
    fn new() -> Self {
        Self {
            above: tempfile::tempdir().unwrap(),
            attempt: Attempt {
                user: "alice".into(),
                service: "sshd".into(),
                rhost: Some("192.0.2.7".into()),
                tty: Some("ssh".into()),
                ruser: None,
                address: Some("192.0.2.7".parse().unwrap()),
                ssh_auth: Some("publickey ssh-ed25519 AAAA".into()),
                ..Attempt::default()
            },
            person: person(1635),
            rules: config::Remember {
                time: Duration::from_secs(600),
                services: None,
                by: RememberBy::Login,
            },
        }
    }
    fn state(&self) -> PathBuf {
        self.above.path().join("state")
    }
    fn binding(&self) -> LoginBinding<'_> {
        LoginBinding {
            attempt: &self.attempt,
            subject: "alice",
            person: &self.person,
            local: false,
            policy: [7; 32],
        }
    }
    fn store(&self) {
        store(&self.state(), &self.rules, &self.binding());
    }
    fn is_remembered(&self, binding: &LoginBinding<'_>) -> bool {
        is_remembered(&self.state(), &self.rules, binding)
    }
    fn file(&self) -> PathBuf {
        self.state()
            .join("remember")
            .join(state::file_name("alice"))
    }
    /// Changes the clocks of what is stored.
    fn shift_clocks(&self, change: impl Fn(&mut Clocks)) {
        let mut proofs = read(Some(&fs::read(self.file()).unwrap())).unwrap();
        proofs
            .proofs
            .iter_mut()
            .for_each(|proof| change(&mut proof.proven_at));
        let FileChange::Write(bytes) = state::encode(&proofs, VERSION) else {
            panic!("a value is written");
        };
        fs::write(self.file(), bytes).unwrap();
    }
}

#[test]
fn the_same_login_is_remembered_until_it_is_forgotten() {
    let host = Host::new();
    assert!(!host.is_remembered(&host.binding()));
    assert!(!host.state().exists());
    host.store();
    assert!(host.is_remembered(&host.binding()));
    assert!(forget(&host.state(), "alice").unwrap());
    assert!(!host.is_remembered(&host.binding()));
    assert!(!forget(&host.state(), "alice").unwrap());
    assert!(!forget(&host.state(), "bob").unwrap());
}

/// A fact, and a change of it.
type Other = (&'static str, fn(&mut Attempt));

#[test]
fn a_change_of_any_fact_makes_it_another_login() {
    let host = Host::new();
    host.store();
    let binding = host.binding();
    let others: [Other; 9] = [
        ("user", |attempt| attempt.user = "bob".into()),
        ("user in capitals", |attempt| attempt.user = "Alice".into()),
        ("service", |attempt| attempt.service = "login".into()),
        ("caller", |attempt| attempt.ruser = Some("bob".into())),
        ("address", |attempt| {
            attempt.address = "192.0.2.8".parse().ok()
        }),
        ("no address", |attempt| attempt.address = None),
        ("key", |attempt| {
            attempt.ssh_auth = Some("publickey ssh-ed25519 BBBB".into())
        }),
        ("no key", |attempt| attempt.ssh_auth = None),
        ("empty key", |attempt| {
            attempt.ssh_auth = Some(String::new())
        }),
    ];
    for (what, change) in others {
        let mut attempt = host.attempt.clone();
        change(&mut attempt);
        assert!(
            !host.is_remembered(&LoginBinding {
                attempt: &attempt,
                ..binding
            }),
            "{what}"
        );
    }
    for subject in ["bob", "Alice"] {
        assert!(
            !host.is_remembered(&LoginBinding { subject, ..binding }),
            "{subject}"
        );
    }
    let other = person(1636);
    assert!(!host.is_remembered(&LoginBinding {
        person: &other,
        ..binding
    }));
    assert!(!host.is_remembered(&LoginBinding {
        policy: [8; 32],
        ..binding
    }));
    assert!(!host.is_remembered(&LoginBinding {
        local: true,
        ..binding
    }));
    assert!(host.is_remembered(&binding));
}

#[test]
fn nothing_is_remembered_unless_the_rules_say_so() {
    let mut host = Host::new();
    host.rules.time = Duration::ZERO;
    host.store();
    assert!(!host.state().exists());
    host.rules.time = Duration::from_secs(600);
    host.rules.services = Some(vec!["sudo".into()]);
    host.store();
    assert!(!host.state().exists());
    host.rules.services = Some(vec!["sudo".into(), "sshd".into()]);
    host.store();
    assert!(host.is_remembered(&host.binding()));
    host.rules.services = Some(Vec::new());
    assert!(!host.is_remembered(&host.binding()));
    host.rules.services = None;
    host.rules.time = Duration::ZERO;
    assert!(!host.is_remembered(&host.binding()));
}

#[test]
fn an_old_or_future_proof_or_a_clock_that_went_back_is_not_remembered() {
    let host = Host::new();
    let with = |change: fn(&mut Clocks)| {
        host.store();
        host.shift_clocks(change);
        host.is_remembered(&host.binding())
    };
    assert!(with(|_| ()));
    assert!(with(|kept| {
        kept.wall -= 590;
        kept.boot = kept.boot.saturating_sub(590)
    }));
    assert!(!with(|kept| {
        kept.wall -= 600;
        kept.boot = kept.boot.saturating_sub(600)
    }));
    assert!(
        !with(|kept| kept.wall -= 600),
        "the wall clock was set forward"
    );
    assert!(!with(|kept| kept.wall += 100), "from the future");
    assert!(!with(|kept| kept.boot += 100), "from another boot");
    // Ten minutes went by and the wall clock was set back to hide them.
    assert!(!with(|kept| kept.boot = kept.boot.saturating_sub(599)));
}

#[test]
fn a_damaged_newer_or_open_file_remembers_nothing() {
    let host = Host::new();
    host.store();
    let good = fs::read_to_string(host.file()).unwrap();
    let newer = good.replace("\"version\":1", "\"version\":2");
    for bad in ["", "{", &newer, &good[..good.len() - 1]] {
        fs::write(host.file(), bad).unwrap();
        assert!(!host.is_remembered(&host.binding()), "{bad}");
        assert_eq!(unreadable(&host.state()).unwrap().len(), 1);
    }
    fs::write(host.file(), &newer).unwrap();
    host.store();
    assert_eq!(fs::read_to_string(host.file()).unwrap(), newer);
    fs::write(host.file(), "junk").unwrap();
    host.store();
    assert!(host.is_remembered(&host.binding()));
    fs::set_permissions(host.file(), fs::Permissions::from_mode(0o604)).unwrap();
    assert!(!host.is_remembered(&host.binding()));
    fs::set_permissions(host.file(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(host.state(), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(!host.is_remembered(&host.binding()));
}

#[test]
fn a_login_stays_remembered_while_the_person_keeps_one_factor() {
    let host = Host::new();
    host.store();
    let added = Person {
        phone: Some("+15551234567".parse().unwrap()),
        ..host.person.clone()
    };
    let with = |person| {
        host.is_remembered(&LoginBinding {
            person,
            ..host.binding()
        })
    };
    assert!(with(&added));
    let replaced = Person {
        authy_id: None,
        ..added.clone()
    };
    assert!(!with(&replaced));
    store(
        &host.state(),
        &host.rules,
        &LoginBinding {
            person: &added,
            ..host.binding()
        },
    );
    assert!(with(&replaced));
}

#[test]
fn a_user_has_so_many_remembered_logins_and_the_oldest_goes() {
    let host = Host::new();
    let binding = host.binding();
    let with = |number: u64| LoginBinding {
        policy: [u8::try_from(number).unwrap(); 32],
        ..binding
    };
    for number in 0..=MAX_PROOFS as u64 {
        store(&host.state(), &host.rules, &with(number));
    }
    assert!(!host.is_remembered(&with(0)));
    assert!((1..=MAX_PROOFS as u64).all(|number| host.is_remembered(&with(number))));
    // The same login again does not take a second place.
    store(&host.state(), &host.rules, &with(5));
    assert!(host.is_remembered(&with(1)));
}

/// Names that differ by case alone may be two accounts.
#[test]
fn users_whose_names_differ_by_case_have_no_remembered_login_in_common() {
    let host = Host::new();
    host.store();
    let mut attempt = host.attempt.clone();
    attempt.user = "Alice".into();
    let capital = LoginBinding {
        attempt: &attempt,
        subject: "Alice",
        ..host.binding()
    };
    assert!(!host.is_remembered(&capital));
    // Not by the name of the file alone.
    let subject = "Alice";
    let by_subject = LoginBinding {
        subject,
        ..host.binding()
    };
    assert_ne!(hash(&host.binding()), hash(&by_subject));
    store(&host.state(), &host.rules, &capital);
    assert!(forget(&host.state(), "Alice").unwrap());
    assert!(!host.is_remembered(&capital));
    assert!(host.is_remembered(&host.binding()));
}

/// PAM_RHOST may be a name, which is no address.
#[test]
fn a_remote_login_without_an_address_is_not_remembered() {
    let mut host = Host::new();
    host.attempt.rhost = Some("host.example".into());
    host.attempt.address = None;
    host.store();
    assert!(!host.is_remembered(&host.binding()));
    assert!(!host.state().exists());
}

/// PAM_RUSER of a remote login is what the client claims, and still makes two logins different.
#[test]
fn a_caller_and_an_address_are_both_a_part_of_the_login() {
    let mut host = Host::new();
    host.attempt.ruser = Some("kim".into());
    host.store();
    let binding = host.binding();
    let with = |ruser: Option<&str>, address: &str| {
        let mut attempt = host.attempt.clone();
        attempt.ruser = ruser.map(str::to_owned);
        attempt.address = address.parse().ok();
        host.is_remembered(&LoginBinding {
            attempt: &attempt,
            ..binding
        })
    };
    assert!(with(Some("kim"), "192.0.2.7"));
    assert!(!with(Some("kim"), "192.0.2.8"));
    assert!(!with(Some("Kim"), "192.0.2.7"));
    assert!(!with(Some(""), "192.0.2.7"));
    assert!(!with(None, "192.0.2.7"));
}

#[test]
fn a_local_login_without_caller_session_or_terminal_is_not_remembered() {
    let mut host = Host::new();
    host.attempt.address = None;
    host.attempt.ruser = Some("alice".into());
    for tty in [
        None,
        Some("null"),
        Some("/dev/null"),
        Some("/dev/tty"),
        Some("/etc/passwd"),
        Some("../etc/passwd"),
        Some("pts/99999"),
        Some(""),
    ] {
        host.attempt.tty = tty.map(str::to_owned);
        let binding = LoginBinding {
            local: true,
            ..host.binding()
        };
        store(&host.state(), &host.rules, &binding);
        assert!(!host.is_remembered(&binding), "{tty:?}");
    }
    assert!(!host.state().exists());
}

#[test]
fn different_lists_of_texts_have_different_hashes() {
    let hash = |parts: &[Option<&str>]| {
        let mut all = Parts(Context::new(&SHA256));
        parts.iter().for_each(|part| all.add(*part));
        state::hex(all.0.finish().as_ref())
    };
    let hashes = [
        hash(&[Some("ab"), Some("c")]),
        hash(&[Some("a"), Some("bc")]),
        hash(&[Some("abc")]),
        hash(&[Some("abc"), None]),
        hash(&[Some("abc"), Some("")]),
    ];
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn by_key_remembers_only_logins_from_elsewhere_that_had_a_key() {
    let key = "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL7kYXC+ngCRZK6En01ngnk9ycdIA1+mMmQjNWK40nDk\n";
    // SSH_AUTH_INFO_0, whether it is sshd's, remembered.
    let rows = [
        (Some(key), true, true),
        (Some(key), false, false),
        (Some("password\n"), true, false),
        (Some("publickey ssh-ed25519 AAAA\n"), true, false),
        (None, true, false),
    ];
    let mut wrong = Vec::new();
    for (ssh_auth, believes_ssh, expected) in rows {
        let mut host = Host::new();
        host.rules.by = RememberBy::Key;
        host.attempt.ssh_auth = ssh_auth.map(str::to_owned);
        host.attempt.believes_ssh = believes_ssh;
        host.store();
        // Neither what is stored nor what was stored under the other rule.
        let by_key = host.is_remembered(&host.binding());
        host.rules.by = RememberBy::Login;
        host.store();
        host.rules.by = RememberBy::Key;
        let stored_before = host.is_remembered(&host.binding());
        if (by_key, stored_before) != (expected, expected) {
            wrong.push((ssh_auth, believes_ssh, by_key, stored_before));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

proptest! {
    #[test]
    fn no_file_makes_the_readers_panic(bytes: Vec<u8>) {
        let _ = read(Some(&bytes));
    }

    #[test]
    fn a_proof_is_valid_for_the_time_at_most(then: (u64, u64), now: (u64, u64), time in 0_u64..=86_400) {
        let clocks = |(wall, boot)| Clocks { wall, boot };
        if clocks(now).is_within(clocks(then), Duration::from_secs(time)) {
            prop_assert!(now.0 >= then.0 && now.0 - then.0 < time);
            prop_assert!(now.1 >= then.1 && now.1 - then.1 < time);
        }
    }
}
