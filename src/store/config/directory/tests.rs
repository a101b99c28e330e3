//! What the table `[directory]` may contain, what is refused, and with which error.

use std::path::Path;
use std::time::Duration;

use super::super::Config;
use super::*;

const BIND: &str = "bind_dn = \"cn=reader\"\npassword_file = \"/etc/pam_authy/ldap\"\n";

fn parse(text: &str) -> Result<Directory, String> {
    let text = format!("[directory]\n{text}");
    let config = Config::parse(&text, Path::new("config.toml"));
    config
        .map(|config| config.directory.unwrap())
        .map_err(|error| error.to_string())
}

/// A whole table with this line first.
fn with(line: &str) -> Result<Directory, String> {
    let key = line.split(' ').next().unwrap();
    let rest = [
        "url = \"ldaps://a.test\"",
        "base = \"dc=a\"",
        "preset = \"freeipa\"",
        "bind_dn = \"cn=reader\"",
        "password_file = \"/p\"",
        "attributes = { authy_id = \"authyId\" }",
    ];
    let rest: Vec<_> = (rest.iter())
        .filter(|rest| !rest.starts_with(&format!("{key} ")))
        .copied()
        .collect();
    parse(&format!("{line}\n{}\n", rest.join("\n")))
}

#[test]
fn a_table_has_the_defaults_of_its_preset() {
    let text = format!(
        "url = \"ldaps://a.test\"\nbase = \"dc=a\"\npreset = \"freeipa\"\n{BIND}\
         [directory.attributes]\nauthy_id = \"authyId\"\n"
    );
    let expected = Directory {
        servers: vec![DirectoryServer::Ldaps {
            host: "a.test".into(),
            port: 636,
        }],
        ca_file: None,
        base: "dc=a".into(),
        filter: "(objectClass=posixAccount)".into(),
        bind: DirectoryBind::Simple {
            dn: "cn=reader".into(),
            password_file: "/etc/pam_authy/ldap".into(),
        },
        attributes: DirectoryAttributes {
            user: "uid".into(),
            authy_id: Some("authyId".into()),
            ..DirectoryAttributes::default()
        },
        default_country: None,
        max_removed_percent: 10,
        changes: Changes::Hold,
        timeout: Duration::from_secs(30),
        folds_case: false,
    };
    assert_eq!(parse(&text), Ok(expected));
    let names = ["inetorgperson", "activedirectory"].map(|preset| {
        let directory = with(&format!("preset = \"{preset}\"")).unwrap();
        (
            directory.filter,
            directory.attributes.user,
            directory.folds_case,
        )
    });
    let of = |filter: &str, user: &str, folds| (filter.to_owned(), user.to_owned(), folds);
    assert_eq!(
        names,
        [
            of("(objectClass=inetOrgPerson)", "uid", false),
            of(
                "(&(objectCategory=person)(objectClass=user))",
                "sAMAccountName",
                true
            ),
        ]
    );
}

#[test]
fn a_key_wins_over_the_preset_in_any_order() {
    for text in [
        "filter = \"(uid=*)\"\nuser_attribute = \"cn\"",
        "user_attribute = \"cn\"\npreset = \"activedirectory\"\nfilter = \"(uid=*)\"",
    ] {
        let rest = "url = \"ldapi:///s\"\nbase = \"dc=a\"\nattributes = { phone = \"mobile\" }\n";
        let directory = parse(&format!("{text}\n{rest}")).unwrap();
        assert_eq!(directory.filter, "(uid=*)");
        assert_eq!(directory.attributes.user, "cn");
        assert_eq!(directory.bind, DirectoryBind::External);
    }
}

#[test]
fn each_url_is_shown_whole_and_ldap_means_starttls() {
    let rows = [
        ("ldaps://a.test", "ldaps://a.test:636"),
        ("ldaps://a.test:1636/", "ldaps://a.test:1636"),
        ("ldaps://[2001:db8::1]:7", "ldaps://[2001:db8::1]:7"),
        ("ldaps://192.0.2.1", "ldaps://192.0.2.1:636"),
        ("ldap://a.test", "ldap://a.test:389"),
        ("ldapi:///run/slapd/ldapi", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        (
            "ldapi://%2Frun%2fslapd%2Fldapi/",
            "ldapi://%2Frun%2Fslapd%2Fldapi",
        ),
    ];
    let shown = rows.map(|(url, _)| {
        let directory = with(&format!("url = \"{url}\"")).unwrap();
        directory.servers[0].to_string()
    });
    assert_eq!(shown, rows.map(|(_, shown)| shown));
    let both = with("url = [\"ldap://a.test\", \"ldaps://b.test\"]").unwrap();
    let [a, b] = ["a.test", "b.test"].map(str::to_owned);
    let first = DirectoryServer::StartTls { host: a, port: 389 };
    let second = DirectoryServer::Ldaps { host: b, port: 636 };
    assert_eq!(both.servers, [first, second]);
}

#[test]
fn a_mistake_names_file_line_and_key() {
    let urls = "must be ldaps://host[:port], ldap://host[:port] (StartTLS) or ldapi:///path, or a \
                list of these";
    let text = "must be a text without control characters, not empty";
    let filter = "must be a filter in parentheses, such as (objectClass=posixAccount)";
    let attribute = "must be the name of one attribute";
    let country = "must be the two capital letters of a country, such as \"DE\"";
    let rows = [
        ("url = \"https://a.test\"", urls),
        ("url = \"a.test\"", urls),
        ("url = \"ldaps://\"", urls),
        ("url = \"ldaps://u@a.test\"", urls),
        ("url = \"ldaps://a.test/dc=a\"", urls),
        ("url = \"ldaps://a.test:0\"", urls),
        ("url = \"LDAPS://a.test\"", urls),
        ("url = \"ldapi://\"", urls),
        ("url = \"ldapi:///\"", urls),
        ("url = \"ldapi://%00a\"", urls),
        ("url = \"ldapi://run\"", urls),
        ("url = []", urls),
        ("url = [5]", urls),
        ("url = 5", urls),
        ("ca_file = \"ca.pem\"", "must be an absolute path"),
        ("password_file = \"pw\"", "must be an absolute path"),
        ("base = \"\"", text),
        ("base = 5", "must be a text in quotes"),
        ("bind_dn = \"\"", text),
        ("filter = \"uid=*\"", filter),
        ("filter = \"(uid=*\"", filter),
        ("filter = \"(uid=*))\"", filter),
        ("filter = \"(uid=*)(cn=*)\"", filter),
        ("filter = \"(uid=*) \"", filter),
        ("user_attribute = \"uid cn\"", attribute),
        ("user_attribute = \"uid)\"", attribute),
        (
            "preset = \"openldap\"",
            "must be \"inetorgperson\", \"freeipa\" or \"activedirectory\"",
        ),
        ("changes = \"ask\"", "must be \"hold\" or \"apply\""),
        (
            "max_removed_percent = 101",
            "must be a number from 0 to 100",
        ),
        ("max_removed_percent = -1", "must be a number from 0 to 100"),
        ("timeout_seconds = 0", "must be a number from 1 to 300"),
        ("timeout_seconds = 301", "must be a number from 1 to 300"),
        ("default_country = \"de\"", country),
        ("default_country = \"DEU\"", country),
        ("default_country = 49", "must be a text in quotes"),
        ("attributes = 5", "must be a table"),
    ];
    let mut wrong = Vec::new();
    for (line, why) in rows {
        let key = line.split(' ').next().unwrap();
        let expected = format!("config.toml:2: directory.{key} {why}");
        let error = error_of(with(line));
        if error != expected {
            wrong.push((line, error));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The error; empty without one.
fn error_of(read: Result<Directory, String>) -> String {
    read.err().unwrap_or_default()
}

#[test]
fn what_is_missing_or_has_no_effect_is_an_error() {
    let rows = [
        ("server = \"a\"", "2: unknown key directory.server"),
        (
            "attributes = {}",
            "2: directory.attributes names no attribute: set authy_id, phone, twilio_identity and \
             twilio_factor, or security_keys",
        ),
        (
            "attributes = { totp = \"x\" }",
            "2: unknown key directory.attributes.totp",
        ),
        (
            "attributes = { phone = \"a b\" }",
            "2: directory.attributes.phone must be the name of one attribute",
        ),
        (
            "attributes = { twilio_factor = \"x\" }",
            "2: directory.attributes twilio_identity and twilio_factor need each other",
        ),
    ];
    let errors = rows.map(|(line, _)| error_of(with(line)));
    assert_eq!(errors, rows.map(|(_, why)| format!("config.toml:{why}")));

    let whole = format!(
        "url = \"ldaps://a.test\"\nbase = \"dc=a\"\nfilter = \"(a=b)\"\nuser_attribute = \"uid\"\n\
         {BIND}attributes = {{ phone = \"mobile\" }}\n"
    );
    parse(&whole).unwrap();
    let need = "bind_dn and password_file need each other";
    let rows = [
        ("url", "url is missing"),
        ("base", "base is missing"),
        ("filter", "filter is missing: set it, or preset"),
        (
            "user_attribute",
            "user_attribute is missing: set it, or preset",
        ),
        ("bind_dn", need),
        ("password_file", need),
        ("attributes", "attributes is missing"),
    ];
    let without = |key: &str| {
        let lines = whole.lines().filter(|line| !line.starts_with(key));
        lines.collect::<Vec<_>>().join("\n")
    };
    let errors = rows.map(|(key, _)| error_of(parse(&without(key))));
    let expected = rows.map(|(_, why)| format!("config.toml:1: directory {why}"));
    assert_eq!(errors, expected);
}

#[test]
fn an_anonymous_bind_is_refused_over_the_network() {
    let rest = "base = \"dc=a\"\npreset = \"freeipa\"\nattributes = { phone = \"mobile\" }\n";
    let parse = |url: &str| parse(&format!("url = {url}\n{rest}"));
    let refused = "config.toml:1: directory bind_dn is missing: without it only ldapi:// is read, \
                   as this user";
    for url in [
        "\"ldaps://a.test\"",
        "\"ldap://a.test\"",
        "[\"ldapi:///s\", \"ldaps://a.test\"]",
    ] {
        assert_eq!(error_of(parse(url)), refused, "{url}");
    }
    let bind = parse("[\"ldapi:///s\", \"ldapi:///t\"]").unwrap().bind;
    assert_eq!(bind, DirectoryBind::External);
}

#[test]
fn parsing_reads_neither_the_password_nor_the_certificates() {
    let directory = with("ca_file = \"/nonexistent/ca\"").unwrap();
    assert_eq!(
        directory.ca_file.as_deref(),
        Some(Path::new("/nonexistent/ca"))
    );
}
