//! A whole login, without PAM, sockets or files: ask the person, check the reply, decide.
//!
//! Before, `engine::wiring` has read the files, and [`policy`] has decided whose factor is
//! required. [`Login::authenticate`] then goes through these steps, unless a security key has
//! proven the person already (security_key.rs):
//!
//! 1. `send_automatic` sends a push if `push = "auto"`, and an SMS if `sms = "auto"` and no push is
//!    pending then.
//! 2. `ask` shows the prompt and reads one reply. `classify` recognizes a code, a recovery code or
//!    a word (reply.rs).
//! 3. `answer` acts on the reply: the provider checks a code, [`Recovery`] a recovery code
//!    (verify.rs); the word `push` sends a push and waits for the phone (push.rs); `sms` and `call`
//!    send a code (send.rs).
//! 4. A `Step` says what follows: the next prompt, a refused attempt, or the end. Unless the login
//!    is allowed, nothing follows sooner than `refusal_seconds` after the reply, so that a quick
//!    answer does not reveal who is enrolled. A provider that takes longer still does. A refused
//!    code is in the log before that.
//! 5. Where the factor is proven, `offer_app` may offer to enroll an app (enroll.rs).
//! 6. `end` returns the [`Outcome`], with the notice that the person reads last (notice.rs).
//!
//! With `token_in_password`, `run_combined` (password.rs) reads one reply, acts on it as in step 3,
//! and ends.
//!
//! The person ([`Conversation`]), their factor ([`SecondFactor`]), [`Limits`], [`Recovery`] and
//! [`Clock`] are traits, which the tests script. The person and the provider are not trusted. An
//! unenrolled user has a decoy as factor and goes through the same steps, so that a login does not
//! reveal who is enrolled.

mod conversation;
mod enroll;
mod notice;
mod password;
pub mod policy;
mod push;
mod reply;
mod security_key;
mod send;
mod verify;

use std::time::{Duration, Instant};

use crate::base::arguments::FirstPass;
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::deadline::{Clock, Deadline};
use crate::base::factor::{Channel, Factor, SecondFactor, SendMode};
use crate::base::language::Message;
use crate::base::question::{Kind, Question};
use crate::base::reply::Reply;
use crate::base::secret::Secret;
use crate::messages::Messages;
use crate::store::config;
use crate::store::limits::Limits;
use crate::store::recovery::Recovery;

pub use conversation::{Conversation, NoReply};
pub use enroll::{Confirmed, Drawing, Enrollment, OFFER_TIME};
pub use notice::{LastNotice, TTY_OF_SSHD};
use policy::OnOutage;
use push::Pushes;

/// The most requests of each kind (SMS, phone call, push) in one call of the module, automatic ones
/// included.
const MAX_REQUESTS: u32 = 3;

/// Everything that a login needs; [`Login::authenticate`] consumes it.
pub struct Login<'a> {
    /// What PAM says about the login.
    pub attempt: &'a Attempt,
    /// The rules for this service and this person.
    pub rules: &'a config::Login,
    /// Whether sshd has accepted a security key of the person, which is the identity of `factor`.
    pub is_proven: bool,
    /// Whether the rules for this service alone allow a push, so that its prompts offer one to each
    /// user.
    pub offers_push: bool,
    /// What it means when the provider gives no usable answer.
    pub on_outage: OnOutage,
    /// The longest time that one request to the provider may take.
    pub request_timeout: Duration,
    /// The texts that the person reads.
    pub messages: &'a Messages,
    /// The names and values that the phone shows with the question of a push.
    pub details: &'a [(String, String)],
    /// Where the text of password and code comes from, with `token_in_password`.
    pub first_pass: FirstPass,
    /// The person at the prompt.
    pub conversation: &'a mut dyn Conversation,
    /// The second factor of the person, or a decoy for an unenrolled user.
    pub factor: &'a mut dyn SecondFactor,
    /// The counts that last across calls of the module.
    pub limits: &'a mut dyn Limits,
    /// The user's recovery codes, where this service accepts them.
    pub recovery: Option<&'a mut dyn Recovery>,
    /// Whether the prompts name recovery codes.
    pub names_recovery: bool,
    /// The app that is offered to a person who has proven a factor; `None`: no offer.
    pub enrollment: Option<&'a mut dyn Enrollment>,
    /// From when on the app counts that the person has enrolled and that does not count yet, in
    /// seconds since 1970.
    pub held_until: Option<u64>,
    /// Writes the audit line of a refused code; `attempts` is its number. Called before the person
    /// hears of it, since they may leave then.
    pub record_refused: &'a mut dyn FnMut(&Outcome),
    /// Returns a random number below the argument, for the code of a push, or `None` when the
    /// system has none.
    pub random: &'a mut dyn FnMut(u32) -> Option<u32>,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// When the call is over: a later reply is refused.
    pub deadline: Deadline,
}

impl Login<'_> {
    /// Asks until a factor is proven, the attempts are used up, or something else ends the login.
    /// Blocks until the deadline. The prompt that is open then, one poll interval of a push, a wait
    /// for a lock (two seconds) and `refusal_seconds` can come on top.
    #[must_use]
    pub fn authenticate(self) -> Outcome {
        if self.is_proven {
            return self.dialog().run_proven();
        }
        if !self.accepts_codes() && !self.allows_push() {
            if self.rules.factors.contains(&Factor::SecurityKey) {
                return self.without_security_key();
            }
            return Outcome::new(Verdict::Failed, Reason::Configuration)
                .with_detail("login.factors has no factor that can be used: add \"token\"");
        }
        // Called for every user, so that the time to the first answer does not reveal who is
        // enrolled.
        self.factor.preconnect(self.deadline);
        let dialog = self.dialog();
        if dialog.login.rules.token_in_password {
            dialog.run_combined()
        } else {
            dialog.run()
        }
    }

    /// Whether the user is enrolled. Otherwise the factor is a decoy.
    fn is_enrolled(&self) -> bool {
        self.factor.identity().is_some()
    }
}

impl<'a> Login<'a> {
    fn dialog(self) -> Dialog<'a> {
        Dialog {
            outcome: Outcome {
                identity: self.factor.identity(),
                ..Outcome::new(Verdict::AttemptsExhausted, Reason::WrongCode)
            },
            sms_requests_left: MAX_REQUESTS,
            call_requests_left: MAX_REQUESTS,
            pushes: Pushes::new(MAX_REQUESTS),
            notice: None,
            refused_since: 0,
            recovery_left: None,
            enrolled: None,
            login: self,
        }
    }
}

/// What follows a reply.
enum Step {
    /// The next prompt. No attempt is counted.
    Again,
    /// The reply was refused. [`Dialog::refuse`] has counted the attempt, or the caller does.
    Refused,
    /// The end of the login.
    End(Verdict, Reason),
}

/// The state of a running login.
struct Dialog<'a> {
    login: Login<'a>,
    outcome: Outcome,
    sms_requests_left: u32,
    call_requests_left: u32,
    pushes: Pushes,
    /// The notice to show with the next prompt.
    notice: Option<Message>,
    /// After a success: how many codes were refused, and pushes denied, since the last one.
    refused_since: u32,
    /// How many recovery codes are left after the one that was accepted.
    recovery_left: Option<usize>,
    /// What came of an app that the person wanted to enroll, for the last notice.
    enrolled: Option<String>,
}

impl Dialog<'_> {
    /// Runs the login prompt by prompt.
    fn run(mut self) -> Outcome {
        if let Some((verdict, reason)) = self.send_automatic() {
            return self.finish(verdict, reason);
        }
        while self.outcome.attempts < self.login.rules.attempts {
            let reply = match self.ask() {
                Ok(reply) => reply,
                Err((verdict, reason)) => return self.end(verdict, reason),
            };
            let entered = self.login.clock.now();
            let step = self.answer(&reply);
            if !matches!(step, Step::End(Verdict::Accepted | Verdict::Ignored, _)) {
                self.pad_refusal(entered);
            }
            if let Step::End(verdict, reason) = step {
                return self.finish(verdict, reason);
            }
        }
        self.attempts_exhausted()
    }

    /// Ends the login, for an accepted one after the offer of an app.
    fn finish(mut self, verdict: Verdict, reason: Reason) -> Outcome {
        let offered = match verdict {
            Verdict::Accepted => self.offer_app(reason),
            _ => Ok(()),
        };
        match offered {
            Ok(()) => self.end(verdict, reason),
            Err((verdict, reason)) => self.end(verdict, reason),
        }
    }

    /// Sends a push or an SMS before the first prompt: the push where `push` is `auto`, the SMS
    /// where `sms` is `auto` and no push is pending. Returns the end of the login when the push
    /// ended it.
    fn send_automatic(&mut self) -> Option<(Verdict, Reason)> {
        let start = self.login.clock.now();
        let sends_push = self.login.allows_push() && self.login.rules.push == SendMode::Auto;
        let step = if sends_push { self.push() } else { Step::Again };
        if let Step::End(verdict, reason) = step {
            if verdict != Verdict::Accepted {
                self.pad_refusal(start);
            }
            return Some((verdict, reason));
        }
        let auto_sms = self.login.allows(Channel::Sms) && self.login.rules.sms == SendMode::Auto;
        let no_push = matches!(step, Step::Again) && self.pushes.pending.is_none();
        let sends_sms = auto_sms && no_push;
        if sends_sms {
            self.send(Channel::Sms);
        }
        if sends_push || sends_sms {
            self.pad_refusal(start);
        }
        None
    }

    /// Shows the prompt, with the queued notice, and reads one reply.
    fn ask(&mut self) -> Result<Reply, (Verdict, Reason)> {
        let prompt = self.prompt();
        let typed = self.read(Kind::Code, prompt, self.login.rules.echo)?;
        Ok(self.classify(typed.as_ref()))
    }

    /// Reads what is typed at `prompt`. After the prompt it checks the user name, which the
    /// application may have changed, and the deadline: a late reply is refused and not sent to the
    /// provider.
    fn read(
        &mut self,
        kind: Kind,
        prompt: String,
        echo: bool,
    ) -> Result<Option<Secret>, (Verdict, Reason)> {
        let (notice, prompt) = self.with_notice(prompt);
        let question = Question {
            kind,
            notice,
            prompt,
            echo,
        };
        self.outcome.discards_typed = false;
        if std::mem::take(&mut self.outcome.is_recorded) {
            // They explain the reply that is in the log already.
            let outcome = &mut self.outcome;
            (outcome.factor, outcome.code, outcome.detail) = (None, None, None);
        }
        let typed = (self.login.conversation.ask(&question)).map_err(|error| match error {
            NoReply::Failed => self.no_reply(),
            NoReply::Deadline => (Verdict::Refused, Reason::Deadline),
        })?;
        if !self.is_same_user() {
            return Err((Verdict::Refused, Reason::UserChanged));
        }
        let login = &self.login;
        if login.deadline.is_over(login.clock.now()) {
            return Err((Verdict::Refused, Reason::Deadline));
        }
        Ok(typed)
    }

    /// Acts on a reply.
    fn answer(&mut self, reply: &Reply) -> Step {
        match reply {
            Reply::Code(code) => self.try_code(code),
            Reply::Recovery(code) => self.redeem(code),
            Reply::Push => self.push(),
            Reply::Send(channel) => self.send_on_request(*channel),
            Reply::Unusable => self.refuse_code(Reason::WrongCode, Message::NotACode),
        }
    }

    /// Counts an attempt, and queues `message` for the next prompt.
    fn refuse(&mut self, message: Message) -> Step {
        self.outcome.attempts += 1;
        self.queue_notice(message);
        Step::Refused
    }

    /// As [`Dialog::refuse`], for a refused code, which is in the log at once.
    fn refuse_code(&mut self, reason: Reason, message: Message) -> Step {
        self.outcome.reason = reason;
        let step = self.refuse(message);
        let recorded = Outcome {
            verdict: Verdict::Refused,
            reason: self.reason_of_refusal(),
            ..self.outcome.clone()
        };
        (self.login.record_refused)(&recorded);
        self.outcome.is_recorded = true;
        step
    }

    /// The reason of a refused reply for the log.
    fn reason_of_refusal(&self) -> Reason {
        if self.login.is_enrolled() {
            self.outcome.reason
        } else {
            Reason::Unenrolled
        }
    }

    /// Waits until at least `refusal_seconds` after `since`. Called after every reply that does not
    /// end in an allowed login.
    fn pad_refusal(&self, since: Instant) {
        self.login
            .clock
            .sleep_until(since + self.login.rules.refusal);
    }

    /// Ends a login whose attempts are used up, with the last reason that was recorded, or as
    /// unenrolled.
    fn attempts_exhausted(self) -> Outcome {
        let reason = self.reason_of_refusal();
        self.end(Verdict::AttemptsExhausted, reason)
    }

    /// Returns the outcome. The application can change PAM_USER while it shows a notice, so an
    /// allowed login is refused if the name is no longer the one that was proven.
    fn end(mut self, verdict: Verdict, reason: Reason) -> Outcome {
        let is_allowed = matches!(verdict, Verdict::Accepted | Verdict::Ignored);
        let (verdict, reason) = if is_allowed && !self.is_same_user() {
            (Verdict::Refused, Reason::UserChanged)
        } else {
            (verdict, reason)
        };
        // A person who waits for a refusal may already type the next code.
        self.outcome.discards_typed |= !is_allowed;
        self.outcome.verdict = verdict;
        self.outcome.reason = reason;
        self.outcome.last_notice = self.last_notice();
        self.outcome
    }

    /// Whether PAM_USER is still the name with which the login began.
    fn is_same_user(&self) -> bool {
        let user = self.login.conversation.user();
        user.as_deref() == Some(self.login.attempt.user.as_str())
    }
}

#[cfg(test)]
mod tests;
