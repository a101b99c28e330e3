//! Right, wrong, used, late and malformed codes, and users who are not enrolled.

use std::time::Duration;

use pam_authy::pam_app::{Item, Style};

use super::{ONE_ATTEMPT, QUICK, assert_audit, texts, with_alice};
use crate::common::application::{Running, command};
use crate::common::provider::{Person, with_each_provider};
use crate::common::rows::check_rows;

const REFUSED: &str = "That code was not accepted.";

#[test]
fn a_right_code_is_pam_success_and_one_audit_line() {
    with_alice(QUICK, |host, alice, provider| {
        let items = [(Item::RHost, "192.0.2.7"), (Item::Tty, "ssh")];
        let login = host.login_with("alice", &[&alice.code()], &items);

        assert_eq!(login.code, "PAM_SUCCESS");
        let prompt = provider.prompt().to_owned();
        assert_eq!(login.seen, [(Style::PromptEchoOn, prompt)]);
        let caller = "rhost=\"192.0.2.7\" tty=\"ssh\" user=\"alice\"";
        assert_eq!(host.audit(), [format!("{} {caller}", alice.accepted(1))]);
        let log = host.log();
        assert!(log.contains(" pam_authy(sshd:auth)["), "{log}");
        assert!(log.starts_with("<85>"), "notice of authpriv: {log}");
    });
}

#[test]
fn neither_code_nor_key_is_ever_in_the_log() {
    with_each_provider(|provider| {
        let host = provider.host(QUICK).arguments("debug");
        let alice = Person::enrolled(provider, &host, "alice");
        let (wrong, right) = (provider.wrong_code(), alice.code());

        host.login("alice", &[wrong, &right]);

        let log = host.log();
        let never = [wrong, &right, &alice.secret()];
        check_rows(never, |text| assert!(!log.contains(text), "{log}"));
    });
}

#[test]
fn a_wrong_code_then_a_right_one_logs_in() {
    with_alice(QUICK, |host, alice, provider| {
        let login = host.login("alice", &[provider.wrong_code(), &alice.code()]);

        assert_eq!(login.code, "PAM_SUCCESS");
        let prompt = provider.prompt();
        assert_eq!(texts(&login)[..3], [prompt, REFUSED, prompt]);
        assert_eq!(login.prompts(), 2);
        assert_audit(host, &[&alice.refused(1), &alice.accepted(2)]);
    });
}

#[test]
fn three_wrong_codes_are_maxtries() {
    with_alice(QUICK, |host, alice, provider| {
        let login = host.login("alice", &[provider.wrong_code(); 4]);

        assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 3));
        // One for each code, and none for the call.
        let lines = [1, 2, 3].map(|attempts| alice.refused(attempts) + " user=\"alice\"");
        assert_audit(host, &lines.each_ref().map(String::as_str));
    });
}

#[test]
fn a_code_works_once() {
    with_alice(ONE_ATTEMPT, |host, alice, _| {
        let code = alice.code();

        let [first, second] = [0, 1].map(|_| host.login("alice", &[&code]).code);
        let next = host.login("alice", &[&alice.code()]).code;

        let codes = [first, second, next];
        assert_eq!(codes, ["PAM_SUCCESS", "PAM_MAXTRIES", "PAM_SUCCESS"]);
        let refused = "verdict=refused reason=wrong_code factor=token provider=";
        assert_audit(host, &[&alice.accepted(1), refused, &alice.accepted(1)]);
    });
}

#[test]
fn a_code_that_is_typed_in_many_processes_at_once_works_in_one() {
    with_alice(ONE_ATTEMPT, |host, alice, _| {
        let start = |_| Running::start(command(host, "alice", &[], &[]));
        let mut all: Vec<_> = (0..16).map(start).collect();
        all.iter_mut().for_each(|running| {
            running.wait_for("prompt");
        });
        let code = alice.code();
        all.iter_mut().for_each(|running| running.reply(&code));

        let ends = all.into_iter().flat_map(|running| running.finish().names());
        let mut codes: Vec<_> = ends.collect();
        codes.sort_unstable();
        let (refused, accepted) = codes.split_at(15);
        assert_eq!(accepted, ["PAM_SUCCESS"]);
        assert_eq!(refused, ["PAM_MAXTRIES"; 15]);
    });
}

#[test]
fn the_code_of_another_person_is_refused_and_stays_theirs() {
    with_alice(ONE_ATTEMPT, |host, alice, provider| {
        let bob = Person::new(provider, host, "bob", 2);
        host.set_line(&host.users, "bob", &bob.entry());
        let code = bob.code();

        assert_eq!(host.login("alice", &[&code]).code, "PAM_MAXTRIES");
        assert_eq!(host.login("bob", &[&code]).code, "PAM_SUCCESS");

        assert_audit(host, &[&alice.refused(1), &bob.accepted(1)]);
    });
}

#[test]
fn the_unenrolled_see_the_same_and_nothing_is_sent() {
    with_alice("[login]\nrefusal_seconds = 1\n", |host, alice, provider| {
        let wrong = provider.wrong_code();
        let replies = [wrong, "nonsense", wrong];

        let known = host.login("alice", &replies);
        let asked = host.sim.requests().len();
        let unknown = host.login("mallory", &replies);

        assert_eq!((unknown.code, &unknown.seen), (known.code, &known.seen));
        assert_eq!((unknown.code, unknown.prompts()), ("PAM_MAXTRIES", 3));
        assert_eq!(host.sim.requests().len(), asked);
        let took = unknown.took;
        assert!(
            took >= Duration::from_secs(3),
            "each refusal waits: {took:?}"
        );
        let no_code = "verdict=refused reason=wrong_code provider=";
        let unenrolled = "verdict=refused reason=unenrolled attempts=";
        let lines = [&alice.refused(1), no_code, &alice.refused(3)];
        assert_audit(host, &[&lines[..], &[unenrolled; 3]].concat());
    });
}

#[test]
fn a_late_reply_is_refused_unsent_by_pam_auth_err() {
    let config = "[login]\nrefusal_seconds = 5\ndeadline_seconds = 5\n";
    with_alice(config, |host, alice, _| {
        let code = alice.code();
        let login = host.login("alice", &["", &code]);

        assert_eq!(login.code, "PAM_AUTH_ERR");
        assert!(host.sim.requests().is_empty());
        let fields = format!("{} attempts=1 user=\"alice\"", alice.identity());
        let lines = ["wrong_code", "deadline"];
        let lines = lines.map(|why| format!("verdict=refused reason={why} {fields}"));
        assert_audit(host, &lines.each_ref().map(String::as_str));
        let again = host.login("alice", &[&code]).code;
        assert_eq!(again, "PAM_SUCCESS", "it was not checked before");
    });
}

#[test]
fn replies_that_are_no_code_send_nothing() {
    let config = format!(
        "{ONE_ATTEMPT}[service.sshd]\nwhen_unavailable = \"ignore\"\nunenrolled = \"ignore\"\n"
    );
    let long = "1".repeat(100_000);
    let table = [
        "",
        " ",
        "12",
        "1234567890123",
        &long,
        "123 4567",
        "1234567\n",
        "\n",
        "１２３４５６７",
        "../sms",
        "%2f..%2fsms",
        "1234567/1636#",
        "\u{8}\n\r\u{7f}INCORRECT",
        "abcdefg",
        "12345\u{0661}7",
    ];
    with_alice(&config, |host, _alice, _| {
        check_rows(table, |reply| {
            let login = host.login("alice", &[reply]);
            assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 1));
        });
        assert!(host.sim.requests().is_empty());
    });
}

#[test]
fn the_password_typed_at_the_prompt_is_never_sent() {
    with_alice(ONE_ATTEMPT, |host, alice, _| {
        let code = alice.code();

        let login = host.login_with("alice", &[&code], &[(Item::AuthTok, &code)]);

        assert_eq!(login.code, "PAM_MAXTRIES");
        assert_eq!(login.prompts(), 2, "the password's and the code's");
        assert!(host.sim.requests().is_empty());
        assert_eq!(host.login("alice", &[&code]).code, "PAM_SUCCESS");
    });
}

#[test]
fn the_word_sms_sends_one_where_the_provider_can_and_a_code_logs_in() {
    with_alice(QUICK, |host, alice, provider| {
        let login = host.login("alice", &["sms", &alice.code()]);

        assert_eq!(login.code, "PAM_SUCCESS");
        let (prompt, (answer, sent)) = (provider.prompt(), provider.answer_to_sms());
        assert_eq!(texts(&login)[..3], [prompt, answer, prompt]);
        assert_eq!(provider.sms(host), sent);
        let audit = host.audit();
        let start = "verdict=accepted reason=code_accepted factor=token";
        assert!(audit.last().unwrap().starts_with(start), "{audit:?}");
    });
}
