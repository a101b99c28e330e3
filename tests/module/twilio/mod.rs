//! Logins by Twilio Verify through the product: codes by SMS and call across calls of the module, an
//! app, a restricted key, and what each answer of Twilio means. What it has in common with other
//! providers is in `providers`.

mod answers;
mod attacks;
mod limits;

use serde_json::{Value, json};

use super::providers::texts;
use crate::authyctl::run_json;
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::totp::{SECRET, oathtool};

const QUICK: &str = "[login]\nrefusal_seconds = 0\n";
const ONE_ATTEMPT: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n";
const PROMPT: &str = "Verification code (or type sms or call): ";
const NUMBER: &str = "+15551234567";
const IDENTITY: &str = "ff483d1f-f591";
const SID: &str = "YF0123456789abcdef0123456789abcdef";

/// A host that uses Twilio alone. carol has a number, dave a number and an app, erin an app.
fn host(config: &str) -> Host {
    let host = Host::with_twilio(config);
    enroll(&host);
    host
}

fn enroll(host: &Host) {
    let app = json!({"identity": IDENTITY, "secret": SECRET, "sid": SID});
    host.sim.post("/phone/twilio/factors", &app);
    let phone = format!("phone = \"{NUMBER}\"");
    let app = format!("twilio_identity = \"{IDENTITY}\", twilio_factor = \"{SID}\"");
    let entries =
        format!("carol = {{ {phone} }}\ndave = {{ {phone}, {app} }}\nerin = {{ {app} }}\n");
    host.append(&host.users, &entries);
}

/// Returns the codes that were sent, the newest one last.
fn sent(host: &Host) -> Vec<Value> {
    let phones = host.sim.get("/phone/twilio");
    phones["verifications"].as_array().unwrap().clone()
}

/// Returns the code that was sent last.
fn last_code(host: &Host) -> String {
    let last = sent(host).pop().expect("a code was sent");
    last["code"].as_str().unwrap().to_owned()
}

/// Returns another code than the one that was sent last.
fn wrong_code(host: &Host) -> String {
    let number: u64 = last_code(host).parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

/// Changes the simulated Twilio.
fn change(host: &Host, settings: &Value) {
    host.sim.post("/phone/twilio", settings);
}

#[test]
fn a_code_by_sms_logs_in_by_a_later_call_of_the_module_and_once() {
    let host = host(&format!("{ONE_ATTEMPT}language = \"de\"\n"));
    // The person reads the SMS while the call of the module ends.
    let asked = host.login("carol", &["sms"]);
    assert_eq!(asked.prompts(), 2);
    assert_eq!(sent(&host)[0]["locale"], "de");
    let code = last_code(&host);

    let [first, second] = [0, 1].map(|_| host.login("carol", &[&code]).code);

    assert_eq!([first, second], ["PAM_SUCCESS", "PAM_MAXTRIES"]);
    let log = host.log();
    let line = "verdict=accepted reason=code_accepted factor=token provider=twilio twilio=\"+*********67\" attempts=1";
    assert!(log.contains(line), "{log}");
    assert!(!log.contains("555123"), "no whole number: {log}");
    assert_eq!(
        host.sim.count("/VerificationCheck"),
        1,
        "the second is no code of a start"
    );
}

#[test]
fn a_call_reads_out_the_same_code_and_a_wrong_one_leaves_it() {
    let host = host(QUICK);
    let login = host.login("carol", &["sms", "call"]);
    let shown = texts(&login);
    assert_eq!(shown[0], PROMPT);
    assert_eq!(sent(&host).len(), 1);
    assert_eq!(sent(&host)[0]["sends"], 2);
    let (code, wrong) = (last_code(&host), wrong_code(&host));
    let login = host.login("carol", &[&wrong, &code]);
    assert_eq!((login.code, login.prompts()), ("PAM_SUCCESS", 2));
}

#[test]
fn a_code_that_was_sent_to_one_user_is_not_checked_for_another() {
    let host = host(ONE_ATTEMPT);
    host.append(&host.users, "bob = { phone = \"+15557654321\" }\n");
    host.append(&host.users, &format!("kim = {{ phone = \"{NUMBER}\" }}\n"));
    host.login("carol", &["sms"]);
    let code = last_code(&host);
    for user in ["bob", "kim"] {
        assert_eq!(host.login(user, &[&code]).code, "PAM_MAXTRIES");
    }
    assert_eq!(host.sim.count("/VerificationCheck"), 0);
    assert_eq!(host.login("carol", &[&code]).code, "PAM_SUCCESS");
}

#[test]
fn without_a_start_in_the_last_ten_minutes_a_code_is_one_of_the_app() {
    let host = host(ONE_ATTEMPT);
    assert_eq!(
        host.login("dave", &[&oathtool(SECRET, 0)]).code,
        "PAM_SUCCESS"
    );
    assert_eq!(host.sim.count("/VerificationCheck"), 0);
    host.login("dave", &["sms"]);
    let code = oathtool(SECRET, 30);
    assert_eq!(host.login("dave", &[&code]).code, "PAM_SUCCESS");
    assert_eq!(
        host.sim.count("/VerificationCheck"),
        1,
        "it is checked first"
    );
    assert_eq!(host.login("dave", &[&last_code(&host)]).code, "PAM_SUCCESS");
    // Twilio has forgotten the code, and this host finds out by one question.
    host.login("dave", &["sms"]);
    change(&host, &json!({"ahead_seconds": 601}));
    let old = last_code(&host);
    let checks = host.sim.count("/VerificationCheck");
    host.login("dave", &[&old]);
    host.login("dave", &[&old]);
    assert_eq!(host.sim.count("/VerificationCheck"), checks + 1);
}

#[test]
fn five_wrong_codes_end_a_verification_and_the_login_goes_on() {
    check_rows([false, true], |as_404| {
        let host = host(&format!("{QUICK}attempts = 7\n"));
        change(
            &host,
            &json!({"sixth_check_is_404": as_404, "check_status": 201}),
        );
        host.login("carol", &["sms"]);
        let (wrong, right) = (wrong_code(&host), last_code(&host));
        let mut replies = vec![wrong.as_str(); 5];
        replies.push(&right);
        let login = host.login("carol", &replies);
        assert_eq!(login.prompts(), 7, "the next prompt comes: {login:?}");
        assert_eq!(host.sim.count("/VerificationCheck"), 6);
    });
}

#[test]
fn a_restricted_key_logs_in_by_a_new_challenge_for_each_code() {
    let host = host(QUICK);
    let login = host.login("erin", &["000000", "000001", &oathtool(SECRET, 0)]);
    assert_eq!((login.code, login.prompts()), ("PAM_SUCCESS", 3));
    let update = host.sim.requests();
    let updates = update.iter().filter(|path| path.contains("/Challenges/YC"));
    assert_eq!(updates.count(), 2, "it may have the permission one day");

    let permissions = json!({"permissions": ["/twilio/verify/challenge/update"]});
    change(&host, &permissions);
    let before = host.sim.get("/phone/twilio")["factors"][0]["challenges"].clone();
    let login = host.login("erin", &["000000", "000001", &oathtool(SECRET, 30)]);
    assert_eq!(login.code, "PAM_SUCCESS");
    let after = host.sim.get("/phone/twilio")["factors"][0]["challenges"].clone();
    assert_eq!((before, after), (json!(3), json!(4)), "one for the login");
}

#[test]
fn challenges_are_counted_before_twilio_is_asked_and_a_recovery_code_still_works() {
    let host =
        host("[login]\nrefusal_seconds = 0\nattempts = 10\n[limits]\nrefused_tokens = 100\n");
    let (status, made) = run_json(&host.sim, &["recovery", "generate", "erin"], "");
    assert_eq!(status, 0, "{made}");
    for _ in 0..5 {
        host.login("erin", &["000000"; 10]);
    }
    let asked = host.sim.requests().len();
    let code = made["codes"][0].as_str().unwrap();
    let login = host.login("erin", &[&oathtool(SECRET, 0), code]);
    assert_eq!((login.code, login.prompts()), ("PAM_SUCCESS", 2));
    assert_eq!(host.sim.requests().len(), asked, "nothing is sent");
    let log = host.log();
    assert!(
        log.contains("50 logins by the app at Twilio within an hour"),
        "{log}"
    );
}

#[test]
fn only_the_provider_of_the_rules_is_asked_about_a_person_whom_both_know() {
    let rows = [
        ("", "provider=authy code=60020 authy_id=1635", "/verify/"),
        (
            "provider = \"authy\"\n",
            "provider=authy code=60020 authy_id=1635",
            "/verify/",
        ),
        (
            "provider = \"twilio\"\n",
            "provider=twilio twilio=\"YF",
            "/Challenges",
        ),
    ];
    check_rows(rows, |(provider, identity, path)| {
        let host = Host::with(&format!("{ONE_ATTEMPT}{provider}"));
        add_twilio(&host);
        enroll(&host);
        let both = format!(
            "{{ authy_id = 1635, phone = \"{NUMBER}\", twilio_identity = \"{IDENTITY}\", twilio_factor = \"{SID}\" }}"
        );
        host.set_line(&host.users, "alice", &both);
        host.login("alice", &["1234567"]);
        let audit = host.audit();
        assert!(audit[0].contains(identity), "{audit:?}");
        let asked = host.sim.requests();
        assert!(asked.len() == 1 && asked[0].contains(path), "{asked:?}");
    });
}

/// Gives a host that uses Authy the table of Twilio too.
fn add_twilio(host: &Host) {
    let twilio = std::fs::read_to_string(host.sim.path("twilio.toml")).unwrap();
    let (table, _) = twilio.split_once("[paths]").unwrap();
    host.append(&host.config, &format!("\n{table}"));
}

#[test]
fn a_factor_whose_table_is_missing_is_skipped_and_logged() {
    let host = Host::with(ONE_ATTEMPT);
    enroll(&host);
    host.append(
        &host.users,
        &format!("kim = {{ authy_id = 1635, phone = \"{NUMBER}\" }}\n"),
    );
    let login = host.login("kim", &[&host.sim.token(1635)]);
    assert_eq!(login.code, "PAM_SUCCESS");
    let log = host.log();
    let line = "kim: phone is skipped: config.toml has no table [twilio]";
    assert!(log.contains(line), "{log}");
    let login = host.login("carol", &["123456"]);
    assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
    let log = host.log();
    let line =
        "carol: this host can check no factor: phone is skipped: config.toml has no table [twilio]";
    assert!(log.contains(line), "{log}");
}

#[test]
fn a_number_is_skipped_where_the_rules_send_nothing() {
    let rows = [
        "factors = [\"token\"]\n",
        "factors = [\"token\", \"sms\"]\nsms = \"never\"\n",
    ];
    check_rows(rows, |rules| {
        let host = host(&format!("{ONE_ATTEMPT}{rules}"));
        let login = host.login("carol", &["123456"]);
        assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
        let log = host.log();
        let line = "phone is skipped: the rules of the service send no SMS and make no call";
        assert!(log.contains(line), "{log}");
        let login = host.login("dave", &[&oathtool(SECRET, 0)]);
        assert_eq!(login.code, "PAM_SUCCESS");
    });
}

#[test]
fn a_value_that_cannot_be_used_denies_its_user_alone() {
    let host = host(ONE_ATTEMPT);
    let rows = [
        (
            "{ phone = \"5551234567\" }",
            "a phone number is + and 7 to 15 digits",
        ),
        ("{ phone = 15551234567 }", "phone must be a text in quotes"),
        (
            "{ twilio_identity = \"ff483d1f-f591\" }",
            "twilio_identity and twilio_factor need each other",
        ),
        (
            "{ twilio_identity = \"alice\", twilio_factor = \"YF0123456789abcdef0123456789abcdef\" }",
            "a twilio_identity is 8 to 64 letters, digits and dashes",
        ),
        (
            "{ twilio_identity = \"ff483d1f-f591\", twilio_factor = \"YF01\" }",
            "a twilio_factor is YF and 32 hexadecimal digits",
        ),
    ];
    check_rows(rows, |(entry, why)| {
        host.set_line(&host.users, "bob", entry);
        assert_eq!(host.login("bob", &["123456"]).code, "PAM_SERVICE_ERR");
        let log = host.log();
        assert!(log.contains(why), "{log}");
        assert_eq!(host.login("erin", &["12"]).code, "PAM_MAXTRIES");
    });
}

#[test]
fn the_key_of_a_closed_account_is_refused_and_nothing_is_sent_for_sms() {
    let host = host(ONE_ATTEMPT);
    change(&host, &json!({"closed": true}));
    let login = host.login("carol", &["sms"]);
    assert_eq!(sent(&host).len(), 0);
    let shown = texts(&login);
    assert!(
        shown[1].starts_with("The SMS could not be sent"),
        "{shown:?}"
    );
    assert_eq!(host.login("erin", &["123456"]).code, "PAM_SERVICE_ERR");
    let log = host.log();
    assert!(log.contains("reason=key_refused"), "{log}");
    assert!(log.contains("the account is suspended or closed"), "{log}");
}
