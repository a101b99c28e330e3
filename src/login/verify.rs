//! Checks what the person types: a code at the provider, a recovery code in the state folder.
//!
//! A code is counted as refused before it is sent, so that killing the process gives no further
//! guess; one that cannot be counted is not sent. A code is accepted only by an explicit yes of the
//! provider. These are methods of `Dialog`; push.rs uses the error handling too.

use super::policy::OnOutage;
use super::{Dialog, Step};
use crate::base::attempt::{Reason, Verdict};
use crate::base::factor::{Code, Error, ErrorKind, Factor, Progress};
use crate::base::language::Message;
use crate::base::reply::RecoveryCode;
use crate::store::limits;
use crate::store::state::Failure;

impl Dialog<'_> {
    /// Counts a code as refused, verifies it, and takes the count back if it was accepted, or if no
    /// byte of it left this host.
    pub(super) fn try_code(&mut self, code: &Code) -> Step {
        if let Err(error) = self.login.limits.acquire_code() {
            return self.code_limit_reached(error);
        }
        if let Some(left) = self.redeem_digits(code) {
            self.login.limits.release_code();
            return self.recovered(left);
        }
        let step = match self.verify(code) {
            Ok(step) => step,
            Err(paused) => return self.code_limit_reached(paused),
        };
        match step {
            Step::Refused => self.refuse_code(Reason::WrongCode, Message::NotAccepted),
            step => {
                self.outcome.attempts += 1;
                step
            }
        }
    }

    /// Handles a code that may not be verified now. During a pause the reply is refused and the
    /// login goes on, so that the person can still type a recovery code.
    pub(super) fn code_limit_reached(&mut self, error: limits::Error) -> Step {
        match error {
            limits::Error::Limit { detail } => {
                self.outcome.detail = Some(detail);
                self.refuse_code(Reason::Limited, Message::Paused)
            }
            limits::Error::State(failure) => self.state_failed(failure),
        }
    }

    /// Ends the login because the state folder cannot be used.
    fn state_failed(&mut self, failure: Failure) -> Step {
        let (detail, reason) = match failure {
            Failure::Process(detail) => (detail, Reason::Process),
            Failure::Disk(detail) | Failure::State(detail) => (detail, Reason::State),
        };
        self.outcome.attempts += 1;
        self.outcome.detail = Some(detail);
        Step::End(Verdict::Failed, reason)
    }

    /// Asks the second factor whether the code is right. A decoy always says no.
    ///
    /// # Errors
    /// The factor checks no codes for now.
    fn verify(&mut self, code: &Code) -> Result<Step, limits::Error> {
        if self.login.is_enrolled() {
            self.outcome.factor = Some(Factor::Token);
        }
        let had_full_timeout = self.had_full_timeout();
        let login = &mut self.login;
        let verified = login.factor.verify(code, login.deadline);
        self.outcome.identity = login.factor.identity();
        let error = match verified {
            Ok(()) => return Ok(self.accept(Reason::CodeAccepted)),
            Err(error) => error,
        };
        if error.progress == Progress::NotSent {
            self.login.limits.release_code();
        }
        match error.kind {
            ErrorKind::Paused => Err(limits::Error::Limit {
                detail: error.detail,
            }),
            _ => Ok(self.provider_error(error, had_full_timeout)),
        }
    }

    /// Ends the login: the factor is proven.
    pub(super) fn accept(&mut self, reason: Reason) -> Step {
        self.outcome.code = None;
        self.outcome.identity = self.login.factor.identity();
        let is_code = match reason {
            Reason::CodeAccepted => true,
            // The code that the push showed.
            Reason::PushApproved => self.login.rules.push_code,
            _ => false,
        };
        self.refused_since = self.login.limits.code_accepted(is_code);
        if reason == Reason::PushApproved {
            self.login.limits.push_approved();
        }
        Step::End(Verdict::Accepted, reason)
    }

    /// Whether a request that starts now can take its full timeout. The person decides when to
    /// answer; a request that the deadline cuts short is therefore no outage.
    pub(super) fn had_full_timeout(&self) -> bool {
        let login = &self.login;
        login.deadline.remaining(login.clock.now()) >= login.request_timeout
    }

    /// Decides what an error of the second factor means for the login. Returns [`Step::Refused`]
    /// without counting an attempt. `had_full_timeout` is the result of
    /// [`Dialog::had_full_timeout`] before the request.
    pub(super) fn provider_error(&mut self, error: Error, had_full_timeout: bool) -> Step {
        self.outcome.code = error.code;
        let kind = error.kind;
        if kind != ErrorKind::Refused {
            self.outcome.detail = Some(error.detail);
        }
        match kind {
            ErrorKind::Refused | ErrorKind::Unexpected | ErrorKind::Paused => Step::Refused,
            ErrorKind::PersonRefused => Step::End(Verdict::Refused, Reason::Suspended),
            ErrorKind::PersonUnknown => Step::End(Verdict::Refused, Reason::UnknownToProvider),
            ErrorKind::RateLimited => Step::End(Verdict::AttemptsExhausted, Reason::RateLimited),
            ErrorKind::KeyRefused => Step::End(Verdict::Failed, Reason::KeyRefused),
            ErrorKind::ApplicationRefused => Step::End(Verdict::Failed, Reason::ApplicationRefused),
            ErrorKind::UntrustedServer => Step::End(Verdict::Unavailable, Reason::UntrustedServer),
            ErrorKind::Configuration => Step::End(Verdict::Failed, Reason::Configuration),
            ErrorKind::Process => Step::End(Verdict::Failed, Reason::Process),
            ErrorKind::State => Step::End(Verdict::Failed, Reason::State),
            ErrorKind::Unavailable => self.unavailable(had_full_timeout),
        }
    }

    /// Ends the login without an answer of the provider: refused if the deadline has passed,
    /// otherwise as the policy says. A request that the deadline cut short is never ignored: a
    /// person who waits until the last moment must not be able to cause an outage.
    fn unavailable(&mut self, had_full_timeout: bool) -> Step {
        let login = &self.login;
        if login.deadline.is_over(login.clock.now()) {
            return Step::End(Verdict::Refused, Reason::Deadline);
        }
        match login.on_outage {
            OnOutage::Ignore if had_full_timeout => Step::End(Verdict::Ignored, Reason::Outage),
            OnOutage::Ignore => Step::End(Verdict::Refused, Reason::Deadline),
            OnOutage::Deny => Step::End(Verdict::Unavailable, Reason::NoAnswer),
            OnOutage::NoNetwork => {
                self.outcome.detail =
                    Some("this process sees no network interface but loopback".to_owned());
                Step::End(Verdict::Failed, Reason::Process)
            }
        }
    }

    /// Redeems 8 digits as a recovery code that was imported; they are counted already. Returns how
    /// many codes are left. `None`: no recovery code matches, or they cannot be read; the digits may
    /// still be a code of an app.
    fn redeem_digits(&mut self, code: &Code) -> Option<usize> {
        let code = RecoveryCode::from_digits(code.digits())?;
        let is_enrolled = self.login.is_enrolled();
        let recovery = self.login.recovery.as_mut().filter(|_| is_enrolled)?;
        recovery.redeem(&code).ok().flatten()
    }

    /// Ends the login: a recovery code is used up.
    fn recovered(&mut self, left: usize) -> Step {
        self.outcome.attempts += 1;
        self.outcome.factor = Some(Factor::Recovery);
        self.outcome.detail = Some(format!("a recovery code was used, {left} are left"));
        self.recovery_left = Some(left);
        self.accept(Reason::RecoveryCode)
    }

    /// Checks a recovery code and uses it up. This needs no provider, so it works during an outage.
    pub(super) fn redeem(&mut self, code: &RecoveryCode) -> Step {
        let is_enrolled = self.login.is_enrolled();
        let redeemed = match &mut self.login.recovery {
            Some(recovery) if is_enrolled => {
                self.login.limits.note_refused();
                recovery.redeem(code)
            }
            _ => Ok(None),
        };
        match redeemed {
            Ok(Some(left)) => self.recovered(left),
            Ok(None) => self.refuse_code(Reason::WrongCode, Message::NotAccepted),
            Err(failure) => self.state_failed(failure),
        }
    }
}
