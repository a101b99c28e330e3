//! What doctor says of a random host, and which logins contradict or show it.
//!
//! A finding is identified by the name of its check and by words of its message. "ok" is a claim
//! about every person, and so is a check that is silent about a person; "problem" is a claim that
//! one login can show; "warning" and "unknown" explain what they name, and claim nothing.

use serde_json::Value;

use super::accounts::{PEOPLE, Person};
use super::login::{Outcome, Through};
use super::policy::Policy;
use super::sshd::Connection;
use super::stack::Stack;
use super::sudoers::{AS_SVC, FOR_DORA};

/// Problems of sshd that keep a user out.
const LOCKOUTS: [&str; 5] = [
    "nobody gets in",
    "cannot carry a code",
    "KbdInteractiveAuthentication is off",
    "UsePAM is off",
    "an administrator ",
];

/// One finding of doctor.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) result: String,
    pub(super) message: String,
}

impl Finding {
    pub(super) fn of(check: &Value) -> Self {
        let text = |member: &str| check[member].as_str().unwrap().to_owned();
        Self {
            name: text("name"),
            result: text("result"),
            message: text("message"),
        }
    }

    /// Returns the logins that a finding of sshd names: `ada from 10.0.0.1 by FILE:LINE: Match …`.
    pub(super) fn logins(&self) -> Vec<(&'static Person, Connection)> {
        let Some((_, list)) = self.message.rsplit_once(" (") else {
            return Vec::new();
        };
        let logins = list.trim_end_matches(')').split(", ");
        logins
            .filter_map(|login| {
                // Without an address, it is from anywhere.
                let (name, rest) = login.split_once(" from ").unwrap_or((login, "127.0.0.1"));
                let person = PEOPLE.iter().find(|person| person.name == name)?;
                let address = rest.split(' ').next()?;
                Some((person, Connection::new(address, rest)))
            })
            .collect()
    }

    /// Whether a finding of sshd is about a person; where it names a few of many, it may be.
    fn names(&self, person: &Person) -> bool {
        let is_cut = self.message.ends_with(" more)");
        is_cut
            || self
                .logins()
                .iter()
                .any(|(named, _)| named.name == person.name)
    }
}

/// What doctor says of a host, and what is known of it besides.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) findings: Vec<Finding>,
    pub(super) stacks: Vec<Stack>,
    pub(super) policy: Policy,
    pub(super) has_pam: bool,
    /// The people who have a password.
    pub(super) passwords: Vec<&'static str>,
    pub(super) sudoers: String,
}

impl Host {
    /// The stack of a service.
    pub(super) fn stack(&self, service: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.service == service)
    }

    /// Whether a person may use sudo.
    pub(super) fn is_sudoer(&self, person: &Person) -> bool {
        person.is_sudoer && (person.name != "dora" || self.sudoers.contains(FOR_DORA))
    }

    pub(super) fn has_password(&self, person: &Person) -> bool {
        self.passwords.contains(&person.name)
    }

    pub(super) fn is_protected(&self, service: &str) -> bool {
        self.stack(service).is_some_and(|stack| stack.has_ours)
    }

    /// Whether a check says one of `parts` with this result.
    pub(super) fn says(&self, name: &str, result: &str, parts: &[&str]) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| {
            let has = |part: &&str| finding.message.contains(part);
            finding.name == name && finding.result == result && parts.iter().any(has)
        })
    }

    pub(super) fn needs_factor(&self, login: &Outcome) -> bool {
        let service = login.service.as_deref().unwrap_or("sudo");
        let is_nullok = self.stack(service).is_some_and(|stack| stack.is_nullok);
        self.policy
            .needs_factor(login.subject(), service, login.address(), is_nullok)
    }

    /// Returns what contradicts a login that got in.
    pub(super) fn contradiction(&self, login: &Outcome) -> Option<&'static str> {
        if !login.is_in {
            return None;
        }
        match login.through {
            Through::Libpam | Through::Su => self.contradicts_stack(login),
            Through::Sudo => self.contradicts_sudo(login),
            Through::Sshd => self.contradicts_sshd(login),
        }
    }

    fn contradicts_sshd(&self, login: &Outcome) -> Option<&'static str> {
        let has = |method: &str| {
            login
                .methods
                .iter()
                .any(|accepted| accepted.starts_with(method))
        };
        if has("keyboard-interactive") || (has("password") && self.has_pam) {
            return self.contradicts_stack(login);
        }
        let mut problems = self.findings.iter().filter(|finding| {
            let parts = ["alone is enough", "UsePAM is off"];
            finding.name == "sshd"
                && finding.result == "problem"
                && parts.iter().any(|part| finding.message.contains(part))
        });
        let is_said = problems.any(|finding| finding.names(login.person));
        let is_wrong = self.is_protected("sshd") && self.needs_factor(login) && !is_said;
        is_wrong.then_some("sshd lets somebody in without PAM, and doctor does not say so")
    }

    fn contradicts_sudo(&self, login: &Outcome) -> Option<&'static str> {
        let is_asked = login.codes + login.others > 0;
        // A caller who stays the same user is asked for nothing, and gains nothing.
        let target = if login.how.contains("-u svc ") || self.sudoers.contains(AS_SVC) {
            "svc"
        } else {
            "root"
        };
        let is_own = login.person.name == target;
        if !is_asked && (is_own || self.is_named_as_unasked(login)) {
            return None;
        }
        let service = login.service.as_deref().unwrap_or("other");
        if self.is_protected(service) {
            return self.contradicts_stack(login);
        }
        let without = format!("pam {service}");
        // Where no stack of sudo has our line, doctor claims nothing of it.
        let is_said = !self.findings.iter().any(|finding| finding.name == "sudo")
            || self.says("sudo", "problem", &["requires no second factor"])
            || self.says(&without, "ok", &["does not use"]) && !self.says("sudo", "ok", &[""]);
        (!is_said).then_some("sudo uses another stack, and doctor does not say so")
    }

    /// Whether a warning says that sudo asks for nothing there.
    fn is_named_as_unasked(&self, login: &Outcome) -> bool {
        let person = login.person;
        let asked = "is asked for nothing by sudo";
        let findings = self
            .findings
            .iter()
            .filter(|finding| finding.name == "sudo");
        let mut who = findings.filter_map(|finding| {
            let (before, _) = finding.message.split_once(asked)?;
            before.rsplit_once(": ").map(|(_, who)| who.trim())
        });
        who.any(|who| {
            let mut names = who.split(", ");
            names.any(|name| {
                ["ALL", "everybody", person.name].contains(&name)
                    || name.ends_with("who runs some of the commands")
                        && login.how.contains(" true ")
                    || name
                        .strip_prefix("everybody who becomes ")
                        .is_some_and(|target| login.how.contains(&format!("-u {target} ")))
                    || name
                        .strip_prefix('%')
                        .is_some_and(|group| person.groups.contains(&group))
            })
        })
    }

    fn contradicts_stack(&self, login: &Outcome) -> Option<&'static str> {
        let service = login.service.as_deref().unwrap_or("sudo");
        if !self.is_protected(service) {
            return None;
        }
        let check = format!("pam {service}");
        let says = |parts: &[&str]| self.says(&check, "problem", parts);
        let without = "succeeds without the second factor";
        let needs = self.needs_factor(login);
        if needs && !login.has_proven() {
            let is_said = says(&[without]);
            return (!is_said).then_some("the stack lets somebody in without a right code");
        }
        let has_key = login.methods.iter().any(|method| method == "publickey");
        if has_key || login.given.password && self.has_password(login.subject()) {
            return None;
        }
        let is_known = self.says(&check, "unknown", &["whether a password is required"])
            || self.says(&check, "ok", &["a key must be"])
            || says(&[without, "the code alone is enough"]);
        let is_said = is_known
            || if needs {
                says(&["the second factor alone is enough"])
            } else {
                says(&["log in with a wrong password"])
            };
        (!is_said).then_some("the stack takes a wrong password, and doctor does not say so")
    }

    /// Whether a login shows a problem of a stack; a claim that no one gets in is not checked here.
    pub(super) fn shows_stack(&self, problem: &Finding, login: &Outcome) -> bool {
        let says = |part: &str| problem.message.contains(part);
        let (needs, has_proven) = (self.needs_factor(login), login.has_proven());
        if !login.is_in {
            return false;
        }
        if says("succeeds without the second factor") {
            !has_proven && needs
        } else if says("the code alone is enough") || says("second factor alone is enough") {
            needs && has_proven && !login.given.password
        } else if says("log in with a wrong password") {
            !needs && !login.given.password
        } else {
            says("our line is there twice") && login.codes > 1
        }
    }

    /// Whether a login shows a problem of sshd.
    pub(super) fn shows_sshd(&self, problem: &Finding, login: &Outcome) -> bool {
        let says = |part: &str| problem.message.contains(part);
        let is_complete = login.given.password && login.given.code;
        let by_key = login.methods.iter().all(|method| method == "publickey");
        if says("without any proof") {
            login.is_in && !login.given.password && !login.given.code
        } else if says("alone is enough") {
            login.is_in && by_key
        } else if says("requires only a code") {
            login.is_in && !by_key && !login.given.password
        } else if says("UsePAM is off") {
            login.is_in && login.codes == 0 || is_complete && !login.is_in
        } else if says("KbdInteractiveAuthentication is off") {
            is_complete && login.codes == 0
        } else {
            is_complete && !login.is_in
        }
    }

    /// Whether a login shows a problem of sudo.
    pub(super) fn shows_sudo(&self, login: &Outcome) -> bool {
        let service = login.service.as_deref().unwrap_or("other");
        login.is_in && !login.given.code && !self.is_protected(service)
    }

    /// Whether doctor says why sshd keeps a person out.
    pub(super) fn says_lockout(&self, person: &Person) -> bool {
        let of_sshd = self
            .findings
            .iter()
            .filter(|finding| finding.name == "sshd");
        let mut of_person = of_sshd.filter(|finding| finding.names(person));
        of_person.any(|finding| {
            finding.result == "unknown"
                || LOCKOUTS.iter().any(|part| finding.message.contains(part))
        })
    }
}
