//! Stacks that went wrong once, or were right, with the right answer of `pam enable` and `doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::distribution::{Tree, check, tree};
use crate::authyctl::{enrolled, run_json};
use crate::common::product;
use crate::common::rows::check_rows;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases")
}

/// Reads a case that is a whole /etc/pam.d.
fn case(name: &str) -> Tree {
    tree(&cases().join(format!("{name}.pam.d")))
}

/// A case, a service of it, and what its new stack has in it.
type Enabled = (&'static str, &'static str, &'static [&'static str]);

const ENABLED: [Enabled; 23] = [
    (
        "enable-drops-faillock",
        "sshd",
        &["pam_faillock.so preauth silent", "pam_faillock.so authfail"],
    ),
    (
        "enable-drops-faillock",
        "sudo",
        &["pam_faillock.so authfail", "pam_sss.so forward_pass"],
    ),
    (
        "enable-drops-faillock",
        "su",
        &["[success=done new_authtok_reqd=die default=ignore]  pam_rootok.so"],
    ),
    ("enable-drops-required-u2f", "sshd", &["pam_u2f.so cue"]),
    ("enable-drops-required-u2f", "sudo", &["pam_u2f.so cue"]),
    ("enable-drops-required-u2f", "su", &["pam_u2f.so cue"]),
    (
        "enable-locks-out-with-smartcard",
        "sudo",
        &[
            "pam_sss.so try_cert_auth",
            "pam_sss.so forward_pass",
            "pam_unix.so\n",
        ],
    ),
    ("right-alpine", "sshd", &["pam_nologin.so\tsuccessok"]),
    ("right-alpine", "sudo", &["pam_unix.so\tnullok"]),
    (
        "right-debian-duo",
        "sshd",
        &["\n@include common-auth\n# pam_authy begin"],
    ),
    (
        "right-debian-duo",
        "sudo",
        &["\n@include common-auth\n# pam_authy begin"],
    ),
    (
        "right-debian-krb5-sss",
        "sshd",
        &["\n@include common-auth\n# pam_authy begin"],
    ),
    (
        "right-debian-krb5-sss",
        "sudo-i",
        &["\n@include common-auth\n# pam_authy begin"],
    ),
    (
        "right-gentoo",
        "sshd",
        &["pam_shells.so", "pam_faillock.so preauth"],
    ),
    ("right-gentoo", "sudo", &["pam_faillock.so authfail"]),
    (
        "right-nixos",
        "sshd",
        &["pam_unix.so likeauth try_first_pass"],
    ),
    ("right-nixos", "sudo", &["pam_unix.so likeauth nullok"]),
    (
        "right-rhel8-winbind",
        "sshd",
        &["pam_succeed_if.so uid >= 1000 quiet_success"],
    ),
    (
        "right-rhel8-winbind",
        "sudo",
        &["pam_winbind.so use_first_pass"],
    ),
    ("right-rhel8-winbind", "su", &["pam_fprintd.so"]),
    (
        "right-suse-leap15",
        "sshd",
        &["pam_nologin.so", "pam_gnome_keyring.so"],
    ),
    ("right-suse-leap15", "sudo", &["pam_sss.so\tuse_first_pass"]),
    (
        "right-suse-leap15",
        "sudo-i",
        &["pam_sss.so\tuse_first_pass"],
    ),
];

#[test]
fn each_stack_that_was_damaged_or_refused_once_is_enabled_with_all_its_modules() {
    check_rows(ENABLED, |(name, service, expected)| {
        let new = check(&case(name), name.contains("debian"), service);
        for line in expected {
            assert!(new.contains(line), "{line}: {new}");
        }
    });
}

#[test]
fn a_byte_that_is_no_utf8_stays_where_it_is() {
    let mut tree = case("right-debian-duo");
    let latin1 = fs::read(cases().join("disable-and-rollback-fail-latin1.pam")).unwrap();
    assert!(String::from_utf8(latin1.clone()).is_err());
    tree.insert("etc/pam.d/sudo".to_owned(), latin1);

    let new = check(&tree, true, "sudo");

    assert!(new.contains("pam_authy.so"), "{new}");
}

/// Copies `name`.pam as the stack of three services, with modules that exist but for `missing`, and
/// returns doctor's findings about `service` and about the arguments of our lines.
fn findings(name: &str, service: &str, missing: &[&str]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let modules = folder.path().join("modules");
    let stacks = folder.path().join("pam.d");
    fs::create_dir_all(&modules).unwrap();
    fs::create_dir_all(&stacks).unwrap();
    let text = fs::read_to_string(cases().join(format!("{name}.pam"))).unwrap();
    let mut stack = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let module = word.trim_end();
        let is_module =
            module.starts_with("pam_") && Path::new(module).extension().is_some_and(|e| e == "so");
        if module == "pam_authy.so" {
            stack.push_str(&word.replace(module, &product().display().to_string()));
        } else if is_module {
            let path = modules.join(module);
            if !missing.contains(&module) {
                fs::write(&path, "").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            }
            stack.push_str(&word.replace(module, &path.display().to_string()));
        } else {
            stack.push_str(word);
        }
    }
    fs::write(stacks.join(service), stack).unwrap();
    let sim = enrolled();
    let (_, answer) = run_json(&sim, &["doctor", "--pam-dir", stacks.to_str().unwrap()], "");
    let all = answer["checks"].as_array().unwrap().clone();
    let names = [format!("pam {service}"), "arguments".to_owned()];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .filter(|check| names.contains(&text(&check["name"])))
        .map(|check| (text(&check["result"]), text(&check["message"])))
        .collect()
}

const BYPASS: &str = "succeeds without the second factor";
const BOTH: &str = "both required";

/// A case, its service, the worst result, a part of a message with it, modules that are missing.
type Judged = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const JUDGED: [Judged; 29] = [
    (
        "wrong-ok-sudo-token-only",
        "sudo",
        "problem",
        "the code alone is enough",
        &[],
    ),
    (
        "wrong-ok-sudo-token-only",
        "login",
        "problem",
        "the code alone is enough",
        &[],
    ),
    (
        "wrong-ok-sudo-token-only",
        "sshd",
        "ok",
        "a key must be",
        &[],
    ),
    (
        "wrong-ok-fprintd-sufficient",
        "sudo",
        "problem",
        BYPASS,
        &[],
    ),
    (
        "wrong-ok-localuser-skips-us",
        "sudo",
        "problem",
        BYPASS,
        &[],
    ),
    (
        "wrong-ok-sss-ignore-authinfo-unavail",
        "sudo",
        "problem",
        "a wrong password is accepted",
        &[],
    ),
    (
        "wrong-ok-argument-typo",
        "sudo",
        "problem",
        "sudo:2: argument nulok: unknown",
        &[],
    ),
    (
        "wrong-ok-config-path-missing",
        "sudo",
        "problem",
        "sudo:2: /etc/pam_authy/config.tml",
        &[],
    ),
    (
        "wrong-ok-line-broken-in-two",
        "sudo",
        "problem",
        "sudo:3: it has no control field",
        &[],
    ),
    (
        "wrong-ok-missing-tally2",
        "sudo",
        "problem",
        "sudo:1: there is no module",
        &["pam_tally2.so"],
    ),
    (
        "wrong-ok-crlf",
        "sudo",
        "problem",
        "sudo:1: there is no module",
        &[],
    ),
    (
        "wrong-ok-our-line-twice",
        "sudo",
        "problem",
        "sudo:3: our line is there twice",
        &[],
    ),
    (
        "wrong-problem-first-factor-tcb",
        "sudo",
        "unknown",
        "pam_tcb.so checks is not known",
        &[],
    ),
    (
        "wrong-problem-seven-unknown-modules",
        "sudo",
        "ok",
        BOTH,
        &[],
    ),
    ("right-access-skip", "sudo", "problem", BYPASS, &[]),
    ("right-cis-rhel7", "sshd", "ok", BOTH, &[]),
    (
        "right-faillock-preauth-sufficient",
        "sudo",
        "problem",
        BYPASS,
        &[],
    ),
    ("right-fprintd-grosshack", "sudo", "problem", BYPASS, &[]),
    ("right-gcp-oslogin", "sshd", "problem", BYPASS, &[]),
    ("right-krb5-afs", "sudo", "problem", BYPASS, &[]),
    ("right-krb5-then-authy", "sudo", "ok", BOTH, &[]),
    (
        "right-missing-optional-module",
        "sudo",
        "ok",
        BOTH,
        &["pam_gnome_keyring.so"],
    ),
    ("right-privacyidea-mix", "sudo", "problem", BYPASS, &[]),
    ("right-rootok-su", "su", "ok", BOTH, &[]),
    ("right-rootok-su", "sshd", "problem", BYPASS, &[]),
    // Without token_in_password our line leaves no password to `use_first_pass`.
    (
        "right-token-first-suse",
        "sudo",
        "problem",
        "no login succeeds",
        &[],
    ),
    ("right-typo-optional-line", "sudo", "ok", BOTH, &[]),
    (
        "right-unavail-ignored",
        "sudo",
        "problem",
        "the control flag is",
        &[],
    ),
    ("right-wheel-use_uid", "su", "problem", "pam_wheel.so", &[]),
];

#[test]
fn doctor_says_what_libpam_really_did_with_each_stack() {
    check_rows(JUDGED, |(name, service, result, part, missing)| {
        let found = findings(name, service, missing);
        let order = ["ok", "unknown", "warning", "problem"];
        let worst = found
            .iter()
            .map(|(result, _)| order.iter().position(|known| known == result));
        assert_eq!(
            worst.max().flatten().map(|at| order[at]),
            Some(result),
            "{found:?}"
        );
        let is_said = found
            .iter()
            .any(|(level, message)| level == result && message.contains(part));
        assert!(is_said, "{found:?}");
    });
}
