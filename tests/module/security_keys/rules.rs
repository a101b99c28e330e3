//! What a person without a code is asked, rules that accept nothing but a security key, and touch.

use std::fs;

use serde_json::Value;

use super::super::sshd::{NAME, Sshd, USER, is_inside};
use super::{BOTH, METHODS, authorized_keys, is_proven, list, make, ssh, start};
use crate::authyctl::run_json;
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// A fingerprint that belongs to no key.
const PRINT: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_person_with_a_security_key_alone_needs_it_or_a_recovery_code() {
    sandboxed!();
    let sshd = start(BOTH, METHODS);
    let print = sshd.fingerprint("sk");
    let entry = format!("{{ security_keys = [\"{print}\"] }}");
    sshd.host.set_line(&sshd.host.users, USER, &entry);
    let (status, codes) = run_json(&sshd.host.sim, &["recovery", "generate", USER], "");
    assert_eq!(status, 0, "{codes}");
    let code = codes["codes"][0].as_str().unwrap();
    make(&sshd, "other", "ed25519", &[]);
    sshd.authorize(&["sk", "other"]);
    assert!(is_proven(&sshd));

    sshd.use_key("other");
    assert!(!is_proven(&sshd));
    let refused = format!("reason=wrong_code factor=token security_key=\"{print}\" attempts=1");
    let last = sshd.host.audit().pop().unwrap();
    assert!(last.contains(&refused), "{last}");
    assert!(sshd.asked().contains("Verification code"), "as everyone is");
    assert!(is_inside(&ssh(&sshd, &[], &[code])));
    let last = sshd.host.audit().pop().unwrap();
    assert!(last.contains("reason=recovery_code"), "{last}");
    assert!(sshd.host.sim.requests().is_empty());

    // sudo cannot check a security key.
    let login = sshd.host.login_as("sudo", USER, &[], &[]);
    assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
    let log = sshd.host.log();
    assert!(
        log.contains("this host can check no factor: security_keys is skipped"),
        "{log}"
    );
}

#[test]
fn without_the_only_factor_everyone_is_refused_before_a_question() {
    let rules = "[login]\nfactors = [\"security-key\"]\n";
    let host = Host::with(rules);
    host.append(
        &host.users,
        &format!("kim = {{ security_keys = [\"{PRINT}\"] }}\n"),
    );

    let enrolled = host.login("kim", &[]);
    let unenrolled = host.login("nobody-here", &[]);

    assert_eq!((enrolled.code, enrolled.prompts()), ("PAM_AUTH_ERR", 0));
    assert_eq!(enrolled.code, unenrolled.code);
    assert_eq!(enrolled.seen, unenrolled.seen);
    let texts = format!("{:?}", enrolled.seen);
    assert!(texts.contains("needs a security key"), "{texts}");
    let audit = host.audit();
    let key = format!("security_key=\"{PRINT}\"");
    assert!(
        audit[0].starts_with(&format!("verdict=refused reason=no_key {key}")),
        "{audit:?}"
    );
    assert!(
        audit[1].starts_with("verdict=refused reason=unenrolled user="),
        "{audit:?}"
    );
    // alice has a number at Authy, which these rules do not ask.
    assert_eq!(host.login("alice", &[]).code, "PAM_AUTH_ERR");
    assert_eq!(
        host.login_as("sudo", "kim", &[], &[]).code,
        "PAM_SERVICE_ERR"
    );
}

/// The results of doctor's findings about touch.
fn findings(sshd: &Sshd) -> Vec<String> {
    let stack = "/etc/pam.d/sshd";
    let _ = fs::copy(format!("/etc/pam.d/{}", NAME), stack);
    let _ = fs::copy(sshd.folder.join("sshd_config"), "/etc/ssh/sshd_config");
    let (_, answer) = run_json(&sshd.host.sim, &["doctor"], "");
    let checks = answer["checks"].as_array().unwrap();
    let is_touch = |check: &&Value| check["message"].as_str().unwrap().contains("touch");
    let touch = checks.iter().filter(is_touch);
    touch
        .map(|check| format!("{}: {}", check["result"], check["message"]))
        .collect()
}

/// Has sshd require a touch, or not.
fn require_touch(sshd: &Sshd, on: bool) {
    let line = "PubkeyAuthOptions touch-required\n";
    sshd.reconfigure(|text| {
        let text = text.replace(line, "");
        format!("{}{text}", if on { line } else { "" })
    });
}

/// Starts sshd for an account that has listed `numb`, a security key that needs no touch, and uses
/// it.
fn start_numb() -> Sshd {
    let sshd = start(
        &format!("{BOTH}ssh_services = [\"sshd\", \"sshd-under-test\"]\n"),
        METHODS,
    );
    make(&sshd, "numb", "ed25519-sk", &["-O", "no-touch-required"]);
    list(&sshd, &["sk", "numb"]);
    sshd.use_key("numb");
    sshd
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_user_can_switch_the_touch_off_unless_sshd_requires_it_and_doctor_says_so() {
    sandboxed!();
    let sshd = start_numb();
    let rows = [
        // The line of authorized_keys, touch-required, is logged in, what doctor says.
        ("{numb}", false, false, "\"warning\": "),
        ("no-touch-required {numb}", false, true, "\"problem\": "),
        ("no-touch-required {numb}", true, false, ""),
        (
            "No-Touch-Required,command=\"a no-touch b\" {numb}",
            false,
            true,
            "\"problem\": ",
        ),
        (
            "command=\"echo ,no-touch-required, inside\" {numb}",
            false,
            false,
            "\"warning\": ",
        ),
        (
            "# no-touch-required {numb}\n{numb}",
            false,
            false,
            "\"warning\": ",
        ),
        ("{sk}", true, false, ""),
    ];
    check_rows(rows, |(line, on, logs_in, said)| {
        require_touch(&sshd, on);
        authorized_keys(&sshd, &["sk", "numb"], line);
        let before = sshd.host.audit().len();
        let _ = ssh(&sshd, &[], &["0000000"]);
        let audit = sshd.host.audit();
        let is_proven = audit[before..]
            .iter()
            .any(|one| one.contains("reason=security_key"));
        assert_eq!(is_proven, logs_in, "{audit:?}");
        let found = findings(&sshd);
        assert_eq!(found.len(), usize::from(!said.is_empty()), "{found:?}");
        assert!(found.iter().all(|one| one.starts_with(said)), "{found:?}");
    });
}

#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_match_block_that_switches_the_touch_off_is_found() {
    sandboxed!();
    let sshd = start_numb();
    require_touch(&sshd, true);
    sshd.reconfigure(|text| format!("{text}Match User {USER}\nPubkeyAuthOptions none\n"));
    authorized_keys(&sshd, &["numb"], "no-touch-required {numb}");
    assert!(is_proven(&sshd));
    let found = findings(&sshd);
    assert!(
        found.len() == 1 && found[0].starts_with("\"problem\": "),
        "{found:?}"
    );
}

/// The log names the proof, and codes that were refused before are forgotten.
#[test]
#[ignore = "needs root and sk-dummy: scripts/peers.sh sk-dummy"]
fn a_security_key_is_the_proof_also_of_a_login_that_is_remembered() {
    sandboxed!();
    let rules = format!("{BOTH}[remember]\nseconds = 900\nservices = [\"{NAME}\"]\n");
    let sshd = start(&rules, METHODS);
    let users = &sshd.host.users;
    sshd.host.set_line(users, USER, "{ authy_id = 1635 }");
    assert!(is_inside(&ssh(&sshd, &[], &[&sshd.token()])));
    assert!(is_inside(&ssh(&sshd, &[], &[])));
    assert!(sshd.host.audit()[1].contains("reason=remembered"));
    list(&sshd, &["sk"]);
    assert!(is_proven(&sshd));
}
