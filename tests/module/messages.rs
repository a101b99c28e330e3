//! Notices through libpam, and applications whose conversation does not take them.

use serde_json::json;

use crate::common::application::{Said, command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;

const CONV_ERR: i32 = 19;
const PROMPT: &str = "Verification code (or type push, sms or call): ";
const NOT_ACCEPTED: &str = "That code was not accepted.";

/// Logs alice in with an application that shows what the person sees.
fn log_in(host: &Host, options: &[&str], replies: &[&str]) -> Said {
    run(
        command(host, "alice", &[], &[&["-v"], options].concat()),
        replies,
    )
}

fn prompt(notice: &str) -> String {
    let space = if notice.is_empty() { "" } else { " " };
    format!("prompt {notice}{space}{PROMPT}")
}

/// The conversations that do not take a message; only the first message is tried.
const TAKES_NONE: [&str; 3] = ["error", "both", "empty"];

#[test]
fn notices_come_in_front_of_the_prompts_where_the_application_takes_no_message() {
    check_rows(TAKES_NONE, |kind| {
        let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 4\n");
        let token = host.sim.token(1635);

        let said = log_in(
            &host,
            &["-m", kind],
            &["1111111", "nonsense", "sms", &token],
        );

        assert_eq!(said.names(), ["PAM_SUCCESS"], "{said:?}");
        let expected = [
            prompt(""),
            format!("error {NOT_ACCEPTED}"),
            prompt(NOT_ACCEPTED),
            prompt("That is not a code: type all its digits and nothing else."),
            prompt("An SMS with a code was sent to your phone."),
        ];
        assert_eq!(said.seen(), expected);
        let last = host.audit_of(3).pop().unwrap();
        assert!(
            last.starts_with("verdict=accepted reason=code_accepted"),
            "{last}"
        );
        assert!(!last.contains("delivered=no"), "{last}");
    });
}

#[test]
fn a_last_notice_that_is_not_taken_changes_no_code_of_pam() {
    let rows = TAKES_NONE.into_iter().flat_map(|kind| {
        [
            (kind, "PAM_MAXTRIES"),
            (kind, "PAM_AUTHINFO_UNAVAIL"),
            (kind, "PAM_SERVICE_ERR"),
        ]
    });
    check_rows(rows, |(kind, code)| {
        let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
        match code {
            "PAM_AUTHINFO_UNAVAIL" => host.sim.answer_verify(500, ""),
            "PAM_SERVICE_ERR" => host.replace("[login]", "[log in]"),
            _ => {}
        }

        let said = log_in(&host, &["-m", kind], &["1111111"]);

        assert_eq!(said.names(), [code]);
        let last = said.seen().pop().unwrap_or_default().to_owned();
        assert!(last.starts_with("error "), "{said:?}");
    });
}

#[test]
fn an_application_without_prompts_gets_a_conversation_error() {
    let host = Host::new();
    let token = host.sim.token(1635);

    let said = log_in(&host, &["-m", "prompts"], &[&token]);

    assert_eq!(said.codes(), [CONV_ERR]);
    assert_eq!(
        said.seen(),
        [prompt("")],
        "asked once, and nothing said after"
    );
    assert_eq!(
        host.audit(),
        ["verdict=error reason=conversation provider=authy authy_id=1635 user=\"alice\""]
    );
    assert!(host.sim.requests().is_empty());
}

#[test]
fn notices_are_in_the_prompt_or_nowhere_where_the_configuration_says_so() {
    let rows = [
        ("prompt", NOT_ACCEPTED, "PAM_SUCCESS"),
        ("prompt", NOT_ACCEPTED, "PAM_MAXTRIES"),
        ("none", "", "PAM_SUCCESS"),
        ("none", "", "PAM_MAXTRIES"),
    ];
    check_rows(rows, |(notices, notice, code)| {
        let host = Host::with(&format!(
            "[login]\nrefusal_seconds = 0\nattempts = 2\nnotices = \"{notices}\"\n"
        ));
        let token = host.sim.token(1635);
        let second = if code == "PAM_SUCCESS" {
            &token
        } else {
            "2222222"
        };

        let said = log_in(&host, &[], &["1111111", second]);

        assert_eq!(said.names(), [code]);
        assert_eq!(
            said.seen(),
            [prompt(""), prompt(notice)],
            "and no last notice"
        );
    });
}

#[test]
fn pam_silent_silences_nothing() {
    let host = Host::new();
    let replies = ["1111111", "nonsense", "2222222"];

    let loud = log_in(&host, &[], &replies);
    let silent = log_in(&host, &["-q"], &replies);

    assert_eq!(silent.seen(), loud.seen());
    assert_eq!(silent.seen().len(), 6, "{silent:?}");
}

/// su and sudo print an information on standard output, among the data of their command.
#[test]
fn no_notice_is_an_information() {
    let host = |login: &str| {
        let host = Host::with(&format!("[login]\nrefusal_seconds = 0\n{login}"));
        host.sim.change(1635, &json!({"registered": true}));
        host
    };
    let pushed = |host: &Host, replies: &[&str]| {
        std::thread::scope(|scope| {
            scope.spawn(|| host.sim.decide(1635, true));
            log_in(host, &[], replies)
        })
    };
    let rows = [
        pushed(&host(""), &["sms", "call", "1111111", "push"]),
        pushed(&host("push = \"auto\"\n"), &[]),
        log_in(&host(""), &[], &["1", "2", "3"]),
        log_in(&host("broken\n"), &[], &[]),
    ];
    check_rows(rows, |said| {
        let has = |kind| said.seen().iter().any(|text| text.starts_with(kind));
        assert!(has("error ") && !has("info "), "{said:?}");
    });
}

/// Logs alice in, who has a wrong code behind her, with an application that behaves as its options
/// say while it shows a message.
fn success_with(host: &Host, options: &[&str]) -> Said {
    host.login("alice", &["1111111"]);
    log_in(host, options, &[&host.sim.token(1635)])
}

/// Its logins end after one attempt, and after five seconds.
fn hurried() -> Host {
    Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\ndeadline_seconds = 5\n")
}

/// Longer than the engine waits for the confirmation of a verdict.
#[test]
fn an_application_that_shows_the_last_notice_for_three_seconds_logs_in() {
    let host = hurried();

    let said = success_with(&host, &["-s", "3"]);

    assert_eq!(said.names(), ["PAM_SUCCESS"], "{said:?}");
    assert_eq!(said.seen().len(), 2, "{said:?}");
    let last = host.audit_of(2).pop().unwrap();
    assert!(
        last.starts_with("verdict=accepted reason=code_accepted"),
        "{last}"
    );
    assert!(!last.contains("delivered=no"), "{last}");
}

#[test]
fn an_application_that_shows_the_last_notice_beyond_the_deadline_is_refused() {
    let host = hurried();

    let said = success_with(&host, &["-s", "6"]);

    let last = host.audit_of(2).pop().unwrap();
    assert!(
        last.starts_with("verdict=refused reason=deadline"),
        "{last}"
    );
    assert_eq!(said.names(), ["PAM_AUTH_ERR"], "{said:?}");
    let late = "error This login took too long: start again.";
    assert_eq!(said.seen()[2..], [late], "{said:?}");
}

#[test]
fn an_application_that_changes_the_user_with_the_last_notice_is_refused() {
    let host = hurried();

    let said = success_with(&host, &["-u", "mallory"]);

    let last = host.audit_of(2).pop().unwrap();
    assert!(
        last.starts_with("verdict=refused reason=user_changed"),
        "{last}"
    );
    assert_eq!(said.names(), ["PAM_AUTH_ERR"], "{said:?}");
    let refused = "error This login is refused: ask your administrator.";
    assert_eq!(said.seen()[2..], [refused], "{said:?}");
}
