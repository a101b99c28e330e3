//! Scripted logins: queues of replies and answers, and a clock that only moves when told.

mod lasting;
mod password;
mod push;
mod timing;
mod tokens;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::*;
use crate::base::factor::{
    Code, Error, ErrorKind, Identity, PushAnswer, PushRequest, SecondFactor, Sent,
};
use crate::base::language::{Language, Texts};
use crate::base::reply::RecoveryCode;
use crate::messages::built_in;
use crate::store::config::Fallback;
use crate::store::limits::{self, Costly};
use crate::store::state::Failure;

/// A clock that moves when somebody sleeps or a script says so.
struct FakeClock {
    start: Instant,
    passed: Cell<Duration>,
}

impl FakeClock {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: Cell::default(),
        }
    }
    fn pass(&self, duration: Duration) {
        self.passed.set(self.passed.get() + duration);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Instant {
        self.start + self.passed.get()
    }
    fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

/// What the person does at one prompt.
enum Typed {
    Text(&'static str),
    Nothing,
    After(Duration, &'static str),
    HangUp,
    Becomes(&'static str, &'static str),
}

struct Person<'a> {
    clock: &'a FakeClock,
    script: VecDeque<Typed>,
    user: String,
    seen: Vec<(Option<String>, String, bool)>,
    told: Vec<String>,
    becomes: Option<&'static str>,
    left_password: Option<String>,
}

impl Conversation for Person<'_> {
    fn ask(
        &mut self,
        message: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, ConversationFailed> {
        self.seen
            .push((message.map(str::to_owned), prompt.to_owned(), echo));
        let text = match self
            .script
            .pop_front()
            .expect("a reply is left for this prompt")
        {
            Typed::Text(text) => text,
            Typed::Nothing => return Ok(None),
            Typed::HangUp => return Err(ConversationFailed),
            Typed::After(time, text) => {
                self.clock.pass(time);
                text
            }
            Typed::Becomes(user, text) => {
                self.user = user.to_owned();
                text
            }
        };
        Ok(Some(Secret::new(text.to_owned())))
    }

    fn show_notice(&mut self, message: &str) {
        self.told.push(message.to_owned());
        if let Some(user) = self.becomes {
            self.user = user.to_owned();
        }
    }

    fn user(&self) -> Option<String> {
        Some(self.user.clone())
    }

    fn set_password(&mut self, password: &Secret) -> Result<(), ConversationFailed> {
        self.left_password = Some(password.expose().to_owned());
        Ok(())
    }
}

/// One answer of the service, after some time.
type Timed<T> = (Duration, Result<T, Error>);

struct Phone<'a> {
    clock: &'a FakeClock,
    verify: VecDeque<Timed<()>>,
    sms: VecDeque<Timed<Sent>>,
    app: VecDeque<Result<bool, Error>>,
    push: VecDeque<Result<(), Error>>,
    answers: VecDeque<Result<PushAnswer, Error>>,
    asked: RefCell<Vec<String>>,
    requests: Vec<PushRequest>,
    is_enrolled: bool,
}

impl Phone<'_> {
    fn note(&self, what: String) {
        self.asked.borrow_mut().push(what);
    }
}

impl SecondFactor for Phone<'_> {
    fn identity(&self) -> Option<Identity> {
        self.is_enrolled
            .then(|| Identity::Authy("1635".parse().unwrap()))
    }

    fn verify(&mut self, code: &Code, _: Deadline) -> Result<(), Error> {
        if !self.is_enrolled {
            return Err(Error {
                code: None,
                ..error(ErrorKind::Refused)
            });
        }
        self.note(format!("verify {}", code.digits()));
        let (time, answer) = self
            .verify
            .pop_front()
            .expect("an answer to this verify is left");
        self.clock.pass(time);
        answer
    }

    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        _: Deadline,
    ) -> Result<Sent, Error> {
        if !self.is_enrolled {
            return Ok(Sent::Sent);
        }
        let word = format!("{channel:?}").to_lowercase();
        let language = language.map_or(String::new(), |language| format!(" {}", language.as_str()));
        self.note(format!("{word}{language}"));
        let (time, answer) = self.sms.pop_front().expect("an answer to this is left");
        self.clock.pass(time);
        answer
    }

    fn has_app(&mut self, _: Deadline) -> Result<bool, Error> {
        if !self.is_enrolled {
            return Ok(true);
        }
        self.note("app".into());
        self.clock.pass(QUICK);
        self.app.pop_front().unwrap_or(Ok(true))
    }

    fn push(&mut self, request: &PushRequest, _: Deadline) -> Result<(), Error> {
        if !self.is_enrolled {
            return Ok(());
        }
        self.note("push".into());
        self.requests.push(request.clone());
        self.clock.pass(QUICK);
        self.push.pop_front().unwrap_or(Ok(()))
    }

    fn push_answer(&mut self, _: Deadline) -> Result<PushAnswer, Error> {
        if !self.is_enrolled {
            return Ok(PushAnswer::Pending);
        }
        self.note("answer".into());
        self.clock.pass(QUICK);
        self.answers.pop_front().unwrap_or(Ok(PushAnswer::Pending))
    }
}

/// Says what a script wants, and notes what was counted.
#[derive(Default)]
struct Counts {
    spend: Option<limits::Error>,
    token: Option<limits::Error>,
    noted: Vec<String>,
}

impl Limits for Counts {
    fn acquire(&mut self, what: Costly) -> Result<(), limits::Error> {
        self.noted.push(format!("spend {what:?}"));
        self.spend.clone().map_or(Ok(()), Err)
    }
    fn release(&mut self, what: Costly) {
        self.noted.push(format!("give back {what:?}"));
    }
    fn acquire_code(&mut self) -> Result<(), limits::Error> {
        self.noted.push("token".into());
        self.token.clone().map_or(Ok(()), Err)
    }
    fn code_accepted(&mut self) {
        self.noted.push("accepted".into());
    }
    fn release_code(&mut self) {
        self.noted.push("unanswered".into());
    }
}

/// Recovery codes whose answers are scripted.
struct Codes(VecDeque<Result<Option<usize>, Failure>>);

impl Recovery for Codes {
    fn redeem(&mut self, _: &RecoveryCode) -> Result<Option<usize>, Failure> {
        self.0.pop_front().expect("an answer to this code is left")
    }
}

fn error(kind: ErrorKind) -> Error {
    Error {
        kind,
        code: Some(60020),
        detail: "why".into(),
        maybe_delivered: false,
    }
}

/// An error of a request whose answer was lost.
fn lost(kind: ErrorKind) -> Error {
    Error {
        maybe_delivered: true,
        ..error(kind)
    }
}

const QUICK: Duration = Duration::from_millis(100);

/// The prompt that offers these words.
fn prompt(words: &str) -> String {
    format!("Authy token (or type {words}): ")
}

/// A login to be scripted; `run` must use every reply and answer up.
struct Script {
    rules: config::Login,
    enrolled: bool,
    password: Option<&'static str>,
    first_pass: FirstPass,
    typed: Vec<Typed>,
    verify: Vec<Timed<()>>,
    sms: Vec<Timed<Sent>>,
    app: Vec<Result<bool, Error>>,
    push: Vec<Result<(), Error>>,
    answers: Vec<Result<PushAnswer, Error>>,
    counts: Counts,
    codes: Option<Vec<Result<Option<usize>, Failure>>>,
    /// The name that the application has after a text.
    becomes: Option<&'static str>,
}

struct Ran {
    outcome: Outcome,
    asked: Vec<String>,
    seen: Vec<(Option<String>, String, bool)>,
    told: Vec<String>,
    requests: Vec<PushRequest>,
    counted: Vec<String>,
    left_password: Option<String>,
    took: Duration,
}

impl Ran {
    /// The message that came with a prompt.
    fn said(&self, prompt: usize) -> Option<Message> {
        let text = self.seen[prompt].0.as_deref()?;
        let known = |message: &&Message| built_in(**message, Language::En) == text;
        Some(*Message::ALL.iter().find(known).expect("a known message"))
    }
}

impl Script {
    fn new(typed: Vec<Typed>) -> Self {
        Self {
            rules: config::Login::default(),
            enrolled: true,
            password: None,
            first_pass: FirstPass::Ask,
            typed,
            verify: vec![],
            sms: vec![],
            app: vec![],
            push: vec![],
            answers: vec![],
            counts: Counts::default(),
            codes: None,
            becomes: None,
        }
    }

    fn texts(typed: &[&'static str]) -> Self {
        Self::new(typed.iter().map(|text| Typed::Text(text)).collect())
    }

    fn verify(mut self, answers: Vec<Result<(), Error>>) -> Self {
        self.verify = answers.into_iter().map(|answer| (QUICK, answer)).collect();
        self
    }

    fn sms(mut self, answers: Vec<Result<Sent, Error>>) -> Self {
        self.sms = answers.into_iter().map(|answer| (QUICK, answer)).collect();
        self
    }

    fn answers(mut self, answers: Vec<Result<PushAnswer, Error>>) -> Self {
        self.answers = answers;
        self
    }

    fn rules(mut self, change: impl FnOnce(&mut config::Login)) -> Self {
        change(&mut self.rules);
        self
    }

    fn unenrolled(mut self) -> Self {
        self.enrolled = false;
        self
    }

    fn run(self) -> Ran {
        let clock = FakeClock::new();
        let attempt = Attempt {
            user: "alice".into(),
            service: "sshd".into(),
            rhost: None,
            tty: None,
            ruser: None,
            address: None,
            ssh_auth: None,
            password: self.password.map(|text| Secret::new(text.into())),
        };
        let mut conversation = Person {
            clock: &clock,
            script: self.typed.into(),
            user: "alice".into(),
            seen: vec![],
            told: vec![],
            becomes: self.becomes,
            left_password: None,
        };
        let mut provider = Phone {
            clock: &clock,
            verify: self.verify.into(),
            sms: self.sms.into(),
            app: self.app.into(),
            push: self.push.into(),
            answers: self.answers.into(),
            asked: RefCell::default(),
            requests: vec![],
            is_enrolled: self.enrolled,
        };
        let mut counts = self.counts;
        let mut codes = self.codes.map(|codes| Codes(codes.into()));
        let outcome = Login {
            attempt: &attempt,
            rules: &self.rules,
            request_timeout: Duration::from_secs(8),
            messages: &Messages::new(Language::En, &Texts::default(), "alice", "host", "sshd"),
            details: &[("User".into(), "alice".into())],
            first_pass: self.first_pass,
            conversation: &mut conversation,
            factor: &mut provider,
            limits: &mut counts,
            recovery: codes.as_mut().map(|codes| codes as &mut dyn Recovery),
            random: &mut |_| Some(42),
            clock: &clock,
            deadline: Deadline::after(clock.now(), self.rules.deadline),
        }
        .authenticate();
        assert!(conversation.script.is_empty(), "replies are left");
        assert!(
            provider.verify.is_empty() && provider.sms.is_empty() && provider.answers.is_empty(),
            "answers are left"
        );
        assert!(
            codes.is_none_or(|codes| codes.0.is_empty()),
            "codes are left"
        );
        Ran {
            outcome,
            asked: provider.asked.into_inner(),
            seen: conversation.seen,
            told: conversation.told,
            requests: provider.requests,
            counted: counts.noted,
            left_password: conversation.left_password,
            took: clock.passed.get(),
        }
    }
}

fn ended(ran: &Ran) -> (Verdict, Reason, u32) {
    (
        ran.outcome.verdict,
        ran.outcome.reason,
        ran.outcome.attempts,
    )
}
