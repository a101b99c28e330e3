//! A host that moves from google-authenticator: its administrator types each line of
//! docs/from-google-authenticator.md unchanged, and its people, whose files the real
//! google-authenticator made, log in over real ssh with codes of the real oathtool.
//!
//! The test adds only what the page leaves to a person: the code for the rehearsal, the logins from
//! another terminal, and a home folder's worth of bad files.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::unistd::User;

use super::guides::blocks;
use super::machine::{Machine, USER, add_user, install_programs, is_inside, let_sudo_remember};
use super::newcomer::{confirmed, shell_here, type_line, typed_lines};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::{google_authenticator, oathtool};

const PAGE: &str = "docs/from-google-authenticator.md";
const STACK: &str = "/etc/pam.d/sshd";

/// A person with the file that google-authenticator made, and the app that has its secret.
struct Person {
    name: String,
    secret: String,
    emergency: String,
    /// The step of the last code.
    last: Cell<u64>,
}

impl Person {
    /// Adds an account, and a file of the real google-authenticator in its home.
    fn new(name: &str) -> Self {
        if name != USER {
            add_user(name);
        }
        let text = fs::read_to_string(own_file(name, "-t")).unwrap();
        Self {
            name: name.to_owned(),
            secret: text.lines().next().unwrap().to_owned(),
            emergency: text.lines().last().unwrap().to_owned(),
            last: Cell::new(0),
        }
    }

    /// The code of a later step than the last one, as a person waits for the next code.
    fn code(&self) -> String {
        let step = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs()
                / 30
        };
        while self.last.get() > step() {
            std::thread::sleep(Duration::from_millis(200));
        }
        let is_used = self.last.get() == step();
        let code = oathtool(&self.secret, if is_used { 30 } else { 0 });
        self.last.set(step() + u64::from(is_used));
        code
    }
}

fn file_of(name: &str) -> PathBuf {
    Path::new("/home").join(name).join(".google_authenticator")
}

fn give(path: &Path, name: &str) {
    let user = User::from_name(name).unwrap().unwrap();
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
}

/// Makes the file of a user.
fn own_file(name: &str, kind: &str) -> PathBuf {
    let file = google_authenticator(file_of(name).parent().unwrap(), kind);
    give(&file, name);
    file
}

/// Puts files that cannot be taken over into the homes of others. Returns each user and the reason.
fn bad_files() -> [(&'static str, &'static str); 5] {
    let users = [
        ("ga-link", "is a link"),
        ("ga-huge", "is larger than 4 KiB"),
        ("ga-other", "Permission denied"),
        ("ga-cut", "is incomplete"),
        ("ga-hotp", "is counter-based (HOTP)"),
    ];
    for (name, _) in users {
        add_user(name);
        let file = own_file(name, if name == "ga-hotp" { "-c" } else { "-t" });
        let text = fs::read_to_string(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        match name {
            "ga-link" => {
                fs::remove_file(&file).unwrap();
                symlink(file_of(USER), &file).unwrap();
            }
            "ga-huge" => fs::write(&file, text + &"\" X\n".repeat(2000)).unwrap(),
            "ga-other" => give(&file, "root"),
            "ga-cut" => fs::write(&file, &text[..text.len() - 3]).unwrap(),
            _ => {}
        }
    }
    users
}

/// A host whose sshd asks for the password and then for the code of the old module, and which has
/// our programs. `nullok` or nothing follows the old module.
fn host_of_google(nullok: &str) -> Machine {
    let include = "@include common-auth\n";
    let old = fs::read_to_string(STACK).unwrap();
    assert!(old.contains(include), "{old}");
    let line = format!("{include}auth required pam_google_authenticator.so {nullok}\n");
    fs::write(STACK, old.replace(include, &line)).unwrap();
    host_with("KbdInteractiveAuthentication yes\n")
}

/// A host with these settings of sshd, and our programs.
fn host_with(settings: &str) -> Machine {
    fs::write("/etc/ssh/sshd_config.d/google.conf", settings).unwrap();
    let machine = Machine::new();
    install_programs();
    let_sudo_remember();
    machine
}

/// Types a line of the page, which must succeed. Returns what it shows.
fn type_well(line: &str, answer: &str) -> String {
    let output = type_line(line, answer);
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8(shown).unwrap();
    assert!(output.status.success(), "{line}\n{shown}");
    shown
}

/// Types the section "The move", and logs in where it says so.
fn move_over(machine: &Machine, pat: &Person, alice: &Person) -> String {
    let mut shown = String::new();
    let mut logins = 0;
    for line in typed_lines(PAGE, "The move") {
        let mut answer = String::new();
        if line.contains("authyctl test alice") {
            answer = alice.code();
        } else if line.contains("pam enable") {
            confirmed(&shell_here(&line), || {
                machine.wait_for_sshd();
                let code = pat.code();
                assert!(is_inside(&machine.ssh(&[&code, &code])), "{shown}");
            });
            logins += 1;
            continue;
        } else if line.contains("rm /home") {
            assert!(is_inside(&machine.ssh(&[&pat.code()])), "{shown}");
            logins += 1;
        }
        shown += &type_well(&line, &answer);
    }
    assert_eq!(logins, 2, "{shown}");
    shown
}

#[test]
#[ignore = "needs root"]
fn people_of_google_authenticator_log_in_before_and_after_the_move_with_the_same_app() {
    sandboxed!();
    let machine = host_of_google("nullok");
    let (pat, alice) = (Person::new(USER), Person::new("alice"));
    let bad = bad_files();
    add_user("kim");
    let ssh = |person: &Person, code: &str| is_inside(&machine.ssh_as(&person.name, &[code]));
    for person in [&pat, &alice] {
        assert!(ssh(person, &person.code()), "{}", person.name);
    }
    assert!(!ssh(&alice, "000000"));
    assert!(is_inside(&machine.ssh_as("kim", &[])));

    let shown = move_over(&machine, &pat, &alice);

    check_rows(bad, |(name, why)| {
        let is_named = |line: &str| line.contains(name) && line.contains(why);
        assert!(shown.lines().any(is_named), "{shown}");
        assert!(!is_inside(&machine.ssh_as(name, &["000000"; 3])));
    });
    for person in [&pat, &alice] {
        assert!(!file_of(&person.name).exists() && !shown.contains(&person.secret));
        let code = person.code();
        assert!(ssh(person, &code), "{}", person.name);
        assert!(!ssh(person, &code), "{} twice", person.name);
    }
    assert!(ssh(&alice, &alice.emergency));
    assert!(!ssh(&alice, &alice.emergency));
    assert!(!is_inside(&machine.ssh_as("kim", &["000000"; 3])));

    let config = "/etc/pam_authy/config.toml";
    let text = fs::read_to_string(config).unwrap();
    let text = text.replace("\n[login]\n", "\n[login]\nunenrolled = \"ignore\"\n");
    fs::write(config, text).unwrap();
    assert!(is_inside(&machine.ssh_as("kim", &[])));
    assert!(!ssh(&alice, "000000"));
}

#[test]
#[ignore = "needs root"]
fn one_stack_asks_each_user_by_the_module_that_knows_them() {
    sandboxed!();
    let machine = host_of_google("");
    let [alice, bob] = ["alice", "bob"].map(Person::new);
    add_user("kim");
    let old = fs::read_to_string(STACK).unwrap();
    let rest = old
        .lines()
        .filter(|line| !line.starts_with("auth") && !line.ends_with("-auth"));
    let rest: Vec<_> = rest.collect();
    let [stack] = blocks(PAGE, "pam").try_into().unwrap();
    fs::write(STACK, stack + &rest.join("\n") + "\n").unwrap();
    type_well("sudo authyctl init totp", "");
    for line in typed_lines(PAGE, "One stack for both") {
        type_well(&line, "");
    }
    // Only this module knows alice now, and only the old one knows bob.
    fs::remove_file(file_of("alice")).unwrap();

    let ssh = |name: &str, codes: &[&str]| is_inside(&machine.ssh_as(name, codes));

    assert!(ssh("alice", &[&alice.code()]));
    assert!(ssh("alice", &[&alice.emergency]));
    assert!(!ssh("alice", &["000000"; 3]));
    // More than three tries in 30 s are too many for the old module, by its file.
    assert!(ssh("bob", &[&bob.code()]));
    assert!(ssh("bob", &[&bob.emergency]));
    assert!(!ssh("bob", &["000000"]));
    assert!(!ssh("kim", &["000000"; 3]));
}

#[test]
#[ignore = "needs root"]
fn a_host_that_asks_for_a_key_and_no_password_moves_by_its_own_lines() {
    sandboxed!();
    let include = "@include common-auth\n";
    let line = "#@include common-auth\nauth required pam_google_authenticator.so\n";
    let old = fs::read_to_string(STACK).unwrap();
    fs::write(STACK, old.replace(include, line)).unwrap();
    let methods = "AuthenticationMethods publickey,keyboard-interactive\n";
    let machine = host_with(&format!("KbdInteractiveAuthentication yes\n{methods}"));
    let (pat, alice) = (Person::new(USER), Person::new("alice"));
    assert!(is_inside(&machine.ssh_by_key(&[&pat.code()])));
    type_well("sudo authyctl init totp", "");
    type_well("sudo authyctl import --homes", "");

    for line in typed_lines(PAGE, "Key and code") {
        let is_test = line.contains("authyctl test alice");
        let answer = if is_test { alice.code() } else { String::new() };
        type_well(&line, &answer);
    }

    for name in [USER, "alice"] {
        fs::remove_file(file_of(name)).unwrap();
    }
    assert!(is_inside(&machine.ssh_by_key(&[&pat.code()])));
    assert!(!is_inside(&machine.ssh_by_key(&["000000"; 3])));
}
