//! Enrolment at the prompt: in real sshd, with an attacker who has the password and one code, and
//! through libpam for who gets an offer at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use pam_authy::pam_app::{Item, Style, Transaction};
use serde_json::json;

use super::sshd::{PASSWORD, PASSWORD_FIRST, Sshd, USER, is_inside};
use crate::authyctl::run_json;
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::{SECRET, oathtool};

pub(super) const OFFERS: &str =
    "[login]\nrefusal_seconds = 0\nattempts = 1\nenroll_totp = \"offer\"\n";
/// What the two prompts have.
const OFFER: &str = "Enter for not now";
const FIRST_CODE: &str = "of the new app";
/// What the person and the log say of an app that does not count yet.
const NOTICE: &str = "An authenticator app was added to this account.";
const WARNING: &str = "reason=enrolled provider=totp totp=\"";

/// The secret that a prompt shows, without blanks.
fn secret_in(prompt: &str) -> Option<String> {
    let lines = prompt.lines().map(|line| line.replace(' ', ""));
    let is_base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    let mut secrets = lines.filter(|line| line.len() == 32 && line.chars().all(is_base32));
    secrets.next()
}

/// A login in a process that sshd could be, by libpam: what each prompt is answered with.
pub(super) struct Libpam {
    pub(super) code: &'static str,
    pub(super) prompts: Vec<String>,
    notices: Vec<String>,
    pub(super) secret: Option<String>,
}

impl Libpam {
    /// `word` is typed at the offer, and the right first code behind it.
    pub(super) fn login(host: &Host, user: &str, code: &str, word: &str) -> Self {
        Self::login_while(host, user, code, word, &|| ())
    }

    /// The same; `meanwhile` happens before the first code is typed.
    pub(super) fn login_while(
        host: &Host,
        user: &str,
        code: &str,
        word: &str,
        meanwhile: &dyn Fn(),
    ) -> Self {
        let mut said = Self {
            code: "",
            prompts: Vec::new(),
            notices: Vec::new(),
            secret: None,
        };
        let mut answer = |style: Style, text: &str| {
            if !matches!(style, Style::PromptEchoOn | Style::PromptEchoOff) {
                said.notices.push(text.to_owned());
                return None;
            }
            said.prompts.push(text.to_owned());
            if text.contains(OFFER) {
                return Some(word.to_owned());
            }
            if text.contains(FIRST_CODE) {
                said.secret = secret_in(text);
                meanwhile();
                return said.secret.as_ref().map(|secret| oathtool(secret, 0));
            }
            Some(code.to_owned())
        };
        let mut pam = Transaction::start("sshd", user, host.stack_folder(), &mut answer).unwrap();
        for (item, text) in [(Item::Tty, "ssh"), (Item::RHost, "192.0.2.7")] {
            pam.set(item, text).unwrap();
        }
        let code = pam.authenticate().name();
        drop(pam);
        Self { code, ..said }
    }
}

/// Whether a login of alice by a right code of Authy is offered an app.
fn is_offered(host: &Host) -> bool {
    let said = Libpam::login(host, "alice", &host.sim.token(1635), "");
    assert_eq!(said.code, "PAM_SUCCESS", "{}", host.log());
    said.prompts.iter().any(|prompt| prompt.contains(OFFER))
}

pub(super) fn enrolled_file(host: &Host) -> std::path::PathBuf {
    host.sim.path("state/enrolled.toml")
}

/// Gives alice a secret in totp.toml, as an administrator does.
fn give_secret(host: &Host) {
    let totp = host.users.with_file_name("totp.toml");
    let text = format!("[totp]\nalice = {{ secret = \"{SECRET}\" }}\n");
    fs::write(&totp, text).unwrap();
    host.chmod(&totp, 0o600);
}

/// Writes enrolled.toml with this secret of `user`, added so many seconds ago.
pub(super) fn plant(host: &Host, user: &str, secret: &str, ago: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let since = pam_authy::base::utc::written(now.as_secs() - ago);
    let text = format!(
        "[totp]\n{user} = {{ secret = \"{secret}\", since = {since}, factors = [\"authy_id=1635\"] }}\n"
    );
    fs::write(enrolled_file(host), text).unwrap();
    host.chmod(&enrolled_file(host), 0o600);
}

/// A login by real ssh, which types `word` at the offer and the first code of the new app behind
/// it.
fn ssh(sshd: &Sshd, tokens: &[&str], word: &str) -> Output {
    let mut ssh = sshd.client("ssh", PASSWORD, tokens);
    let script = format!(
        "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\nprintf '%s\\n' \"$1\" >>asked\ncase $1 in\n\
         *'{OFFER}'*) echo '{word}' ;;\n\
         *'{FIRST_CODE}'*)\n\
         secret=$(printf '%s\\n' \"$1\" | grep -E '^([A-Z2-7]{{4}} ){{7}}[A-Z2-7]{{4}}$' | tr -d ' ')\n\
         echo \"$secret\" >secret\noathtool --totp --base32 \"$secret\" ;;\n\
         *erification*) head -n 1 tokens; sed -i 1d tokens ;;\n*) cat password ;;\nesac\n"
    );
    let askpass = sshd.folder.join("askpass");
    fs::write(&askpass, script).unwrap();
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o755)).unwrap();
    let port = sshd.port.to_string();
    ssh.args(["-p", &port, &format!("{USER}@127.0.0.1"), "echo", "inside"]);
    ssh.output().unwrap()
}

fn warnings(host: &Host) -> usize {
    host.log().matches(WARNING).count()
}

/// A thief with the password and one code of the app, from a false page, adds an app of their own.
#[test]
#[ignore = "needs root"]
fn an_app_that_an_attacker_adds_is_shown_to_person_and_administrator_before_it_counts() {
    sandboxed!();
    let sshd = Sshd::start(Host::with(OFFERS), PASSWORD_FIRST, "keyboard-interactive");
    let host = &sshd.host;
    let phished = sshd.token();
    assert!(is_inside(&ssh(&sshd, &[&phished], "qr")), "{}", host.log());
    let secret = fs::read_to_string(sshd.folder.join("secret")).unwrap();
    let secret = secret.trim().to_owned();
    assert!(
        fs::read_to_string(enrolled_file(host))
            .unwrap()
            .contains(&secret)
    );
    assert_eq!(warnings(host), 1, "{}", host.log());

    // Its codes are worth nothing yet.
    assert!(!is_inside(&ssh(&sshd, &[&oathtool(&secret, 30)], "")));
    assert_eq!(warnings(host), 1, "the log warns of those that are let in");
    // Each login of the person shows it, also in another service, and offers no second app.
    for number in 2..=3 {
        let login = ssh(&sshd, &[&sshd.token()], "qr");
        assert!(is_inside(&login), "{login:?}");
        let shown = sshd.asked().matches(NOTICE).count();
        assert_eq!(shown, number, "{}", sshd.asked());
        assert_eq!(warnings(host), number, "{}", host.log());
    }
    let sudo = host.login_as("sudo", USER, &[&sshd.token()], &[]);
    assert_eq!(sudo.code, "PAM_SUCCESS");
    let (style, first) = &sudo.seen[0];
    assert!(
        first.starts_with(NOTICE) && matches!(style, Style::Error),
        "{first}"
    );
    assert_eq!(sshd.asked().matches(OFFER).count(), 1);

    // The administrator sees it.
    let (_, doctor) = run_json(&host.sim, &["doctor"], "");
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|check| check["name"] == "enrolled")
        .unwrap();
    assert_eq!(check["result"], "warning");
    assert!(
        check["message"].as_str().unwrap().contains("counts from"),
        "{check}"
    );
    let (status, list) = run_json(&host.sim, &["totp", "list"], "");
    assert_eq!(
        (status, &list["secrets"][0]["enrolled"]["counts"]),
        (0, &json!(false))
    );
    assert!(!list.to_string().contains(&secret) && !host.log().contains(&secret));

    let (status, answer) = run_json(&host.sim, &["totp", "remove", USER], "");
    assert_eq!(status, 0, "{answer}");
    plain_login_shows_nothing(&sshd);
    assert!(!is_inside(&ssh(&sshd, &[&oathtool(&secret, 30)], "")));
    assert!(
        !host
            .sim
            .path("state/totp")
            .read_dir()
            .unwrap()
            .any(|_| true)
    );
}

fn plain_login_shows_nothing(sshd: &Sshd) {
    let before = warnings(&sshd.host);
    let login = ssh(sshd, &[&sshd.token()], "");
    assert!(is_inside(&login));
    assert_eq!(sshd.asked().matches(NOTICE).count(), 3, "{}", sshd.asked());
    assert_eq!(warnings(&sshd.host), before);
}

#[test]
#[ignore = "needs root"]
fn an_app_counts_after_its_time_for_the_person_who_added_it_and_each_code_once() {
    sandboxed!();
    let host = Host::with(&format!("{OFFERS}enroll_hold_seconds = 60\n"));
    let said = Libpam::login(&host, "alice", &host.sim.token(1635), "key");
    assert_eq!((said.code, said.prompts.len()), ("PAM_SUCCESS", 3));
    assert!(
        said.notices
            .last()
            .unwrap()
            .starts_with("The app is added.")
    );
    let secret = said.secret.unwrap();
    assert!(said.prompts[2].is_ascii() && !said.prompts[2].contains("##"));
    let login = |user: &str, code: &str| host.login(user, &[code]).code;
    assert_eq!(login("alice", &oathtool(&secret, 30)), "PAM_MAXTRIES");

    // A minute later.
    let text = fs::read_to_string(enrolled_file(&host)).unwrap();
    assert!(text.contains("factors = [\"authy_id=1635\"]"), "{text}");
    plant(&host, "alice", &secret, 61);
    let code = oathtool(&secret, 30);
    assert_eq!(
        [login("alice", &code), login("alice", &code)],
        ["PAM_SUCCESS", "PAM_MAXTRIES"]
    );
    let audit = host.audit();
    let accepted = audit.iter().find(|line| line.contains("totp=")).unwrap();
    assert!(
        accepted.starts_with(
            "verdict=accepted reason=code_accepted factor=token provider=totp totp=\"alice\""
        ),
        "{accepted}"
    );
    let said = Libpam::login(&host, "alice", &host.sim.token(1635), "key");
    assert_eq!(said.prompts.len(), 1, "no second app");
    assert!(!said.notices.iter().any(|text| text.contains(NOTICE)));

    // A person with another factor of the same kind is another person.
    host.set_line(
        &host.users,
        "alice",
        "{ authy_id = 1635, phone = \"+15551234567\" }",
    );
    assert_eq!(login("alice", &host.sim.token(1635)), "PAM_SUCCESS");
    assert!(
        fs::read_to_string(enrolled_file(&host))
            .unwrap()
            .contains("phone=+1555")
    );
    host.set_line(&host.users, "alice", "{ authy_id = 7 }");
    fs::remove_dir_all(host.sim.path("state/totp")).unwrap();
    assert_eq!(login("alice", &oathtool(&secret, 0)), "PAM_AUTH_ERR");
    host.set_line(&host.users, "alice", "\"x\"");
    assert_eq!(login("alice", &oathtool(&secret, 0)), "PAM_SERVICE_ERR");
}

#[test]
#[ignore = "needs root"]
fn a_login_that_breaks_off_at_the_offer_changes_nothing_and_one_that_declines_is_let_in() {
    sandboxed!();
    let host = Host::with(OFFERS);
    let tty = [(Item::Tty, "ssh")];
    let rows: [(&str, &[&str], &str); 5] = [
        ("hung up at the offer", &[], "PAM_CONV_ERR"),
        ("hung up at the code", &["qr"], "PAM_CONV_ERR"),
        ("declined", &[""], "PAM_SUCCESS"),
        ("declined at the code", &["ascii", ""], "PAM_SUCCESS"),
        ("two wrong codes", &["key", "000000", "x"], "PAM_SUCCESS"),
    ];
    check_rows(rows, |(name, replies, expected)| {
        let token = host.sim.token(1635);
        let replies = [&[token.as_str()], replies].concat();
        let login = host.login_with("alice", &replies, &tty);
        assert_eq!(login.code, expected, "{name}");
    });
    assert!(!enrolled_file(&host).exists() && !host.sim.path("state/totp").exists());
    let audit = host.audit();
    assert!(
        audit.iter().all(|line| line.contains(" attempts=1 ")),
        "{audit:#?}"
    );
    let (_, limits) = run_json(&host.sim, &["limits"], "");
    assert_eq!(limits["users"], json!([]), "{limits}");
}

#[test]
#[ignore = "needs root"]
fn an_app_is_offered_to_a_person_without_one_in_sshd_and_to_no_other_login() {
    sandboxed!();
    type Change = fn(&Host);
    let offered = |config: &str, change: Change| {
        let host = Host::with(config);
        change(&host);
        is_offered(&host)
    };
    let nothing: Change = |_| ();
    assert!(offered(OFFERS, nothing));
    let with = |line: &str| format!("{OFFERS}{line}\n");
    let rows: [(String, Change); 10] = [
        ("[login]\nrefusal_seconds = 0\n".to_owned(), nothing),
        (with("[service.sshd]\nenroll_totp = \"never\""), nothing),
        (with("notices = \"prompt\""), nothing),
        (with("notices = \"none\""), nothing),
        (with("deadline_seconds = 59"), nothing),
        (OFFERS.to_owned(), |host| plant(host, "alice", SECRET, 5)),
        (OFFERS.to_owned(), |host| {
            plant(host, "alice", SECRET, 90_000)
        }),
        (OFFERS.to_owned(), give_secret),
        (OFFERS.to_owned(), |host| {
            fs::create_dir_all(host.sim.path("state/enrolled.toml.lock")).unwrap();
        }),
        (OFFERS.to_owned(), |host| {
            fs::write(enrolled_file(host), "[totp").unwrap();
            host.chmod(&enrolled_file(host), 0o600);
        }),
    ];
    check_rows(rows.iter().enumerate(), |(number, (config, change))| {
        assert!(!offered(config, *change), "row {number}: {config}");
    });
}

#[test]
#[ignore = "needs root"]
fn no_other_service_and_no_recovery_code_leads_to_an_offer() {
    sandboxed!();
    let host = Host::with(&format!("{OFFERS}[recovery]\n"));
    let others = [
        ("sudo", "/dev/pts/1"),
        ("su", "/dev/pts/1"),
        ("login", "tty1"),
    ];
    check_rows(others, |(service, tty)| {
        let items = [(Item::Tty, tty)];
        let login = host.login_as(service, "alice", &[&host.sim.token(1635)], &items);
        assert_eq!(
            (login.code, login.prompts()),
            ("PAM_SUCCESS", 1),
            "{service}"
        );
    });
    let (_, made) = run_json(&host.sim, &["recovery", "generate", "alice"], "");
    let recovery = made["codes"][0].as_str().unwrap();
    let said = Libpam::login(&host, "alice", recovery, "");
    assert_eq!((said.code, said.prompts.len()), ("PAM_SUCCESS", 1));
    let said = Libpam::login(&host, "mallory", "1234567", "");
    assert_eq!((said.code, said.prompts.len()), ("PAM_MAXTRIES", 1));
}

#[test]
#[ignore = "needs root"]
fn no_app_is_offered_after_an_sms_or_call_to_the_person_by_whichever_user_and_service() {
    sandboxed!();
    for word in ["sms", "call"] {
        let host = Host::with(OFFERS);
        host.append(&host.users, "bob = 1635\nkim = 1640\n");
        host.sim.post("/phone/users", &json!({"authy_id": 1640}));
        let token = || host.sim.token(1635);
        let asked = host.login_as("sudo", "bob", &[word, &token()], &[]);
        assert_eq!(asked.code, "PAM_SUCCESS");
        assert!(
            !is_offered(&host),
            "{word}: a login of another user of the person"
        );
        let said = Libpam::login(&host, "bob", &token(), "");
        assert_eq!(
            (said.code, said.prompts.len()),
            ("PAM_SUCCESS", 1),
            "{word}"
        );
        let kim = host.sim.token(1640);
        let said = Libpam::login(&host, "kim", &kim, "");
        assert_eq!(
            (said.code, said.prompts.len()),
            ("PAM_SUCCESS", 2),
            "{word}: another person"
        );
    }
}

/// A thief waits at the first code until the administrator has taken the account away, and given it
/// back with the same id.
#[test]
#[ignore = "needs root"]
fn an_app_whose_person_is_unenrolled_before_its_first_code_is_typed_is_not_kept() {
    sandboxed!();
    let host = Host::with(OFFERS);
    let authyctl = |arguments: &[&str]| {
        let (status, answer) = run_json(&host.sim, arguments, "");
        assert_eq!(status, 0, "{arguments:?} {answer}");
    };
    let unenroll = || authyctl(&["unenroll", "alice"]);
    let said = Libpam::login_while(&host, "alice", &host.sim.token(1635), "key", &unenroll);
    assert_eq!(said.prompts.len(), 3, "{:?}", said.prompts);
    let secret = said.secret.unwrap();
    let kept = fs::read_to_string(enrolled_file(&host)).unwrap_or_default();
    assert!(!kept.contains(&secret), "{kept}");
    assert!(
        said.notices
            .last()
            .unwrap()
            .starts_with("The app could not be added")
    );
    let log = host.log();
    assert!(
        log.contains("no app was enrolled at the prompt for"),
        "{log}"
    );
    assert!(!log.contains(WARNING), "{log}");

    authyctl(&["enroll", "alice", "--authy-id", "1635"]);
    let said = Libpam::login(&host, "alice", &host.sim.token(1635), "");
    assert!(
        !said.prompts[0].contains(NOTICE) && said.prompts.len() == 2,
        "{:?}",
        said.prompts
    );
    // The secret of an administrator, which comes meanwhile, is the only one.
    let enroll = || give_secret(&host);
    let said = Libpam::login_while(&host, "alice", &host.sim.token(1635), "key", &enroll);
    assert_eq!((said.code, said.prompts.len()), ("PAM_SUCCESS", 3));
    let kept = fs::read_to_string(enrolled_file(&host)).unwrap_or_default();
    assert!(!kept.contains("alice"), "{kept}");
}

#[test]
#[ignore = "needs root"]
fn a_login_that_is_remembered_names_an_app_that_does_not_count_yet() {
    sandboxed!();
    let host = Host::with("[remember]\nseconds = 900\nservices = [\"sshd\"]\n");
    let code = host.sim.token(1635);
    let said = Libpam::login(&host, "alice", &code, "");
    assert_eq!((said.code, said.prompts.len()), ("PAM_SUCCESS", 1));
    plant(&host, "alice", SECRET, 5);
    let said = Libpam::login(&host, "alice", &code, "");
    assert_eq!((said.code, said.prompts.len()), ("PAM_SUCCESS", 0));
    assert!(said.notices[0].starts_with(NOTICE), "{:?}", said.notices);
    assert_eq!(warnings(&host), 1, "{}", host.log());
}

#[test]
fn an_outage_is_ignored_for_no_one_whose_app_of_the_prompt_counts_or_cannot_be_read() {
    type Change = fn(&Host);
    let rows: [(&str, Change, &str); 4] = [
        // IGNORE alone is a denial.
        ("no app", |_| (), "PAM_PERM_DENIED"),
        (
            "held",
            |host| plant(host, "alice", SECRET, 5),
            "PAM_PERM_DENIED",
        ),
        (
            "counts",
            |host| plant(host, "alice", SECRET, 90_000),
            "PAM_AUTHINFO_UNAVAIL",
        ),
        (
            "unreadable",
            |host| {
                plant(host, "alice", SECRET, 90_000);
                fs::write(enrolled_file(host), "[totp").unwrap();
            },
            "PAM_AUTHINFO_UNAVAIL",
        ),
    ];
    check_rows(rows, |(name, change, expected)| {
        let rules = "[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n";
        let host = Host::with(rules);
        fs::create_dir_all(host.sim.path("state")).unwrap();
        host.chmod(&host.sim.path("state"), 0o700);
        change(&host);
        host.sim.answer_verify(500, "");
        assert_eq!(
            host.login("alice", &["1234567"; 3]).code,
            expected,
            "{name}"
        );
    });
}
