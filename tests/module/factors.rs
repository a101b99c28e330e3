//! Persons with several factors, factors that this host cannot check, and tables that are missing.

use pam_authy::engine::shared_words;
use pam_authy::store::recovery::{self, Recovery as _};

use crate::common::host::Host;

#[test]
fn a_factor_that_this_host_cannot_check_is_skipped_and_logged() {
    let host = Host::new();
    host.append(
        &host.users,
        "bob = { authy_id = 1635, phone = \"+15551234567\", security_keys = \
         [\"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"] }\n",
    );
    let token = host.sim.token(1635);

    let login = host.login("bob", &[&token]);

    assert_eq!(login.code, "PAM_SUCCESS");
    let log = host.log();
    let note = "bob: phone is skipped: config.toml has no table [twilio]";
    assert!(log.contains(note), "{log}");
    // They prove no login outside of sshd, so that no login says so.
    assert!(!log.contains("security_keys"), "{log}");
    assert!(!log.contains("5551234567"), "{log}");
}

/// Otherwise the codes would end when Authy is removed from the entry later.
#[test]
fn a_login_records_the_skipped_factors_with_the_recovery_codes_too() {
    let host = Host::new();
    host.append(
        &host.users,
        "bob = { authy_id = 1635, phone = \"+15551234567\" }\n",
    );
    let state = host.sim.path("state");
    let known = vec!["authy_id=1635".to_owned()];
    let codes = recovery::generate(&state, "bob", known, false, shared_words::map).unwrap();

    let token = host.sim.token(1635);
    assert_eq!(host.login("bob", &[&token]).code, "PAM_SUCCESS");

    let phone = vec!["phone=+15551234567".to_owned()];
    let mut later = recovery::FileRecovery::new(&state, "bob", phone, shared_words::map);
    assert_eq!(later.redeem(&codes[0].parse().unwrap()), Ok(Some(9)));
}

#[test]
fn an_entry_without_a_factor_that_this_host_can_check_denies_its_user_alone() {
    let host = Host::with("[login]\nrefusal_seconds = 0\nunenrolled = \"ignore\"\n");
    host.append(&host.users, "bob = { phone = \"+15551234567\" }\n");

    let login = host.login("bob", &[]);

    assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
    assert_eq!(
        host.audit(),
        ["verdict=error reason=mapping user=\"bob\""],
        "{}",
        host.log()
    );
    assert!(host.log().contains("this host can check no factor"));
    let token = host.sim.token(1635);
    assert_eq!(host.login("alice", &[&token]).code, "PAM_SUCCESS");
}

#[test]
fn without_the_table_authy_its_people_are_refused_and_the_log_says_why() {
    let host = Host::without_authy("[service.sshd]\nwhen_unavailable = \"ignore\"\n");

    let login = host.login("alice", &[]);

    assert_eq!((login.code, login.prompts()), ("PAM_SERVICE_ERR", 0));
    let why = "authy_id is skipped: config.toml has no table [authy]";
    assert!(host.log().contains(why), "{}", host.log());
}

#[test]
fn the_unenrolled_are_refused_after_the_same_prompts_where_no_service_is_configured() {
    let host = Host::without_authy("[login]\nrefusal_seconds = 0\n");

    let login = host.login("mallory", &["1234567", "push", "1234567", "1234567"]);

    assert_eq!(login.code, "PAM_MAXTRIES");
    assert!(host.audit()[0].contains("reason=unenrolled"));
}

#[test]
fn login_shells_of_sudo_and_su_follow_the_tables_of_sudo_and_su() {
    let tables = "[login]\nrefusal_seconds = 0\n[service.sudo]\nattempts = 1\n\
                  [service.su]\nattempts = 2\n[service.su-l]\nattempts = 4\n";
    let mut host = Host::with(tables);
    let wrong = ["1234567"; 5];
    let mut failed = Vec::new();
    for (service, prompts) in [
        ("sudo", 1),
        ("sudo-i", 1),
        ("su", 2),
        ("su-l", 4),
        ("sshd", 3),
    ] {
        host = host.service(service);
        let found = host.login("alice", &wrong).prompts();
        if found != prompts {
            failed.push(format!("{service}: {found} prompts, not {prompts}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_service_table_in_upper_case_denies_every_login() {
    let host = Host::with("[service.Sudo]\nattempts = 1\n");

    assert_eq!(host.login("alice", &[]).code, "PAM_SERVICE_ERR");
}
