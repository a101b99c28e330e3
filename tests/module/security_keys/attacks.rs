//! What does not prove a person: other keys, other keys' certificates, what a key is called, and
//! what others than sshd say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::sshd::{NAME, USER, is_inside, run};
use super::super::sudo::{PASSWORD, Sudo, became_root};
use super::{BOTH, METHODS, authorized_keys, certify, is_proven, list, make, ssh, start};
use crate::common::compiled::compile;
use crate::common::sandbox::sandboxed;

/// A software key of that type is as good as any to sshd: the user may authorize it.
#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_security_key_that_only_the_user_has_authorized_proves_nothing() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    make(&sshd, "own", "ed25519-sk", &[]);
    sshd.authorize(&["sk", "own"]);
    sshd.use_key("own");

    assert!(!is_proven(&sshd));
    let audit = sshd.host.audit();
    assert!(
        audit[0].starts_with("verdict=refused reason=wrong_code"),
        "{audit:?}"
    );
    assert!(
        is_inside(&ssh(&sshd, &[], &[&sshd.token()])),
        "a code is asked for"
    );
    sshd.use_key("sk");
    assert!(is_proven(&sshd));
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn an_ordinary_key_is_no_security_key_whatever_it_is_called() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    make(
        &sshd,
        "plain",
        "ed25519",
        &["-C", "sk-ssh-ed25519@openssh.com"],
    );
    sshd.use_key("plain");
    let public = fs::read_to_string(sshd.folder.join("sk.pub")).unwrap();
    let forged = format!("SSH_AUTH_INFO_0=publickey {}", public.trim());
    sshd.reconfigure(|text| text.to_owned() + "PermitUserEnvironment yes\n");
    let ssh_folder = Path::new("/home").join(USER).join(".ssh");
    fs::write(ssh_folder.join("environment"), format!("{forged}\n")).unwrap();

    // The administrator has listed its fingerprint by mistake.
    list(&sshd, &["plain", "sk"]);
    let lines = [
        "{plain}".to_owned(),
        "{plain} {sk}".to_owned(),
        format!("environment=\"{forged}\" {{plain}}"),
        "no-touch-required {plain}".to_owned(),
    ];
    for line in lines {
        authorized_keys(&sshd, &["plain", "sk"], &line);
        assert!(!is_proven(&sshd), "{line}");
        assert!(is_inside(&ssh(&sshd, &[], &[&sshd.token()])), "{line}");
    }
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_certificate_proves_only_the_person_of_the_key_inside() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    make(&sshd, "authority", "ed25519", &[]);
    make(&sshd, "attacker", "ed25519-sk", &[]);
    sshd.use_key("attacker");
    let certificate = sshd.folder.join("user-cert.pub");

    // An authority that calls the attacker's key by the person's name.
    authorized_keys(&sshd, &["authority"], "cert-authority {authority}");
    certify(&sshd, "authority", "user", &[]);
    assert!(!is_proven(&sshd));
    // The person's security key as the authority of the attacker's certificate.
    fs::remove_file(&certificate).unwrap();
    authorized_keys(&sshd, &["sk"], "cert-authority {sk}");
    certify(&sshd, "sk", "user", &[]);
    assert!(!is_proven(&sshd));
    // sshd accepts both, so that a code is asked for.
    let audit = sshd.host.audit();
    let is_asked = |line: &String| line.contains("reason=wrong_code");
    assert!(audit.len() == 2 && audit.iter().all(is_asked), "{audit:?}");
}

/// A module that puts the text into the PAM environment, as no module of a distribution does before
/// the factor is asked.
fn putenv() -> PathBuf {
    compile("putenv", &["-shared", "-fPIC", "-lpam"])
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn sudo_believes_nothing_that_is_said_about_ssh() {
    sandboxed!();
    let rules = "attempts = 1\nfactors = [\"token\", \"security-key\"]\n\
                 [exempt]\nnetworks = [\"10.0.0.0/8\"]\n";
    let sudo = Sudo::set_up(rules);
    let folder = sudo.host.sim.folder();
    let key = folder.join("key");
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519-sk", "-N", "", "-f"])
        .arg(&key)
        .env("SSH_SK_PROVIDER", super::sk_dummy()));
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let words: Vec<_> = public.split(' ').take(2).collect();
    let forged = [
        ("SSH_AUTH_INFO_0", format!("publickey {}", words.join(" "))),
        ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22".to_owned()),
    ];
    let print = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(&key)
        .output()
        .unwrap();
    let print = String::from_utf8(print.stdout).unwrap();
    let print = print.split(' ').nth(1).unwrap();
    let entry = format!("{{ authy_id = 1635, security_keys = [\"{print}\"] }}");
    sudo.host.set_line(&sudo.host.users, USER, &entry);
    let path = "/etc/pam.d/sudo-under-test";
    let stack = fs::read_to_string(path).unwrap();
    let putenv = putenv();
    let lines = forged
        .iter()
        .map(|(name, value)| format!("auth optional {} [{name}={value}]\n", putenv.display()));
    fs::write(path, lines.collect::<String>() + &stack).unwrap();
    let environment: Vec<_> = forged
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let logs_in = || became_root(&sudo.run(&[PASSWORD, "0000000"], &environment));

    assert!(!logs_in());
    // Even if the administrator counts sudo as sshd: the caller is not root.
    sudo.host.replace(
        "[login]\n",
        "[login]\nssh_services = [\"sudo-under-test\"]\n",
    );
    assert!(!logs_in());
    let audit = sudo.host.audit();
    assert!(
        audit
            .iter()
            .all(|line| line.starts_with("verdict=refused reason=wrong_code"))
    );
    assert!(!audit.is_empty());
    let right = [PASSWORD, &sudo.host.sim.token(1635)];
    assert!(became_root(&sudo.run(&right, &environment)));
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_service_that_is_not_named_as_one_of_sshd_is_not_believed() {
    sandboxed!();
    let networks = "[exempt]\nnetworks = [\"127.0.0.0/8\"]\n";
    let sshd = start(&format!("{BOTH}ssh_services = [\"sshd\"]\n"), METHODS);

    assert!(!is_proven(&sshd));
    sshd.host
        .replace("[\"sshd\"]", &format!("[\"sshd\", \"{NAME}\"]"));
    assert!(is_proven(&sshd));
    // Without SSH_CONNECTION the address is PAM_RHOST, which sshd sets too.
    sshd.host.replace(&format!(", \"{NAME}\"]"), "]");
    sshd.host.append(&sshd.host.config, networks);
    assert!(is_inside(&ssh(&sshd, &[], &[])));
    let last = sshd.host.audit().pop().unwrap();
    assert!(last.starts_with("verdict=ignored reason=exempt"), "{last}");
}
