//! The push: have the phone ask, look at its answer, and show a code against approvals out of habit.
//!
//! sshd shows no text without a prompt, so a push is looked at for some ten seconds and then the prompt
//! comes: approve and press Enter, or type a token. Every push ends by itself after `push_seconds`, so
//! that one of a login that was given up is not left to be approved by mistake.

use std::time::{Duration, Instant};

use super::{Dialog, Step};
use crate::base::attempt::{Reason, Verdict};
use crate::base::factor::{Error, ErrorKind, Factor, PushAnswer, PushRequest};
use crate::base::language::Message;
use crate::base::secret::Secret;
use crate::base::text;
use crate::store::limits::Costly;

/// How long a push is looked at before the person is asked.
const LOOK: Duration = Duration::from_secs(10);
/// How often.
const POLL: Duration = Duration::from_millis(1500);
/// The longest question, in characters.
const QUESTION: usize = 199;

/// The pushes of one login.
pub(super) struct Pushes {
    left: u32,
    /// Whether the person has the app, once that was asked.
    pub(super) has_app: Option<bool>,
    /// The push that waits for its answer.
    pub(super) pending: Option<Pending>,
}

/// A push that waits.
pub(super) struct Pending {
    code: Option<Secret>,
    expires: Instant,
}

impl Pushes {
    pub(super) fn new(requests: u32) -> Self {
        Self {
            left: requests,
            has_app: None,
            pending: None,
        }
    }
}

impl Dialog<'_> {
    /// Sends a push, or looks again at the one that waits.
    pub(super) fn push(&mut self) -> Step {
        let until = self.login.clock.now() + LOOK;
        if self.pushes.pending.is_some() {
            return self.look(until);
        }
        if self.pushes.left == 0 {
            return self.refuse(Message::PushSpent);
        }
        self.pushes.left -= 1;
        if let Err(next) = self.send_push() {
            return next;
        }
        let sent = self.login.messages.text(Message::PushSent);
        self.login.conversation.show_notice(&sent);
        self.login.clock.sleep(POLL);
        self.look(until)
    }

    /// Has the phone ask. For somebody who is not enrolled it is as if it did.
    fn send_push(&mut self) -> Result<(), Step> {
        // Where nothing else is taken, the request itself tells whether there is an app.
        if self.login.takes_tokens() {
            self.look_for_app()?;
        }
        if let Err(error) = self.login.limits.acquire(Costly::Push) {
            let message = self.limit_reached(error, Message::PushFailed);
            return Err(self.no_push(message, Reason::Limited));
        }
        let code = self.code()?;
        let question = self.question(code.as_ref());
        let had_full_timeout = self.had_full_timeout();
        let login = &mut self.login;
        match login.factor.push(&question, login.deadline) {
            Ok(()) => {
                let expires = login.clock.now() + login.rules.push_wait;
                self.pushes.pending = Some(Pending { code, expires });
                Ok(())
            }
            Err(error) => {
                // One whose answer was lost may be on the phone.
                if !error.maybe_delivered {
                    login.limits.release(Costly::Push);
                }
                Err(self.push_failed(error, had_full_timeout))
            }
        }
    }

    fn look_for_app(&mut self) -> Result<(), Step> {
        let has_app = match self.pushes.has_app {
            Some(known) => known,
            None => match self.login.factor.has_app(self.login.deadline) {
                Ok(known) => known,
                Err(error) => return Err(self.push_failed(error, false)),
            },
        };
        self.pushes.has_app = Some(has_app);
        if has_app {
            Ok(())
        } else {
            self.queue_notice(Message::PushNoApp);
            Err(Step::Again)
        }
    }

    /// The code that the push shows and the prompt asks for.
    fn code(&mut self) -> Result<Option<Secret>, Step> {
        if !self.login.rules.push_code {
            return Ok(None);
        }
        match (self.login.random)(1000) {
            Some(number) => Ok(Some(Secret::new(format!("{number:03}")))),
            None => {
                self.outcome.detail = Some("no random number for the code of the push".into());
                Err(Step::End(Verdict::Failed, Reason::Process))
            }
        }
    }

    fn question(&self, code: Option<&Secret>) -> PushRequest {
        let login = &self.login;
        let message = login.messages.text(Message::PushQuestion);
        let code = code.map(|code| ("Code".to_owned(), code.expose().to_owned()));
        PushRequest {
            message: text::sanitize_to(&message, QUESTION),
            details: login.details.iter().cloned().chain(code).collect(),
            seconds: u32::try_from(login.rules.push_wait.as_secs()).unwrap_or(u32::MAX),
        }
    }

    /// Looks at the waiting push until it is answered, is over, or it is time for the prompt, which
    /// comes at `until` whoever is asked.
    fn look(&mut self, until: Instant) -> Step {
        let Some(expires) = self.pushes.pending.as_ref().map(|pending| pending.expires) else {
            return Step::Again;
        };
        loop {
            match self.login.factor.push_answer(self.login.deadline) {
                Ok(PushAnswer::Approved) => return self.approved(),
                Ok(PushAnswer::Denied) => {
                    self.outcome.factor = Some(Factor::Push);
                    return Step::End(Verdict::Refused, Reason::PushDenied);
                }
                Ok(PushAnswer::Expired) => return self.push_expired(),
                Ok(PushAnswer::Pending) => {}
                // The next look may be answered; the push lives on at the provider's.
                Err(error) if error.kind == ErrorKind::Unavailable => {}
                Err(error) => return self.push_lost(&error),
            }
            let now = self.login.clock.now();
            if self.login.deadline.is_over(now) {
                return Step::End(Verdict::Refused, Reason::Deadline);
            }
            if now >= expires {
                return self.push_expired();
            }
            let next = (now + POLL).min(expires);
            if next >= until && until + POLL < expires {
                self.login.clock.sleep_until(until);
                return Step::Again;
            }
            self.login.clock.sleep_until(next);
        }
    }

    /// The phone said yes; an answer that came after the deadline is none.
    fn approved(&mut self) -> Step {
        self.outcome.factor = Some(Factor::Push);
        let code = self.pushes.pending.take().and_then(|pending| pending.code);
        if self.login.deadline.is_over(self.login.clock.now()) {
            return Step::End(Verdict::Refused, Reason::Deadline);
        }
        match code {
            None => {
                self.outcome.attempts += 1;
                self.accept(Reason::PushApproved)
            }
            Some(code) => self.ask_code(&code),
        }
    }

    /// Asks for the code that the push showed: one guess, which counts as a token does.
    fn ask_code(&mut self, code: &Secret) -> Step {
        let prompt = self.login.messages.text(Message::PromptCode);
        let typed = match self.read(&prompt, true) {
            Ok(typed) => typed,
            Err((verdict, reason)) => return Step::End(verdict, reason),
        };
        if let Err(error) = self.login.limits.acquire_code() {
            return self.pause(error);
        }
        if typed.is_some_and(|typed| typed.expose() == code.expose()) {
            self.outcome.attempts += 1;
            return self.accept(Reason::PushApproved);
        }
        self.outcome.reason = Reason::WrongCode;
        self.refuse(Message::NotAccepted)
    }

    fn push_expired(&mut self) -> Step {
        self.pushes.pending = None;
        self.no_push(Message::PushExpired, Reason::PushExpired)
    }

    /// A push whose answer cannot be had any more.
    fn push_lost(&mut self, error: &Error) -> Step {
        self.pushes.pending = None;
        self.outcome.detail = Some(format!("push: {}", error.detail));
        self.no_push(Message::PushFailed, Reason::PushExpired)
    }

    /// A request that failed: said at the prompt, and the login goes on; where no token is taken it is
    /// judged as a token's verify is.
    fn push_failed(&mut self, error: Error, had_full_timeout: bool) -> Step {
        if self.login.takes_tokens() {
            self.outcome.detail = Some(format!("no push: {}", error.detail));
            self.queue_notice(Message::PushFailed);
            return Step::Again;
        }
        self.outcome.factor = Some(Factor::Push);
        match self.refused_by_provider(error, had_full_timeout) {
            Step::Refused => self.no_push(Message::PushNoApp, Reason::PushExpired),
            next => next,
        }
    }

    /// No push is to be waited for: no attempt beside a token prompt, else a refused reply.
    fn no_push(&mut self, message: Message, reason: Reason) -> Step {
        self.outcome.reason = reason;
        if self.login.takes_tokens() {
            self.queue_notice(message);
            return Step::Again;
        }
        self.refuse(message)
    }
}
