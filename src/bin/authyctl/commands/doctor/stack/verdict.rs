//! What is wrong with a stack that has our module: who would be locked out, and who could log in
//! without a factor.

use std::collections::BTreeSet;

use super::answers::{Ours, Password, answers, is_first_factor, is_unknown, leaves_password};
use super::outcomes::{End, ends};
use super::{is_ours, our_lines};
use crate::commands::doctor::Finding;
use crate::commands::stack::{Files, Handler, Kind, read};

const REQUISITE: &str = "make the password line `requisite`";
const PERMIT: &str = "end the stack with `auth required pam_permit.so`";

/// The stack of a service, to be judged.
pub(crate) struct Judgement<'a> {
    pub(crate) service: &'a str,
    pub(crate) list: &'a [Handler],
    /// Our module may answer `ignore`, since a rule lets some users log in without a factor.
    pub(crate) may_ignore: bool,
    /// The code is typed after the password, so that our line comes first.
    pub(crate) token_in_password: bool,
    /// The application checks a key or a ticket before it calls PAM, as sshd can.
    pub(crate) has_key: bool,
}

/// Whether a login of `service` can succeed, as far as the modules are known.
pub(crate) fn lets_in(files: &Files, service: &str) -> bool {
    read(files, service).is_ok_and(|stack| {
        let judgement = Judgement {
            service,
            list: &stack.handlers,
            may_ignore: false,
            token_in_password: false,
            has_key: false,
        };
        judgement.can_succeed(Password::Any, Ours::Accepts)
    })
}

impl Judgement<'_> {
    /// Whether the stack asks for a password, or for what replaces one.
    pub(crate) fn has_first_factor(&self) -> bool {
        let mut modules = self.list.iter().filter_map(Handler::module);
        modules.any(is_first_factor)
    }

    /// Whether a module of the stack may be a first factor, for all that is known.
    pub(crate) fn may_have_first_factor(&self) -> bool {
        self.has_first_factor() || self.list.iter().any(is_unknown)
    }

    /// Whether no login succeeds with a wrong password, as far as the modules are known.
    pub(crate) fn requires_password(&self) -> bool {
        self.may_have_first_factor()
            && !self.can_succeed(Password::Wrong, Ours::Accepts)
            && !(self.may_ignore && self.can_succeed(Password::Wrong, Ours::Ignores))
    }

    /// Whether a login can succeed although our module refuses or is not called.
    pub(crate) fn is_bypassed(&self) -> bool {
        self.bypass().is_some()
    }

    /// Returns everything that is wrong with the stack; one `ok` when nothing is.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let check = format!("pam {}", self.service);
        let service = self.service;
        let mut findings = Vec::new();
        if let Some(line) = self.bypass() {
            let message = format!("{service}: a login succeeds without the second factor: {line}");
            findings.push(Finding::problem(&check, message).hint(
                "write our line as `auth required pam_authy.so`, and let no `sufficient` or jump skip it",
            ));
        }
        for (applies, what, hint) in self.problems() {
            if applies {
                findings.push(Finding::problem(&check, format!("{service}: {what}")).hint(hint));
            }
        }
        if self.asks_after_wrong_password() {
            let message = format!(
                "{service}: the second factor is asked for even after a wrong password, so strangers can trigger SMS"
            );
            findings.push(Finding::warning(&check, message).hint(REQUISITE));
        }
        if findings.is_empty() {
            findings.push(self.sound(&check));
        }
        findings
    }

    /// Nothing is wrong, as far as the modules are known.
    fn sound(&self, check: &str) -> Finding {
        let service = self.service;
        let unknown = self.list.iter().find(|line| is_unknown(line));
        let depends = self.can_succeed(Password::WrongIfKnown, Ours::Accepts);
        match unknown.filter(|_| depends && !self.token_in_password) {
            Some(line) => {
                let name = line.module().map_or("", |module| &module.name);
                let message = format!(
                    "{service}: cannot tell whether a password is required: {}: what {name} checks is not known",
                    line.place
                );
                Finding::unknown(check, message)
            }
            None if self.may_have_first_factor() => {
                let message = format!("{service}: password and second factor are both required");
                Finding::ok(check, message)
            }
            None => {
                let message = format!(
                    "{service}: the second factor is required, and no password: a key must be"
                );
                Finding::ok(check, message)
            }
        }
    }

    fn ends(&self, password: Password, ours: Ours) -> BTreeSet<End> {
        ends(
            self.list,
            |line, has_password| answers(self.service, line, password, ours, has_password),
            |line| leaves_password(line, self.token_in_password),
        )
    }

    fn can_succeed(&self, password: Password, ours: Ours) -> bool {
        self.ends(password, ours).iter().any(|end| end.is_success)
    }

    /// Whether a login can succeed with a right password, where a line asks for one.
    fn takes_right_password(&self, ours: Ours) -> bool {
        let mut ends = self.ends(Password::Any, ours).into_iter();
        ends.any(|end| end.is_success && !end.is_wrong)
    }

    /// Whether a login can succeed by this answer of our module and a wrong password; what succeeds
    /// before our module is called is a bypass.
    fn is_enough(&self, ours: Ours) -> bool {
        let mut ends = self.ends(Password::Wrong, ours).into_iter();
        ends.any(|end| end.is_success && end.asked > 0)
    }

    /// Whether a user with a wrong password can be asked for the second factor.
    fn asks_after_wrong_password(&self) -> bool {
        self.has_first_factor()
            && !self.token_in_password
            && self
                .ends(Password::Wrong, Ours::Refuses)
                .iter()
                .any(|end| end.asked > 0)
    }

    /// Returns the line that is to blame when the stack can succeed although our module refuses or
    /// is not called.
    pub(super) fn bypass(&self) -> Option<String> {
        let ends = self.ends(Password::Any, Ours::Refuses);
        let success = ends.into_iter().find(|end| end.is_success)?;
        if success.asked > 0 {
            let line = self.list.iter().find(|line| is_ours(line))?;
            return Some(format!(
                "{}: the control flag is `{}`",
                line.place, line.control
            ));
        }
        let line = self.list.get(success.last?)?;
        let name = line.module().map_or("", |module| &module.name);
        Some(format!(
            "{}: `{} {name}` leads past our line",
            line.place, line.control
        ))
    }

    /// Returns each problem with whether the stack has it, and what to do about it.
    fn problems(&self) -> [(bool, String, String); 6] {
        let right = self.takes_right_password(Ours::Accepts);
        let asks_password = self.has_first_factor();
        let is_twice = |end: &End| end.is_success && end.asked > 1;
        let ours = our_lines(self.list);
        let last = ours
            .last()
            .map_or_else(String::new, |line| line.place.to_string());
        [
            (!right, self.nobody(), self.nobody_hint()),
            (
                right && !asks_password && !self.may_have_first_factor() && !self.has_key,
                "the code alone is enough: no line asks for a password".to_owned(),
                "put `auth requisite pam_unix.so` before our line".to_owned(),
            ),
            (
                asks_password && self.is_enough(Ours::Accepts),
                "the second factor alone is enough: a wrong password is accepted".to_owned(),
                REQUISITE.to_owned(),
            ),
            (
                self.may_ignore && right && !self.takes_right_password(Ours::Ignores),
                "users who need no factor are locked out: all modules answer ignore".to_owned(),
                PERMIT.to_owned(),
            ),
            (
                self.may_ignore && asks_password && self.is_enough(Ours::Ignores),
                "users who need no factor log in with a wrong password".to_owned(),
                format!("{REQUISITE}, and put pam_permit.so only after it"),
            ),
            (
                self.ends(Password::Any, Ours::Accepts).iter().any(is_twice),
                format!(
                    "{last}: our line is there twice: everybody is asked twice, and a code works once"
                ),
                "remove one of the two".to_owned(),
            ),
        ]
    }

    fn nobody(&self) -> String {
        let what = "no login succeeds, even with the right password and second factor";
        match self.broken() {
            Some((place, why)) => format!("{what}: {place}: {why}"),
            None => what.to_owned(),
        }
    }

    fn nobody_hint(&self) -> String {
        match self.broken() {
            Some(_) => "correct or remove that line".to_owned(),
            None => format!("{PERMIT}, and check where its jumps lead"),
        }
    }

    /// Returns the first line that libpam cannot use, and why.
    fn broken(&self) -> Option<(String, String)> {
        self.list.iter().find_map(|line| {
            let why = match &line.kind {
                Kind::Broken(why) => why.clone(),
                Kind::Module(module) if module.is_missing => {
                    let path = module.path.to_string_lossy();
                    format!("there is no module {}", path.escape_debug())
                }
                Kind::Module(_) | Kind::Substack => return None,
            };
            Some((line.place.to_string(), why))
        })
    }
}

#[cfg(test)]
mod tests {
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
            ("polkit-1", "`sufficient pam_rootok.so` ends the stack"),
            ("sshd", "`sufficient pam_rootok.so` ends the stack"),
            ("login", "`sufficient pam_rootok.so` ends the stack"),
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
            messages(&[UNIX, OURS, "auth requisite pam_deny.so"], false)
                .contains("no login succeeds")
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
}
