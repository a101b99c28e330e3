//! The offer to enroll an app: who gets it, and what a person can do then.

use super::*;

/// The app that is offered; its right code is 123456.
pub(super) struct FakeEnrollment {
    pub(super) is_possible: bool,
    /// What came of the right code.
    pub(super) result: Confirmed,
    /// What was asked of it.
    pub(super) asked: Vec<String>,
}

impl Enrollment for FakeEnrollment {
    fn is_possible(&mut self) -> bool {
        self.is_possible
    }
    fn begin(&mut self, drawing: Drawing) -> Option<Secret> {
        self.asked.push(format!("{drawing:?}"));
        Some(Secret::new("DRAWING\nABCD EFGH".to_owned()))
    }
    fn confirm(&mut self, code: &Code) -> Confirmed {
        self.asked.push(code.digits().to_owned());
        if code.digits() == "123456" {
            self.result
        } else {
            Confirmed::Wrong
        }
    }
}

const CODE: &str = "1234567";
const OFFER: &str = "Type qr, ascii or key to add an app, or Enter for not now: ";
const FIRST_CODE: &str = "Verification code of the new app (or Enter to add none): ";
/// 2026-11-28 12:00 UTC.
const UNTIL: u64 = 1_795_867_200;

/// A login by a code that is right, at which these are typed after it.
fn offered(typed: &[&'static str]) -> Script {
    let typed: Vec<_> = [CODE].iter().chain(typed).copied().collect();
    let mut script = Script::texts(&typed).verify(vec![Ok(())]);
    script.enrollment = Some(FakeEnrollment {
        is_possible: true,
        result: Confirmed::Stored(UNTIL),
        asked: vec![],
    });
    script
}

fn prompts(ran: &Ran) -> Vec<&str> {
    let after_code = ran.prompts.iter().skip(1);
    after_code.map(|(_, prompt, _)| prompt.as_str()).collect()
}

const ACCEPTED: (Verdict, Reason, u32) = (Verdict::Accepted, Reason::CodeAccepted, 1);

#[test]
fn an_app_is_enrolled_by_its_first_code_and_uses_up_no_attempt() {
    let rows = [("qr", "HalfBlocks"), (" ASCII ", "Ascii"), ("key", "None")];
    for (word, drawing) in rows {
        let ran = offered(&[word, "123456"]).run();
        assert_eq!(ran.result(), ACCEPTED);
        assert_eq!(ran.enrollment, [drawing, "123456"]);
        let how = match drawing {
            "None" => "Type this secret into the app (time-based, 6 digits):",
            _ => "Scan this with the app, or type the secret:",
        };
        let shown = format!("{how}\nDRAWING\nABCD EFGH\n{FIRST_CODE}");
        assert_eq!(prompts(&ran), [OFFER, &shown]);
        assert_eq!(ran.notice_at(1), Some(Message::EnrollOffer));
        let last = ran.outcome.last_notice.unwrap();
        assert!(
            last.contains("accepted from 2026-11-28 12:00 UTC on"),
            "{last}"
        );
        assert_eq!(ran.counted, ["acquire code", "code accepted"]);
        assert!(ran.recorded.is_empty());
    }
}

#[test]
fn a_person_who_declines_is_let_in_and_nothing_has_changed() {
    let rows: [&[&'static str]; 7] = [
        &[""],
        &["no"],
        &["123456"],
        &["qr", ""],
        &["qr", " "],
        &["qr", "000000", ""],
        &["qr", "000000", "no"],
    ];
    let wrong: Vec<_> = rows
        .iter()
        .map(|typed| (typed, offered(typed).run()))
        .filter(|(_, ran)| {
            let stored = ran.enrollment.iter().any(|asked| asked == "123456");
            stored || ran.result() != ACCEPTED || ran.counted != ["acquire code", "code accepted"]
        })
        .map(|(typed, ran)| (typed, ran.result(), ran.counted))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(offered(&[""]).run().outcome.last_notice, None);
    let last = offered(&["key", ""]).run().outcome.last_notice.unwrap();
    assert!(last.starts_with("No app was added"), "{last}");
}

#[test]
fn a_wrong_first_code_gives_one_more_try() {
    let ran = offered(&["qr", "000000", "123456"]).run();
    assert_eq!(ran.enrollment, ["HalfBlocks", "000000", "123456"]);
    assert_eq!(ran.notice_at(3), Some(Message::EnrollWrong));
    assert_eq!(prompts(&ran)[2], FIRST_CODE, "without the drawing");
    assert!(
        ran.outcome
            .last_notice
            .unwrap()
            .starts_with("The app is added")
    );
    let ran = offered(&["qr", "000000", "111111"]).run();
    assert_eq!((ran.result(), prompts(&ran).len()), (ACCEPTED, 3));
}

#[test]
fn an_app_that_cannot_be_stored_changes_nothing_for_the_login() {
    let mut script = offered(&["qr", "123456"]);
    script.enrollment.as_mut().unwrap().result = Confirmed::Failed;
    let ran = script.run();
    assert_eq!(ran.result(), ACCEPTED);
    let last = ran.outcome.last_notice.unwrap();
    assert!(last.starts_with("The app could not be added"), "{last}");
}

#[test]
fn a_connection_that_is_lost_or_a_user_who_changes_ends_the_login_and_enrolls_nothing() {
    let lost = (Verdict::ConversationFailed, Reason::Conversation, 1);
    let late = (Verdict::Refused, Reason::Deadline, 1);
    let changed = (Verdict::Refused, Reason::UserChanged, 1);
    let minute = Duration::from_secs(61);
    let rows: [(&str, Vec<Typed>, _); 6] = [
        ("gone at the offer", vec![Typed::HangUp], lost),
        (
            "gone at the code",
            vec![Typed::Text("qr"), Typed::HangUp],
            lost,
        ),
        (
            "late at the code",
            vec![Typed::Text("qr"), Typed::Late(minute * 2)],
            late,
        ),
        (
            "a late right code",
            vec![Typed::Text("qr"), Typed::After(minute * 2, "123456")],
            late,
        ),
        ("another user", vec![Typed::Renamed("root", "qr")], changed),
        (
            "another user with a right code",
            vec![Typed::Text("qr"), Typed::Renamed("root", "123456")],
            changed,
        ),
    ];
    let rows = rows.map(|(name, typed, expected)| {
        let mut script = offered(&[]);
        script.typed.extend(typed);
        let ran = script.run();
        let stored = ran.enrollment.iter().any(|asked| asked == "123456");
        assert!(!stored, "{name}");
        (name.to_owned(), ran.result(), expected)
    });
    assert_rows(rows);
}

#[test]
fn only_a_push_or_a_code_of_an_app_with_a_minute_left_leads_to_an_offer() {
    type Change = fn(&mut Script);
    let not = |change: Change| {
        let mut script = offered(&[]);
        change(&mut script);
        script.run().prompts.len()
    };
    let rows: [(&str, Change); 6] = [
        ("not asked for", |script| script.enrollment = None),
        ("an SMS or call", |script| script.limits.sent_lately = true),
        ("not possible", |script| {
            script.enrollment.as_mut().unwrap().is_possible = false;
        }),
        ("notices in the prompt", |script| {
            script.rules.notices = Some(config::Notices::Prompt);
        }),
        ("no notices", |script| {
            script.rules.notices = Some(config::Notices::None);
        }),
        ("too little time", |script| {
            script.typed = vec![Typed::After(Duration::from_secs(31), CODE)];
        }),
    ];
    assert_rows(rows.map(|(name, change)| (name.to_owned(), not(change), 1)));

    let mut pushed = offered(&[""]);
    pushed.typed.remove(0);
    pushed.verify.clear();
    pushed.limits.sent_lately = true;
    let pushed = pushed.answers(vec![Ok(PushAnswer::Approved)]);
    let ran = pushed.rules(|rules| rules.push = SendMode::Auto).run();
    assert_eq!(ran.result().1, Reason::PushApproved);
    assert_eq!(ran.prompts[0].1, OFFER);
}

#[test]
fn no_refused_unavailable_or_recovered_login_gets_an_offer() {
    let refused = {
        let mut script = offered(&[]);
        script.verify = vec![(QUICK, Err(error(ErrorKind::Refused)))];
        script.rules(|rules| rules.attempts = 1).run()
    };
    assert_eq!((refused.prompts.len(), refused.enrollment.len()), (1, 0));
    let denied = {
        let mut script = offered(&[]);
        script.typed = vec![];
        script.verify.clear();
        let script = script.answers(vec![Ok(PushAnswer::Denied)]);
        script.rules(|rules| rules.push = SendMode::Auto).run()
    };
    assert_eq!(
        (denied.result().1, denied.prompts.len()),
        (Reason::PushDenied, 0)
    );
    let outage = {
        let mut script = offered(&[]);
        script.verify = vec![(QUICK, Err(error(ErrorKind::Unavailable)))];
        script
            .rules(|rules| rules.when_unavailable = Fallback::Ignore)
            .run()
    };
    assert_eq!(
        (outage.result().0, outage.prompts.len()),
        (Verdict::Ignored, 1)
    );
    let recovered = {
        let mut script = offered(&[]);
        script.typed = vec![Typed::Text("1111-2222-3333-4444")];
        script.verify.clear();
        script.recovery = Some(vec![Ok(Some(3))]);
        script.run()
    };
    assert_eq!(
        (recovered.result().0, recovered.prompts.len()),
        (Verdict::Accepted, 1)
    );
}

#[test]
fn an_app_that_does_not_count_yet_is_named_at_each_login_with_the_first_prompt_or_at_the_end() {
    let held = |typed: &[&'static str], answer| {
        let mut script = Script::texts(typed).verify(vec![answer]);
        script.held_until = Some(UNTIL);
        script.rules(|rules| rules.attempts = 1)
    };
    let notice = "An authenticator app was added to this account. From 2026-11-28 12:00 UTC on";
    let ran = held(&[CODE], Ok(())).run();
    assert!(ran.prompts[0].0.as_ref().unwrap().starts_with(notice));
    assert_eq!(ran.outcome.last_notice, None, "once is enough");
    let ran = held(&[CODE], Err(error(ErrorKind::Refused))).run();
    assert!(ran.prompts[0].0.as_ref().unwrap().starts_with(notice));
    let mut pushed = held(&[], Ok(()));
    pushed.verify.clear();
    let pushed = pushed.answers(vec![Ok(PushAnswer::Approved)]);
    let ran = pushed.rules(|rules| rules.push = SendMode::Auto).run();
    assert!(ran.outcome.last_notice.unwrap().starts_with(notice));
    // Where notices are no messages, it is in front of the prompt.
    let in_prompt = held(&[CODE], Ok(())).rules(|rules| {
        rules.notices = Some(config::Notices::Prompt);
    });
    let ran = in_prompt.run();
    assert!(ran.prompts[0].1.starts_with(notice), "{:?}", ran.prompts);
    let none = held(&[CODE], Ok(())).rules(|rules| rules.notices = Some(config::Notices::None));
    let ran = none.run();
    assert_eq!((ran.outcome.last_notice, &ran.prompts[0].0), (None, &None));
}
