//! What is counted across calls of the module, and what a reached limit does to a login.

use super::*;

fn limit() -> LimitError {
    LimitError::Limit {
        detail: "alice: 10 in this hour".into(),
    }
}

#[test]
fn a_code_counts_as_refused_unless_it_was_accepted_or_did_not_leave() {
    let counted = |answer| {
        Script::texts(&["1234567"])
            .rules(|r| r.attempts = 1)
            .verify(vec![answer])
            .run()
            .counted
    };
    assert_eq!(counted(Ok(())), ["acquire code", "code accepted"]);
    let kinds = [
        ErrorKind::Refused,
        ErrorKind::Unexpected,
        ErrorKind::RateLimited,
        ErrorKind::PersonRefused,
        ErrorKind::Unavailable,
        ErrorKind::Process,
    ];
    let stays = kinds.into_iter().flat_map(|kind| [error(kind), lost(kind)]);
    let unsent = kinds.map(|kind| Error {
        progress: Progress::NotSent,
        ..error(kind)
    });
    let rows = (stays.map(|error| (error, vec!["acquire code"])))
        .chain(unsent.map(|error| (error, vec!["acquire code", "release code"])));
    assert_rows(rows.map(|(error, expected)| {
        let expected = expected.into_iter().map(str::to_owned).collect();
        (format!("{error:?}"), counted(Err(error)), expected)
    }));
}

#[test]
fn a_pause_sends_nothing_and_ends_when_the_attempts_are_used_up() {
    let mut script = Script::texts(&["1111111", "1234567", "2222222"]);
    script.limits.code = Some(limit());
    let ran = script.run();
    assert_eq!(
        ran.result(),
        (Verdict::AttemptsExhausted, Reason::Limited, 3)
    );
    assert_eq!(ran.notice_at(1), Some(Message::Paused));
    assert!(ran.sent.is_empty());
    assert_eq!(
        ran.outcome.detail.as_deref(),
        Some("alice: 10 in this hour")
    );
}

#[test]
fn what_is_beyond_the_hourly_limit_is_not_sent_and_the_login_goes_on() {
    let rows = ["sms", "call", "push"].map(|word| {
        let mut script =
            Script::new(vec![Typed::Text(word), Typed::Text("1234567")]).verify(vec![Ok(())]);
        script.limits.send = Some(limit());
        let ran = script.run();
        let is_sent = ran.sent.iter().any(|sent| sent.starts_with(word));
        let expected = (Verdict::Accepted, Reason::CodeAccepted, 1);
        (
            word.to_owned(),
            (ran.result(), ran.notice_at(1), is_sent),
            (expected, Some(Message::Limited), false),
        )
    });
    assert_rows(rows);
}

#[test]
fn a_message_that_cannot_be_counted_is_not_sent_and_the_login_goes_on() {
    let mut script = Script::texts(&["sms", "1234567"]).verify(vec![Ok(())]);
    script.limits.send = Some(LimitError::State(Failure::Disk(
        "No space left on device".into(),
    )));
    let ran = script.run();
    assert_eq!(ran.result(), (Verdict::Accepted, Reason::CodeAccepted, 1));
    assert_eq!(ran.notice_at(1), Some(Message::SmsFailed));
}

#[test]
fn a_code_that_cannot_be_counted_is_denied_and_not_sent() {
    let failures = [
        (Failure::Process("File too large".into()), Reason::Process),
        (Failure::State("corrupt".into()), Reason::State),
        (
            Failure::Disk("No space left on device".into()),
            Reason::State,
        ),
    ];
    let rows = failures.map(|(failure, reason)| {
        let name = format!("{failure:?}");
        let mut script =
            Script::texts(&["1234567"]).rules(|rules| rules.when_unavailable = Fallback::Ignore);
        script.limits.code = Some(LimitError::State(failure));
        let ran = script.run();
        (
            name,
            (ran.result(), ran.sent.is_empty()),
            ((Verdict::Failed, reason, 1), true),
        )
    });
    assert_rows(rows);
}

#[test]
fn an_sms_that_was_not_sent_is_not_counted() {
    let answers = [Ok(Sent::UseApp), Err(error(ErrorKind::Unavailable))];
    let rows = answers.map(|answer| {
        let name = format!("{answer:?}");
        let ran = Script::texts(&["sms", "1234567"])
            .sms(vec![answer])
            .verify(vec![Ok(())])
            .run();
        let expected = ["acquire Sms".to_owned(), "release Sms".to_owned()];
        (name, ran.counted[..2].to_vec(), expected.to_vec())
    });
    assert_rows(rows);
}

/// A caller who stops su during the request, or asks just before the deadline, could otherwise send
/// any number: the provider has sent the message although the answer does not arrive.
#[test]
fn an_sms_a_call_or_a_push_whose_answer_was_lost_stays_counted() {
    let kinds = [ErrorKind::Unavailable, ErrorKind::Process];
    let rows = kinds.into_iter().flat_map(|kind| {
        ["sms", "call", "push"].map(|word| {
            let mut script = Script::texts(&[word, "1234567"]).verify(vec![Ok(())]);
            match word {
                "push" => script.push = vec![Err(lost(kind))],
                _ => script = script.sms(vec![Err(lost(kind))]),
            }
            let counted = script.run().counted;
            let is_released = counted.iter().any(|count| count.starts_with("release"));
            (format!("{word} {kind:?} {counted:?}"), is_released, false)
        })
    });
    assert_rows(rows);
}

/// A code is counted as refused before it is verified; the one that was accepted is no refusal.
#[test]
fn an_acceptance_says_whether_a_code_was_counted_for_it() {
    let push = |typed| Script::texts(typed).answers(vec![Ok(PushAnswer::Approved)]);
    let mut recovery = Script::texts(&["k3vq-8m2p-x7rd-9w4h"]);
    recovery.recovery = Some(vec![Ok(Some(9))]);
    let rows = [
        (
            "a code",
            Script::texts(&["1234567"]).verify(vec![Ok(())]),
            true,
        ),
        ("a push", push(&["push"]), false),
        (
            "a push and its code",
            push(&["push", "042"]).rules(|rules| rules.push_code = true),
            true,
        ),
        ("a recovery code", recovery, false),
    ];
    assert_rows(rows.map(|(name, script, is_code)| {
        (
            name.to_owned(),
            script.run().accepted_by_code,
            Some(is_code),
        )
    }));
}
