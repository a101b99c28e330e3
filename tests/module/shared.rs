//! Shared accounts in real sshd: the key that sshd accepted determines which person is asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::sshd::{NAME, Sshd, USER, is_inside, run};
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;

/// The Authy id of the second person.
const OTHER: u64 = 1640;

fn start(methods: &str) -> Sshd {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\nunenrolled = \"ignore\"\n");
    let sshd = Sshd::start(host, "", methods);
    sshd.host
        .sim
        .post("/phone/users", &json!({"authy_id": OTHER}));
    sshd.make_keys(&["other", "authority"]);
    let (first, second) = (sshd.fingerprint("user"), sshd.fingerprint("other"));
    share(
        &sshd,
        &format!("{{ \"{first}\" = 1635, \"{second}\" = {OTHER} }}"),
    );
    sshd.authorize(&["user", "other"]);
    sshd
}

/// Makes the account a shared one with these keys.
fn share(sshd: &Sshd, keys: &str) {
    let text = format!("[users]\n{USER} = {{ keys = {keys} }}\n");
    fs::write(&sshd.host.users, text).unwrap();
}

fn public(sshd: &Sshd, key: &str) -> String {
    fs::read_to_string(sshd.folder.join(format!("{key}.pub"))).unwrap()
}

#[test]
#[ignore = "needs root"]
fn a_certificate_belongs_to_the_person_of_its_own_key_and_not_of_its_authority() {
    sandboxed!();
    let sshd = start("publickey,keyboard-interactive");
    let authority = public(&sshd, "authority");
    fs::write(
        Path::new("/home").join(USER).join(".ssh/authorized_keys"),
        format!("cert-authority {authority}"),
    )
    .unwrap();
    sshd.use_key("other");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-I", "kim", "-n", USER, "-s"]);
    run(keygen
        .arg(sshd.folder.join("authority"))
        .arg(sshd.folder.join("user.pub")));

    let output = sshd.ssh(USER, "", &[&sshd.host.sim.token(OTHER)]);

    assert!(is_inside(&output), "{output:?}");
    let audit = sshd.host.audit();
    assert!(audit[0].contains(&format!("authy_id={OTHER}")), "{audit:?}");

    // The same login belongs to no person once the entry has only the authority's key.
    let key = sshd.fingerprint("authority");
    share(&sshd, &format!("{{ \"{key}\" = 1635 }}"));
    assert!(!is_inside(&sshd.ssh(
        USER,
        "",
        &[&sshd.host.sim.token(1635)]
    )));
    assert!(sshd.host.log().contains("reason=no_key"));
}

#[test]
#[ignore = "needs root"]
fn a_shared_account_without_a_listed_key_is_refused_and_sends_nothing() {
    sandboxed!();
    let sshd = start("publickey,keyboard-interactive keyboard-interactive");
    let no_key = |count| {
        let audit = sshd.host.audit();
        let lines = audit.iter().filter(|line| line.contains("reason=no_key"));
        assert!(lines.count() >= count, "{audit:?}");
    };

    // A key that sshd accepts, and that the entry does not list.
    let key = sshd.fingerprint("authority");
    share(&sshd, &format!("{{ \"{key}\" = 1635 }}"));
    assert!(!is_inside(&sshd.ssh(
        USER,
        "",
        &[&sshd.host.sim.token(1635)]
    )));
    no_key(1);
    // No key at all, with `unenrolled = "ignore"` and nullok in the stack.
    let stack = format!("/etc/pam.d/{NAME}");
    let text = fs::read_to_string(&stack).unwrap();
    fs::write(&stack, text.replacen("users=", "nullok users=", 1)).unwrap();
    let mut ssh = sshd.client("ssh", "", &[&sshd.host.sim.token(1635)]);
    ssh.args(["-o", "PubkeyAuthentication=no", "-p"]);
    ssh.args([
        &sshd.port.to_string(),
        &format!("{USER}@127.0.0.1"),
        "echo",
        "inside",
    ]);
    assert!(!is_inside(&ssh.output().unwrap()));
    no_key(2);

    assert!(sshd.host.sim.requests().is_empty());
    assert!(!sshd.host.log().contains("verdict=accepted"));
    assert!(!sshd.host.log().contains("verdict=ignored"));
}

#[test]
fn the_push_setting_of_an_entry_overrides_the_configuration() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\npush = \"never\"\n");
    host.append(&host.users, "kim = { authy_id = 1635, push = \"auto\" }\n");
    host.sim.change(1635, &json!({"registered": true}));

    let login = std::thread::scope(|scope| {
        scope.spawn(|| host.sim.decide(1635, true));
        host.login("kim", &["0000000"])
    });

    assert_eq!(login.code, "PAM_SUCCESS", "{login:?}");
    assert!(host.audit()[0].contains("reason=push_approved"));
    let pushes = host.sim.count("approval_requests");
    assert_eq!(host.login("alice", &["0000000"]).code, "PAM_MAXTRIES");
    assert_eq!(
        host.sim.count("approval_requests"),
        pushes,
        "none for alice"
    );
    assert!(pushes > 0);
}

#[test]
#[ignore = "needs root"]
fn a_person_of_a_shared_account_without_a_secret_is_refused_alone() {
    sandboxed!();
    let sshd = start("publickey,keyboard-interactive");
    let (first, second) = (sshd.fingerprint("user"), sshd.fingerprint("other"));
    share(
        &sshd,
        &format!("{{ \"{first}\" = {{ totp = \"kim\" }}, \"{second}\" = {OTHER} }}"),
    );
    let token = sshd.host.sim.token(OTHER);

    assert!(!is_inside(&sshd.ssh(USER, "", &[&token])));
    let log = sshd.host.log();
    assert!(log.contains("totp.toml: No such file"), "{log}");
    sshd.use_key("other");
    assert!(is_inside(&sshd.ssh(USER, "", &[&token])));
}
