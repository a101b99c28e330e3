//! Proofs that are typed: tokens, which the provider is asked about, and recovery codes.

use super::{Dialog, Step};
use crate::base::attempt::{Reason, Verdict};
use crate::base::factor::{Code, Error, ErrorKind, Factor};
use crate::base::language::Message;
use crate::base::reply::RecoveryCode;
use crate::login::policy;
use crate::store::config::Fallback;
use crate::store::limits;
use crate::store::state::Failure;

impl Dialog<'_> {
    /// Counts a token as refused, asks about it, and takes that back unless it was.
    pub(super) fn try_code(&mut self, code: &Code) -> Step {
        if let Err(error) = self.login.limits.acquire_code() {
            return self.pause(error);
        }
        match self.verify(code) {
            Step::Refused => {
                self.outcome.reason = Reason::WrongCode;
                self.refuse(Message::NotAccepted)
            }
            next => {
                self.outcome.attempts += 1;
                next
            }
        }
    }

    /// A token that may not be asked about now. A pause is a refused reply, so that a recovery code may
    /// still be typed.
    pub(super) fn pause(&mut self, error: limits::Error) -> Step {
        match error {
            limits::Error::Limit { detail } => {
                self.outcome.detail = Some(detail);
                self.outcome.reason = Reason::Limited;
                self.refuse(Message::Paused)
            }
            limits::Error::State(fault) => self.state_failed(fault),
        }
    }

    /// What is kept across calls cannot be used.
    fn state_failed(&mut self, fault: Failure) -> Step {
        let (detail, reason) = match fault {
            Failure::Process(detail) => (detail, Reason::Process),
            Failure::Disk(detail) | Failure::State(detail) => (detail, Reason::State),
        };
        self.outcome.attempts += 1;
        self.outcome.detail = Some(detail);
        Step::End(Verdict::Failed, reason)
    }

    /// Asks the provider about a token; for somebody who is not enrolled the answer is no.
    fn verify(&mut self, code: &Code) -> Step {
        if self.login.is_enrolled() {
            self.outcome.factor = Some(Factor::Token);
        }
        let had_full_timeout = self.had_full_timeout();
        let login = &mut self.login;
        match login.factor.verify(code, login.deadline) {
            Ok(()) => self.accept(Reason::CodeAccepted),
            Err(error) => {
                if error.kind != ErrorKind::Refused {
                    self.login.limits.release_code();
                }
                self.refused_by_provider(error, had_full_timeout)
            }
        }
    }

    /// The person has proven who they are.
    pub(super) fn accept(&mut self, reason: Reason) -> Step {
        self.outcome.code = None;
        self.login.limits.code_accepted();
        Step::End(Verdict::Accepted, reason)
    }

    /// Whether a request can have its full time: one that the deadline cuts short is the person's doing
    /// and never an outage.
    pub(super) fn had_full_timeout(&self) -> bool {
        let login = &self.login;
        login.deadline.remaining(login.clock.now()) >= login.request_timeout
    }

    /// What a provider's error means for the login; `had_full_timeout` as [`Dialog::has_whole_request`] said before
    /// the request.
    pub(super) fn refused_by_provider(&mut self, error: Error, had_full_timeout: bool) -> Step {
        self.outcome.code = error.code;
        let kind = error.kind;
        if kind != ErrorKind::Refused {
            self.outcome.detail = Some(error.detail);
        }
        match kind {
            ErrorKind::Refused => Step::Refused,
            ErrorKind::PersonRefused => Step::End(Verdict::Refused, Reason::Suspended),
            ErrorKind::PersonUnknown => Step::End(Verdict::Refused, Reason::UnknownToProvider),
            ErrorKind::RateLimited => Step::End(Verdict::AttemptsExhausted, Reason::RateLimited),
            ErrorKind::KeyRefused => Step::End(Verdict::Failed, Reason::KeyRefused),
            ErrorKind::ApplicationRefused => Step::End(Verdict::Failed, Reason::ApplicationRefused),
            ErrorKind::UntrustedServer => Step::End(Verdict::Unavailable, Reason::UntrustedServer),
            ErrorKind::Configuration => Step::End(Verdict::Failed, Reason::Configuration),
            ErrorKind::Process => Step::End(Verdict::Failed, Reason::Process),
            ErrorKind::Unavailable => self.unavailable(had_full_timeout),
        }
    }

    fn unavailable(&self, had_full_timeout: bool) -> Step {
        let login = &self.login;
        let over = login.deadline.is_over(login.clock.now());
        if over {
            Step::End(Verdict::Refused, Reason::Deadline)
        } else if policy::passes_outage(login.rules.when_unavailable, had_full_timeout) {
            Step::End(Verdict::Ignored, Reason::Outage)
        } else if login.rules.when_unavailable == Fallback::Ignore {
            Step::End(Verdict::Refused, Reason::Deadline)
        } else {
            Step::End(Verdict::Unavailable, Reason::NoAnswer)
        }
    }

    /// Uses a recovery code up. No provider is asked, so that it works on the day when there is none.
    pub(super) fn redeem(&mut self, code: &RecoveryCode) -> Step {
        let is_enrolled = self.login.is_enrolled();
        let redeemed = match &mut self.login.recovery {
            Some(recovery) if is_enrolled => recovery.redeem(code),
            _ => Ok(None),
        };
        match redeemed {
            Ok(Some(left)) => {
                self.outcome.attempts += 1;
                self.outcome.factor = Some(Factor::Recovery);
                self.outcome.detail = Some(format!("a recovery code was used, {left} are left"));
                let told =
                    (self.login.messages).text_with(Message::RecoveryLeft, &left.to_string());
                self.login.conversation.show_notice(&told);
                self.accept(Reason::RecoveryCode)
            }
            Ok(None) => self.refuse(Message::NotAccepted),
            Err(fault) => self.state_failed(fault),
        }
    }
}
