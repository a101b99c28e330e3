//! What is wrong with a stack that has our module: who would be locked out, and who could log in
//! without a factor.

use super::control::{IGNORE, SUCCESS};
use super::simulate::Simulation;
use crate::commands::doctor::Finding;

const REQUISITE: &str = "make the password line `requisite`";
const PERMIT: &str = "end the stack with `auth required pam_permit.so`";

/// Returns everything that is wrong with the stack of `service`; one `ok` when nothing is.
pub(crate) fn findings(service: &str, stack: &Simulation<'_>) -> Vec<Finding> {
    let check = format!("pam {service}");
    let mut findings = Vec::new();
    if let Some(line) = stack.bypass() {
        let message = format!("{service}: a login succeeds without the second factor: {line}");
        findings.push(Finding::problem(&check, message).hint(
            "write our line as `auth required pam_authy.so`, and let no `sufficient` or jump skip it",
        ));
    }
    findings.extend(
        problems(stack)
            .into_iter()
            .filter(|(applies, ..)| *applies)
            .map(|(_, what, hint)| {
                Finding::problem(&check, format!("{service}: {what}")).hint(hint)
            }),
    );
    let is_early = stack.has_first_factor() && !stack.token_in_password;
    if is_early && stack.calls_us_after_wrong_password() {
        let message = format!(
            "{service}: the second factor is asked for even after a wrong password, so strangers can trigger SMS"
        );
        findings.push(Finding::warning(&check, message).hint(REQUISITE));
    }
    if findings.is_empty() {
        let message = format!("{service}: password and second factor are both required");
        findings.push(Finding::ok(&check, message));
    }
    findings
}

/// Returns each problem with whether the stack has it, and what to do about it.
fn problems(stack: &Simulation<'_>) -> [(bool, &'static str, String); 4] {
    let right = stack.can_succeed(SUCCESS, true);
    let asks_password = stack.has_first_factor();
    [
        (
            !right,
            "no login succeeds, even with the right password and second factor",
            format!("{PERMIT}, and check where its jumps lead"),
        ),
        (
            asks_password && stack.can_succeed(SUCCESS, false),
            "the second factor alone is enough: a wrong password is accepted",
            REQUISITE.to_owned(),
        ),
        (
            stack.may_ignore && stack.can_succeed(IGNORE, true) != right,
            "users who need no factor are locked out: all modules answer ignore",
            PERMIT.to_owned(),
        ),
        (
            stack.may_ignore && asks_password && stack.can_succeed(IGNORE, false),
            "users who need no factor log in with a wrong password",
            format!("{REQUISITE}, and put pam_permit.so only after it"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::read;
    use super::*;
    use crate::commands::doctor::Level;

    fn fixtures(system: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/pam.d")
            .join(system)
    }

    fn levels_and_messages(folder: &Path, service: &str, may_ignore: bool) -> Vec<(Level, String)> {
        let lines = read(folder, service).unwrap();
        findings(service, &Simulation::new(&lines, may_ignore))
            .into_iter()
            .map(|finding| (finding.level, finding.message))
            .collect()
    }

    /// Returns the messages about a stack of these lines.
    fn messages(lines: &[&str], may_ignore: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let all = levels_and_messages(folder.path(), "x", may_ignore);
        all.into_iter().map(|(_, message)| message + "\n").collect()
    }

    const UNIX: &str = "auth requisite pam_unix.so";
    const OURS: &str = "auth required pam_authy.so";
    const PERMIT: &str = "auth required pam_permit.so";

    #[test]
    fn the_stacks_of_the_readme_are_right() {
        for may_ignore in [false, true] {
            assert!(messages(&[UNIX, OURS, PERMIT], may_ignore).contains("both required"));
            assert!(messages(&[OURS, PERMIT], may_ignore).contains("both required"));
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
    fn a_missing_permit_locks_out_users_who_need_no_factor() {
        assert!(messages(&[OURS], true).contains("all modules answer ignore"));
        assert!(messages(&[OURS], false).contains("both required"));
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

    #[test]
    fn a_deny_that_is_always_reached_locks_everyone_out() {
        assert!(
            messages(&[UNIX, OURS, "auth requisite pam_deny.so"], false)
                .contains("no login succeeds")
        );
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
}
