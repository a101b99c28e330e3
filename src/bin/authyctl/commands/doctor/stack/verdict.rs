//! What is wrong with a stack that holds our module: who would be locked out, and who would get in.

use super::control::{IGNORE, SUCCESS};
use super::simulate::Stack;
use crate::commands::doctor::{Check, Level};

impl Stack<'_> {
    /// Everything that is wrong; one `ok` when nothing is.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let (name, pam) = (self.service, format!("pam {}", self.service));
        let faults = self.faults();
        if faults.is_empty() {
            let message = format!("{name}: password and token are both needed");
            return vec![Check::new(&pam, Level::Ok, message)];
        }
        let check =
            |(level, what, hint)| Check::new(&pam, level, format!("{name}: {what}")).hint(hint);
        faults.into_iter().map(check).collect()
    }

    /// What is wrong, and what to do about it.
    fn faults(&self) -> Vec<(Level, String, &'static str)> {
        let mut found = Vec::new();
        let mut say = |level, what: &str, hint| found.push((level, what.to_owned(), hint));
        if let Some(reason) = self.goes_round() {
            say(
                Level::Problem,
                &format!("somebody gets in whom Authy refused: {reason}"),
                "our line is `auth required pam_authy.so`, and no `sufficient` or jump leads past it",
            );
        }
        if !self.can_pass(SUCCESS, true) {
            say(
                Level::Problem,
                "nobody gets in, with a right password and a right token either",
                "end the stack with `auth required pam_permit.so`, and see where its jumps lead",
            );
        }
        if self.has_first_factor() && self.can_pass(SUCCESS, false) {
            say(
                Level::Problem,
                "a token alone lets in, with a wrong password",
                "make the line of the password `requisite`",
            );
        }
        if self.ignorable && self.can_pass(IGNORE, true) != self.can_pass(SUCCESS, true) {
            say(
                Level::Problem,
                "whoever is let pass without a factor is locked out: all modules answer ignore",
                "end the stack with `auth required pam_permit.so`",
            );
        }
        if self.ignorable && self.has_first_factor() && self.can_pass(IGNORE, false) {
            say(
                Level::Problem,
                "whoever is let pass without a factor gets in with a wrong password",
                "make the line of the password `requisite`, and put pam_permit.so behind it only",
            );
        }
        if self.has_first_factor() && self.strangers_reach_us() && !self.token_in_password {
            say(
                Level::Warning,
                "a wrong password still comes to the second factor, so strangers can cause SMS",
                "make the line of the password `requisite`",
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::read;
    use super::*;

    fn fixtures(system: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/pam.d")
            .join(system)
    }

    fn worst(folder: &Path, service: &str, ignorable: bool) -> Vec<(Level, String)> {
        let entries = read(folder, service).unwrap();
        Stack::new(service, &entries, ignorable)
            .checks()
            .into_iter()
            .map(|check| (check.level, check.message))
            .collect()
    }

    /// What is said of a stack of these lines.
    fn said(lines: &[&str], ignorable: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), lines.join("\n")).unwrap();
        let all = worst(folder.path(), "x", ignorable);
        all.into_iter().map(|(_, message)| message + "\n").collect()
    }

    const UNIX: &str = "auth requisite pam_unix.so";
    const OURS: &str = "auth required pam_authy.so";
    const PERMIT: &str = "auth required pam_permit.so";

    #[test]
    fn the_stacks_of_the_readme_are_right() {
        for ignorable in [false, true] {
            assert!(said(&[UNIX, OURS, PERMIT], ignorable).contains("both needed"));
            assert!(said(&[OURS, PERMIT], ignorable).contains("both needed"));
        }
    }

    #[test]
    fn a_sufficient_password_before_us_is_a_way_round() {
        let said = said(&["auth sufficient pam_unix.so", OURS], false);
        assert!(
            said.contains("whom Authy refused") && said.contains("sufficient pam_unix.so"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_control_flag_is_a_way_round() {
        for control in ["optional", "sufficient", "[success=ok default=ignore]"] {
            let said = said(
                &[UNIX, &format!("auth {control} pam_authy.so"), PERMIT],
                false,
            );
            assert!(said.contains("the control flag is"), "{control}: {said}");
        }
    }

    #[test]
    fn a_missing_permit_locks_out_whoever_passes_without_a_factor() {
        assert!(said(&[OURS], true).contains("all modules answer ignore"));
        assert!(said(&[OURS], false).contains("both needed"));
    }

    #[test]
    fn a_required_password_lets_strangers_cause_sms() {
        let said = said(&["auth required pam_unix.so", OURS, PERMIT], false);
        assert!(said.contains("strangers can cause SMS"), "{said}");
    }

    #[test]
    fn an_optional_password_makes_the_token_enough() {
        let said = said(&["auth optional pam_unix.so", OURS], false);
        assert!(said.contains("a token alone lets in"), "{said}");
    }

    #[test]
    fn a_password_that_an_unknown_name_skips_makes_the_token_enough() {
        for control in [
            "[success=ok user_unknown=ignore default=die]",
            "[success=ok authinfo_unavail=ignore default=die]",
        ] {
            let said = said(&[&format!("auth {control} pam_sss.so"), OURS], false);
            assert!(said.contains("a token alone lets in"), "{control}: {said}");
        }
    }

    #[test]
    fn a_permit_in_the_wrong_place_is_found() {
        let before = said(&["auth sufficient pam_permit.so", OURS], false);
        assert!(before.contains("whom Authy refused"), "{before}");
        let jumped = "auth [success=1 default=ignore] pam_permit.so";
        let over = said(&[UNIX, jumped, OURS, PERMIT], false);
        assert!(over.contains("whom Authy refused"), "{over}");
        let last = said(&[UNIX, OURS, "auth sufficient pam_permit.so"], false);
        assert!(last.contains("both needed"), "{last}");
        let optional = "auth optional pam_authy.so";
        let weak = said(&[UNIX, PERMIT, optional], false);
        assert!(weak.contains("the control flag is `optional`"), "{weak}");
    }

    #[test]
    fn a_deny_that_is_always_met_locks_everybody_out() {
        assert!(
            said(&[UNIX, OURS, "auth requisite pam_deny.so"], false).contains("nobody gets in")
        );
    }

    #[test]
    fn the_stacks_of_distributions_are_understood() {
        for (system, expected) in [
            ("debian", "both needed"),
            ("arch", "both needed"),
            // `sufficient` lines of an included file end the stack before us.
            ("fedora", "whom Authy refused"),
            ("fedora-fixed", "both needed"),
        ] {
            let all = worst(&fixtures(system), "sshd", false);
            assert!(
                all.iter().any(|(_, message)| message.contains(expected)),
                "{system}: {all:?}"
            );
        }
    }
}
