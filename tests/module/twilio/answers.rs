//! What each answer of Twilio means for a login, and answers that are lost.

use serde_json::json;

use super::{QUICK, host, last_code};
use crate::common::rows::check_rows;
use crate::common::totp::{SECRET, oathtool};

/// What each answer to a check and to a challenge means: PAM's code, the reason, and how many codes
/// are asked for.
#[test]
fn an_answer_of_twilio_has_its_outcome_and_only_none_is_an_outage() {
    let error = |code: u32| json!({"code": code, "message": "x", "status": 400}).to_string();
    let ignored = ("PAM_PERM_DENIED", "verdict=ignored reason=outage ", 1);
    let wrong = ("PAM_MAXTRIES", "verdict=refused reason=wrong_code ", 2);
    let limited = ("PAM_MAXTRIES", "verdict=refused reason=rate_limited ", 1);
    let key = ("PAM_SERVICE_ERR", "verdict=error reason=key_refused ", 1);
    let refused = (
        "PAM_SERVICE_ERR",
        "verdict=error reason=application_refused ",
        1,
    );
    let approved = r#"{"status":"approved","valid":true}"#.to_owned();
    let repeated = r#"{"status":"approved","status":"approved"}"#.to_owned();
    let rows = [
        (500, String::new(), ignored),
        (503, error(20500), ignored),
        (200, String::new(), ignored),
        (200, "<html>".to_owned(), ignored),
        (201, repeated, ignored),
        (200, "{}".to_owned(), wrong),
        (201, approved, wrong),
        (400, error(60200), wrong),
        (400, "<html>".to_owned(), wrong),
        (404, "<html>".to_owned(), wrong),
        (429, error(20429), limited),
        (429, String::new(), limited),
        (401, error(20003), key),
        (401, String::new(), key),
        (403, error(20008), key),
        (403, error(20403), key),
        (403, error(70051), key),
        (403, error(60204), refused),
    ];
    let ignore = "[service.sshd]\nwhen_unavailable = \"ignore\"\n";
    let host = host(&format!(
        "{QUICK}attempts = 2\n{ignore}[limits]\nrefused_tokens = 100\n"
    ));
    host.login("carol", &["sms"]);
    let code = last_code(&host);
    check_rows(rows, |(status, body, (pam, line, prompts))| {
        for (user, path) in [("carol", "/VerificationCheck"), ("erin", "/Challenges")] {
            host.sim.forget_faults();
            host.sim.fault(
                &json!({"match": {"path": path}, "times": 0, "status": status, "body": body}),
            );
            let lines = host.audit().len();
            let login = host.login(user, &[&code, &code]);
            assert_eq!((login.code, login.prompts()), (pam, prompts), "{user}");
            let audit = host.audit_of(lines + prompts);
            assert!(audit[lines].starts_with(line), "{user}: {audit:#?}");
        }
    });
}

/// Twilio accepts the code, and the answer is lost: a second question could only be answered by no.
#[test]
fn a_right_code_whose_answer_is_lost_is_asked_about_once() {
    let rows = [
        json!({"cut_after": 40}),
        json!({"reset": true}),
        json!({"silent": true}),
    ];
    check_rows(rows, |fault| {
        for (user, path) in [("carol", "/VerificationCheck"), ("erin", "/Challenges")] {
            let host = host(QUICK);
            host.replace("[twilio]\n", "[twilio]\ntimeout_seconds = 1\n");
            host.login("carol", &["sms"]);
            let code = match user {
                "carol" => last_code(&host),
                _ => oathtool(SECRET, 0),
            };
            let mut fault = fault.clone();
            fault["match"] = json!({"path": path});
            fault["after"] = json!(true);
            fault["times"] = json!(0);
            host.sim.fault(&fault);
            let login = host.login(user, &[&code, &code]);
            assert_eq!((login.code, login.prompts()), ("PAM_AUTHINFO_UNAVAIL", 1));
            assert_eq!(host.sim.count(path), 1, "{user}");
        }
    });
}
