//! What is wrong with a stack that has our module: who would be locked out, and who could log in
//! without a factor.

use std::collections::BTreeSet;

use super::answers::{Ours, Password, answers, is_first_factor, is_unknown, leaves_password};
use super::outcomes::{End, ends};
use super::{is_ours, our_lines};
use crate::commands::doctor::Finding;
use crate::commands::stack::{Files, Handler, read};

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
        let mut lines = self.list.iter();
        lines.find_map(|line| Some((line.place.to_string(), line.fault()?)))
    }
}

#[cfg(test)]
mod tests;
