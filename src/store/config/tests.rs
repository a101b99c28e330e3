//! What config.toml may contain, what is refused, and with which error.

use std::path::Path;

use proptest::prelude::*;

use super::*;

const KEY: &str = "d57d919d11e6b221c9bf6f7c882028f9";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("config.toml")).map_err(|error| error.to_string())
}

fn with_key(text: &str) -> Result<Config, String> {
    parse(&format!("[authy]\nkey = \"{KEY}\"\n{text}"))
}

#[test]
fn only_the_key_has_no_default() {
    let config = with_key("").unwrap();
    let authy = config.authy.as_ref().unwrap();
    assert_eq!(authy.url, "https://api.authy.com");
    assert_eq!(authy.timeout, Duration::from_secs(8));
    assert_eq!(config.login("sshd"), Login::default());
    assert_eq!(config.paths.log, None);
    assert!(parse("[login]\n").unwrap().authy.is_none());
    assert_eq!(
        parse("# nothing\n").unwrap_err(),
        "config.toml:1: the file is empty: it needs one table, such as [login]"
    );
    assert_eq!(
        parse("\n[authy]\n").unwrap_err(),
        "config.toml:2: authy key is missing"
    );
}

#[test]
fn a_service_has_its_own_rules_in_any_order_of_the_tables() {
    let text = "[service.sudo]\nattempts = 1\n[login]\nsms = \"never\"\nattempts = 5\n";
    let config = with_key(text).unwrap();
    assert_eq!(
        (config.login("sshd").attempts, config.login("sshd").sms),
        (5, SendMode::Never)
    );
    assert_eq!(
        (config.login("sudo").attempts, config.login("sudo").sms),
        (1, SendMode::Never)
    );
}

const NO_DAY: &str =
    "config.toml:4: login.enroll_by must be a day such as 2027-01-31, without quotes and time";

#[test]
fn a_day_that_no_calendar_has_is_an_error_with_its_line() {
    for day in [
        "2027-02-29",
        "2027-04-31",
        "2027-13-01",
        "2027-00-10",
        "2027-01-00",
        "2027-1-31",
    ] {
        let error = with_key(&format!("[login]\nenroll_by = {day}\n")).unwrap_err();
        assert!(error.starts_with("config.toml:4: "), "{day}: {error}");
    }
    let text = "[login]\nenroll_by = 2028-02-29\n[service.sudo]\nenroll_by = 2027-01-31\n";
    let config = with_key(text).unwrap();
    let day = |service| config.login(service).enroll_by.unwrap().to_string();
    assert_eq!(
        (day("sshd"), day("sudo")),
        ("2028-02-29".into(), "2027-01-31".into())
    );
    assert_eq!(config.line("sudo", "enroll_by"), Some(6));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn a_mistake_names_file_line_and_key() {
    let mistakes = [
        ("timeout = 5\n", "config.toml:3: unknown key authy.timeout"),
        (
            "timeout_seconds = 0\n",
            "config.toml:3: authy.timeout_seconds must be a number from 1 to 60",
        ),
        (
            "timeout_seconds = 61\n",
            "config.toml:3: authy.timeout_seconds must be a number from 1 to 60",
        ),
        (
            "timeout_seconds = \"8\"\n",
            "config.toml:3: authy.timeout_seconds must be a number from 1 to 60",
        ),
        (
            "warm_up = 1\n",
            "config.toml:3: authy.warm_up must be true or false",
        ),
        (
            "url = \"http://a.test\"\n",
            "config.toml:3: authy.url must be https://host[:port][/path]",
        ),
        (
            "url = \"https://u@a.test\"\n",
            "config.toml:3: authy.url must be https://host[:port][/path]",
        ),
        (
            "url = \"https://a.test/?x\"\n",
            "config.toml:3: authy.url must be https://host[:port][/path]",
        ),
        (
            "url = \"https://:443\"\n",
            "config.toml:3: authy.url must be https://host[:port][/path]",
        ),
        (
            "proxy = \"a.test:1\"\n",
            "config.toml:3: authy.proxy must be http://host:port",
        ),
        (
            "ca_file = \"ca.pem\"\n",
            "config.toml:3: authy.ca_file must be an absolute path",
        ),
        (
            "key_file = \"/x\"\n",
            "config.toml:3: authy.key_file cannot be combined: set either key or key_file",
        ),
        (
            "[login]\nattempts = 11\n",
            "config.toml:4: login.attempts must be a number from 1 to 10",
        ),
        (
            "[login]\ndeadline_seconds = 4\n",
            "config.toml:4: login.deadline_seconds must be a number from 5 to 600",
        ),
        (
            "[login]\nrefusal_seconds = -1\n",
            "config.toml:4: login.refusal_seconds must be a number from 0 to 10",
        ),
        (
            "[login]\necho = 1\n",
            "config.toml:4: login.echo must be true or false",
        ),
        (
            "[login]\natempts = 1\n",
            "config.toml:4: unknown key login.atempts",
        ),
        (
            "[service.sudo]\nx = 1\n",
            "config.toml:4: unknown key service.sudo.x",
        ),
        (
            "[service]\nsudo = 1\n",
            "config.toml:4: service.sudo must be a table",
        ),
        ("[log]\n", "config.toml:3: unknown key log"),
        (
            "[login]\nunenrolled = \"allow\"\n",
            "config.toml:4: login.unenrolled must be \"deny\" or \"ignore\"",
        ),
        ("[login]\nenroll_by = \"2027-01-31\"\n", NO_DAY),
        ("[login]\nenroll_by = 2027-01-31T00:00:00Z\n", NO_DAY),
        ("[login]\nenroll_by = 2027-01-31 12:00:00\n", NO_DAY),
        ("[login]\nenroll_by = 12:00:00\n", NO_DAY),
        ("[login]\nenroll_by = 20270131\n", NO_DAY),
        ("[login]\nenroll_by = 0\n", NO_DAY),
        (
            "[login]\nenter = \"sms\"\n",
            "config.toml:4: login.enter must be \"refuse\" or \"push\"",
        ),
        (
            "[login]\npush_seconds = 9\n",
            "config.toml:4: login.push_seconds must be a number from 10 to 300",
        ),
        (
            "[login]\nenroll_totp = true\n",
            "config.toml:4: login.enroll_totp must be \"never\" or \"offer\"",
        ),
        (
            "[login]\nenroll_hold_seconds = 2592001\n",
            "config.toml:4: login.enroll_hold_seconds must be a number from 0 to 2592000",
        ),
        (
            "[login]\nlanguage = \"nl\"\n",
            "config.toml:4: login.language must be \"en\", \"es\", \"pt\", \"de\", \"fr\" or \"it\"",
        ),
        (
            "[login]\nwhose = \"target\"\n",
            "config.toml:4: login.whose must be \"user\" or \"caller\"",
        ),
        (
            "[exempt]\nuser = []\n",
            "config.toml:4: unknown key exempt.user",
        ),
        (
            "[exempt]\nusers = \"root\"\n",
            "config.toml:4: exempt.users must be a list of names in quotes",
        ),
        (
            "[exempt]\nnetworks = [\"10.0.0.1/8\"]\n",
            "config.toml:4: exempt.networks 10.0.0.1/8: the address has bits behind its prefix: \
             did you mean 10.0.0.0/8?",
        ),
        (
            "[exempt]\nnetworks = [\"bastion.example\"]\n",
            "config.toml:4: exempt.networks bastion.example: a network is written like \
             192.0.2.0/24, 2001:db8::/32 or as one address",
        ),
        (
            "[limits]\nsms_per_user = 1001\n",
            "config.toml:4: limits.sms_per_user must be a number from 0 to 1000",
        ),
        (
            "[limits]\nrefused_tokens = 2\n",
            "config.toml:4: limits.refused_tokens must be a number from 3 to 100",
        ),
        (
            "[remember]\nseconds = 86401\n",
            "config.toml:4: remember.seconds must be a number from 0 to 86400",
        ),
        (
            "[recovery]\ncodes = 10\n",
            "config.toml:4: unknown key recovery.codes",
        ),
        (
            "[messages]\ngreeting = \"hi\"\n",
            "config.toml:4: unknown key messages.greeting",
        ),
        (
            "[messages]\nprompt = \"{name}: \"\n",
            "config.toml:4: messages.prompt has an unknown placeholder {name}",
        ),
        (
            "[paths]\nlog = \"dev/log\"\n",
            "config.toml:4: paths.log must be an absolute path",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, message) in mistakes {
        let error = with_key(text).map(|_| ());
        if error != Err(message.to_owned()) {
            wrong.push(format!("{text:?}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_list_of_factors_that_is_empty_repeats_or_has_an_unknown_word_is_refused() {
    let lists = [
        "[]",
        "[\"push\", \"push\"]",
        "[\"fax\"]",
        "\"token\"",
        "[1]",
    ];
    let mut wrong = Vec::new();
    for factors in lists {
        let error = with_key(&format!("[login]\nfactors = {factors}\n")).unwrap_err();
        if !error.starts_with("config.toml:4: login.factors must be") {
            wrong.push(format!("{factors}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_repeated_key_or_table_is_an_error() {
    assert!(
        with_key("key = \"x\"\n")
            .unwrap_err()
            .starts_with("config.toml:3: ")
    );
    assert_eq!(
        with_key("[login]\nattempts = 3\n[exempt]\n\n[login] # again\n").unwrap_err(),
        "config.toml:7: [login] is here a second time: put its keys below line 3"
    );
}

#[test]
fn no_error_ever_quotes_the_key() {
    let broken = [
        format!("[authy]\nkey = {KEY}\n"),
        format!("[authy]\nkey = \"{KEY}\n"),
        format!("[authy]\nkey = '{KEY}\n"),
        format!("[authy]\nkey = \"{KEY}\" \"{KEY}\"\n"),
        format!("[authy]\nkey = \"{KEY}\\q\"\n"),
        format!("[authy]\nkey \"{KEY}\"\n"),
        format!("[authy]\nkey = [\"{KEY}\"]\n"),
        format!("[authy]\nkey = \"{KEY} {KEY}\"\n"),
        format!("[authy]\nkey = \"\"\"{KEY}\n"),
        format!("[authy]\nkey = \"{KEY}\"\nkey = \"{KEY}\"\n"),
        format!("[authy]\nkey = \"{KEY}\u{1}\"\n"),
        format!("[api\nkey = \"{KEY}\"\n"),
        format!("key = \"{KEY}\"\n[api\n"),
    ];
    let mut wrong = Vec::new();
    for text in broken {
        let shown = match Config::parse(&text, Path::new("config.toml")) {
            Err(error) => format!("{error} {error:?}"),
            Ok(_) => "accepted".to_owned(),
        };
        if shown.contains(&KEY[..8]) || !shown.starts_with("config.toml:") {
            wrong.push(format!("{text:?}: {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!format!("{:?}", with_key("").unwrap()).contains(KEY));
}

#[test]
fn the_tables_of_sudo_and_su_also_apply_to_their_login_shells() {
    let attempts = |text: &str, service: &str| with_key(text).unwrap().login(service).attempts;
    let both = "[service.sudo]\nattempts = 1\n[service.su]\nattempts = 2\n";
    let rows = [
        (both.to_owned(), "sudo-i", 1),
        (both.to_owned(), "su-l", 2),
        (both.to_owned(), "sudo-ix", 3),
        (
            format!("{both}[service.sudo-i]\nattempts = 7\n"),
            "sudo-i",
            7,
        ),
        (format!("{both}[service.su-l]\nattempts = 8\n"), "su-l", 8),
        // A table of sudo-i or su-l does not apply to sudo or su.
        ("[service.sudo-i]\nattempts = 7\n".to_owned(), "sudo", 3),
        ("[service.su-l]\nattempts = 7\n".to_owned(), "su", 3),
    ];
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(text, service, expected)| attempts(text, service) != *expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let config = with_key(both).unwrap();
    assert_eq!(config.line("sudo-i", "attempts"), Some(4));
    assert_eq!(config.line("su-l", "attempts"), Some(6));
}

#[test]
fn a_key_is_set_by_a_service_only_if_its_own_table_has_it() {
    let text = "[login]\nwhen_unavailable = \"ignore\"\n\
                [service.sudo]\nwhen_unavailable = \"ignore\"\n\
                [service.su]\nattempts = 1\n[service.su-l]\nwhen_unavailable = \"deny\"\n";
    let config = with_key(text).unwrap();
    let rows = [
        ("sshd", false),
        ("sudo", true),
        ("sudo-i", true),
        ("su", false),
        ("su-l", true),
        ("login", false),
        ("", false),
    ];
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(service, expected)| {
            config.is_set_by_service(service, "when_unavailable") != *expected
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// libpam converts the name of a service to lower case, so such a table would never apply.
#[test]
fn a_service_name_with_an_upper_case_letter_is_an_error() {
    let rows = [
        (
            "[service.Sudo]\nattempts = 1\n",
            "config.toml:3: service.Sudo",
        ),
        (
            "[exempt]\nservices = [\"cron\", \"CRON\"]\n",
            "config.toml:4: exempt.services",
        ),
        (
            "[remember]\nservices = [\"Sshd\"]\n",
            "config.toml:4: remember.services",
        ),
        (
            "[recovery]\nservices = [\"SSHD\"]\n",
            "config.toml:4: recovery.services",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, place) in rows {
        let expected = format!("{place} must be in lower case, as PAM names its services");
        match with_key(text) {
            Err(error) if error == expected => {}
            other => wrong.push(format!("{text:?}: {:?}", other.map(|_| ()))),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_sample_shows_every_default() {
    let sample = include_str!("../../../etc/config.toml");
    assert!(parse(sample).unwrap_err().contains("authy.key is empty"));
    let mut shown = String::new();
    for line in sample.lines().filter(|line| !line.starts_with("# ")) {
        let line = line.trim_start_matches('#');
        let has_no_default = ["ca_file", "provider", "proxy", "language", "log", "notices"]
            .iter()
            .any(|key| line.starts_with(key));
        if line.starts_with("[messages") {
            break;
        }
        if !has_no_default {
            shown.push_str(&line.replace("key = \"\"", "key = \"x\""));
            shown.push('\n');
        }
    }
    let (shown, defaults) = (
        parse(&shown).unwrap(),
        parse("[authy]\nkey = \"x\"\n").unwrap(),
    );
    // Everything but the lines of the keys, which differ.
    let values = |config: &Config| {
        let all = format!("{config:?}");
        all.split(", lines: ").next().unwrap().to_owned()
    };
    assert_eq!(values(&shown), values(&defaults));
}

#[test]
fn the_sample_lists_every_key() {
    let sample = include_str!("../../../etc/config.toml");
    let keys = [
        "factors",
        "sms",
        "push",
        "attempts",
        "deadline_seconds",
        "refusal_seconds",
        "echo",
        "unenrolled",
        "when_unavailable",
        "enter",
        "push_seconds",
        "push_code",
        "token_in_password",
        "whose",
        "enroll_totp",
        "enroll_hold_seconds",
        "language",
        "users",
        "groups",
        "services",
        "networks",
        "sms_per_user",
        "calls_per_user",
        "pushes_per_user",
        "sms_per_address",
        "calls_per_address",
        "pushes_per_address",
        "sms_per_host",
        "refused_tokens",
        "seconds",
        "state",
        "log",
        "url",
        "timeout_seconds",
        "warm_up",
        "provider",
        "ca_file",
        "proxy",
    ];
    let is_listed = |key: &&&str| sample.contains(&format!("\n#{key} = "));
    let missing: Vec<_> = keys.iter().filter(|key| !is_listed(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn another_text_has_another_digest() {
    let digest = |text: &str| with_key(text).unwrap().digest;
    assert_eq!(digest(""), digest(""));
    assert_ne!(digest(""), digest("# more\n"));
    assert_ne!(digest(""), [0; 32]);
}

#[test]
fn a_bad_key_file_is_named() {
    let error = parse("[authy]\nkey_file = \"/nonexistent/key\"\n").unwrap_err();
    assert!(error.starts_with("/nonexistent/key: "), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = parse(&text);
        let _ = with_key(&text);
    }

    #[test]
    fn a_truncated_file_has_the_whole_key_or_no_provider(cut in 0_usize..200) {
        let text = format!("[login]\nunenrolled = \"deny\"\n[authy]\nkey = \"{KEY}\"\n");
        if let Ok(config) = parse(&text[..cut.min(text.len())])
            && let Some(authy) = config.authy
        {
            prop_assert_eq!(authy.key.expose(), KEY);
        }
    }
}

#[test]
fn prompts_name_recovery_codes_only_where_the_list_of_services_has_the_service() {
    let rows = [
        ("", "sshd", (true, false)),
        ("[recovery]\n", "sshd", (true, false)),
        ("[recovery]\nservices = [\"sshd\"]\n", "sshd", (true, true)),
        (
            "[recovery]\nservices = [\"sshd\"]\n",
            "sudo",
            (false, false),
        ),
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .filter(|(table, service, expected)| {
            let recovery = parse(&format!("[login]\n{table}")).unwrap().recovery;
            (recovery.applies_to(service), recovery.is_named_for(service)) != *expected
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

const TWILIO: &str = "[twilio]\nservice = \"VA0123456789abcdef0123456789abcdef\"\n\
                      key_sid = \"SK0123456789abcdef0123456789abcdef\"\nkey_secret = \"s3cret-of-the-key\"\n";

#[test]
fn twilio_needs_service_and_key_and_has_its_own_url() {
    let config = parse(TWILIO).unwrap();
    let twilio = config.twilio.as_ref().unwrap();
    assert_eq!(twilio.url, "https://verify.twilio.com");
    assert_eq!(twilio.timeout, Duration::from_secs(8));
    assert_eq!(twilio.key_secret.expose(), "s3cret-of-the-key");
    let rest = "url = \"https://127.0.0.1:8443/\"\nca_file = \"/ca.pem\"\n\
                proxy = \"http://proxy.test:3128\"\ntimeout_seconds = 3\n\
                rate_limits = { rhost = \"end-user.ip_1\" }\n";
    let config = parse(&format!("{TWILIO}{rest}")).unwrap();
    let twilio = config.twilio.unwrap();
    assert_eq!(twilio.url, "https://127.0.0.1:8443");
    assert_eq!(twilio.ca_file.as_deref(), Some(Path::new("/ca.pem")));
    assert_eq!(twilio.proxy.as_deref(), Some("http://proxy.test:3128"));
    assert_eq!(twilio.timeout, Duration::from_secs(3));
    let limits = twilio.rate_limits;
    assert_eq!(
        (limits.user, limits.rhost.as_deref()),
        (None, Some("end-user.ip_1"))
    );
}

#[test]
fn a_mistake_in_twilio_names_line_and_key_and_never_the_secret() {
    let line = |number: usize| TWILIO.lines().nth(number).unwrap();
    let without = |number| TWILIO.replace(&format!("{}\n", line(number)), "");
    let rows = [
        (without(1), "config.toml:1: twilio service is missing"),
        (without(2), "config.toml:1: twilio key_sid is missing"),
        (without(3), "config.toml:1: twilio key_secret is missing"),
        (
            TWILIO.replace("VA0", "VB0"),
            "config.toml:2: twilio.service must be VA and 32 hexadecimal digits",
        ),
        (
            TWILIO.replace("SK0", "AC0"),
            "config.toml:3: twilio.key_sid must be SK and 32 hexadecimal digits",
        ),
        (
            TWILIO.replace("s3cret-of", "s3cret of"),
            "config.toml:4: twilio.key_secret is not an API key: a key is up to 200 visible ASCII characters",
        ),
        (
            TWILIO.replace("s3cret-of-the-key", ""),
            "config.toml:4: twilio.key_secret is empty: put the secret of your API key at Twilio there",
        ),
        (
            format!("{TWILIO}key_secret_file = \"/x\"\n"),
            "config.toml:5: twilio.key_secret_file cannot be combined: set either key_secret or key_secret_file",
        ),
        (
            format!("{TWILIO}url = \"https://verify.twilio.com/v2\"\n"),
            "config.toml:5: twilio.url must be without /v2, which the client adds",
        ),
        (
            format!("{TWILIO}url = \"http://verify.twilio.com\"\n"),
            "config.toml:5: twilio.url must be https://host[:port][/path]",
        ),
        (
            format!("{TWILIO}timeout_seconds = 61\n"),
            "config.toml:5: twilio.timeout_seconds must be a number from 1 to 60",
        ),
        (
            format!("{TWILIO}auth_token = \"x\"\n"),
            "config.toml:5: unknown key twilio.auth_token",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let error = parse(&text).unwrap_err();
        if error != expected {
            wrong.push(error);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rate_limits_of_twilio_are_two_names_at_most() {
    let rows = [
        (
            format!("{TWILIO}rate_limits = [\"end_user\"]\n"),
            "config.toml:5: twilio.rate_limits must be a table",
        ),
        (
            format!("{TWILIO}rate_limits = {{ tty = \"x\" }}\n"),
            "config.toml:5: unknown key twilio.rate_limits.tty",
        ),
        (
            format!("{TWILIO}rate_limits = {{ user = \"a b\" }}\n"),
            "config.toml:5: twilio.rate_limits.user must be the unique name of a rate limit: letters, digits, -, _ and .",
        ),
        (
            format!("{TWILIO}rate_limits = {{ user = \"\" }}\n"),
            "config.toml:5: twilio.rate_limits.user must be the unique name of a rate limit: letters, digits, -, _ and .",
        ),
        (
            format!("{TWILIO}rate_limits = {{ user = \"x\", rhost = \"x\" }}\n"),
            "config.toml:5: twilio.rate_limits must name two rate limits, since each counts one thing",
        ),
    ];
    let found = rows.clone().map(|(text, _)| parse(&text).unwrap_err());
    assert_eq!(found, rows.map(|(_, expected)| expected));
}

#[test]
fn a_provider_is_one_whose_table_exists() {
    let both = format!("[authy]\nkey = \"{KEY}\"\n{TWILIO}");
    let rules = |text: &str| parse(text).map(|config| config.login("sudo").provider);
    assert_eq!(rules(&both), Ok(None));
    let of_login = format!("{both}[login]\nprovider = \"twilio\"\n");
    assert_eq!(rules(&of_login), Ok(Some(Provider::Twilio)));
    let of_sudo = format!("{of_login}[service.sudo]\nprovider = \"authy\"\n");
    assert_eq!(rules(&of_sudo), Ok(Some(Provider::Authy)));
    let missing = rules(&format!(
        "{TWILIO}[login]\nprovider = \"authy\"\n[service.sudo]\n"
    ));
    assert_eq!(
        missing.unwrap_err(),
        "config.toml:6: login.provider is \"authy\", and the table [authy] is missing"
    );
    let missing = with_key("[service.sudo]\nprovider = \"twilio\"\n");
    assert_eq!(
        missing.unwrap_err(),
        "config.toml:4: service.sudo.provider is \"twilio\", and the table [twilio] is missing"
    );
    assert!(rules(&format!("{both}[login]\nprovider = \"none\"\n")).is_err());
}

#[test]
fn what_is_offered_follows_from_the_providers() {
    use Factor::{Call, Push, Sms, Token};
    let factors = |text: &str| parse(text).unwrap().login("sshd").factors;
    assert_eq!(factors("[login]\n"), [Token]);
    assert_eq!(factors(TWILIO), [Token, Sms, Call]);
    assert_eq!(
        with_key("").unwrap().login("sshd").factors,
        [Push, Token, Sms, Call]
    );
}

#[test]
fn security_keys_are_a_factor_of_the_services_of_sshd_alone() {
    let text = "[login]\nfactors = [\"token\", \"security-key\"]\n";
    let accepts = |text: &str, service: &str| {
        let rules = parse(text).unwrap().login(service);
        rules.factors.contains(&Factor::SecurityKey)
    };
    assert!(accepts(text, "sshd") && !accepts(text, "sudo") && !accepts("[login]\n", "sshd"));
    let named = format!("{text}ssh_services = [\"gate\"]\n");
    assert!(accepts(&named, "gate") && !accepts(&named, "sshd"));
    let none = format!("{text}ssh_services = []\n");
    assert!(!accepts(&none, "sshd"));
    let config = parse(&format!(
        "{named}[service.inner]\nssh_services = [\"inner\"]\n"
    ))
    .unwrap();
    let services: Vec<_> = config.services_with_security_keys().collect();
    assert_eq!(services, ["gate", "inner"]);
    let wrong = parse("[login]\nssh_services = [\"SSHD\"]\n").unwrap_err();
    assert!(wrong.contains("lower case"), "{wrong}");
}

#[test]
fn logins_are_remembered_by_the_login_or_by_a_key() {
    let by = |text: &str| parse(&format!("[remember]\n{text}")).map(|config| config.remember.by);
    assert_eq!(by("seconds = 60\n"), Ok(RememberBy::Login));
    assert_eq!(by("by = \"login\"\n"), Ok(RememberBy::Login));
    assert_eq!(by("by = \"key\"\n"), Ok(RememberBy::Key));
    let wrong = "config.toml:2: remember.by must be \"login\" or \"key\"";
    assert_eq!(by("by = \"address\"\n").unwrap_err(), wrong);
}
