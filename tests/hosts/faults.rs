//! What doctor and the logins of a random host do not agree about.

use super::login::{Outcome, Through};
use super::policy::Policy;
use super::round::{Round, TRIES};
use super::show::NOT_STARTED;
use super::stack::SERVICES;

impl Round<'_> {
    /// Returns everything that doctor and the logins do not agree about.
    pub(super) fn faults(&mut self) -> Vec<String> {
        let mut faults = Vec::new();
        for login in &self.logins {
            if let Some(why) = self.host.contradiction(login) {
                faults.push(format!("{why}: {login:?}"));
            }
        }
        faults.extend(
            self.unshown
                .iter()
                .map(|problem| format!("no login shows {problem:?}")),
        );
        for service in SERVICES {
            let is_protected = self.host.is_protected(service);
            faults.extend(is_protected.then(|| self.lockout(service)).flatten());
        }
        let of_sshd = self.logins.iter();
        faults.extend(of_sshd.filter_map(|login| self.lockout_of_sshd(login)));
        let of_sudo = self.logins.iter();
        faults.extend(of_sudo.filter_map(|login| self.lockout_of_sudo(login)));
        let is_said = self.host.says("sshd", "problem", &[NOT_STARTED]);
        if !self.has_sshd && self.host.is_protected("sshd") && !is_said {
            faults.push("sshd does not start, and doctor does not say so".to_owned());
        }
        faults
    }

    /// A stack that refuses all who have everything, or all who need no factor.
    fn lockout(&mut self, service: &'static str) -> Option<String> {
        let logins = self.logins.iter().filter(|login| {
            login.through == Through::Libpam
                && login.service.as_deref() == Some(service)
                && login.given == TRIES[0]
                && self.host.has_password(login.person)
        });
        let (needing, free): (Vec<_>, Vec<_>) =
            logins.partition(|login| self.host.needs_factor(login));
        let is_closed =
            |logins: &[&Outcome]| !logins.is_empty() && !logins.iter().any(|login| login.is_in);
        let name = format!("pam {service}");
        if self
            .host
            .says(&name, "problem", &["no login succeeds", "/etc/pam.d/"])
        {
            return None;
        }
        let enrolled: Vec<_> = needing
            .into_iter()
            .filter(|login| login.person.is_enrolled)
            .collect();
        let is_said = self.host.says(&name, "problem", &["are locked out"]);
        let (is_closed_to_all, is_closed_to_free) =
            (is_closed(&enrolled), is_closed(&free) && !is_said);
        // A list that refuses those people may let others in.
        let mut is_fault = |policy| !self.gets_in_elsewhere(service, policy);
        if is_closed_to_all && is_fault(Policy::default()) {
            return Some(format!(
                "{service}: nobody gets in, and doctor does not say so"
            ));
        }
        (is_closed_to_free && is_fault(Policy::exempting(service))).then(|| {
            format!("{service}: who needs no factor does not get in, and doctor does not say so")
        })
    }

    /// An administrator that sudo refuses although its stack would not, while doctor says that all
    /// is right.
    fn lockout_of_sudo(&self, login: &Outcome) -> Option<String> {
        let is_login = login.how.contains("sudo -i ");
        let service = if is_login { "sudo-i" } else { "sudo" };
        let is_copy = self.host.stack(service)?.is_copy;
        let service = if is_copy { "sudo" } else { service };
        let of_stack = |known: &&Outcome| {
            known.through == Through::Libpam
                && known.service.as_deref() == Some(service)
                && known.person.name == login.person.name
                && known.given == TRIES[0]
        };
        let mut of_sudo = self.host.findings.iter();
        let is_said = of_sudo.any(|finding| finding.name == "sudo" && finding.result != "ok");
        let is_out = login.through == Through::Sudo
            && login.given == TRIES[0]
            && !login.is_in
            && !login.is_barred
            && !is_said
            && self.host.is_protected(service)
            && self.logins.iter().find(of_stack)?.is_in;
        is_out.then(|| format!("sudo refuses an administrator, and doctor is silent: {login:?}"))
    }

    /// An administrator that sshd keeps out although the stack would not.
    fn lockout_of_sshd(&self, login: &Outcome) -> Option<String> {
        let is_complete = login.given.password
            && login.given.code
            && login.given.key == self.keys.contains(&login.person.name);
        let of_stack = |known: &&Outcome| {
            known.through == Through::Libpam
                && known.service.as_deref() == Some("sshd")
                && known.person.name == login.person.name
                && known.given == TRIES[0]
        };
        let person = login.person;
        let is_out = login.through == Through::Sshd
            && !login.is_in
            && is_complete
            && !login.is_barred
            && self.host.is_sudoer(person)
            && person.name != "root"
            && self.host.is_protected("sshd")
            && !self
                .host
                .says("pam sshd", "problem", &["without the second factor"])
            && self
                .logins
                .iter()
                .find(of_stack)
                .is_some_and(|known| known.is_in)
            && !self.host.says_lockout(person);
        is_out.then(|| {
            format!("sshd keeps an administrator out, and doctor does not say so: {login:?}")
        })
    }
}
