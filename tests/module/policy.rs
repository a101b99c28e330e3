//! Exemptions, `whose`, language and texts, the code behind the password.

use pam_authy::pam_app::Item;

use crate::authyctl::run_json;
use crate::common::host::Host;
use crate::common::rows::check_rows;

fn with(more: &str) -> Host {
    Host::with(&format!(
        "[login]\nrefusal_seconds = 0\nattempts = 1\n{more}"
    ))
}

/// Returns whether a login asks for a factor. It is refused then, since the reply is empty;
/// otherwise it is PAM_PERM_DENIED, since libpam denies where every module answers IGNORE.
fn is_asked(host: &Host, user: &str, items: &[(Item, &str)]) -> bool {
    let login = host.login_with(user, &[""], items);
    assert_eq!(
        login.code == "PAM_MAXTRIES",
        login.prompts() == 1,
        "{login:?}"
    );
    if login.prompts() == 0 {
        assert_eq!(login.code, "PAM_PERM_DENIED");
        let exempt = |line: &str| line.contains("verdict=ignored reason=exempt");
        assert!(host.sim.log(exempt).iter().any(|line| exempt(line)));
    }
    login.prompts() == 1
}

#[test]
fn exempt_networks_match_addresses_and_never_names() {
    let host = with("[exempt]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n");
    check_rows(["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"], |exempt| {
        assert!(
            !is_asked(&host, "alice", &[(Item::RHost, exempt)]),
            "{exempt}"
        );
    });
    let table = [
        "198.51.100.1",
        "192.0.2.7.example",
        "localhost",
        "192.0.2.7 ",
    ];
    check_rows(table, |asked| {
        assert!(is_asked(&host, "alice", &[(Item::RHost, asked)]), "{asked}");
    });
    assert!(is_asked(&host, "alice", &[]), "no address");
    assert!(
        host.log().contains("exempt.networks \"192.0.2.0/24\""),
        "{}",
        host.log()
    );
}

#[test]
fn exempt_users_groups_and_services_are_asked_nothing() {
    let host = with("[exempt]\nusers = [\"alice\"]\n");
    assert!(!is_asked(&host, "alice", &[]));
    assert!(is_asked(&host, "bob", &[]));
    let host = with("[exempt]\ngroups = [\"root\", \"no-such-group\"]\n");
    assert!(!is_asked(&host, "root", &[]));
    assert!(is_asked(&host, "alice", &[]));
    let host = with("[exempt]\nservices = [\"cron\"]\n");
    assert!(is_asked(&host, "alice", &[]));
    assert!(!is_asked(&host.service("cron"), "alice", &[]));
}

#[test]
#[ignore = "needs root"]
fn with_whose_caller_the_callers_factor_is_asked_without_a_fallback() {
    let host = with("[service.su]\nwhose = \"caller\"\n").service("su");
    let token = host.sim.token(1635);

    let login = host.login_with("root", &[&token], &[(Item::RUser, "alice")]);
    assert_eq!(login.code, "PAM_SUCCESS");
    assert!(
        host.audit()[0].contains("authy_id=1635"),
        "{:?}",
        host.audit()
    );

    let login = host.login_with("alice", &[], &[]);
    assert_eq!(login.code, "PAM_AUTH_ERR", "no caller, no fallback");
    let remote = [(Item::RUser, "alice"), (Item::RHost, "192.0.2.7")];
    assert_eq!(host.login_with("root", &[], &remote).code, "PAM_AUTH_ERR");
}

#[test]
fn texts_and_language_come_from_the_configuration() {
    let host = with("language = \"de\"\n[messages]\nprompt_or = \"{user}@{service}, {words}: \"\n");

    let login = host.login("alice", &["sms", "0"]);

    assert_eq!(login.seen[0].1, "alice@sshd, push, sms oder call: ");
    assert!(login.seen[1].1.starts_with("Eine SMS"), "{:?}", login.seen);
    let request = host.sim.get("/requests.json")["requests"][0]["query"].clone();
    assert_eq!(request, "locale=de");
}

#[test]
fn a_code_behind_the_password_leaves_the_password_for_the_next_module() {
    let host = with("token_in_password = true\n");
    let token = host.sim.token(1635);

    let login = host.login("alice", &[&format!("right horse{token}")]);

    assert_eq!(login.code, "PAM_SUCCESS");
    assert_eq!(login.seen[0].1, "Password and verification code: ");
    assert_eq!(
        host.sim.requests(),
        [format!("/protected/json/verify/{token}/1635")]
    );
    assert!(!host.log().contains("horse"));
}

#[test]
fn first_pass_without_token_in_password_is_refused() {
    let host = with("").arguments("try_first_pass");

    assert_eq!(host.login("alice", &[]).code, "PAM_SERVICE_ERR");
    assert!(
        host.log().contains("need login.token_in_password = true"),
        "{}",
        host.log()
    );
}

#[test]
fn a_recovery_code_is_refused_in_a_service_that_takes_none() {
    let host = with("[recovery]\nservices = [\"sudo\"]\n");
    let (_, made) = run_json(&host.sim, &["recovery", "generate", "alice"], "");
    let code = made["codes"][0].as_str().unwrap();
    assert_eq!(host.login("alice", &[code]).code, "PAM_MAXTRIES");
    let host = host.service("sudo");
    assert_eq!(host.login("alice", &[code]).code, "PAM_SUCCESS");
}
