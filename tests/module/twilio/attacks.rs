//! What someone tries who has the password, another person's code, or the provider's answers.

use std::fs;

use serde_json::json;

use super::super::providers::texts;
use super::{IDENTITY, NUMBER, ONE_ATTEMPT, QUICK, SID, add_twilio, enroll, host, last_code, sent};
use crate::authyctl::run_json;
use crate::common::application::{Running, command};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::totp::{SECRET, oathtool};

/// dave and erin have the same app here, as two accounts of one person may. What Twilio itself does
/// with a code that is used twice is not documented; here it accepts it.
#[test]
fn a_code_of_an_app_is_accepted_once_on_a_host_by_any_service_and_user() {
    let host = host(ONE_ATTEMPT);
    let code = oathtool(SECRET, 0);
    assert_eq!(host.login("erin", &[&code]).code, "PAM_SUCCESS");
    let asked = host.sim.requests().len();
    for (service, user) in [("sshd", "erin"), ("sudo", "erin"), ("sudo", "dave")] {
        let login = host.login_as(service, user, &[&code], &[]);
        assert_eq!(login.code, "PAM_MAXTRIES", "{service} {user}");
    }
    assert_eq!(host.sim.requests().len(), asked, "and costs no challenge");
}

/// The host has the same secret as Twilio: the code that it has used up would be right there.
#[test]
fn a_code_that_this_host_has_used_up_is_not_accepted_by_twilio() {
    let host = host(ONE_ATTEMPT);
    let totp = host.users.with_file_name("totp.toml");
    fs::write(
        &totp,
        format!("[totp]\nerin = {{ secret = \"{SECRET}\" }}\n"),
    )
    .unwrap();
    host.chmod(&totp, 0o600);
    let entry =
        format!("{{ totp = true, twilio_identity = \"{IDENTITY}\", twilio_factor = \"{SID}\" }}");
    host.set_line(&host.users, "erin", &entry);
    let code = oathtool(SECRET, 0);
    let codes = [0, 1].map(|_| host.login("erin", &[&code]).code);
    assert_eq!(codes, ["PAM_SUCCESS", "PAM_MAXTRIES"]);
    assert_eq!(host.sim.count("/Challenges"), 0);
}

#[test]
fn a_code_by_sms_that_is_typed_in_many_processes_at_once_works_in_one() {
    let host = host(ONE_ATTEMPT);
    host.login("carol", &["sms"]);
    let start = |_| Running::start(command(&host, "carol", &[], &[]));
    let mut all: Vec<_> = (0..5).map(start).collect();
    all.iter_mut().for_each(|running| {
        running.wait_for("prompt");
    });
    let code = last_code(&host);
    all.iter_mut().for_each(|running| running.reply(&code));
    let ends = all.into_iter().flat_map(|running| running.finish().names());
    let mut codes: Vec<_> = ends.collect();
    codes.sort_unstable();
    let (refused, accepted) = codes.split_at(4);
    assert_eq!(accepted, ["PAM_SUCCESS"]);
    assert_eq!(refused, ["PAM_MAXTRIES"; 4]);
}

/// Without the note, a person who types the code at sudo's next prompt would be refused for no reason
/// that anyone could see.
#[test]
fn a_start_that_cannot_be_kept_is_in_the_log_and_doctor_names_its_file() {
    let host = host(&format!("{QUICK}attempts = 2\n"));
    host.login("carol", &["sms"]);
    let folder = host.sim.path("state/twilio-started");
    let mut files = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let file = files.find(|path| path.extension().is_none()).unwrap();
    host.chmod(&file, 0o666);

    let code = last_code(&host);
    assert_eq!(
        host.login("carol", &[&code, &code]).code,
        "PAM_MAXTRIES",
        "it is not trusted"
    );
    let mut running = Running::start(command(&host, "carol", &[], &[]));
    running.wait_for("prompt");
    running.reply("sms");
    running.wait_for("prompt");
    running.reply(&last_code(&host));
    assert_eq!(
        running.finish().names(),
        ["PAM_SUCCESS"],
        "this call knows it"
    );
    let log = host.log();
    let line = "the code that was sent can be typed in this call of the module alone: ";
    assert!(log.contains(line), "{log}");

    let (_, answer) = run_json(&host.sim, &["doctor", "--pam-dir", "/nonexistent"], "");
    let checks = answer["checks"].as_array().unwrap();
    let is_named =
        |check: &&serde_json::Value| check["message"].to_string().contains("twilio-started");
    let named = checks.iter().find(is_named).expect("doctor names the file");
    assert_eq!(named["result"], "warning");
}

/// A person with a number alone has no code that could be checked while nothing is sent.
#[test]
fn an_outage_without_a_code_to_check_is_a_refusal() {
    let host = host(&format!(
        "{QUICK}attempts = 2\n[service.sshd]\nwhen_unavailable = \"ignore\"\n"
    ));
    host.sim.fault(&json!({"times": 0, "reset": true}));
    let login = host.login("carol", &["sms", "123456", "123456"]);
    assert_eq!((login.code, login.prompts()), ("PAM_MAXTRIES", 3));
    let lines = host.audit().len();
    host.login("erin", &["123456"]);
    let audit = host.audit_of(lines + 1);
    assert!(
        audit[lines].starts_with("verdict=ignored reason=outage "),
        "an app has one: {audit:#?}"
    );
}

/// An outage counts only where each request about the code would have had its full time.
#[test]
fn an_outage_counts_by_the_number_of_requests_that_a_code_can_take() {
    let rows = [
        ("carol", "verdict=ignored reason=outage "),
        ("erin", "verdict=ignored reason=outage "),
        ("dave", "verdict=refused reason=deadline "),
    ];
    check_rows(rows, |(user, line)| {
        let rules = "deadline_seconds = 5\n[service.sshd]\nwhen_unavailable = \"ignore\"\n";
        let host = host(&format!("{QUICK}{rules}"));
        host.replace("[twilio]\n", "[twilio]\ntimeout_seconds = 2\n");
        host.login(user, &["sms"]);
        host.sim.fault(&json!({"times": 0, "status": 503}));
        host.login(user, &["123456"]);
        let audit = host.audit();
        let last = audit.last().unwrap();
        assert!(last.starts_with(line), "{audit:#?}");
    });
}

#[test]
fn a_code_that_was_sent_to_an_old_number_is_refused() {
    let host = host(ONE_ATTEMPT);
    host.login("carol", &["sms"]);
    let code = last_code(&host);
    host.set_line(&host.users, "carol", "{ phone = \"+15557654321\" }");
    assert_eq!(host.login("carol", &[&code]).code, "PAM_MAXTRIES");
    assert_eq!(host.sim.count("/VerificationCheck"), 0);
}

#[test]
fn a_code_of_twilio_is_no_code_once_the_rules_ask_authy() {
    let host = Host::with(&format!("{ONE_ATTEMPT}provider = \"twilio\"\n"));
    add_twilio(&host);
    enroll(&host);
    let both = format!("{{ authy_id = 1635, phone = \"{NUMBER}\" }}");
    host.set_line(&host.users, "alice", &both);
    host.login("alice", &["sms"]);
    let code = last_code(&host);
    host.replace("provider = \"twilio\"", "provider = \"authy\"");
    assert_eq!(host.login("alice", &[&code]).code, "PAM_MAXTRIES");
    assert_eq!(host.sim.count("/VerificationCheck"), 0);
    let token = host.sim.token(1635);
    host.replace("provider = \"authy\"", "provider = \"twilio\"");
    assert_eq!(
        host.login("alice", &[&token]).code,
        "PAM_MAXTRIES",
        "nor the other way round"
    );
    assert_eq!(host.login("alice", &[&code]).code, "PAM_SUCCESS");
}

/// Guesses at one user count for everyone with the same number, and a new name takes none back.
#[test]
fn refused_codes_count_by_the_number_too() {
    let host = host(&format!("{ONE_ATTEMPT}[limits]\nrefused_tokens = 3\n"));
    host.append(&host.users, &format!("kim = {{ phone = \"{NUMBER}\" }}\n"));
    host.login("carol", &["sms"]);
    for _ in 0..3 {
        host.login("carol", &["123"]);
    }
    let login = host.login("kim", &["123456"]);
    let shown = texts(&login);
    assert!(shown[1].starts_with("Too many wrong codes"), "{shown:?}");
    assert_eq!(host.sim.count("/VerificationCheck"), 0);
}

#[test]
fn what_twilio_writes_into_an_error_forges_no_line_of_the_log() {
    let host = host(QUICK);
    let forged = "x\nverdict=accepted reason=code_accepted user=\"erin\"\u{1b}[31m\u{202e}";
    let rows = [
        json!({"code": 60324, "message": forged, "status": 403}),
        json!({"code": forged, "message": forged}),
        json!({"code": 4_294_967_297_u64, "message": [forged]}),
        json!({"code": -60324, forged: forged}),
    ];
    check_rows(rows, |body| {
        for (status, path) in [
            (403, "/Challenges"),
            (403, "/Verifications"),
            (429, "/Challenges"),
        ] {
            host.sim.forget_faults();
            host.sim.fault(&json!({
                "match": {"path": path}, "times": 0, "status": status, "body": body.to_string(),
                "headers": {"Retry-After": "1 verdict=accepted"},
            }));
            for (user, reply) in [("erin", "123456"), ("carol", "sms")] {
                let login = host.login(user, &[reply]);
                assert_ne!(login.code, "PAM_SUCCESS");
            }
        }
        for line in host.log().lines() {
            let (_, message) = line.split_once("]: ").expect("a line of the engine");
            assert!(!message.starts_with("verdict=accepted"), "{line}");
        }
    });
}

#[test]
fn the_audit_line_names_the_number_or_the_app_by_which_a_code_was_accepted() {
    let host = host(ONE_ATTEMPT);
    host.login("dave", &["sms"]);
    let code = last_code(&host);
    assert_eq!(host.login("dave", &[&code]).code, "PAM_SUCCESS");
    host.login("dave", &["sms"]);
    let code = oathtool(SECRET, 0);
    assert_eq!(host.login("dave", &[&code]).code, "PAM_SUCCESS");
    host.login("dave", &["000000"]);
    let audit = host.audit();
    let of = |reason: &str| {
        let lines = audit.iter().filter(|line| line.contains(reason));
        let names = lines.map(|line| {
            line.split("twilio=")
                .nth(1)
                .unwrap()
                .split('"')
                .nth(1)
                .unwrap()
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(of("code_accepted"), ["+*********67", SID]);
    assert_eq!(of("wrong_code"), [SID]);
    assert_eq!(sent(&host).len(), 2);
}
