//! What lasts from one login to the next: refused codes, pauses and recovery codes.

use std::fs;

use serde_json::json;

use super::{ONE_ATTEMPT, texts, with_alice};
use crate::authyctl::run_json;
use crate::common::host::Host;

const PAUSED: &str = "Too many wrong codes";

/// Runs authyctl, which must succeed, and returns its answer.
fn authyctl(host: &Host, arguments: &[&str]) -> serde_json::Value {
    let (status, answer) = run_json(&host.sim, arguments, "");
    assert_eq!(status, 0, "{arguments:?}: {answer}");
    answer
}

/// The right code that was typed during the pause is not used up.
#[test]
fn refused_codes_pause_a_user_until_authyctl_unlocks() {
    let config = format!("{ONE_ATTEMPT}[limits]\nrefused_tokens = 3\n");
    with_alice(&config, |host, alice, provider| {
        for _ in 0..3 {
            host.login("alice", &[provider.wrong_code()]);
        }
        let (asked, code) = (host.sim.requests().len(), alice.code());

        let paused = host.login("alice", &[&code]);

        assert_eq!(paused.code, "PAM_MAXTRIES");
        let shown = texts(&paused)[1];
        assert!(shown.starts_with(PAUSED), "{shown}");
        assert_eq!(host.sim.requests().len(), asked, "nothing is sent");
        let last = host.audit_of(4).pop().unwrap();
        assert!(last.starts_with("verdict=refused reason=limited"), "{last}");

        authyctl(host, &["unlock", "alice"]);
        assert_eq!(host.login("alice", &[&code]).code, "PAM_SUCCESS");
    });
}

/// Otherwise a new name would give an attacker new guesses, and a used code a second use.
#[test]
fn a_renamed_user_keeps_refused_codes_and_used_ones() {
    let config = format!("{ONE_ATTEMPT}[limits]\nrefused_tokens = 3\n");
    with_alice(&config, |host, alice, provider| {
        let code = alice.code();
        assert_eq!(host.login("alice", &[&code]).code, "PAM_SUCCESS");
        host.login("alice", &[provider.wrong_code()]);
        let alicia = alice.renamed("alicia");
        let mapping = format!("[users]\nalicia = {}\n", alicia.entry());
        fs::write(&host.users, mapping).unwrap();

        let used = host.login("alicia", &[&code]).code;
        host.login("alicia", &[provider.wrong_code()]);
        let paused = host.login("alicia", &[&alicia.code()]);

        assert_eq!((used, paused.code), ("PAM_MAXTRIES", "PAM_MAXTRIES"));
        let shown = texts(&paused)[1];
        assert!(shown.starts_with(PAUSED), "{shown}");
        let last = host.audit_of(5).pop().unwrap();
        assert!(last.starts_with("verdict=refused reason=limited"), "{last}");
    });
}

#[test]
fn a_login_ends_the_count_of_refused_codes() {
    let config = format!("{ONE_ATTEMPT}[limits]\nrefused_tokens = 3\n");
    with_alice(&config, |host, alice, provider| {
        let two_wrong = || [0, 1].map(|_| host.login("alice", &[provider.wrong_code()]).code);
        two_wrong();
        let first = host.login("alice", &[&alice.code()]);
        two_wrong();
        let second = host.login("alice", &[&alice.code()]);

        assert_eq!((first.code, second.code), ("PAM_SUCCESS", "PAM_SUCCESS"));
        let notice = texts(&first)[1..].concat();
        assert!(notice.contains('2'), "two were refused: {notice}");
    });
}

#[test]
fn a_recovery_code_lets_in_once_while_the_service_is_down() {
    with_alice(ONE_ATTEMPT, |host, _alice, _| {
        let made = authyctl(host, &["recovery", "generate", "alice"]);
        let code = made["codes"][0].as_str().unwrap();
        host.sim.fault(&json!({"listener": "silent", "times": 0}));

        let [first, second] = [0, 1].map(|_| host.login("alice", &[code]).code);

        assert_eq!([first, second], ["PAM_SUCCESS", "PAM_MAXTRIES"]);
        let audit = host.audit();
        let accepted = "verdict=accepted reason=recovery_code factor=recovery";
        assert!(audit[0].starts_with(accepted), "{audit:?}");
        assert!(host.log().contains("9 are left"), "{}", host.log());
    });
}
