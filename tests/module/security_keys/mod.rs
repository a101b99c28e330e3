//! SSH security keys in real sshd, made by the library with which OpenSSH tests itself
//! (`scripts/peers.sh sk-dummy`): what proves a person, and the attacks.

mod ansible;
mod attacks;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::sshd::{Sshd, USER, is_inside, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

const METHODS: &str = "publickey,keyboard-interactive";

/// Rules that accept a code and a security key.
const BOTH: &str =
    "[login]\nrefusal_seconds = 0\nattempts = 1\nfactors = [\"token\", \"security-key\"]\n";

/// A middleware of security keys that needs no device.
pub(crate) fn sk_dummy() -> PathBuf {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/sk-dummy");
    let library = peers.join("usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so");
    assert!(library.exists(), "run: scripts/peers.sh sk-dummy");
    library
}

/// Starts sshd with these rules, for an account whose security key is `sk`.
fn start(rules: &str, methods: &str) -> Sshd {
    let sshd = Sshd::start(Host::with(rules), "", methods);
    make(&sshd, "sk", "ed25519-sk", &[]);
    sshd.authorize(&["sk"]);
    sshd.use_key("sk");
    list(&sshd, &["sk"]);
    sshd
}

/// Makes a key; a security key as ssh-keygen does with a device.
fn make(sshd: &Sshd, name: &str, kind: &str, options: &[&str]) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", kind, "-N", "", "-f"]);
    keygen.arg(sshd.folder.join(name)).args(options);
    run(keygen.env("SSH_SK_PROVIDER", sk_dummy()));
}

/// Writes an entry with a number at Authy and these security keys.
fn list(sshd: &Sshd, keys: &[&str]) {
    let keys: Vec<_> = keys.iter().map(|key| sshd.fingerprint(key)).collect();
    let entry = format!("{{ authy_id = 1635, security_keys = {keys:?} }}");
    sshd.host.set_line(&sshd.host.users, USER, &entry);
}

/// Makes a certificate for a key, as `user-cert.pub`.
fn certify(sshd: &Sshd, authority: &str, key: &str, options: &[&str]) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-I", USER, "-n", USER, "-s"]);
    keygen.arg(sshd.folder.join(authority)).args(options);
    keygen.arg(sshd.folder.join(format!("{key}.pub")));
    run(keygen.env("SSH_SK_PROVIDER", sk_dummy()));
}

/// Writes the lines of the account's authorized_keys, with `{NAME}` for a public key.
fn authorized_keys(sshd: &Sshd, keys: &[&str], text: &str) {
    let mut text = text.to_owned();
    for key in keys {
        let public = fs::read_to_string(sshd.folder.join(format!("{key}.pub"))).unwrap();
        text = text.replace(&format!("{{{key}}}"), public.trim());
    }
    let file = Path::new("/home").join(USER).join(".ssh/authorized_keys");
    fs::write(file, text + "\n").unwrap();
}

fn ssh(sshd: &Sshd, options: &[&str], tokens: &[&str]) -> Output {
    let mut ssh = sshd.client("ssh", "", tokens);
    let provider = format!("SecurityKeyProvider={}", sk_dummy().display());
    ssh.args(["-o", &provider]).args(options);
    let port = sshd.port.to_string();
    ssh.args(["-p", &port, &format!("{USER}@127.0.0.1"), "echo", "inside"]);
    ssh.output().unwrap()
}

/// Logs in with the key in use and without a code; returns whether that was enough, which the log
/// must say.
#[track_caller]
fn is_proven(sshd: &Sshd) -> bool {
    let before = sshd.host.audit().len();
    let output = ssh(sshd, &[], &["0000000"]);
    let audit = sshd.host.audit();
    let said = &audit[before..];
    let is_said = said.iter().any(|line| line.contains("reason=security_key"));
    assert_eq!(is_inside(&output), is_said, "{output:?} {said:?}");
    is_said
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_security_key_of_the_person_logs_in_and_nothing_is_asked() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    make(&sshd, "authority", "ed25519", &[]);

    check_rows(["ed25519-sk", "ecdsa-sk"], |kind| {
        let name = format!("of-{kind}");
        make(&sshd, &name, kind, &[]);
        list(&sshd, &["sk", &name]);
        sshd.authorize(&[&name]);
        sshd.use_key(&name);
        let before = sshd.host.audit().len();

        assert!(is_inside(&ssh(&sshd, &[], &[])));

        let expected = format!(
            "verdict=accepted reason=security_key factor=security_key security_key=\"{}\" \
             rhost=\"127.0.0.1\" tty=\"ssh\" user=\"{USER}\"",
            sshd.fingerprint(&name)
        );
        assert_eq!(sshd.host.audit()[before..], [expected]);
        // A certificate counts by the key inside.
        authorized_keys(&sshd, &["authority"], "cert-authority {authority}");
        certify(&sshd, "authority", "user", &[]);
        assert!(is_proven(&sshd));
        fs::remove_file(sshd.folder.join("user-cert.pub")).unwrap();
    });
    // What the client itself says about the touch, and nothing else.
    let asked = sshd.asked();
    assert!(
        asked
            .lines()
            .all(|line| line.starts_with("Confirm user presence")),
        "{asked}"
    );
    assert!(sshd.host.sim.requests().is_empty());
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn one_of_several_keys_of_a_login_proves_the_person() {
    sandboxed!();
    let sshd = start(BOTH, &format!("publickey,{METHODS}"));
    let with = |keys: [&str; 2]| {
        let [one, two] =
            keys.map(|key| format!("IdentityFile={}", sshd.folder.join(key).display()));
        is_inside(&ssh(
            &sshd,
            &["-o", &one, "-o", &two, "-o", "IdentitiesOnly=yes"],
            &["0000000"],
        ))
    };
    make(&sshd, "plain", "ed25519", &[]);
    make(&sshd, "other", "ed25519", &[]);
    authorized_keys(&sshd, &["sk", "plain", "other"], "{plain}\n{sk}\n{other}");
    // The file of the client itself.
    sshd.use_key("plain");

    assert!(with(["sk", "other"]));
    assert!(!with(["other", "other"]));
    let audit = sshd.host.audit();
    assert!(audit[0].contains("reason=security_key"), "{audit:?}");
    assert!(audit[1].contains("reason=wrong_code"), "{audit:?}");
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_person_of_a_shared_account_is_proven_by_their_own_security_key_alone() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    make(&sshd, "other", "ed25519-sk", &[]);
    sshd.authorize(&["sk", "other"]);
    let (sk, other) = (sshd.fingerprint("sk"), sshd.fingerprint("other"));
    let entry = |of_other: &str| {
        let of_sk = format!("\"{sk}\" = {{ security_keys = [\"{sk}\"] }}");
        let entry = format!("{{ keys = {{ {of_sk}, \"{other}\" = {of_other} }} }}");
        sshd.host.set_line(&sshd.host.users, USER, &entry);
    };

    entry("1635");
    assert!(is_proven(&sshd));
    sshd.use_key("other");
    assert!(!is_proven(&sshd));
    entry(&format!(
        "{{ authy_id = 1635, security_keys = [\"{sk}\"] }}"
    ));
    assert!(!is_proven(&sshd), "that key is another person's");
}
