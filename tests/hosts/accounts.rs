//! The people of a random host, and what each of them has.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::User;

use crate::common::pipe;
use crate::common::totp::SECRET;

/// A person with an account.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    /// The groups of the account, its own left out.
    pub(super) groups: &'static [&'static str],
    pub(super) is_enrolled: bool,
    /// A rule of sudo names the person, or one of the groups; dora is named on some hosts only.
    pub(super) is_sudoer: bool,
}

/// Each condition that a stack, sshd or sudo can name is met by one of them and not by another.
pub(super) const PEOPLE: [Person; 6] = [
    person("ada", &["sudo"], true, true),
    // Has a key, and a password on some hosts only.
    person("kim", &["sudo"], true, true),
    // May not use sudo, and has no second factor.
    person("eve", &["staff"], false, false),
    // A system account, with a shell that /etc/shells does not list.
    person("svc", &["staff"], true, true),
    // An account that is not in /etc/passwd, as one of a directory.
    person("dora", &["users"], true, true),
    person("root", &["root"], true, true),
];

pub(super) const PASSWORD: &str = "right horse";
const DORA: &str = r#"{"userName":"dora","uid":61000,"gid":100,"homeDirectory":"/home/dora","shell":"/bin/sh","disposition":"regular"}"#;

const fn person(
    name: &'static str,
    groups: &'static [&'static str],
    is_enrolled: bool,
    is_sudoer: bool,
) -> Person {
    Person {
        name,
        groups,
        is_enrolled,
        is_sudoer,
    }
}

/// Runs a command that must succeed.
pub(super) fn run(words: &[&str]) {
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{words:?}");
}

/// Writes a file with this mode.
pub(super) fn write(path: &str, mode: u32, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes the accounts, and enrolls those who have an app. In a sandbox only.
pub(super) fn make() {
    let useradd = ["useradd", "--create-home", "--shell"];
    run(&[&useradd[..], &["/bin/sh", "-G", "sudo", "ada"]].concat());
    run(&[&useradd[..], &["/bin/sh", "-G", "sudo", "kim"]].concat());
    run(&[&useradd[..], &["/bin/sh", "-G", "staff", "eve"]].concat());
    fs::copy("/bin/sh", "/usr/local/bin/own-shell").unwrap();
    let own = ["/usr/local/bin/own-shell", "-G", "staff", "--uid", "990"];
    run(&[&useradd[..], &own, &["--system", "svc"]].concat());
    make_dora();
    // Without this, su waits after each refusal.
    let settings = fs::read_to_string("/etc/login.defs").unwrap();
    fs::write("/etc/login.defs", settings + "\nFAIL_DELAY 0\n").unwrap();
    let of_files = PEOPLE.iter().filter(|person| person.name != "dora");
    of_files.for_each(give_password);

    fs::create_dir_all("/etc/pam_authy").unwrap();
    let enrolled = || PEOPLE.iter().filter(|person| person.is_enrolled);
    let users: String = enrolled()
        .map(|person| format!("{} = {{ totp = true }}\n", person.name))
        .collect();
    write(
        "/etc/pam_authy/users.toml",
        0o644,
        &format!("[users]\n{users}"),
    );
    let secrets: String = enrolled()
        .map(|person| format!("{} = {{ secret = \"{SECRET}\" }}\n", person.name))
        .collect();
    write(
        "/etc/pam_authy/totp.toml",
        0o600,
        &format!("[totp]\n{secrets}"),
    );
}

/// Sets the password of an account that is in /etc/shadow.
pub(super) fn give_password(person: &Person) {
    let mut chpasswd = Command::new("chpasswd");
    pipe(
        chpasswd.args(["--crypt-method", "SHA256", "--sha-rounds", "1000"]),
        &format!("{}:{PASSWORD}\n", person.name),
    );
}

/// Takes the password away, as for an account that is used by its key alone.
pub(super) fn take_password(person: &Person) {
    run(&["usermod", "--password", "!", person.name]);
}

/// Makes an account that nss-systemd answers for (nss-systemd(8)).
fn make_dora() {
    fs::create_dir_all("/etc/userdb").unwrap();
    write("/etc/userdb/dora.user", 0o644, DORA);
    let output = Command::new("openssl")
        .args(["passwd", "-5", PASSWORD])
        .output()
        .unwrap();
    let hash = String::from_utf8(output.stdout).unwrap();
    let text = format!(
        "{{\"privileged\":{{\"hashedPassword\":[\"{}\"]}}}}",
        hash.trim()
    );
    write("/etc/userdb/dora.user-privileged", 0o600, &text);
    for kind in ["user", "user-privileged"] {
        symlink(format!("dora.{kind}"), format!("/etc/userdb/61000.{kind}")).unwrap();
    }
    fs::create_dir_all("/home/dora").unwrap();
    run(&["chown", "dora", "/home/dora"]);
}

/// Puts the public key into the account of each person who has one now, and into no other.
pub(super) fn authorize(key: &Path, has_key: impl Fn(&Person) -> bool) {
    for person in &PEOPLE {
        take_key(person);
        if has_key(person) {
            give_key(key, person);
        }
    }
}

/// Puts a public key into an account. That of root may run one command, so that no value of
/// PermitRootLogin but `no` refuses it.
pub(super) fn give_key(key: &Path, person: &Person) {
    let folder = ssh_folder(person);
    let command = if person.name == "root" {
        "command=\"echo inside\" "
    } else {
        ""
    };
    let key = fs::read_to_string(key).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("authorized_keys"), format!("{command}{key}")).unwrap();
    run(&["chown", "-R", person.name, folder.to_str().unwrap()]);
}

/// Takes the key away.
pub(super) fn take_key(person: &Person) {
    let _ = fs::remove_dir_all(ssh_folder(person));
}

fn ssh_folder(person: &Person) -> PathBuf {
    let account = User::from_name(person.name).unwrap().unwrap();
    account.dir.join(".ssh")
}
