//! A whole login, without a PAM handle: ask the person, ask the provider, decide.
//!
//! Pure over three traits: [`Conversation`] (the person), [`Provider`] (the phone's service) and
//! [`Clock`]. Called by `pam::module`, which has read the files; tests script all three. Somebody who
//! is not enrolled walks the very same way, only that no question leaves for a provider.

use std::time::{Duration, Instant};

use crate::attempt::{Attempt, Factor, Outcome, Reason, Verdict};
use crate::client::types::{AuthyId, Token};
use crate::config::{self, Otherwise, When};
use crate::deadline::{Clock, Deadline};
use crate::policy;
use crate::provider::{self, ErrorKind, Provider, Sent};
use crate::secret::Secret;
use crate::text;

/// Requests for an SMS in one call of the module, those of `sms = "auto"` included.
const SMS_REQUESTS: u32 = 3;

const SMS_SENT: &str = "An SMS with a token was sent to your phone.";
const SMS_USE_APP: &str = "No SMS was sent: use the token shown in the Authy app.";
const SMS_FAILED: &str = "The SMS could not be sent; use the token shown in the Authy app.";
const SMS_SPENT: &str = "No further SMS is sent in this login.";
const NOT_ACCEPTED: &str = "That token was not accepted.";
const NOT_A_TOKEN: &str = "That is not a token: a token is 6 to 12 digits.";
const PROMPT: &str = "Authy token: ";
const PROMPT_OR_SMS: &str = "Authy token (or type sms): ";

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

    /// The login name (PAM_USER) as it is now; the application may change it while it talks.
    fn user(&self) -> Option<String>;
}

/// The application could not ask the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationFailed;

/// Everything that a login needs; [`Login::authenticate`] uses it up.
pub struct Login<'a> {
    /// Who knocks.
    pub attempt: &'a Attempt,
    /// Whose factor is asked; `None` for somebody who is not enrolled.
    pub person: Option<AuthyId>,
    /// The rules for this service.
    pub rules: &'a config::Login,
    /// The time that one request may take.
    pub request_timeout: Duration,
    /// The person.
    pub conversation: &'a mut dyn Conversation,
    /// The phone's service.
    pub provider: &'a mut dyn Provider,
    /// The time.
    pub clock: &'a dyn Clock,
    /// When the whole call must end.
    pub deadline: Deadline,
}

impl Login<'_> {
    /// Asks until a token is accepted, the replies are spent, or something ends the login. Blocks
    /// until the deadline at most, plus what the last prompt takes and `refusal_seconds`.
    #[must_use]
    pub fn authenticate(self) -> Outcome {
        if !self.takes_tokens() {
            return Outcome::new(Verdict::Failed, Reason::Configuration)
                .with_detail("login.factors names no factor that can be asked: add \"token\"");
        }
        Round {
            outcome: Outcome {
                authy_id: self.person.map(AuthyId::number),
                ..Outcome::new(Verdict::TriesSpent, Reason::WrongToken)
            },
            sms_requests: SMS_REQUESTS,
            message: None,
            login: self,
        }
        .run()
    }

    fn takes_tokens(&self) -> bool {
        let typed = [Factor::Token, Factor::Sms, Factor::Call];
        self.rules
            .factors
            .iter()
            .any(|factor| typed.contains(factor))
    }

    fn sms_allowed(&self) -> bool {
        self.rules.sms != When::Never && self.rules.factors.contains(&Factor::Sms)
    }
}

/// What a reply is, before anybody is asked about it.
enum Reply {
    Token(Token),
    Sms,
    Unusable,
}

/// What follows a reply.
enum Next {
    /// The same prompt again, with a message; the reply was a command.
    Again,
    /// The reply was refused.
    Refused,
    /// The login is over.
    End(Verdict, Reason),
}

/// The state of one login while it asks.
struct Round<'a> {
    login: Login<'a>,
    outcome: Outcome,
    sms_requests: u32,
    message: Option<&'static str>,
}

impl Round<'_> {
    fn run(mut self) -> Outcome {
        // For everybody alike, enrolled or not.
        self.login.provider.warm(self.login.deadline);
        if self.login.sms_allowed() && self.login.rules.sms == When::Auto {
            let asked = self.login.clock.now();
            self.send_sms();
            self.hold(asked);
        }
        while self.outcome.attempts < self.login.rules.attempts {
            let reply = match self.ask() {
                Ok(reply) => reply,
                Err((verdict, reason)) => return self.end(verdict, reason),
            };
            let entered = self.login.clock.now();
            let next = self.answer(&reply);
            if !matches!(next, Next::End(Verdict::Accepted | Verdict::Ignored, _)) {
                self.hold(entered);
            }
            if let Next::End(verdict, reason) = next {
                return self.end(verdict, reason);
            }
        }
        let spent = match self.login.person {
            Some(_) => Reason::WrongToken,
            None => Reason::Unenrolled,
        };
        self.end(Verdict::TriesSpent, spent)
    }

    /// Shows the pending message with the prompt and reads one reply. The deadline and the user's
    /// name are looked at when the prompt returns: a late reply is refused unsent.
    fn ask(&mut self) -> Result<Reply, (Verdict, Reason)> {
        let login = &mut self.login;
        let prompt = if login.sms_allowed() {
            PROMPT_OR_SMS
        } else {
            PROMPT
        };
        let typed = login
            .conversation
            .ask(self.message.take(), prompt, login.rules.echo)
            .map_err(|ConversationFailed| (Verdict::ConversationFailed, Reason::Conversation))?;
        if login.conversation.user().as_deref() != Some(login.attempt.user.as_str()) {
            return Err((Verdict::Refused, Reason::UserChanged));
        }
        if login.deadline.is_over(login.clock.now()) {
            return Err((Verdict::Refused, Reason::Deadline));
        }
        Ok(self.sort(typed.as_ref()))
    }

    fn sort(&self, typed: Option<&Secret>) -> Reply {
        let Some(typed) = typed.map(Secret::expose) else {
            return Reply::Unusable;
        };
        let password = self.login.attempt.password.as_ref().map(Secret::expose);
        if text::has_control(typed) || password == Some(typed) {
            Reply::Unusable
        } else if self.login.sms_allowed() && typed.eq_ignore_ascii_case("sms") {
            Reply::Sms
        } else {
            typed.parse().map_or(Reply::Unusable, Reply::Token)
        }
    }

    fn answer(&mut self, reply: &Reply) -> Next {
        match reply {
            // Bounded: what is beyond the allowed requests counts as a refused reply.
            Reply::Sms if self.sms_requests > 0 => {
                self.send_sms();
                Next::Again
            }
            Reply::Sms => self.refuse(SMS_SPENT),
            Reply::Unusable => self.refuse(NOT_A_TOKEN),
            Reply::Token(token) => {
                let next = self.verify(token);
                if matches!(next, Next::Refused) {
                    return self.refuse(NOT_ACCEPTED);
                }
                self.outcome.attempts += 1;
                next
            }
        }
    }

    fn refuse(&mut self, message: &'static str) -> Next {
        self.outcome.attempts += 1;
        self.message = Some(message);
        Next::Refused
    }

    /// Asks the provider about a token; for somebody who is not enrolled the answer is no.
    fn verify(&mut self, token: &Token) -> Next {
        let Some(id) = self.login.person else {
            return Next::Refused;
        };
        self.outcome.factor = Some(Factor::Token);
        let login = &mut self.login;
        let whole = login.deadline.remaining(login.clock.now()) >= login.request_timeout;
        match login.provider.verify(id, token, login.deadline) {
            Ok(()) => {
                self.outcome.code = None;
                Next::End(Verdict::Accepted, Reason::TokenAccepted)
            }
            Err(error) => self.refused_by_provider(error, whole),
        }
    }

    /// What a provider's error means for the login. `whole` says that the request had its full time:
    /// one that the deadline cut short is the person's doing and never an outage.
    fn refused_by_provider(&mut self, error: provider::Error, whole: bool) -> Next {
        self.outcome.code = error.code;
        let kind = error.kind;
        if kind != ErrorKind::Refused {
            self.outcome.detail = Some(error.detail);
        }
        match kind {
            ErrorKind::Refused => Next::Refused,
            ErrorKind::PersonRefused => Next::End(Verdict::Refused, Reason::Suspended),
            ErrorKind::PersonUnknown => Next::End(Verdict::Refused, Reason::UnknownToAuthy),
            ErrorKind::RateLimited => Next::End(Verdict::TriesSpent, Reason::RateLimited),
            ErrorKind::KeyRefused => Next::End(Verdict::Failed, Reason::KeyRefused),
            ErrorKind::ApplicationRefused => Next::End(Verdict::Failed, Reason::ApplicationRefused),
            ErrorKind::FalseIdentity => Next::End(Verdict::Unavailable, Reason::FalseIdentity),
            ErrorKind::Configuration => Next::End(Verdict::Failed, Reason::Configuration),
            ErrorKind::Process => Next::End(Verdict::Failed, Reason::Process),
            ErrorKind::Unavailable => self.unavailable(whole),
        }
    }

    fn unavailable(&self, whole: bool) -> Next {
        let login = &self.login;
        let over = login.deadline.is_over(login.clock.now());
        if over {
            Next::End(Verdict::Refused, Reason::Deadline)
        } else if policy::passes_outage(login.rules.when_unavailable, whole) {
            Next::End(Verdict::Ignored, Reason::Outage)
        } else if login.rules.when_unavailable == Otherwise::Ignore {
            Next::End(Verdict::Refused, Reason::Deadline)
        } else {
            Next::End(Verdict::Unavailable, Reason::NoAnswer)
        }
    }

    /// Has an SMS sent, as far as that is still allowed, and leaves the message for the next prompt.
    /// A request that fails is told and does not end the login.
    fn send_sms(&mut self) {
        self.sms_requests = self.sms_requests.saturating_sub(1);
        let sent = match self.login.person {
            Some(id) => self.login.provider.sms(id, self.login.deadline),
            None => Ok(Sent::Sent),
        };
        self.message = Some(match sent {
            Ok(sent) => {
                // One is enough: the next would bring the same token.
                self.sms_requests = 0;
                if sent == Sent::Sent {
                    SMS_SENT
                } else {
                    SMS_USE_APP
                }
            }
            Err(error) => {
                self.outcome.detail = Some(format!("no SMS: {}", error.detail));
                SMS_FAILED
            }
        });
    }

    /// Waits until `refusal_seconds` after `since`, so that the time of an answer tells nothing.
    fn hold(&self, since: Instant) {
        self.login
            .clock
            .sleep_until(since + self.login.rules.refusal);
    }

    fn end(mut self, verdict: Verdict, reason: Reason) -> Outcome {
        self.outcome.verdict = verdict;
        self.outcome.reason = reason;
        self.outcome
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
