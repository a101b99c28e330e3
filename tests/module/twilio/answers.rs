//! What each answer of Twilio means for a login, and answers that are lost.

use serde_json::json;

use super::{IDENTITY, NUMBER, ONE_ATTEMPT, QUICK, SID, host, last_code, sent};
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
        (401, error(70051), key),
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

/// What Twilio says of one kind of code alone, as (path, HTTP, code, PAM's code, audit line, prompts).
#[test]
fn an_answer_about_a_code_that_was_sent_or_about_an_app_has_its_outcome() {
    let (checks, challenges) = ("/VerificationCheck", "/Challenges");
    let (tries, auth) = ("PAM_MAXTRIES", "PAM_AUTH_ERR");
    let suspended = "verdict=refused reason=suspended ";
    let unknown = "verdict=refused reason=unknown_to_provider ";
    let (busy, paused) = (
        "verdict=refused reason=rate_limited ",
        "verdict=refused reason=limited ",
    );
    let wrong = "verdict=refused reason=wrong_code ";
    let rows = [
        // It was approved, has expired, or five codes were wrong.
        (checks, 404, 20404, tries, wrong, 2),
        (checks, 429, 60202, tries, wrong, 2),
        (checks, 403, 60605, auth, suspended, 1),
        (challenges, 400, 60306, tries, wrong, 2),
        (challenges, 403, 60324, tries, wrong, 2),
        (challenges, 404, 20404, auth, unknown, 1),
        (challenges, 403, 60318, auth, suspended, 1),
        (challenges, 429, 60308, tries, busy, 1),
        (challenges, 429, 60312, tries, paused, 2),
    ];
    check_rows(rows, |(path, status, code, pam, line, prompts)| {
        let host = host(&format!(
            "{QUICK}attempts = 2\nwhen_unavailable = \"ignore\"\n"
        ));
        host.login("carol", &["sms"]);
        let body = json!({"code": code, "message": "x", "status": status}).to_string();
        host.sim
            .fault(&json!({"match": {"path": path}, "times": 0, "status": status, "body": body}));
        let user = if path == checks { "carol" } else { "erin" };
        let lines = host.audit().len();
        let login = host.login(user, &["123456", "123456"]);
        assert_eq!((login.code, login.prompts()), (pam, prompts));
        let audit = host.audit_of(lines + prompts);
        assert!(audit[lines].starts_with(line), "{audit:#?}");
    });
}

/// HTTP 2xx is no yes: the status, the number, the SIDs and `valid` must be right too.
#[test]
fn only_an_approval_of_this_verification_or_app_logs_in() {
    let host = host(&format!("{ONE_ATTEMPT}[limits]\nrefused_tokens = 100\n"));
    host.login("carol", &["sms"]);
    let service = host.sim.twilio("TWILIO_VERIFY_SERVICE");
    let check = json!({"sid": sent(&host)[0]["sid"], "service_sid": service, "to": NUMBER,
        "status": "approved", "valid": true});
    let challenge = json!({"sid": format!("YC{}", "0a".repeat(16)), "service_sid": service,
        "identity": IDENTITY, "factor_sid": SID, "factor_type": "totp", "status": "approved"});
    let other = |prefix: &str| json!(format!("{prefix}{}", "0b".repeat(16)));
    let rows = [
        (&check, "status", json!("pending")),
        (&check, "status", json!("Approved")),
        (&check, "status", json!(["approved"])),
        (&check, "valid", json!(false)),
        (&check, "valid", json!("true")),
        (&check, "valid", json!(null)),
        (&check, "sid", other("VE")),
        (&check, "to", json!("+15551234568")),
        (&check, "service_sid", other("VA")),
        (&challenge, "status", json!("pending")),
        (&challenge, "status", json!("denied")),
        (&challenge, "status", json!("expired")),
        (&challenge, "factor_sid", other("YF")),
        (&challenge, "identity", json!("ff483d1f-f592")),
        (&challenge, "factor_type", json!("push")),
        (&challenge, "service_sid", other("VA")),
        (&challenge, "sid", other("VE")),
    ];
    let login = |body: &serde_json::Value| {
        let (user, path) = match body.get("to") {
            Some(_) => ("carol", "/VerificationCheck"),
            None => ("erin", "/Challenges"),
        };
        host.sim.forget_faults();
        host.sim
            .fault(&json!({"match": {"path": path}, "times": 0, "status": 200,
            "body": body.to_string()}));
        host.login(user, &["123456"]).code
    };
    check_rows(rows, |(body, member, value)| {
        let mut body = body.clone();
        body[member] = value;
        assert_eq!(login(&body), "PAM_MAXTRIES");
    });
    for body in [&check, &challenge] {
        assert_eq!(
            login(body),
            "PAM_SUCCESS",
            "what is changed above is what matters"
        );
    }
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
