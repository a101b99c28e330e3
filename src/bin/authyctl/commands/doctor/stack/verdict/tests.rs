//! Stacks of a few lines, and what is said of them.

use std::path::{Path, PathBuf};

use super::*;
use crate::commands::doctor::Level;
use crate::commands::stack::{Files, read};

fn fixtures(system: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/pam.d")
        .join(system)
}

fn levels_and_messages(folder: &Path, service: &str, may_ignore: bool) -> Vec<(Level, String)> {
    let stack = read(&Files::folder(folder).with_all_modules(), service).unwrap();
    let judgement = Judgement {
        service,
        list: &stack.handlers,
        may_ignore,
        token_in_password: false,
        has_key: true,
    };
    judgement
        .findings()
        .into_iter()
        .map(|finding| (finding.level, finding.message))
        .collect()
}

/// Returns the messages about a stack of these lines.
fn messages(lines: &[&str], may_ignore: bool) -> String {
    messages_about("x", lines, may_ignore)
}

fn messages_about(service: &str, lines: &[&str], may_ignore: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(service), lines.join("\n")).unwrap();
    let all = levels_and_messages(folder.path(), service, may_ignore);
    all.into_iter().map(|(_, message)| message + "\n").collect()
}

const UNIX: &str = "auth requisite pam_unix.so";
const OURS: &str = "auth required pam_authy.so";
const PERMIT: &str = "auth required pam_permit.so";

#[test]
fn the_stacks_of_the_readme_are_right() {
    for may_ignore in [false, true] {
        assert!(messages(&[UNIX, OURS, PERMIT], may_ignore).contains("both required"));
        let with_key = messages(&[OURS, PERMIT], may_ignore);
        assert!(
            with_key.contains("no password: a key must be"),
            "{with_key}"
        );
    }
}

#[test]
fn a_sufficient_password_before_our_line_skips_the_second_factor() {
    let said = messages(&["auth sufficient pam_unix.so", OURS], false);
    assert!(
        said.contains("without the second factor") && said.contains("sufficient pam_unix.so"),
        "{said}"
    );
}

#[test]
fn a_wrong_control_flag_makes_the_second_factor_optional() {
    for control in ["optional", "sufficient", "[success=ok default=ignore]"] {
        let said = messages(
            &[UNIX, &format!("auth {control} pam_authy.so"), PERMIT],
            false,
        );
        assert!(said.contains("the control flag is"), "{control}: {said}");
    }
}

#[test]
fn a_jump_over_our_line_is_named_and_not_the_line_where_the_stack_ends() {
    let jump = "auth [default=1 success=ok] pam_usertype.so isregular";
    let said = messages(&[UNIX, jump, OURS, PERMIT], false);
    assert!(
        said.contains("x:2: `[default=1 success=ok] pam_usertype.so` leads past our line"),
        "{said}"
    );
}

#[test]
fn a_password_that_no_line_asks_for_locks_everyone_out() {
    for lines in [
        &["auth required pam_unix.so use_first_pass", OURS, PERMIT][..],
        &[OURS, "auth requisite pam_unix.so use_first_pass"],
        &[
            "auth optional pam_sss.so",
            "auth requisite pam_unix.so use_first_pass",
            OURS,
        ],
    ] {
        let said = messages(lines, true);
        assert!(said.contains("no login succeeds"), "{lines:?}: {said}");
    }
    for lines in [
        &[
            "auth optional pam_sss.so forward_pass",
            "auth requisite pam_unix.so use_first_pass",
            OURS,
        ][..],
        &[
            "auth required pam_custom.so",
            "auth required pam_unix.so use_first_pass",
            OURS,
        ],
    ] {
        let said = messages(lines, false);
        assert!(!said.contains("no login succeeds"), "{lines:?}: {said}");
    }
}

#[test]
fn a_jump_past_the_end_with_the_right_password_locks_everyone_out() {
    let jump = "auth [success=1 default=ignore] pam_unix.so";
    for lines in [&[jump, "auth optional pam_authy.so"][..], &[OURS, jump]] {
        let said = messages(lines, true);
        assert!(said.contains("no login succeeds"), "{lines:?}: {said}");
        assert!(said.contains("a wrong password is accepted"), "{said}");
    }
}

#[test]
fn who_needs_no_factor_is_not_locked_out_where_everybody_else_is() {
    let said = messages(
        &[UNIX, "auth [success=1 default=ignore] pam_authy.so"],
        true,
    );
    assert!(said.contains("no login succeeds"), "{said}");
    assert!(!said.contains("are locked out"), "{said}");
}

#[test]
fn a_condition_is_met_by_both_lines_that_have_it_or_by_neither() {
    let regular = "auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular";
    let skipped = messages(&[regular, OURS, regular, UNIX, PERMIT], false);
    assert!(skipped.contains("leads past our line"), "{skipped}");
    let deny = "auth requisite pam_deny.so";
    let denied = messages(&[UNIX, regular, OURS, regular, PERMIT, deny], false);
    assert!(denied.contains("no login succeeds"), "{denied}");
    let required = "auth required pam_usertype.so isregular";
    let said = messages(&[required, UNIX, regular, OURS, PERMIT], false);
    assert!(said.contains("both required"), "{said}");
    let other = regular.replace("isregular", "issystem");
    let said = messages(&[required, UNIX, &other, OURS, PERMIT], false);
    assert!(said.contains("leads past our line"), "{said}");
}

#[test]
fn a_stack_that_takes_a_wrong_password_requires_none() {
    let sufficient = "auth sufficient pam_unix.so";
    for (lines, may_ignore, expected) in [
        (&[UNIX, OURS, PERMIT][..], true, true),
        (&[OURS, PERMIT], false, false),
        (&[sufficient, OURS], false, false),
        (&[OURS, sufficient], false, false),
        (
            &[
                "auth [success=done ignore=1 default=die] pam_authy.so",
                UNIX,
                PERMIT,
            ],
            true,
            false,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let stack = read(&Files::folder(folder.path()).with_all_modules(), "x").unwrap();
        let judgement = Judgement {
            service: "x",
            list: &stack.handlers,
            may_ignore,
            token_in_password: false,
            has_key: true,
        };
        assert_eq!(judgement.requires_password(), expected, "{lines:?}");
    }
}

#[test]
fn a_missing_permit_locks_out_users_who_need_no_factor() {
    assert!(messages(&[OURS], true).contains("all modules answer ignore"));
    let env = "auth required pam_env.so";
    assert!(messages(&[env, OURS], true).contains("all modules answer ignore"));
    assert!(messages(&[OURS], false).contains("a key must be"));
}

#[test]
fn a_required_password_lets_strangers_trigger_sms() {
    let said = messages(&["auth required pam_unix.so", OURS, PERMIT], false);
    assert!(said.contains("strangers can trigger SMS"), "{said}");
}

#[test]
fn an_optional_password_makes_the_second_factor_enough() {
    let said = messages(&["auth optional pam_unix.so", OURS], false);
    assert!(said.contains("the second factor alone is enough"), "{said}");
}

#[test]
fn a_password_that_an_unknown_name_skips_makes_the_second_factor_enough() {
    for control in [
        "[success=ok user_unknown=ignore default=die]",
        "[success=ok authinfo_unavail=ignore default=die]",
    ] {
        let said = messages(&[&format!("auth {control} pam_sss.so"), OURS], false);
        assert!(
            said.contains("the second factor alone is enough"),
            "{control}: {said}"
        );
    }
}

#[test]
fn a_permit_in_the_wrong_place_is_found() {
    let before = messages(&["auth sufficient pam_permit.so", OURS], false);
    assert!(before.contains("without the second factor"), "{before}");
    let jumped = "auth [success=1 default=ignore] pam_permit.so";
    let over = messages(&[UNIX, jumped, OURS, PERMIT], false);
    assert!(over.contains("without the second factor"), "{over}");
    let last = messages(&[UNIX, OURS, "auth sufficient pam_permit.so"], false);
    assert!(last.contains("both required"), "{last}");
    let optional = "auth optional pam_authy.so";
    let weak = messages(&[UNIX, PERMIT, optional], false);
    assert!(weak.contains("the control flag is `optional`"), "{weak}");
}

/// polkit-1's helper runs as root for each user from 127 on, as a daemon always does.
#[test]
fn rootok_lets_everybody_in_where_the_program_is_always_root() {
    let lines = ["auth sufficient pam_rootok.so", UNIX, OURS, PERMIT];
    let rows = [
        ("su", "both required"),
        ("su-l", "both required"),
        ("sudo", "both required"),
        ("chsh", "both required"),
        ("polkit-1", "`sufficient pam_rootok.so` leads past our line"),
        ("sshd", "`sufficient pam_rootok.so` leads past our line"),
        ("login", "`sufficient pam_rootok.so` leads past our line"),
    ];
    let wrong = rows.map(|(service, expected)| {
        let said = messages_about(service, &lines, false);
        (!said.contains(expected)).then(|| format!("{service}: {said}"))
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_module_that_only_closes_the_host_is_no_password() {
    for module in ["pam_sepermit.so", "pam_wheel.so use_uid", "pam_nologin.so"] {
        let said = messages(&[&format!("auth required {module}"), OURS, PERMIT], false);
        assert!(
            said.contains("no password: a key must be"),
            "{module}: {said}"
        );
    }
}

#[test]
fn a_deny_that_is_always_reached_locks_everyone_out() {
    assert!(
        messages(&[UNIX, OURS, "auth requisite pam_deny.so"], false).contains("no login succeeds")
    );
}

#[test]
fn a_bypass_is_not_a_wrong_password_that_is_accepted_as_well() {
    let said = messages(&["auth sufficient pam_shells.so", UNIX, OURS, PERMIT], true);
    assert!(said.contains("without the second factor"), "{said}");
    assert!(!said.contains("wrong password is accepted"), "{said}");
    assert!(!said.contains("with a wrong password"), "{said}");
}

#[test]
fn the_stacks_of_distributions_are_understood() {
    for (system, expected) in [
        ("debian", "both required"),
        ("arch", "both required"),
        // `sufficient` lines of an included file end the stack before our line.
        ("fedora", "without the second factor"),
        ("fedora-fixed", "both required"),
    ] {
        let all = levels_and_messages(&fixtures(system), "sshd", false);
        assert!(
            all.iter().any(|(_, message)| message.contains(expected)),
            "{system}: {all:?}"
        );
    }
}
