//! The drill of docs/from-authy.md: a thousand people move from Authy to Twilio Verify, half of
//! them to apps on the host, and back. Each of them logs in after each step.
//!
//! Logins are wired as the engine wires them, in this process, with a clock that goes on by two
//! hours before each step, since Twilio and our own limits allow so many SMS an hour. authy-sim
//! plays Authy and Twilio, and authyctl does what the page says.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pam_authy::base::arguments::FirstPass;
use pam_authy::base::attempt::{Attempt, Outcome, Reason, Verdict};
use pam_authy::base::deadline::{Deadline, SystemClock};
use pam_authy::base::factor::Person;
use pam_authy::base::factor::twilio::Lasting;
use pam_authy::base::language::{Language, Texts};
use pam_authy::base::question::Question;
use pam_authy::base::secret::Secret;
use pam_authy::engine::shared_words::map;
use pam_authy::factor::connect;
use pam_authy::factor::totp::Totp;
use pam_authy::host::account::Spelling;
use pam_authy::login::policy::{OnOutage, Requirement, RequirementQuery};
use pam_authy::login::{Conversation, Login, NoReply};
use pam_authy::messages::Messages;
use pam_authy::store::config::Config;
use pam_authy::store::limits::{FileLimits, LimitedLogin};
use pam_authy::store::recovery::FileRecovery;
use pam_authy::store::totp::{Apps, Authenticator, Steps};
use pam_authy::store::twilio::{StartedFiles, UsedFiles};
use pam_authy::store::users::{self, Entry};
use serde_json::{Value, json};

use crate::authyctl::run_json;
use crate::common::sim::Sim;
use crate::common::totp::code_at;

const PAGE: &str = "docs/from-authy.md";
const PEOPLE: usize = 1000;
/// The first number at Authy of these people.
const FIRST_ID: u64 = 5000;

thread_local! {
    /// How far the clock of the logins of this test is ahead, in seconds.
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

fn now() -> SystemTime {
    SystemTime::now() + Duration::from_secs(AHEAD.get())
}

fn user(number: usize) -> String {
    format!("p{number:04}")
}

fn id(number: usize) -> u64 {
    FIRST_ID + number as u64
}

fn phone(number: usize) -> String {
    format!("+1555777{:04}", number + 1)
}

/// A secret in base 32, another one for each person.
fn secret(number: usize) -> String {
    let letters = format!("{number:08o}");
    let letters = letters.bytes().map(|digit| char::from(digit - b'0' + b'A'));
    "GEZDGNBVGY3TQOJQGEZDGNBV".chars().chain(letters).collect()
}

/// A person who answers prompts from a list.
struct Answers<'a> {
    user: &'a str,
    replies: Vec<&'a str>,
}

impl Conversation for Answers<'_> {
    fn ask(&mut self, _: &Question) -> Result<Option<Secret>, NoReply> {
        if self.replies.is_empty() {
            return Err(NoReply::Failed);
        }
        Ok(Some(Secret::new(self.replies.remove(0).to_owned())))
    }
    fn show_notice(&mut self, _: &str) {}
    fn user(&self) -> Option<String> {
        Some(self.user.to_owned())
    }
    fn is_open(&self) -> bool {
        true
    }
    fn dismiss(&mut self, _: Verdict) {}
}

/// The address from which a person logs in.
fn address(number: usize) -> Ipv4Addr {
    let octet = |part: usize| u8::try_from(part).unwrap();
    Ipv4Addr::new(10, 0, octet(number / 250), octet(number % 250) + 1)
}

/// The person whose factor is required, and the factors of the entry; `None` where the host can
/// check none of them.
fn required(config: &Config, attempt: &Attempt, entry: Entry) -> Option<(Person, Vec<String>)> {
    let rules = config.login(&attempt.service);
    let query = RequirementQuery {
        attempt,
        subject: &attempt.user,
        exempt: &config.exempt,
        unenrolled: rules.unenrolled,
        enroll_by: rules.enroll_by(now()),
        providers: connect::providers(config, &rules),
    };
    let requirement = query.requirement(
        |_| Ok::<_, ()>(None),
        || Ok(entry),
        || Ok(Spelling::Own),
        || Ok(true),
    );
    match requirement.unwrap() {
        Requirement::Person {
            person, of_entry, ..
        } => Some((person, of_entry)),
        Requirement::NoSupportedFactor(_) => None,
        other => panic!("{}: {other:?}", attempt.user),
    }
}

/// A login of a person.
struct Case<'a> {
    config: &'a Config,
    attempt: &'a Attempt,
    person: &'a Person,
    of_entry: Vec<String>,
}

impl Case<'_> {
    /// Asks the person, and records what lasts.
    fn ask(self, app: Option<Authenticator>, replies: &[&str]) -> Outcome {
        let (config, user) = (self.config, self.attempt.user.as_str());
        let (state, person) = (&config.paths.state, Some(self.person));
        let rules = config.login(&self.attempt.service);
        let mut limits = self.limits();
        let lasting = Lasting {
            started: Box::new(StartedFiles::new(state, user, now)),
            challenges: Box::new(limits.another()),
            used: Box::new(UsedFiles::new(state, map, now)),
        };
        let totp = app.map(|app| {
            let (steps, counts) = (Steps::new(state, map), Box::new(limits.another()));
            Totp::new(user, app, steps, counts, now)
        });
        let address = self.attempt.address;
        let caller = connect::Caller { user, address };
        let mut factor = connect::second_factor(config, &rules, person, totp, lasting, caller);
        let mut codes = FileRecovery::new(state, user, self.of_entry, map);
        let mut conversation = Answers {
            user,
            replies: replies.to_vec(),
        };
        let outcome = Login {
            attempt: self.attempt,
            rules: &rules,
            is_proven: false,
            offers_push: rules.offers_push(),
            on_outage: OnOutage::Deny,
            request_timeout: connect::request_timeout(config, &rules, person),
            messages: &Messages::new(Language::En, &Texts::default(), user, "host", "sshd"),
            details: &[],
            first_pass: FirstPass::Ask,
            conversation: &mut conversation,
            factor: factor.as_mut(),
            limits: &mut limits,
            recovery: Some(&mut codes),
            names_recovery: false,
            enrollment: None,
            held_until: None,
            record_refused: &mut |_| (),
            random: &mut |_| None,
            clock: &SystemClock,
            deadline: Deadline::after(Instant::now(), Duration::from_secs(60)),
        }
        .authenticate();
        if outcome.verdict == Verdict::Accepted {
            codes.record_factors().unwrap();
        }
        outcome
    }

    fn limits(&self) -> FileLimits {
        let (config, person) = (self.config, self.person);
        let login = LimitedLogin {
            user: &self.attempt.user,
            enrolled: true,
            receives: connect::receives(config, &config.login(&self.attempt.service), person),
            factors: person.stored_ids(),
            address: self.attempt.address,
            uid: 0,
        };
        FileLimits::new(&config.paths.state, config.limits, login, map, now)
    }
}

/// The host, whose administrator reads the page.
struct Host {
    sim: Sim,
    /// The lines of authyctl in the page that are still to be typed.
    lines: RefCell<Vec<String>>,
}

impl Host {
    fn new() -> Self {
        let sim = Sim::start();
        let page = fs::read_to_string(PAGE).unwrap();
        let drill = page.split("\n## The drill\n").nth(1).unwrap();
        let drill = drill.split("\n## ").next().unwrap();
        let lines = drill.lines().map(str::trim);
        let lines = lines.filter_map(|line| line.strip_prefix("sudo authyctl "));
        let lines = lines.map(str::to_owned).rev().collect();
        Self {
            sim,
            lines: RefCell::new(lines),
        }
    }

    /// Types the next line of the page, which begins with `start`.
    fn types(&self, start: &str) -> Value {
        let line = self.lines.borrow_mut().pop().unwrap();
        assert!(line.starts_with(start), "the page says {line}, not {start}");
        let file = |word: &str| match word.strip_suffix(".csv") {
            Some(_) => self.sim.path(word).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        };
        let words: Vec<_> = line.split(' ').map(file).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (status, answer) = run_json(&self.sim, &words, "");
        assert_eq!(status, 0, "{line}: {answer}");
        answer
    }

    /// Writes a file that the page names.
    fn csv(&self, name: &str, rows: impl Iterator<Item = String>) {
        let text: Vec<_> = rows.collect();
        fs::write(self.sim.path(name), text.join("\n") + "\n").unwrap();
    }

    /// Writes config.toml with these tables of providers and this `[login]`, and lets two hours
    /// pass.
    fn configure(&self, tables: &[&str], login: &str) {
        let of = |name: &str| fs::read_to_string(self.sim.path(name)).unwrap();
        let table = |text: &str, name: &str| {
            let rest = text.split(&format!("[{name}]\n")).nth(1).unwrap();
            let body = rest.split("\n[").next().unwrap();
            format!("[{name}]\n{}\n", body.trim_end())
        };
        let original = self.sim.path("config.original");
        if !original.exists() {
            fs::copy(self.sim.path("config.toml"), &original).unwrap();
        }
        let (authy, twilio) = (of("config.original"), of("twilio.toml"));
        let mut text = table(&authy, "paths");
        for name in tables {
            let from = if *name == "authy" { &authy } else { &twilio };
            text += &table(from, name);
        }
        text += &format!("[login]\nrefusal_seconds = 0\n{login}");
        text += "[limits]\nsms_per_host = 1000\nrefused_tokens = 3\n";
        fs::write(self.sim.path("config.toml"), text).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.sim.path("config.toml"), mode).unwrap();
        AHEAD.set(AHEAD.get() + 7200);
    }

    fn config(&self) -> Config {
        Config::load(&self.sim.path("config.toml")).unwrap()
    }

    fn users(&self) -> PathBuf {
        self.sim.path("users.toml")
    }

    /// A login of this person in sshd, which ends where they have no further reply.
    fn log_in(&self, config: &Config, number: usize, replies: &[&str]) -> Outcome {
        let user = user(number);
        let address = address(number);
        let attempt = Attempt {
            user: user.clone(),
            service: "sshd".into(),
            rhost: Some(address.to_string()),
            address: Some(address.into()),
            tty: Some("ssh".into()),
            ..Attempt::default()
        };
        let mut found = users::find(&self.users(), &user).unwrap();
        let apps = Apps::of(&self.users(), &mut found.entry);
        match required(config, &attempt, found.entry) {
            Some((person, of_entry)) => {
                let app = apps.of_person(&person).unwrap().cloned();
                let case = Case {
                    config,
                    attempt: &attempt,
                    person: &person,
                    of_entry,
                };
                case.ask(app, replies)
            }
            None => Outcome::new(Verdict::Failed, Reason::Mapping),
        }
    }

    /// Each of these people logs in with the reply of a function, and no one else gets in with it.
    fn each_logs_in(&self, numbers: &[usize], provider: &str, reply: impl Fn(usize) -> String) {
        let config = self.config();
        let mut wrong = Vec::new();
        for number in numbers {
            let outcome = self.log_in(&config, *number, &[&reply(*number)]);
            let asked = outcome
                .identity
                .as_ref()
                .and_then(|identity| identity.provider());
            if outcome.verdict != Verdict::Accepted || asked != Some(provider) {
                wrong.push(format!("{}: {outcome:?}", user(*number)));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {}: {}",
            wrong.len(),
            numbers.len(),
            wrong[0]
        );
    }

    /// Each of these people logs in with a code that Twilio sends by SMS: as in sshd, which calls
    /// the module again after a first call without a code.
    fn each_logs_in_by_sms(&self, numbers: &[usize]) {
        let config = self.config();
        for number in numbers {
            let outcome = self.log_in(&config, *number, &["sms"]);
            assert_eq!(outcome.verdict, Verdict::ConversationFailed, "{outcome:?}");
        }
        let all = self.sim.get("/phone/twilio")["verifications"].clone();
        let sent = all.as_array().unwrap().iter().map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("to"), text("code"))
        });
        let sent: BTreeMap<_, _> = sent.collect();
        // A code is one of its own number: the neighbour's proves nothing.
        let (first, second) = (numbers[0], numbers[1]);
        let outcome = self.log_in(&config, first, &[&sent[&phone(second)]]);
        assert_ne!(outcome.verdict, Verdict::Accepted, "{outcome:?}");
        self.each_logs_in(numbers, "twilio", |number| sent[&phone(number)].clone());
    }

    fn each_logs_in_by_authy(&self, numbers: &[usize]) {
        self.each_logs_in(numbers, "authy", |number| self.sim.token(id(number)));
    }

    fn each_logs_in_by_app(&self, numbers: &[usize]) {
        let time = now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.each_logs_in(numbers, "totp", |number| code_at(&secret(number), time));
    }

    /// None of these people gets in with a wrong code.
    fn each_is_refused(&self, numbers: &[usize]) {
        let config = self.config();
        for number in numbers {
            let outcome = self.log_in(&config, *number, &["0000000"]);
            let lets_in = [Verdict::Accepted, Verdict::Ignored].contains(&outcome.verdict);
            assert!(!lets_in, "{}: {outcome:?}", user(*number));
        }
    }

    /// The first person has this many recovery codes left.
    fn keeps_what_lasts(&self, left: u64) {
        let (_, answer) = run_json(&self.sim, &["recovery", "left", &user(0)], "");
        assert_eq!(answer["left"], left, "{answer}");
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().unwrap().iter();
    all.map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn users_of(numbers: &[usize]) -> BTreeSet<String> {
    numbers.iter().map(|number| user(*number)).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one drill, step by step")]
fn a_thousand_people_move_from_authy_to_twilio_and_to_apps_and_back_and_none_is_locked_out() {
    let host = Host::new();
    let sim = &host.sim;
    let everyone: Vec<_> = (0..PEOPLE).collect();
    let (half, others): (Vec<_>, Vec<_>) = (0..PEOPLE).partition(|number| number % 2 == 0);
    for number in &everyone {
        sim.post("/phone/users", &json!({"authy_id": id(*number)}));
    }
    host.configure(&["authy"], "");
    let rows = |row: &dyn Fn(usize) -> String, head: &str, numbers: &[usize]| {
        let rows: Vec<_> = numbers.iter().map(|number| row(*number)).collect();
        [head.to_owned()].into_iter().chain(rows)
    };
    let people = rows(
        &|n| format!("{},{}", user(n), id(n)),
        "user,authy_id",
        &everyone,
    );
    host.csv("people.csv", people);

    // Everyone is at Authy.
    assert_eq!(host.types("import people.csv")["enrolled"], PEOPLE);
    host.each_logs_in_by_authy(&everyone);
    let (_, made) = run_json(sim, &["recovery", "generate", &user(0)], "");
    let recovery: Vec<_> = made["codes"].as_array().unwrap().clone();
    let status = host.types("migrate status");
    assert_eq!(
        names(&status["without"]["authy"]["locked_out"]),
        users_of(&everyone)
    );
    assert_eq!(
        names(&status["providers"]["twilio"]["locked_out"]),
        users_of(&everyone)
    );

    // Numbers are added; nothing changes for anyone.
    let numbers = rows(
        &|n| format!("{},{}", user(n), phone(n)),
        "user,phone",
        &everyone,
    );
    host.csv("phones.csv", numbers);
    let dry = host.types("import phones.csv --dry-run");
    assert_eq!(
        (&dry["enrolled"], &dry["failed"]),
        (&json!(PEOPLE), &json!([]))
    );
    assert_eq!(host.types("import phones.csv")["enrolled"], PEOPLE);
    host.configure(&["authy", "twilio"], "");
    host.each_logs_in_by_authy(&everyone[..20]);
    let status = host.types("migrate status");
    assert_eq!(status["providers"]["twilio"]["asked"], PEOPLE, "{status}");
    assert_eq!(status["without"]["authy"]["locked_out"], json!([]));

    // The switch.
    host.configure(&["authy", "twilio"], "provider = \"twilio\"\n");
    host.each_logs_in_by_sms(&everyone);
    let before = sim.count("/protected/");
    // A code of Authy's app proves nothing any more, and Authy is not asked.
    let token = sim.token(id(7));
    let outcome = host.log_in(&host.config(), 7, &[&token]);
    assert_ne!(outcome.verdict, Verdict::Accepted, "{outcome:?}");
    assert_eq!(sim.count("/protected/"), before);
    host.keeps_what_lasts(10);

    // Authy goes for good.
    host.configure(&["twilio"], "");
    host.each_logs_in_by_sms(&everyone);
    let code = recovery[0].as_str().unwrap();
    let outcome = host.log_in(&host.config(), 0, &[code]);
    assert_eq!(outcome.reason, Reason::RecoveryCode, "{outcome:?}");
    host.keeps_what_lasts(9);

    // Apps on the host for half of them.
    let secrets = rows(
        &|n| format!("{},{}", user(n), secret(n)),
        "user,totp_secret",
        &half,
    );
    host.csv("secrets.csv", secrets);
    assert_eq!(host.types("import secrets.csv")["enrolled"], half.len());
    host.each_logs_in_by_app(&half);
    let status = host.types("migrate status");
    let named = names(&status["without"]["twilio"]["locked_out"]);
    assert_eq!(named, users_of(&others));

    // Twilio goes too: everyone that the status named is refused, and all others log in.
    host.configure(&[], "");
    host.each_logs_in_by_app(&half);
    host.each_is_refused(&others);
    host.keeps_what_lasts(9);

    // And back again.
    host.configure(&["authy", "twilio"], "provider = \"twilio\"\n");
    host.each_logs_in_by_app(&half);
    host.each_logs_in_by_sms(&others);
    host.configure(&["authy", "twilio"], "");
    host.each_logs_in_by_authy(&everyone);
    host.each_is_refused(&everyone[..20]);
    host.keeps_what_lasts(9);
    assert!(host.lines.borrow().is_empty(), "{:?}", host.lines.borrow());
}

/// A pause after wrong codes must not end with the provider: an attacker would wait for the move.
#[test]
fn a_pause_after_refused_codes_outlasts_the_switch() {
    let host = Host::new();
    for number in [0, 1] {
        host.sim
            .post("/phone/users", &json!({"authy_id": id(number)}));
    }
    host.configure(&["authy"], "");
    let line = |number| format!("{} = {}\n", user(number), id(number));
    fs::write(host.users(), format!("[users]\n{}{}", line(0), line(1))).unwrap();
    for _ in 0..2 {
        host.log_in(&host.config(), 0, &["0000000"; 3]);
    }
    let numbers = format!(
        "user,phone\n{},{}\n{},{}\n",
        user(0),
        phone(0),
        user(1),
        phone(1)
    );
    host.csv("phones.csv", numbers.lines().map(str::to_owned));
    let phones = host.sim.path("phones.csv");
    let (status, answer) = run_json(&host.sim, &["import", phones.to_str().unwrap()], "");
    assert_eq!(status, 0, "{answer}");
    host.configure(&["twilio"], "");
    // The clock goes back: the pause is not over.
    AHEAD.set(AHEAD.get() - 7200);
    for (number, expected) in [(0, Reason::Limited), (1, Reason::WrongCode)] {
        host.log_in(&host.config(), number, &["sms"]);
        let outcome = host.log_in(&host.config(), number, &["0000000"; 3]);
        assert_eq!(outcome.reason, expected, "{outcome:?}");
    }
}
