//! A whole login, without a PAM handle: ask the person, ask the provider, decide.
//!
//! Pure over traits: [`Conversation`] (the person), [`Provider`] (the phone's service), [`Limits`] and
//! [`Recovery`] (what lasts) and [`Clock`]. Called by `pam::module`, which has read the files; tests
//! script all of them. Somebody who is not enrolled walks the very same way, only that no question
//! leaves for a provider. `reply` sorts what was typed, `send`, `push` and `verify` act on it.

mod password;
pub mod policy;
mod push;
mod reply;
mod send;
mod verify;

use std::time::{Duration, Instant};

use crate::base::arguments::FirstPass;
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::deadline::{Clock, Deadline};
use crate::base::factor::{Channel, Factor, SecondFactor, SendMode};
use crate::base::language::Message;
use crate::base::reply::Reply;
use crate::base::secret::Secret;
use crate::messages::Messages;
use crate::store::config::{self, Enter};
use crate::store::limits::Limits;
use crate::store::recovery::Recovery;

use push::Pushes;

/// Requests for an SMS, for a call and for a push in one call of the module; that of `sms = "auto"`
/// is one.
const REQUESTS: u32 = 3;

/// The person at the prompt.
pub trait Conversation {
    /// Shows `message`, then asks `prompt`, and gives back what was typed; `None` when the
    /// application handed over no text, and bytes that are no UTF-8 as `None` too. Blocks as long as
    /// the person takes.
    ///
    /// # Errors
    /// [`ConversationFailed`] when the application could not ask.
    fn ask(
        &mut self,
        message: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, ConversationFailed>;

    /// Shows `message` where the application shows a text without a prompt; sshd keeps it for the next
    /// prompt, or shows it after the login.
    fn show_notice(&mut self, message: &str);

    /// The login name (PAM_USER) as it is now; the application may change it while it talks.
    fn user(&self) -> Option<String>;

    /// Leaves the system password for the modules after us.
    ///
    /// # Errors
    /// [`ConversationFailed`] when libpam could not keep it.
    fn set_password(&mut self, password: &Secret) -> Result<(), ConversationFailed>;
}

/// The application could not ask the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationFailed;

/// Everything that a login needs; [`Login::authenticate`] uses it up.
pub struct Login<'a> {
    /// Who knocks.
    pub attempt: &'a Attempt,
    /// The rules for this service, and this person.
    pub rules: &'a config::Login,
    /// The time that one request may take.
    pub request_timeout: Duration,
    /// What the person reads.
    pub messages: &'a Messages,
    /// What the phone shows beside its question: name and value.
    pub details: &'a [(String, String)],
    /// Where the password with the token behind it comes from.
    pub first_pass: FirstPass,
    /// The person.
    pub conversation: &'a mut dyn Conversation,
    /// The second factor of the person, or a decoy for an unenrolled user.
    pub factor: &'a mut dyn SecondFactor,
    /// What is counted across calls.
    pub limits: &'a mut dyn Limits,
    /// The user's recovery codes, where this service takes them.
    pub recovery: Option<&'a mut dyn Recovery>,
    /// A random number below the argument, for the code of a push; `None` when there is none to be had.
    pub random: &'a mut dyn FnMut(u32) -> Option<u32>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// When the whole call must end.
    pub deadline: Deadline,
}

impl Login<'_> {
    /// Asks until a factor is proven, the replies are spent, or something ends the login. Blocks until
    /// the deadline at most, plus what the last prompt takes and `refusal_seconds`.
    #[must_use]
    pub fn authenticate(self) -> Outcome {
        let mut dialog = Dialog {
            outcome: Outcome {
                identity: self.factor.identity(),
                ..Outcome::new(Verdict::AttemptsExhausted, Reason::WrongCode)
            },
            sms_requests: REQUESTS,
            call_requests: REQUESTS,
            pushes: Pushes::new(REQUESTS),
            message: None,
            login: self,
        };
        let login = &mut dialog.login;
        if !login.takes_tokens() && !login.pushes() {
            return Outcome::new(Verdict::Failed, Reason::Configuration)
                .with_detail("login.factors names no factor that can be asked: add \"token\"");
        }
        // For everybody alike, enrolled or not.
        login.factor.preconnect(login.deadline);
        if login.rules.token_in_password {
            dialog.run_once()
        } else {
            dialog.run()
        }
    }

    /// Whether the mapping named a person; otherwise the factor is a decoy.
    fn is_enrolled(&self) -> bool {
        self.factor.identity().is_some()
    }

    /// Whether digits are a reply at all.
    fn takes_tokens(&self) -> bool {
        let typed = [Factor::Token, Factor::Sms, Factor::Call];
        self.rules
            .factors
            .iter()
            .any(|factor| typed.contains(factor))
    }

    fn allows(&self, channel: Channel) -> bool {
        let factors = &self.rules.factors;
        match channel {
            Channel::Sms => self.rules.sms != SendMode::Never && factors.contains(&Factor::Sms),
            Channel::Call => factors.contains(&Factor::Call),
        }
    }

    fn pushes(&self) -> bool {
        self.rules.push != SendMode::Never && self.rules.factors.contains(&Factor::Push)
    }

    /// Whether Enter alone sends a push; where nothing else is taken there is nothing else to do.
    fn enter_pushes(&self) -> bool {
        self.pushes() && (self.rules.enter == Enter::Push || !self.takes_tokens())
    }
}

/// What follows a reply.
enum Step {
    /// The same prompt again, with a message; the reply was a command.
    Again,
    /// The reply was refused.
    Refused,
    /// The login is over.
    End(Verdict, Reason),
}

/// The state of one login while it asks.
struct Dialog<'a> {
    login: Login<'a>,
    outcome: Outcome,
    sms_requests: u32,
    call_requests: u32,
    pushes: Pushes,
    /// What goes out with the next prompt.
    message: Option<String>,
}

impl Dialog<'_> {
    fn run(mut self) -> Outcome {
        if let Some((verdict, reason)) = self.send_automatic() {
            return self.end(verdict, reason);
        }
        while self.outcome.attempts < self.login.rules.attempts {
            let reply = match self.ask() {
                Ok(reply) => reply,
                Err((verdict, reason)) => return self.end(verdict, reason),
            };
            let entered = self.login.clock.now();
            let next = self.answer(&reply);
            if !matches!(next, Step::End(Verdict::Accepted | Verdict::Ignored, _)) {
                self.pad_refusal(entered);
            }
            if let Step::End(verdict, reason) = next {
                return self.end(verdict, reason);
            }
        }
        self.attempts_exhausted()
    }

    /// Sends what is sent before anything is asked: a push, or an SMS where no push waits.
    fn send_automatic(&mut self) -> Option<(Verdict, Reason)> {
        let asked = self.login.clock.now();
        let sends_push = self.login.pushes() && self.login.rules.push == SendMode::Auto;
        if sends_push && let Step::End(verdict, reason) = self.push() {
            if verdict != Verdict::Accepted {
                self.pad_refusal(asked);
            }
            return Some((verdict, reason));
        }
        let auto_sms = self.login.allows(Channel::Sms) && self.login.rules.sms == SendMode::Auto;
        let sends_sms = auto_sms && self.pushes.pending.is_none();
        if sends_sms {
            self.send(Channel::Sms);
        }
        if sends_push || sends_sms {
            self.pad_refusal(asked);
        }
        None
    }

    /// Shows the pending message with the prompt and reads one reply.
    fn ask(&mut self) -> Result<Reply, (Verdict, Reason)> {
        let prompt = self.prompt();
        let typed = self.read(&prompt, self.login.rules.echo)?;
        Ok(self.classify(typed.as_ref()))
    }

    /// Reads one reply. The deadline and the user's name are looked at when the prompt returns: a late
    /// reply is refused unsent.
    fn read(&mut self, prompt: &str, echo: bool) -> Result<Option<Secret>, (Verdict, Reason)> {
        let message = self.message.take();
        let login = &mut self.login;
        let typed = login
            .conversation
            .ask(message.as_deref(), prompt, echo)
            .map_err(|ConversationFailed| (Verdict::ConversationFailed, Reason::Conversation))?;
        if !self.is_same_user() {
            return Err((Verdict::Refused, Reason::UserChanged));
        }
        let login = &self.login;
        if login.deadline.is_over(login.clock.now()) {
            return Err((Verdict::Refused, Reason::Deadline));
        }
        Ok(typed)
    }

    fn answer(&mut self, reply: &Reply) -> Step {
        match reply {
            Reply::Send(channel) => self.send_on_request(*channel),
            Reply::Push => self.push(),
            Reply::Unusable => {
                self.outcome.reason = Reason::WrongCode;
                self.refuse(Message::NotACode)
            }
            Reply::Code(code) => self.try_code(code),
            Reply::Recovery(code) => self.redeem(code),
        }
    }

    fn queue_notice(&mut self, message: Message) {
        self.message = Some(self.login.messages.text(message));
    }

    fn refuse(&mut self, message: Message) -> Step {
        self.outcome.attempts += 1;
        self.queue_notice(message);
        Step::Refused
    }

    /// Waits until `refusal_seconds` after `since`, so that the time of an answer tells nothing.
    fn pad_refusal(&self, since: Instant) {
        self.login
            .clock
            .sleep_until(since + self.login.rules.refusal);
    }

    /// The end of a login whose replies are spent; what the last of them lacked is the reason.
    fn attempts_exhausted(self) -> Outcome {
        let reason = if self.login.is_enrolled() {
            self.outcome.reason
        } else {
            Reason::Unenrolled
        };
        self.end(Verdict::AttemptsExhausted, reason)
    }

    /// The outcome. Nobody is let in under another name than the one that was asked for: a text that was
    /// shown since the last reply may have changed it.
    fn end(mut self, verdict: Verdict, reason: Reason) -> Outcome {
        let lets_in = matches!(verdict, Verdict::Accepted | Verdict::Ignored);
        let (verdict, reason) = if lets_in && !self.is_same_user() {
            (Verdict::Refused, Reason::UserChanged)
        } else {
            (verdict, reason)
        };
        self.outcome.verdict = verdict;
        self.outcome.reason = reason;
        self.outcome
    }
}

#[cfg(test)]
mod tests;
