//! Logins by an SSH security key. sshd has checked the key before it calls PAM, and [`policy`] has
//! found it among those of the person, so that nothing is asked.
//!
//! [`policy`]: super::policy

use super::{Dialog, Login, Step};
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::factor::Factor;
use crate::base::language::Message;
use crate::store::config::Notices;

impl Login<'_> {
    /// The end of a login whose rules accept nothing but a security key, without one. It is the
    /// same for the unenrolled.
    pub(super) fn without_security_key(&self) -> Outcome {
        let reason = if self.is_enrolled() {
            Reason::NoKey
        } else {
            Reason::Unenrolled
        };
        let notice = || self.messages.text(Message::NoSecurityKey);
        Outcome {
            identity: self.factor.identity(),
            last_notice: (self.rules.notices() == Notices::Message).then(notice),
            ..Outcome::new(Verdict::Refused, reason)
                .with_detail("sshd has accepted no security key of the person")
        }
    }
}

impl Dialog<'_> {
    /// Ends the login: the security key is proven. Codes that were refused before are forgotten.
    pub(super) fn run_proven(mut self) -> Outcome {
        self.outcome.factor = Some(Factor::SecurityKey);
        self.login.limits.note_refused();
        match self.accept(Reason::SecurityKey) {
            Step::End(verdict, reason) => self.end(verdict, reason),
            Step::Again | Step::Refused => self.attempts_exhausted(),
        }
    }
}
