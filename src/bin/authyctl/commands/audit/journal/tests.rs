//! Whose entries count, and how journalctl ends.

use serde_json::json;

use super::*;

const LINE: &str = r#"verdict=refused reason=wrong_code pid=1 uid=0 peer=root user="alice""#;

fn entry(change: &Value) -> Value {
    let mut entry = json!({
        "__REALTIME_TIMESTAMP": "1795780800123456", "SYSLOG_IDENTIFIER": "pam_authy(sshd:auth)",
        "SYSLOG_PID": "812", "_PID": "812", "_UID": "0", "_HOSTNAME": "box", "_EXE": ENGINE,
        "MESSAGE": LINE,
    });
    for (name, value) in change.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

/// What becomes of an entry with this change: event, untrusted, unreadable or nothing.
fn fate(change: &Value) -> &'static str {
    let mut skipped = Skipped::default();
    let found = event(&Entry(&entry(change)), &mut skipped);
    match (found, skipped.untrusted, skipped.unreadable) {
        (Some(_), 0, 0) => "event",
        (None, 1, 0) => "untrusted",
        (None, 0, 1) => "unreadable",
        (None, 0, 0) => "nothing",
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_the_engine_wrote_is_an_event() {
    let cut = "verdict=refused reason=";
    let rows = [
        (json!({}), "event"),
        (json!({"MESSAGE": LINE.as_bytes()}), "event"),
        (json!({"_EXE": format!("{ENGINE} (deleted)")}), "event"),
        (json!({"_UID": "1000"}), "untrusted"),
        (json!({"_UID": null}), "untrusted"),
        (json!({"_UID": ["0", "0"]}), "untrusted"),
        (json!({"_PID": "77"}), "untrusted"),
        (json!({"SYSLOG_PID": null}), "untrusted"),
        (json!({"_EXE": null}), "untrusted"),
        (json!({"_EXE": ["/bin/sh", "/bin/sh"]}), "untrusted"),
        (json!({"_EXE": "/usr/sbin/rsyslogd"}), "untrusted"),
        (json!({"_EXE": "/usr/bin/su"}), "untrusted"),
        (json!({"SYSLOG_IDENTIFIER": "sshd"}), "nothing"),
        (json!({"MESSAGE": "an explanation"}), "nothing"),
        (json!({"MESSAGE": cut}), "unreadable"),
        (json!({"MESSAGE": cut, "_UID": "1000"}), "untrusted"),
    ];
    check(&rows);
}

#[test]
fn the_modules_own_line_is_an_event_where_its_application_wrote_it() {
    let of_su = r#"verdict=error reason=engine pid=812 uid=1000 peer=root user="root""#;
    let of_sshd = of_su.replace("uid=1000", "uid=0");
    let su = ["/usr/bin/su", "/bin/su"]
        .into_iter()
        .find(|path| Path::new(path).is_file());
    let by_su = |line: &str| json!({"_UID": "1000", "_EXE": su, "MESSAGE": line});
    let rows = [
        (by_su(of_su), "event"),
        (by_su(&of_su.replace("error", "accepted")), "untrusted"),
        (by_su(&of_su.replace("812", "1")), "untrusted"),
        (by_su(&of_su.replace("1000", "1001")), "untrusted"),
        (
            by_su(&of_su.replace(" user", " rhost=\"::1\" user")),
            "untrusted",
        ),
        (
            json!({"_UID": "1000", "_EXE": "/bin/sh", "MESSAGE": of_su}),
            "untrusted",
        ),
        (
            json!({"_EXE": "/usr/sbin/sshd", "MESSAGE": of_sshd}),
            "event",
        ),
        (json!({"_EXE": su, "MESSAGE": of_sshd}), "untrusted"),
    ];
    check(&rows);
}

#[track_caller]
fn check(rows: &[(Value, &str)]) {
    let wrong: Vec<_> = (rows.iter())
        .map(|(change, expected)| (change, fate(change), *expected))
        .filter(|(_, found, expected)| found != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// sudo ends at once where it gets no password, and its caller has chosen the prompt.
#[test]
fn of_a_process_that_had_ended_only_the_line_of_a_callers_su_counts() {
    let own = r#"verdict=error reason=engine pid=812 uid=1000 peer=root user="root""#;
    let rows = [
        ("su", LINE.to_owned(), "0", false),
        ("su", LINE.to_owned(), "1000", false),
        ("su", own.to_owned(), "1000", true),
        ("sudo", own.to_owned(), "1000", true),
        // No program of these names runs with the real user of its caller.
        ("sshd", own.to_owned(), "1000", false),
        ("gdm-password", own.to_owned(), "1000", false),
        ("su", own.to_owned(), "1001", false),
        ("su", own.replace("uid=1000", "uid=0"), "0", false),
        (
            "su",
            own.replace(" user", " rhost=\"::1\" user"),
            "1000",
            false,
        ),
    ];
    let wrong: Vec<_> = (rows.iter())
        .filter(|(service, line, uid, expected)| {
            let identifier = format!("pam_authy({service}:auth)");
            let mut value =
                entry(&json!({"SYSLOG_IDENTIFIER": identifier, "_UID": uid, "MESSAGE": line}));
            value.as_object_mut().unwrap().remove("_EXE");
            event(&Entry(&value), &mut Skipped::default()).is_some() != *expected
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_program_that_says_nothing_for_too_long_or_fails_is_an_error() {
    let mut running =
        Running::start(Command::new("/bin/sh").args(["-c", "echo no >&2; exit 3"])).unwrap();
    running
        .entries(&mut Skipped::default(), &mut |_| Ok(()))
        .unwrap();
    assert_eq!(running.end(false), (false, Some("no".to_owned())));
}
