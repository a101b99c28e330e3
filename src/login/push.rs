//! The push: sends it, polls for the answer, and optionally asks for the code that the phone shows,
//! to protect against approval out of habit.
//!
//! Many applications show no text without a prompt. A push is therefore polled for ten seconds,
//! then the prompt comes: approve and press Enter, or type a code. Enter polls for three seconds
//! more, so that a person who has just approved need not press it twice. A push that expires by
//! then is polled until it expires, and with `token_in_password`, which has no prompt, polling
//! continues. Every push expires by itself after `push_seconds`, so that the push of an abandoned
//! login cannot be approved by mistake later. The provider's answers are checked by its client.

use std::time::{Duration, Instant};

use super::{Dialog, Step};
use crate::base::attempt::{Reason, Verdict};
use crate::base::factor::{Error, ErrorKind, Factor, Progress, PushAnswer, PushRequest};
use crate::base::language::Message;
use crate::base::question::Kind;
use crate::base::secret::Secret;
use crate::base::text;
use crate::store::limits::Costly;

/// How long a push that was just sent is polled before the prompt comes.
const POLL_TIME: Duration = Duration::from_secs(10);
/// How long it is polled after Enter.
const POLL_TIME_AFTER_ENTER: Duration = Duration::from_secs(3);
/// The time between two polls. sshd rounds what it answers up to powers of two, so a later answer
/// can cost the person seconds.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// When the person reads that a push was sent: not sooner for an unenrolled user, for whom nothing
/// is sent, than after the usual time of the requests.
const SENT_AFTER: Duration = Duration::from_secs(1);
/// The longest question, in characters: with `…` it fits the 200 that Authy allows.
const MAX_QUESTION: usize = 199;

/// The pushes of one login.
pub(super) struct Pushes {
    /// How many more may be sent.
    requests_left: u32,
    /// Whether the person has the app; `None` before the provider was asked.
    has_app: Option<bool>,
    /// The push that is not answered yet.
    pub(super) pending: Option<Pending>,
}

/// A push that is not answered yet.
pub(super) struct Pending {
    /// The code that the phone shows, where `push_code` asks for it.
    code: Option<Secret>,
    /// When it can no longer be answered.
    expires: Instant,
}

impl Pushes {
    pub(super) fn new(requests: u32) -> Self {
        Self {
            requests_left: requests,
            has_app: None,
            pending: None,
        }
    }
}

impl Dialog<'_> {
    /// Sends a push, or polls the pending one again. Blocks for about ten seconds, or three where
    /// it is pending; longer if a request is slow, and until the person replies if `push_code` asks
    /// for the code.
    pub(super) fn push(&mut self) -> Step {
        let begun = self.login.clock.now();
        self.outcome.discards_typed = true;
        if self.pushes.pending.is_some() {
            let step = self.poll_push(begun + POLL_TIME_AFTER_ENTER);
            if self.pushes.pending.is_some() && matches!(step, Step::Again) {
                self.queue_notice(Message::PushPending);
            }
            return step;
        }
        if !self.login.allows_push() {
            self.queue_notice(Message::PushNoApp);
            return Step::Again;
        }
        if self.pushes.requests_left == 0 {
            self.outcome.reason = Reason::Limited;
            return self.refuse(Message::PushSpent);
        }
        self.pushes.requests_left -= 1;
        if let Err(step) = self.send_push() {
            return step;
        }
        self.login.clock.sleep_until(begun + SENT_AFTER);
        self.show_notice(Message::PushSent);
        self.poll_push(begun + POLL_TIME)
    }

    /// Sends a push if the limits allow it. Returns `Err` with the next step if no push was sent.
    fn send_push(&mut self) -> Result<(), Step> {
        // Where a push is the only factor, the request itself shows whether the person has the app.
        if self.login.accepts_codes() {
            self.check_app()?;
        }
        if let Err(error) = self.login.limits.acquire(Costly::Push) {
            let message = self.send_limit_reached(error, Message::PushFailed);
            return Err(self.without_push(message, Reason::Limited));
        }
        let code = self.push_code()?;
        let request = self.push_request(code.as_ref());
        let had_full_timeout = self.had_full_timeout();
        let login = &mut self.login;
        match login.factor.push(&request, login.deadline) {
            Ok(()) => {
                let expires = login.clock.now() + login.rules.push_wait;
                self.pushes.pending = Some(Pending { code, expires });
                Ok(())
            }
            Err(error) => {
                // A push whose answer was lost may be on the phone, so it stays counted.
                if error.progress != Progress::Unanswered {
                    login.limits.release(Costly::Push);
                }
                Err(self.push_failed(error, had_full_timeout))
            }
        }
    }

    /// Checks once per login whether the person has the app. Without it, the login goes on with
    /// codes.
    fn check_app(&mut self) -> Result<(), Step> {
        let has_app = match self.pushes.has_app {
            Some(has_app) => has_app,
            None => match self.login.factor.has_app(self.login.deadline) {
                Ok(has_app) => has_app,
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

    /// A random code of three digits, which the push shows and the prompt asks for; `None` without
    /// `push_code`.
    fn push_code(&mut self) -> Result<Option<Secret>, Step> {
        if !self.login.rules.push_code {
            return Ok(None);
        }
        match (self.login.random)(1000) {
            Some(number) => Ok(Some(Secret::new(format!("{number:03}")))),
            None => {
                self.outcome.detail = Some("no random number for the push code".into());
                Err(Step::End(Verdict::Failed, Reason::Process))
            }
        }
    }

    /// The content of the push.
    fn push_request(&self, code: Option<&Secret>) -> PushRequest {
        let login = &self.login;
        let message = login.messages.text(Message::PushQuestion);
        let code = code.map(|code| ("Code".to_owned(), code.expose().to_owned()));
        PushRequest {
            message: text::sanitize_to(&message, MAX_QUESTION),
            details: login.details.iter().cloned().chain(code).collect(),
            seconds: u32::try_from(login.rules.push_wait.as_secs()).unwrap_or(u32::MAX),
        }
    }

    /// Polls the pending push until it is answered or expires, or until the prompt is due. The
    /// prompt comes at `until` and not earlier, for a decoy too, so that its time does not reveal
    /// who is enrolled; a poll that takes longer delays it. Where the application is gone there is
    /// no prompt: a denial still counts, and an approval is still audited.
    fn poll_push(&mut self, until: Instant) -> Step {
        let Some(expires) = self.pushes.pending.as_ref().map(|pending| pending.expires) else {
            return Step::Again;
        };
        loop {
            match self.login.factor.push_answer(self.login.deadline) {
                Ok(PushAnswer::Approved) => return self.push_approved(),
                Ok(PushAnswer::Denied) => {
                    self.outcome.factor = Some(Factor::Push);
                    self.login.limits.push_denied();
                    return Step::End(Verdict::Refused, Reason::PushDenied);
                }
                Ok(PushAnswer::Expired) => return self.push_expired(),
                Ok(PushAnswer::Pending) => {}
                // The push is still pending at the provider, and the next poll may succeed.
                Err(Error {
                    kind: ErrorKind::Unavailable | ErrorKind::Unexpected,
                    ..
                }) => {}
                Err(error) => return self.push_lost(&error),
            }
            let now = self.login.clock.now();
            if self.login.deadline.is_over(now) {
                return Step::End(Verdict::Refused, Reason::Deadline);
            }
            if now >= expires {
                return self.push_expired();
            }
            let next = (now + POLL_INTERVAL).min(expires);
            let is_prompt_due = next >= until && until + POLL_INTERVAL < expires;
            if is_prompt_due && self.login.conversation.is_open() {
                self.login.clock.sleep_until(until);
                return Step::Again;
            }
            self.login.clock.sleep_until(next);
        }
    }

    /// Goes on where there is no reply to a question, because the application is gone or cannot ask.
    /// A push that is on the phone can still be answered, and the answer matters beyond this login.
    pub(super) fn no_reply(&mut self) -> (Verdict, Reason) {
        let failed = (Verdict::ConversationFailed, Reason::Conversation);
        if self.pushes.pending.is_none() {
            return failed;
        }
        // The application, if it is there, does not wait for the phone.
        self.login.conversation.dismiss(failed.0);
        match self.poll_push(self.login.clock.now()) {
            Step::End(verdict @ Verdict::Accepted, reason) => (verdict, reason),
            Step::End(verdict @ Verdict::Refused, reason @ Reason::PushDenied) => (verdict, reason),
            Step::End(..) | Step::Again | Step::Refused => failed,
        }
    }

    /// Handles an approval. One that comes after the deadline does not count.
    fn push_approved(&mut self) -> Step {
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
            Some(code) => self.ask_push_code(&code),
        }
    }

    /// Asks for the code that the push showed. There is one guess, and a wrong one counts against
    /// `refused_tokens`, as a wrong code of the app does.
    fn ask_push_code(&mut self, code: &Secret) -> Step {
        let prompt = self.login.messages.text(Message::PromptCode);
        let typed = match self.read(Kind::Code, prompt, true) {
            Ok(typed) => typed,
            Err((verdict, reason)) => return Step::End(verdict, reason),
        };
        if let Err(error) = self.login.limits.acquire_code() {
            return self.code_limit_reached(error);
        }
        if typed.is_some_and(|typed| typed.expose() == code.expose()) {
            self.outcome.attempts += 1;
            return self.accept(Reason::PushApproved);
        }
        self.refuse_code(Reason::WrongCode, Message::NotAccepted)
    }

    /// Handles a push that was not answered in time.
    fn push_expired(&mut self) -> Step {
        self.pushes.pending = None;
        self.without_push(Message::PushExpired, Reason::PushExpired)
    }

    /// Handles a pending push whose answer can no longer be read.
    fn push_lost(&mut self, error: &Error) -> Step {
        self.pushes.pending = None;
        self.outcome.detail = Some(format!("push: {}", error.detail));
        self.without_push(Message::PushFailed, Reason::PushExpired)
    }

    /// Handles a request that failed. Where codes are accepted, the next prompt says so and the
    /// login goes on; otherwise the error counts as that of a verified code does.
    fn push_failed(&mut self, error: Error, had_full_timeout: bool) -> Step {
        if self.login.accepts_codes() {
            self.outcome.detail = Some(format!("no push: {}", error.detail));
            self.queue_notice(Message::PushFailed);
            return Step::Again;
        }
        self.outcome.factor = Some(Factor::Push);
        let message = match error.kind {
            ErrorKind::Unexpected => Message::PushFailed,
            _ => Message::PushNoApp,
        };
        match self.provider_error(error, had_full_timeout) {
            Step::Refused => self.without_push(message, Reason::PushExpired),
            step => step,
        }
    }

    /// Goes on without a pending push: with the code prompt, which counts as no attempt, or with a
    /// refusal where a push is the only factor.
    fn without_push(&mut self, message: Message, reason: Reason) -> Step {
        self.outcome.reason = reason;
        if self.login.accepts_codes() {
            self.queue_notice(message);
            return Step::Again;
        }
        self.refuse(message)
    }
}
