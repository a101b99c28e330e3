//! What each answer of Twilio means for a login, and what is asked.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::base::factor::twilio::{Challenges, Started, UsedCodes};
use crate::client::http;
use crate::client::twilio::Cause;
use crate::client::twilio::scripted::{Scripted, later, other_sid, sid, with};

const NUMBER: &str = "+15551234567";
const IDENTITY: &str = "ff483d1f-0000";

/// What lasts, in memory; notes what is done.
#[derive(Clone, Default)]
struct Memory {
    started: Rc<RefCell<Option<VerificationSid>>>,
    used: Rc<RefCell<Vec<String>>>,
    /// The error for the next challenge, or for a code that is used up.
    error: Rc<RefCell<Option<Error>>>,
    counted: Rc<RefCell<Vec<&'static str>>>,
}

impl Started for Memory {
    fn find(&self, _: &Phone) -> Option<VerificationSid> {
        self.started.borrow().clone()
    }
    fn keep(&mut self, _: &Phone, sid: &VerificationSid) -> Result<(), String> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error.detail);
        }
        *self.started.borrow_mut() = Some(sid.clone());
        Ok(())
    }
    fn forget(&mut self, _: &Phone, sid: &VerificationSid) {
        let kept = self.started.borrow_mut().take();
        assert!(kept.is_none_or(|kept| kept == *sid));
    }
}

impl Challenges for Memory {
    fn acquire_challenge(&mut self) -> Result<(), Error> {
        self.counted.borrow_mut().push("acquire");
        self.error.borrow_mut().take().map_or(Ok(()), Err)
    }
    fn release_challenge(&mut self) {
        self.counted.borrow_mut().push("release");
    }
}

impl UsedCodes for Memory {
    fn is_used(&self, _: &TwilioFactor, code: &Code) -> Result<bool, Error> {
        Ok(self.used.borrow().iter().any(|used| used == code.digits()))
    }
    fn use_up(&mut self, factor: &TwilioFactor, code: &Code) -> Result<bool, Error> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        let is_new = !self.is_used(factor, code)?;
        self.used.borrow_mut().push(code.digits().to_owned());
        Ok(is_new)
    }
}

type Answer = Result<(u16, String), http::Error>;

struct Person {
    memory: Memory,
    factor: Twilio<Scripted>,
}

impl Person {
    fn new(phone: bool, app: bool, answers: Vec<Answer>) -> Self {
        let memory = Memory::default();
        Self {
            factor: Self::login(&memory, phone, app, answers),
            memory,
        }
    }

    /// Another login of the same person.
    fn login(memory: &Memory, phone: bool, app: bool, answers: Vec<Answer>) -> Twilio<Scripted> {
        let lasting = Lasting {
            started: Box::new(memory.clone()),
            challenges: Box::new(memory.clone()),
            used: Box::new(memory.clone()),
        };
        let app = app.then(|| App {
            identity: IDENTITY.parse().unwrap(),
            factor: sid("YF").parse().unwrap(),
        });
        let phone = phone.then(|| NUMBER.parse().unwrap());
        Twilio::new(with(answers), phone, app, lasting, 6)
    }

    /// A person who got a code in an earlier call of the module.
    fn started(app: bool, answers: Vec<Answer>) -> Self {
        let person = Self::new(true, app, answers);
        *person.memory.started.borrow_mut() = Some(sid("VE").parse().unwrap());
        person
    }

    fn verify(&mut self, digits: &str) -> Result<(), (ErrorKind, Option<u32>, Progress)> {
        let verified = self.factor.verify(&digits.parse().unwrap(), later());
        verified.map_err(|error| (error.kind, error.code, error.progress))
    }

    /// The last parts of the paths that were asked, and the forms.
    fn asked(&self) -> Vec<String> {
        let lines = self.factor.client.asked();
        let shorten = |line: String| {
            let path = line.split("/v2/Services/").nth(1).unwrap();
            path[34..].replace(IDENTITY, "ID")
        };
        lines.into_iter().map(shorten).collect()
    }
}

fn ok(status: u16, body: &Value) -> Answer {
    Ok((status, body.to_string()))
}

fn refusal(status: u16, code: u32) -> Answer {
    ok(
        status,
        &json!({"code": code, "message": "x", "status": status}),
    )
}

fn lost() -> Answer {
    Err(http::Error::Unavailable(Cause::TimedOut))
}

fn unsent() -> Answer {
    Err(http::Error::Unavailable(Cause::NoConnection("x".into())))
}

fn verification(status: &str) -> Answer {
    ok(
        201,
        &json!({"sid": sid("VE"), "service_sid": sid("VA"), "to": NUMBER, "status": status,
            "valid": status == "approved"}),
    )
}

fn challenge(status: &str) -> Answer {
    ok(
        201,
        &json!({"sid": sid("YC"), "service_sid": sid("VA"), "identity": IDENTITY,
            "factor_sid": sid("YF"), "factor_type": "totp", "status": status}),
    )
}

fn create(code: &str) -> String {
    let factor = sid("YF");
    format!("/Entities/ID/Challenges form FactorSid={factor}&AuthPayload={code}")
}

fn update(code: &str) -> String {
    format!(
        "/Entities/ID/Challenges/{} form AuthPayload={code}",
        sid("YC")
    )
}

fn check(code: &str) -> String {
    format!(
        "/VerificationCheck form VerificationSid={}&Code={code}",
        sid("VE")
    )
}

const REFUSED: Result<(), (ErrorKind, Option<u32>, Progress)> =
    Err((ErrorKind::Refused, None, Progress::Answered));

#[test]
fn a_code_that_was_sent_is_checked_by_the_sid_of_its_start_and_used_up() {
    let answers = vec![verification("pending"), verification("approved")];
    let mut person = Person::new(true, false, answers);
    let language = Some(Language::De);
    let sent = person.factor.send(Channel::Sms, language, later());
    assert_eq!(sent, Ok(Sent::Sent));
    let kept = person.memory.started.borrow().clone();
    assert_eq!(kept, sid("VE").parse().ok());
    assert_eq!(person.verify("123456"), Ok(()));
    assert_eq!(*person.memory.started.borrow(), None);
    assert_eq!(person.verify("123456"), REFUSED, "nothing more is asked");
    let start = "/Verifications form To=%2B15551234567&Channel=sms&Locale=de";
    assert_eq!(person.asked(), [start, &check("123456")]);
}

#[test]
fn a_start_that_cannot_be_kept_is_checked_in_this_call_and_noted() {
    let answers = vec![verification("pending"), verification("approved")];
    let mut person = Person::new(true, false, answers);
    *person.memory.error.borrow_mut() = Some(refused("full disk"));
    let sent = person.factor.send(Channel::Sms, None, later());
    assert_eq!(sent, Ok(Sent::Sent));
    assert!(person.factor.notes()[0].ends_with("alone: full disk"));
    assert_eq!(person.verify("123456"), Ok(()));
}

#[test]
fn a_code_is_checked_in_a_later_call_of_the_module() {
    let mut person = Person::started(false, vec![verification("pending")]);
    assert_eq!(person.verify("123456"), REFUSED);
    let kept = person.memory.started.borrow().clone();
    assert!(kept.is_some(), "a wrong code leaves it");
    let mut next = Person {
        factor: Person::login(&person.memory, true, false, vec![verification("approved")]),
        memory: person.memory,
    };
    assert_eq!(next.verify("654321"), Ok(()));
    assert_eq!(next.asked(), [check("654321")]);
}

#[test]
fn a_start_that_is_refused_lost_or_about_another_number_leaves_no_sid() {
    let other = json!({"sid": sid("VE"), "service_sid": sid("VA"), "to": "+15551234568",
        "status": "pending"});
    let rows = [
        (ok(201, &other), ErrorKind::Unexpected, Progress::Unanswered),
        (
            Ok((504, String::new())),
            ErrorKind::Unavailable,
            Progress::Unanswered,
        ),
        (
            Ok((200, "<html>".into())),
            ErrorKind::Unavailable,
            Progress::Unanswered,
        ),
        (lost(), ErrorKind::Unavailable, Progress::Unanswered),
        (unsent(), ErrorKind::Unavailable, Progress::NotSent),
        (
            refusal(429, 60203),
            ErrorKind::RateLimited,
            Progress::Answered,
        ),
        (
            refusal(403, 60205),
            ErrorKind::PersonRefused,
            Progress::Answered,
        ),
        (refusal(400, 60200), ErrorKind::Refused, Progress::Answered),
        (
            refusal(404, 20404),
            ErrorKind::ApplicationRefused,
            Progress::Answered,
        ),
        (
            refusal(403, 70051),
            ErrorKind::KeyRefused,
            Progress::Answered,
        ),
    ];
    for (answer, kind, progress) in rows {
        let shown = format!("{answer:?}");
        let mut person = Person::new(true, false, vec![answer]);
        let error = person
            .factor
            .send(Channel::Call, None, later())
            .unwrap_err();
        assert_eq!((error.kind, error.progress), (kind, progress), "{shown}");
        assert_eq!(person.verify("123456"), REFUSED, "{shown}");
        assert_eq!(*person.memory.started.borrow(), None, "{shown}");
    }
}

#[test]
fn what_the_sent_code_refuses_is_checked_by_the_app_as_one_code() {
    let answers = vec![verification("pending"), challenge("approved")];
    let mut person = Person::started(true, answers);
    assert_eq!(person.verify("123456"), Ok(()));
    assert_eq!(person.asked(), [check("123456"), create("123456")]);
    let answers = vec![verification("pending"), challenge("pending")];
    let mut person = Person::started(true, answers);
    assert_eq!(person.verify("123456"), REFUSED);
    let answers = vec![verification("pending"), unsent()];
    let mut person = Person::started(true, answers);
    let expected = Err((ErrorKind::Unavailable, None, Progress::Answered));
    assert_eq!(person.verify("123456"), expected, "bytes of it have left");
}

#[test]
fn a_verification_that_has_ended_is_dropped_and_the_code_is_one_of_the_app() {
    for answer in [refusal(404, 20404), refusal(429, 60202)] {
        let answers = vec![answer, challenge("approved"), challenge("approved")];
        let mut person = Person::started(true, answers);
        assert_eq!(person.verify("123456"), Ok(()));
        assert_eq!(*person.memory.started.borrow(), None);
        assert_eq!(person.verify("654321"), Ok(()));
        let expected = [check("123456"), create("123456"), create("654321")];
        assert_eq!(person.asked(), expected);
    }
    let mut person = Person::started(false, vec![refusal(404, 20404)]);
    let expected = Err((ErrorKind::Refused, Some(20404), Progress::Answered));
    assert_eq!(person.verify("123456"), expected);
}

/// The first unanswered question ends a login: a second one about the same code could only be no.
#[test]
fn a_check_without_a_usable_answer_is_asked_neither_again_nor_of_the_app() {
    let rows = [
        (lost(), ErrorKind::Unavailable, Progress::Unanswered),
        (unsent(), ErrorKind::Unavailable, Progress::NotSent),
        (
            Ok((503, String::new())),
            ErrorKind::Unavailable,
            Progress::Unanswered,
        ),
        (
            Ok((200, "<html>".into())),
            ErrorKind::Unavailable,
            Progress::Unanswered,
        ),
        (
            verification("Approved"),
            ErrorKind::Unexpected,
            Progress::Unanswered,
        ),
        (
            refusal(429, 20429),
            ErrorKind::RateLimited,
            Progress::Answered,
        ),
        (
            refusal(401, 20003),
            ErrorKind::KeyRefused,
            Progress::Answered,
        ),
        (
            refusal(403, 70051),
            ErrorKind::KeyRefused,
            Progress::Answered,
        ),
    ];
    for (answer, kind, progress) in rows {
        let shown = format!("{answer:?}");
        let mut person = Person::started(true, vec![answer]);
        let (found, _, found_progress) = person.verify("123456").unwrap_err();
        assert_eq!((found, found_progress), (kind, progress), "{shown}");
        assert_eq!(person.asked(), [check("123456")], "{shown}");
        assert!(person.memory.started.borrow().is_some(), "{shown}");
    }
}

#[test]
fn further_codes_of_a_login_use_one_challenge() {
    let answers = vec![
        challenge("pending"),
        challenge("pending"),
        challenge("approved"),
    ];
    let mut person = Person::new(false, true, answers);
    assert_eq!(person.verify("111111"), REFUSED);
    assert_eq!(person.verify("222222"), REFUSED);
    assert_eq!(person.verify("333333"), Ok(()));
    let expected = [create("111111"), update("222222"), update("333333")];
    assert_eq!(person.asked(), expected);
    assert_eq!(*person.memory.counted.borrow(), ["acquire"]);
}

#[test]
fn a_challenge_is_used_while_it_is_open_and_no_longer() {
    // By the old answer to a wrong code it stays open.
    let answers = vec![
        challenge("pending"),
        refusal(403, 60324),
        challenge("approved"),
        challenge("expired"),
        challenge("denied"),
        challenge("pending"),
    ];
    let mut person = Person::new(false, true, answers);
    assert_eq!(person.verify("111111"), REFUSED);
    assert_eq!(person.verify("222222").unwrap_err().1, Some(60324));
    assert_eq!(person.verify("333333"), Ok(()));
    for code in ["444444", "555555", "666666"] {
        assert_eq!(person.verify(code), REFUSED);
    }
    let expected = [
        create("111111"),
        update("222222"),
        update("333333"),
        create("444444"),
        create("555555"),
        create("666666"),
    ];
    assert_eq!(person.asked(), expected);
}

#[test]
fn an_update_that_does_not_check_the_code_is_followed_by_a_new_challenge() {
    let answers = [
        refusal(403, 70051),
        refusal(401, 70051),
        refusal(403, 1),
        refusal(404, 20404),
        refusal(429, 60308),
        refusal(403, 60322),
        refusal(403, 60323),
    ];
    for answer in answers {
        let shown = format!("{answer:?}");
        let answers = vec![challenge("pending"), answer, challenge("approved")];
        let mut person = Person::new(false, true, answers);
        assert_eq!(person.verify("111111"), REFUSED);
        assert_eq!(person.verify("222222"), Ok(()), "{shown}");
        let expected = [create("111111"), update("222222"), create("222222")];
        assert_eq!(person.asked(), expected, "{shown}");
        assert_eq!(*person.memory.counted.borrow(), ["acquire", "acquire"]);
    }
    let answers = vec![challenge("pending"), refusal(403, 70051), unsent()];
    let mut person = Person::new(false, true, answers);
    assert_eq!(person.verify("111111"), REFUSED);
    let expected = Err((ErrorKind::Unavailable, None, Progress::Answered));
    assert_eq!(person.verify("222222"), expected, "bytes of it have left");
}

#[test]
fn an_update_that_may_have_checked_the_code_is_followed_by_none() {
    let old = (ErrorKind::Refused, Some(60324), Progress::Answered);
    let rows = [
        (lost(), (ErrorKind::Unavailable, None, Progress::Unanswered)),
        (refusal(403, 60324), old),
        (
            refusal(429, 20429),
            (ErrorKind::RateLimited, Some(20429), Progress::Answered),
        ),
        (
            Ok((200, "{}".into())),
            (ErrorKind::Unexpected, None, Progress::Unanswered),
        ),
    ];
    for (answer, expected) in rows {
        let shown = format!("{answer:?}");
        let mut person = Person::new(false, true, vec![challenge("pending"), answer]);
        assert_eq!(person.verify("111111"), REFUSED);
        assert_eq!(person.verify("222222"), Err(expected), "{shown}");
        assert_eq!(person.asked().len(), 2, "{shown}");
    }
}

#[test]
fn an_answer_to_a_challenge_has_its_meaning() {
    let rows = [
        (challenge("pending"), ErrorKind::Refused),
        (challenge("expired"), ErrorKind::Refused),
        (refusal(403, 60324), ErrorKind::Refused),
        (refusal(400, 60306), ErrorKind::Refused),
        (challenge("APPROVED"), ErrorKind::Unexpected),
        (refusal(404, 20404), ErrorKind::PersonUnknown),
        (refusal(403, 60318), ErrorKind::PersonRefused),
        (refusal(429, 60312), ErrorKind::Paused),
        (refusal(429, 20429), ErrorKind::RateLimited),
        (refusal(401, 20003), ErrorKind::KeyRefused),
        (refusal(403, 20008), ErrorKind::KeyRefused),
        (refusal(403, 20403), ErrorKind::KeyRefused),
        (refusal(403, 70051), ErrorKind::KeyRefused),
        (refusal(403, 60313), ErrorKind::ApplicationRefused),
        (refusal(500, 20500), ErrorKind::Unavailable),
        (lost(), ErrorKind::Unavailable),
    ];
    for (answer, expected) in rows {
        let shown = format!("{answer:?}");
        let mut person = Person::new(false, true, vec![answer]);
        assert_eq!(person.verify("123456").unwrap_err().0, expected, "{shown}");
        assert_eq!(person.asked(), [create("123456")], "{shown}");
        let counted = person.memory.counted.borrow();
        assert_eq!(*counted, ["acquire"], "{shown}: it stays counted");
    }
    let mut person = Person::new(false, true, vec![unsent()]);
    assert_eq!(person.verify("123456").unwrap_err().2, Progress::NotSent);
    assert_eq!(*person.memory.counted.borrow(), ["acquire", "release"]);
}

#[test]
fn a_challenge_that_cannot_be_counted_is_not_created() {
    let mut person = Person::new(false, true, vec![]);
    let paused = Error {
        kind: ErrorKind::Paused,
        progress: Progress::NotSent,
        ..refused("50 in an hour")
    };
    *person.memory.error.borrow_mut() = Some(paused.clone());
    let verified = person.factor.verify(&"123456".parse().unwrap(), later());
    assert_eq!(verified, Err(paused));
    assert!(person.asked().is_empty());
}

#[test]
fn a_code_of_the_app_is_accepted_once_even_if_twilio_accepts_it_again() {
    let answers = vec![challenge("approved"), challenge("approved")];
    let mut person = Person::new(false, true, answers);
    assert_eq!(person.verify("123456"), Ok(()));
    assert_eq!(person.verify("123456"), REFUSED);
    assert_eq!(person.asked().len(), 1, "a used code costs no challenge");
}

#[test]
fn a_code_that_cannot_be_recorded_is_not_accepted() {
    struct Full;
    impl UsedCodes for Full {
        fn is_used(&self, _: &TwilioFactor, _: &Code) -> Result<bool, Error> {
            Ok(false)
        }
        fn use_up(&mut self, _: &TwilioFactor, code: &Code) -> Result<bool, Error> {
            match code.digits() {
                "000000" => Ok(false),
                _ => Err(Error {
                    kind: ErrorKind::State,
                    ..refused("full disk")
                }),
            }
        }
    }
    let answers = vec![challenge("approved"), challenge("approved")];
    let mut person = Person::new(false, true, answers);
    person.factor.lasting.used = Box::new(Full);
    assert_eq!(person.verify("123456").unwrap_err().0, ErrorKind::State);
    assert_eq!(person.verify("000000"), REFUSED, "another login has won");
}

#[test]
fn a_code_of_another_length_costs_nothing_at_twilio() {
    let mut person = Person::started(true, vec![challenge("pending"), verification("pending")]);
    assert_eq!(person.verify("123"), REFUSED);
    assert_eq!(person.verify("123456789"), REFUSED);
    assert_eq!(person.verify("12345678901"), REFUSED);
    assert_eq!(person.asked(), [create("123"), check("123456789")]);
}

#[test]
fn a_person_is_named_by_the_app_and_else_by_the_end_of_the_number() {
    let named = |phone, app| Person::new(phone, app, vec![]).factor.identity();
    assert_eq!(named(true, true), Some(Identity::Twilio(sid("YF").into())));
    assert_eq!(named(false, true), Some(Identity::Twilio(sid("YF").into())));
    let number = Identity::Twilio("+*********67".into());
    assert_eq!(named(true, false), Some(number.clone()));
    // A code is named by what it was checked as.
    let answers = vec![
        verification("pending"),
        challenge("pending"),
        verification("approved"),
    ];
    let mut person = Person::started(true, answers);
    assert_eq!(person.verify("111111"), REFUSED);
    assert_eq!(
        person.factor.identity(),
        Some(Identity::Twilio(sid("YF").into()))
    );
    assert_eq!(person.verify("222222"), Ok(()));
    assert_eq!(person.factor.identity(), Some(number));
    assert_eq!(Person::new(true, true, vec![]).factor.code_lengths(), [6]);
}

#[test]
fn a_start_names_the_rate_limits_and_the_log_asks_for_them_where_it_is_refused() {
    let rows = [
        (refusal(400, 60200), true),
        (refusal(404, 20404), true),
        (refusal(403, 60204), true),
        (refusal(429, 20429), false),
        (refusal(401, 20003), false),
        (lost(), false),
    ];
    for (answer, is_asked) in rows {
        for has_limits in [true, false] {
            let shown = format!("{answer:?} {has_limits}");
            let person = Person::new(true, false, vec![answer.clone()]);
            let limits = has_limits.then(|| ("end_user".to_owned(), "carol".to_owned()));
            let limits = limits.into_iter().collect();
            let mut factor = person.factor.with_rate_limits(limits);
            let error = factor.send(Channel::Sms, None, later()).unwrap_err();
            let found = error.detail.contains("twilio.rate_limits");
            assert_eq!(found, is_asked && has_limits, "{shown}: {error:?}");
            let asked = factor.client.asked();
            assert_eq!(asked[0].contains("&RateLimits=%7B"), has_limits, "{shown}");
        }
    }
}

#[test]
fn words_that_the_person_cannot_use_are_answered_as_for_the_unenrolled() {
    let mut person = Person::new(false, true, vec![]);
    let factor = &mut person.factor;
    let sent = factor.send(Channel::Sms, None, later());
    assert_eq!(sent, Ok(Sent::Sent));
    assert_eq!(factor.has_app(later()), Ok(true));
    let request = PushRequest {
        message: "?".into(),
        details: vec![],
        seconds: 40,
    };
    assert_eq!(factor.push(&request, later()), Ok(()));
    assert_eq!(factor.push_answer(later()), Ok(PushAnswer::Pending));
    assert!(person.asked().is_empty());
}

#[test]
fn an_approval_of_another_verification_challenge_or_person_is_no_yes() {
    let of = |body: Value| ok(200, &body);
    let sent = |change: (&str, Value)| {
        let mut body = json!({"sid": sid("VE"), "service_sid": sid("VA"), "to": NUMBER,
            "status": "approved", "valid": true});
        body[change.0] = change.1;
        of(body)
    };
    let changes = [
        ("sid", json!(other_sid("VE"))),
        ("to", json!("+15551234568")),
        ("service_sid", json!(other_sid("VA"))),
        ("valid", json!(false)),
    ];
    for change in changes {
        let shown = format!("{change:?}");
        let mut person = Person::started(false, vec![sent(change)]);
        let (kind, ..) = person.verify("123456").unwrap_err();
        assert_eq!(kind, ErrorKind::Unexpected, "{shown}");
    }
}
