//! Scripted logins: queues of replies and answers, and a clock that moves only as the script says.
//!
//! A test builds a [`Script`], runs it, and compares the [`Ran`]. No test sleeps.

mod codes;
mod enroll;
mod last_notice;
mod limits;
mod notice;
mod password;
mod push;
mod recovery;
mod security_key;
mod timing;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::rc::Rc;

use super::*;
use crate::base::factor::{
    Code, Error, ErrorKind, Factor, Identity, Progress, PushAnswer, PushRequest, SecondFactor, Sent,
};
use crate::base::language::{Language, Texts};
use crate::base::reply::RecoveryCode;
use crate::messages::built_in;
use crate::store::config::{Enter, Fallback};
use crate::store::limits::{Costly, Error as LimitError};
use crate::store::state::Failure;

/// A clock that moves when the login sleeps or the script says so.
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

/// What the person or the application does at one prompt.
enum Typed {
    Text(&'static str),
    /// The application returns no text.
    Nothing,
    After(Duration, &'static str),
    HangUp,
    /// The person types nothing until the deadline, which is after this time.
    Late(Duration),
    /// The application changes the user name, and the person types a text.
    Renamed(&'static str, &'static str),
}

/// A notice, the prompt that follows it, and whether the reply is echoed.
type Prompt = (Option<String>, String, bool);

struct FakePerson<'a> {
    clock: &'a FakeClock,
    script: VecDeque<Typed>,
    user: String,
    prompts: Vec<Prompt>,
    /// How many prompts there were.
    asked: Rc<Cell<usize>>,
    shown: Vec<String>,
    renamed_to: Option<&'static str>,
    kinds: Vec<Kind>,
    /// The application is gone.
    is_gone: bool,
    dismissed: Option<Verdict>,
}

impl<'a> FakePerson<'a> {
    fn new(
        clock: &'a FakeClock,
        typed: Vec<Typed>,
        renamed_to: Option<&'static str>,
        is_gone: bool,
    ) -> Self {
        Self {
            clock,
            script: typed.into(),
            user: "alice".into(),
            prompts: vec![],
            asked: Rc::default(),
            shown: vec![],
            renamed_to,
            kinds: vec![],
            is_gone,
            dismissed: None,
        }
    }
}

impl Conversation for FakePerson<'_> {
    fn ask(&mut self, question: &Question) -> Result<Option<Secret>, NoReply> {
        let Question {
            kind,
            notice,
            prompt,
            echo,
        } = question.clone();
        self.prompts.push((notice, prompt, echo));
        self.asked.set(self.prompts.len());
        self.kinds.push(kind);
        let text = match self
            .script
            .pop_front()
            .expect("a reply is left for this prompt")
        {
            Typed::Text(text) => text,
            Typed::Nothing => return Ok(None),
            Typed::HangUp => return Err(NoReply::Failed),
            Typed::Late(time) => {
                self.clock.pass(time);
                return Err(NoReply::Deadline);
            }
            Typed::After(time, text) => {
                self.clock.pass(time);
                text
            }
            Typed::Renamed(user, text) => {
                self.user = user.to_owned();
                text
            }
        };
        Ok(Some(Secret::new(text.to_owned())))
    }

    fn show_notice(&mut self, notice: &str) {
        self.shown.push(notice.to_owned());
        if let Some(user) = self.renamed_to {
            self.user = user.to_owned();
        }
    }

    fn user(&self) -> Option<String> {
        Some(self.user.clone())
    }

    fn is_open(&self) -> bool {
        !self.is_gone && self.dismissed.is_none()
    }

    fn dismiss(&mut self, verdict: Verdict) {
        self.dismissed = Some(verdict);
    }
}

/// One answer of the provider, and the time that it takes.
type Timed<T> = (Duration, Result<T, Error>);

/// A person's factor, or a decoy where `is_enrolled` is false.
struct FakeFactor<'a> {
    clock: &'a FakeClock,
    verify: VecDeque<Timed<()>>,
    sms: VecDeque<Timed<Sent>>,
    app: VecDeque<Result<bool, Error>>,
    push: VecDeque<Result<(), Error>>,
    answers: VecDeque<Result<PushAnswer, Error>>,
    /// The requests that went to the provider; none for a decoy.
    sent: RefCell<Vec<String>>,
    push_requests: Vec<PushRequest>,
    is_enrolled: bool,
}

impl FakeFactor<'_> {
    fn note(&self, request: String) {
        self.sent.borrow_mut().push(request);
    }
}

impl SecondFactor for FakeFactor<'_> {
    fn identity(&self) -> Option<Identity> {
        self.is_enrolled
            .then(|| Identity::Authy("1635".parse().unwrap()))
    }

    fn code_lengths(&self) -> Vec<u8> {
        vec![if self.is_enrolled { 7 } else { 6 }]
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
        self.push_requests.push(request.clone());
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

/// Limits that answer as the script says, and note what was counted.
#[derive(Default)]
struct FakeLimits {
    /// The error for everything that is sent.
    send: Option<LimitError>,
    /// The error for every code.
    code: Option<LimitError>,
    counted: Vec<String>,
    /// Whether an SMS or call brought a code.
    sent_lately: bool,
    /// How many codes were refused since the last success.
    refused: u32,
    /// Whether it was a code that was accepted.
    accepted_by_code: Option<bool>,
}

impl Limits for FakeLimits {
    fn acquire(&mut self, what: Costly) -> Result<(), LimitError> {
        self.counted.push(format!("acquire {what:?}"));
        self.send.clone().map_or(Ok(()), Err)
    }
    fn release(&mut self, what: Costly) {
        self.counted.push(format!("release {what:?}"));
    }
    fn acquire_code(&mut self) -> Result<(), LimitError> {
        self.counted.push("acquire code".into());
        self.code.clone().map_or(Ok(()), Err)
    }
    fn note_refused(&mut self) {
        self.counted.push("note refused".into());
    }
    fn code_accepted(&mut self, is_code: bool) -> u32 {
        self.accepted_by_code = Some(is_code);
        self.counted.push("code accepted".into());
        self.refused
    }
    fn release_code(&mut self) {
        self.counted.push("release code".into());
    }
    fn push_denied(&mut self) {
        self.counted.push("push denied".into());
    }
    fn push_approved(&mut self) {
        self.counted.push("push approved".into());
    }
    fn sent_lately(&self) -> bool {
        self.sent_lately
    }
}

/// The scripted results of redeeming recovery codes.
struct FakeRecovery(VecDeque<Result<Option<usize>, Failure>>);

impl Recovery for FakeRecovery {
    fn redeem(&mut self, _: &RecoveryCode) -> Result<Option<usize>, Failure> {
        self.0.pop_front().expect("an answer to this code is left")
    }
}

fn error(kind: ErrorKind) -> Error {
    Error {
        kind,
        code: Some(60020),
        detail: "why".into(),
        progress: Progress::Answered,
    }
}

/// The error of a request whose answer was lost.
fn lost(kind: ErrorKind) -> Error {
    Error {
        progress: Progress::Unanswered,
        ..error(kind)
    }
}

const QUICK: Duration = Duration::from_millis(100);

/// Asserts that each row (name, actual, expected) is as expected, and reports all rows that are
/// not.
fn assert_rows<T: Debug + PartialEq>(rows: impl IntoIterator<Item = (String, T, T)>) {
    let wrong: Vec<_> = rows
        .into_iter()
        .filter(|(_, actual, expected)| actual != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The prompt that offers these words.
fn prompt(words: &str) -> String {
    format!("Verification code (or type {words}): ")
}

/// A login to run. [`Script::run`] must use up every reply and answer.
struct Script {
    rules: config::Login,
    /// `None`: as the rules say.
    on_outage: Option<OnOutage>,
    enrolled: bool,
    has_password: bool,
    /// The application is gone after its first prompts.
    is_gone: bool,
    first_pass: FirstPass,
    typed: Vec<Typed>,
    verify: Vec<Timed<()>>,
    sms: Vec<Timed<Sent>>,
    app: Vec<Result<bool, Error>>,
    push: Vec<Result<(), Error>>,
    answers: Vec<Result<PushAnswer, Error>>,
    limits: FakeLimits,
    recovery: Option<Vec<Result<Option<usize>, Failure>>>,
    names_recovery: bool,
    /// Whether the service offers a push, where the person's own rules differ.
    offers_push: Option<bool>,
    /// The user name that the application has after the first notice without a prompt.
    renamed_to: Option<&'static str>,
    /// PAM_TTY.
    tty: Option<&'static str>,
    /// sshd has accepted a security key of the person.
    is_proven: bool,
    /// The app that is offered.
    enrollment: Option<enroll::FakeEnrollment>,
    /// From when on an app counts that does not yet.
    held_until: Option<u64>,
}

/// What a script did.
struct Ran {
    outcome: Outcome,
    sent: Vec<String>,
    prompts: Vec<Prompt>,
    /// The notices without a prompt.
    shown: Vec<String>,
    push_requests: Vec<PushRequest>,
    counted: Vec<String>,
    accepted_by_code: Option<bool>,
    kinds: Vec<Kind>,
    dismissed: Option<Verdict>,
    /// What was asked of the app that is offered.
    enrollment: Vec<String>,
    /// The refused codes that were recorded at once: reason, attempts, and how many prompts there
    /// were before.
    recorded: Vec<(Reason, u32, usize)>,
    took: Duration,
}

impl Ran {
    /// The verdict, its reason, and the number of attempts.
    fn result(&self) -> (Verdict, Reason, u32) {
        let outcome = &self.outcome;
        (outcome.verdict, outcome.reason, outcome.attempts)
    }

    /// The notice that came with a prompt, counted from 0, without a hint behind it.
    fn notice_at(&self, prompt: usize) -> Option<Message> {
        let text = self.prompts[prompt].0.as_deref()?;
        let hint = format!(" {}", built_in(Message::RecoveryHint, Language::En));
        let text = text.strip_suffix(&hint).unwrap_or(text);
        let known = |message: &&Message| built_in(**message, Language::En) == text;
        Some(*Message::ALL.iter().find(known).expect("a known message"))
    }
}

impl Script {
    fn new(typed: Vec<Typed>) -> Self {
        Self {
            rules: config::Login::default(),
            on_outage: None,
            enrolled: true,
            has_password: false,
            is_gone: false,
            first_pass: FirstPass::Ask,
            typed,
            verify: vec![],
            sms: vec![],
            app: vec![],
            push: vec![],
            answers: vec![],
            limits: FakeLimits::default(),
            recovery: None,
            names_recovery: false,
            offers_push: None,
            renamed_to: None,
            tty: None,
            is_proven: false,
            enrollment: None,
            held_until: None,
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

    fn attempt(&self) -> Attempt {
        Attempt {
            user: "alice".into(),
            service: "sshd".into(),
            has_password: self.has_password,
            tty: self.tty.map(str::to_owned),
            ..Attempt::default()
        }
    }

    fn run(self) -> Ran {
        let clock = FakeClock::new();
        let attempt = self.attempt();
        let mut person = FakePerson::new(&clock, self.typed, self.renamed_to, self.is_gone);
        let mut factor = FakeFactor {
            clock: &clock,
            verify: self.verify.into(),
            sms: self.sms.into(),
            app: self.app.into(),
            push: self.push.into(),
            answers: self.answers.into(),
            sent: RefCell::default(),
            push_requests: vec![],
            is_enrolled: self.enrolled,
        };
        let mut limits = self.limits;
        let mut recovery = self.recovery.map(|results| FakeRecovery(results.into()));
        let prompts = Rc::clone(&person.asked);
        let mut recorded = vec![];
        let mut enrollment = self.enrollment;
        let outcome = Login {
            attempt: &attempt,
            rules: &self.rules,
            is_proven: self.is_proven,
            offers_push: self.offers_push.unwrap_or(self.rules.offers_push()),
            on_outage: self.on_outage.unwrap_or_else(|| by_rules(&self.rules)),
            request_timeout: Duration::from_secs(8),
            messages: &Messages::new(Language::En, &Texts::default(), "alice", "host", "sshd"),
            details: &[("User".into(), "alice".into())],
            first_pass: self.first_pass,
            conversation: &mut person,
            factor: &mut factor,
            limits: &mut limits,
            recovery: (recovery.as_mut()).map(|codes| codes as &mut dyn Recovery),
            names_recovery: self.names_recovery,
            enrollment: (enrollment.as_mut()).map(|one| one as &mut dyn Enrollment),
            held_until: self.held_until,
            record_refused: &mut |outcome| {
                recorded.push((outcome.reason, outcome.attempts, prompts.get()));
            },
            random: &mut |_| Some(42),
            clock: &clock,
            deadline: Deadline::after(clock.now(), self.rules.deadline),
        }
        .authenticate();
        assert_used_up(&person, &factor, recovery.as_ref());
        Ran {
            outcome,
            sent: factor.sent.into_inner(),
            prompts: person.prompts,
            shown: person.shown,
            push_requests: factor.push_requests,
            counted: limits.counted,
            accepted_by_code: limits.accepted_by_code,
            kinds: person.kinds,
            dismissed: person.dismissed,
            enrollment: enrollment.map_or(vec![], |one| one.asked),
            recorded,
            took: clock.passed.get(),
        }
    }
}

/// What an outage means by these rules alone.
fn by_rules(rules: &config::Login) -> OnOutage {
    match rules.when_unavailable {
        Fallback::Ignore => OnOutage::Ignore,
        Fallback::Deny => OnOutage::Deny,
    }
}

fn assert_used_up(
    person: &FakePerson<'_>,
    factor: &FakeFactor<'_>,
    recovery: Option<&FakeRecovery>,
) {
    let left = [
        ("replies", person.script.len()),
        ("answers to verify", factor.verify.len()),
        ("answers to SMS and calls", factor.sms.len()),
        ("answers to a push", factor.answers.len()),
        ("recovery codes", recovery.map_or(0, |codes| codes.0.len())),
    ];
    assert!(left.iter().all(|(_, left)| *left == 0), "left: {left:?}");
}
