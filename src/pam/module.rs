//! One call of the module: connects to an engine, relays its questions, and passes on its verdict.
//!
//! The module decides nothing. It turns whatever breaks into a denial: an engine that cannot be
//! reached, that is silent beyond its time, or that says something else than the protocol. The
//! engine is trusted, since its file is; its messages are checked all the same. Called by the entry
//! points in mod.rs.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use pam::constants::PamFlag;
use pam::module::PamHandle;

use super::conversation::PamConversation;
use super::{connect, items, log, password, terminal};
use crate::base::arguments::{Arguments, FirstPass};
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::question::{Kind, Question};
use crate::base::secret::Secret;
use crate::host::socket::{self, Channel};
use crate::protocol::{self, Confirmation, FromEngine, FromModule, Start};

/// How long an engine may take from the start of a login on until it has read its configuration and names its deadline.
const CONFIGURED: Duration = Duration::from_secs(10);
/// How long after its deadline its verdict may come.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the module waits, after its confirmation, for the engine to write what lasts: the next
/// login of the same session relies on it.
const SETTLED: Duration = Duration::from_secs(1);
/// How long a message may take to leave.
const SEND: Duration = Duration::from_secs(2);

/// What the person reads where no engine took part. In English, since the language is one of the
/// engine's settings.
const NO_ENGINE: &str = "This host cannot check your second factor: ask your administrator.";

/// Why an engine gave no verdict; the texts are for the log.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Connect(#[from] connect::Error),
    #[error("the engine gave no answer: {0}")]
    Channel(#[from] socket::Error),
    #[error("the engine sent a {0}")]
    Malformed(#[from] protocol::Malformed),
    #[error("the engine sent a message out of order")]
    Order,
    #[error("the engine decided about another user")]
    OtherUser,
}

/// Performs one login.
pub(super) fn authenticate(pamh: &mut PamHandle, args: &[&CStr], flags: PamFlag) -> Verdict {
    let mut start = items::read(pamh, args, flags);
    let bytes: Vec<_> = args.iter().map(|arg| arg.to_bytes()).collect();
    let arguments = Arguments::parse(&bytes);
    if arguments.is_ok() {
        items::ask_for_user(pamh, &mut start);
    }
    let decided = match arguments {
        Ok(arguments) => {
            relay(pamh, &arguments, &mut start).map_err(|error| (Reason::Engine, error.to_string()))
        }
        Err(why) => Err((Reason::Arguments, why)),
    };
    decided.unwrap_or_else(|(reason, why)| {
        let outcome = Outcome::new(Verdict::Failed, reason).with_detail(why);
        log::record(&start.attempt, &outcome);
        PamConversation::new(pamh).show_notice(NO_ENGINE);
        outcome.verdict
    })
}

/// Connects to an engine, and relays its dialog with the person.
fn relay(pamh: &mut PamHandle, arguments: &Arguments, start: &mut Start) -> Result<Verdict, Error> {
    let engine = connect::engine(arguments.engine.as_deref(), &start.attempt.process)?;
    start.version = engine.version;
    let relay = Relay {
        channel: engine.channel,
        conversation: PamConversation::new(pamh),
        first_pass: arguments.first_pass,
        until: Instant::now() + CONFIGURED,
    };
    relay.run(start)
}

/// The outcome of a call that panicked.
pub(super) fn panicked(pamh: &mut PamHandle) -> Verdict {
    let attempt = items::read(pamh, &[], 0).attempt;
    log::record(&attempt, &Outcome::new(Verdict::Panicked, Reason::Panic));
    Verdict::Panicked
}

/// The dialog between an engine and the person.
struct Relay<'a> {
    channel: Channel,
    conversation: PamConversation<'a>,
    first_pass: FirstPass,
    /// When the engine's next message is due.
    until: Instant,
}

impl Relay<'_> {
    /// Runs the dialog to its end.
    fn run(mut self, start: &Start) -> Result<Verdict, Error> {
        self.send_bytes(&start.encode())?;
        let mut has_deadline = false;
        loop {
            match self.receive()? {
                FromEngine::Ready { .. } | FromEngine::Status { .. } => return Err(Error::Order),
                FromEngine::Deadline { .. } if has_deadline => return Err(Error::Order),
                FromEngine::Deadline { milliseconds } => {
                    has_deadline = true;
                    let left = Duration::from_millis(milliseconds.min(MAX_DEADLINE));
                    self.until = Instant::now() + left + PATIENCE;
                }
                FromEngine::Ask(question) => self.ask(&question)?,
                FromEngine::Say { text } => self.say(&text)?,
                FromEngine::Verdict {
                    verdict,
                    user,
                    discards_typed,
                } => {
                    if discards_typed {
                        terminal::discard_typed();
                    }
                    return self.conclude(verdict, &user, &start.attempt.user);
                }
            }
        }
    }

    fn receive(&mut self) -> Result<FromEngine, Error> {
        let bytes = self.channel.receive(self.until)?;
        Ok(FromEngine::decode(&bytes)?)
    }

    fn send(&mut self, message: &FromModule) -> Result<(), Error> {
        self.send_bytes(&message.encode())
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.channel.send(bytes, Instant::now() + SEND)?)
    }

    /// Shows a text, and tells the engine.
    fn say(&mut self, text: &str) -> Result<(), Error> {
        self.conversation.show_notice(text);
        let user = self.conversation.user();
        self.answer(&FromModule::Shown { user })
    }

    /// Shows a question and sends the reply.
    fn ask(&mut self, question: &Question) -> Result<(), Error> {
        let answer = match &question.kind {
            Kind::Code => self.ask_code(question),
            Kind::PasswordAndCode { lengths } => self.ask_both(question, lengths),
        };
        let message = answer.map_or(FromModule::Failed, |text| FromModule::Reply {
            text,
            user: self.conversation.user(),
        });
        // The engine may meanwhile have ended the login.
        if self.channel.has_input() {
            return Ok(());
        }
        self.answer(&message)
    }

    /// Sends a message to an engine that may have ended the login.
    fn answer(&mut self, message: &FromModule) -> Result<(), Error> {
        match self.send(message) {
            // Its verdict may be there.
            Err(Error::Channel(socket::Error::Closed)) if self.channel.has_input() => Ok(()),
            sent => sent,
        }
    }

    /// The part of the reply that may be sent; `Err` if the application could not ask.
    fn ask_code(&mut self, question: &Question) -> Result<Option<Secret>, ()> {
        let known = self.conversation.password();
        let typed = self.type_reply(question)?;
        Ok(password::usable(typed, known.as_ref()))
    }

    /// As [`Relay::ask_code`], for a reply that begins with the system password, which becomes
    /// PAM_AUTHTOK. An earlier module may have read it already.
    fn ask_both(&mut self, question: &Question, lengths: &[u8]) -> Result<Option<Secret>, ()> {
        let known = self.conversation.password();
        let (combined, known) = match (self.first_pass, known) {
            (FirstPass::Try | FirstPass::Use, Some(combined)) => (combined, None),
            (FirstPass::Use, None) => return Err(()),
            (FirstPass::Ask | FirstPass::Try, known) => {
                let typed = self.type_reply(question)?;
                (typed.unwrap_or_else(|| Secret::new(String::new())), known)
            }
        };
        // The first question only; there is one.
        self.first_pass = FirstPass::Ask;
        let (password, reply) = password::split(&combined, known.as_ref(), lengths);
        if self.conversation.set_password(&password) {
            Ok(reply)
        } else {
            Err(())
        }
    }

    fn type_reply(&mut self, question: &Question) -> Result<Option<Secret>, ()> {
        if let Some(notice) = &question.notice {
            self.conversation.show_notice(notice);
        }
        self.conversation.ask(&question.prompt, question.echo)
    }

    /// Passes the verdict on. One that lets the person in must be about the user of the login's
    /// start. It becomes a refusal where PAM_USER is another one now, and the module tells the
    /// engine what the application gets. It counts only when the engine reads the confirmation: an
    /// engine that has ended before writes no audit line, or one that says `delivered=no`.
    fn conclude(mut self, verdict: Verdict, user: &str, begun_as: &str) -> Result<Verdict, Error> {
        if !matches!(verdict, Verdict::Accepted | Verdict::Ignored) {
            return Ok(verdict);
        }
        if user != begun_as {
            return Err(Error::OtherUser);
        }
        let (verdict, confirmation) = if self.conversation.user().as_deref() == Some(user) {
            (verdict, Confirmation::Delivered)
        } else {
            (Verdict::Refused, Confirmation::UserChanged)
        };
        self.send(&FromModule::Confirm(confirmation))?;
        self.channel.wait_for_end(Instant::now() + SETTLED)?;
        Ok(verdict)
    }
}

/// The longest deadline that an engine can name, in milliseconds: the largest `deadline_seconds`.
const MAX_DEADLINE: u64 = 600_000;
