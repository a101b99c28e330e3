//! The command `explain`, compared with what a login through libpam then does.

use std::collections::BTreeMap;
use std::fs;

use pam_authy::pam_app::Item;
use serde_json::{Value, json};

use super::{enrolled, run, run_json};
use crate::common::host::Host;
use crate::common::provider::{Person, with_each_provider};
use crate::common::rounds;
use crate::common::rows::check_rows;

#[test]
fn explain_names_file_and_line() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["explain", "alice"], "");
    assert_eq!((status, &answer["required"]), (0, &json!(true)));
    assert!(answer["line"].as_u64().is_some());
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(true), &json!(null))
    );

    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap() + "\n[service.sudo]\nunenrolled = \"ignore\"\n";
    let line = text.lines().count();
    fs::write(&config, text).unwrap();
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(false), &json!(line))
    );
    let (_, answer) = run_json(&sim, &["explain", "alice", "--service", "sudo"], "");
    assert_eq!(answer["required"], true);
}

#[test]
fn explain_says_who_has_no_login_where_nothing_but_security_keys_counts() {
    let sim = enrolled();
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap() + "\n[login]\nfactors = [\"security-key\"]\n";
    fs::write(&config, text).unwrap();
    let said = || String::from_utf8(run(&sim, &["explain", "alice"], "").stdout).unwrap();
    let refused = "nothing but security keys, and the entry has none: every login is refused";
    let without = said();
    assert!(without.contains(refused), "{without}");
    assert!(!without.contains("3 replies"), "{without}");

    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let (status, answer) = run_json(&sim, &["enroll", "alice", "--security-key", key], "");
    assert_eq!(status, 0, "{answer}");
    let with = said();
    assert!(!with.contains(refused), "{with}");
}

#[test]
fn explain_answers_for_the_stack_as_it_is() {
    let sim = enrolled();
    let folder = tempfile::tempdir().unwrap();
    let stacks = [
        ("plain", "auth required pam_unix.so\n"),
        ("broken", "auth required pam_unix.so \\\n"),
    ];
    for (name, text) in stacks {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let explain = |service: &str| {
        let pam_dir = folder.path().to_str().unwrap();
        let how = [
            "explain",
            "alice",
            "--service",
            service,
            "--pam-dir",
            pam_dir,
        ];
        run_json(&sim, &how, "")
    };

    let (status, answer) = explain("plain");
    assert_eq!((status, &answer["required"]), (0, &json!(false)));
    assert_eq!(answer["file"], json!(folder.path().join("plain")));
    assert!(
        answer["reason"]
            .as_str()
            .unwrap()
            .contains("does not have pam_authy.so")
    );
    let (status, answer) = explain("no-such-service");
    assert_eq!((status, &answer["error"]["kind"]), (4, &json!("local")));
    let (status, answer) = explain("broken");
    assert_eq!(status, 4);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("broken:1: the line continues"),
        "{message}"
    );
}

/// The entry's setting overrides the configuration's.
#[test]
fn explain_says_when_each_factor_comes_and_what_an_outage_means() {
    let sim = enrolled();
    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap()
        + "\n[login]\nattempts = 1\npush = \"auto\"\npush_code = true\nsms = \"never\"\n\
           [service.login]\nattempts = 2\n[service.sudo]\nwhen_unavailable = \"ignore\"\n";
    fs::write(&config, &text).unwrap();
    let said = |service: &str| {
        let output = run(&sim, &["explain", "alice", "--service", service], "");
        super::text(&output.stdout)
    };

    let sshd = said("sshd");
    assert!(
        sshd.contains("1 reply within 90 s: push at once, token, call when typed\n"),
        "{sshd}"
    );
    assert!(sshd.contains("the push shows a code"), "{sshd}");
    assert!(!sshd.contains("when_unavailable"), "{sshd}");
    let place = format!("({}:{})", config.display(), text.lines().count());
    let sudo = said("sudo");
    assert!(
        sudo.contains("when_unavailable = \"ignore\"") && sudo.contains(&place),
        "{sudo}"
    );
    assert!(sudo.contains("whoever runs the application"), "{sudo}");
    fs::write(
        &config,
        text.replace("[login]\n", "[login]\nwhen_unavailable = \"ignore\"\n"),
    )
    .unwrap();
    let inherited = said("login");
    assert!(
        inherited.contains("where root runs the application (real uid 0), and refuses it where a"),
        "{inherited}"
    );

    let mapping = "[users]\nalice = { authy_id = 1635, push = \"never\" }\n";
    fs::write(sim.path("users.toml"), mapping).unwrap();
    let sshd = said("sshd");
    assert!(sshd.contains("90 s: token, call when typed\n"), "{sshd}");
    assert!(!sshd.contains("shows a code"), "{sshd}");
}

/// Pseudorandom choices, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

/// Returns a table of the configuration with a random choice of rules.
fn random_rules(numbers: &mut Numbers, name: &str) -> String {
    let mut table = format!("[{name}]\nrefusal_seconds = 0\n");
    for key in ["unenrolled", "when_unavailable"] {
        table += match numbers.pick(&["", "deny", "ignore"]) {
            "" => String::new(),
            word => format!("{key} = \"{word}\"\n"),
        }
        .as_str();
    }
    table + numbers.pick(&["", "attempts = 1\n", "echo = false\n"])
}

/// Returns an `[exempt]` table with a random exemption or none.
fn random_exemptions(numbers: &mut Numbers) -> String {
    let rules = [
        "",
        "",
        "services = [\"sudo\"]\n",
        "users = [\"bob\", \"root\"]\n",
        "networks = [\"192.0.2.0/24\"]\n",
        "groups = [\"root\"]\n",
    ];
    format!("[exempt]\n{}", numbers.pick(&rules))
}

/// What a login did: PAM's code, and whether a code was asked for.
type Outcome = (&'static str, bool);

/// A random configuration, and who logs in there.
struct Round {
    user: &'static str,
    service: &'static str,
    rhost: &'static str,
    /// For a failure.
    files: String,
}

/// Writes random files, in which `person` may be enrolled.
fn random_round(numbers: &mut Numbers, host: &Host, config: &str, person: &Person<'_>) -> Round {
    let mut config = config.to_owned() + "\n" + &random_rules(numbers, "login");
    if numbers.pick(&["own", "none"]) == "own" {
        config += &random_rules(numbers, "service.sudo");
    }
    config += &random_exemptions(numbers);
    // Only one of the two names logs in.
    let entry = person.renamed("nobody.here").entry();
    let root = match numbers.pick(&["none", "person", "spoiled"]) {
        "none" => String::new(),
        "person" => format!("root = {}\n", person.entry()),
        _ => format!("root = {}\n", person.spoiled_entry()),
    };
    let other = match numbers.pick(&["none", "person", "other"]) {
        "none" => String::new(),
        "person" => format!("\"nobody.here\" = {entry}\n"),
        _ => "other = 1\n".to_owned(),
    };
    let mapping = format!("# people\n[users]\n{other}{root}");
    fs::write(&host.config, &config).unwrap();
    fs::write(&host.users, &mapping).unwrap();
    Round {
        user: numbers.pick(&["root", "nobody.here", "bob"]),
        service: numbers.pick(&["sshd", "sudo"]),
        rhost: numbers.pick(&["192.0.2.7", "198.51.100.7"]),
        files: config + &mapping,
    }
}

/// Compares what `explain` says with what the login then does.
fn compare(answer: &Value, login: Outcome, person: &Person<'_>, round: &Round) {
    let context = format!("{} {}\n{}", round.user, round.service, round.files);
    let context = format!("{context}{answer}\n{login:?}");
    let reason = answer["reason"].as_str().unwrap();
    let enrolled = format!("is enrolled with {}", person.explained());
    let (required, why) = match login {
        // libpam denies where every module answers IGNORE.
        ("PAM_PERM_DENIED", false) if reason.contains("exempt.") => (false, "exempt."),
        ("PAM_PERM_DENIED", false) => (false, "unenrolled = \"ignore\" allows that"),
        ("PAM_SUCCESS", true) => (true, enrolled.as_str()),
        ("PAM_MAXTRIES", true) => (true, "unenrolled = \"deny\" refuses whatever is typed"),
        ("PAM_SERVICE_ERR", false) => (true, "is refused: "),
        other => panic!("{other:?}: {context}"),
    };
    assert_eq!(answer["required"], json!(required), "{context}");
    assert!(reason.contains(why), "{context}");
    // The named line must be the one that decides.
    let Some(number) = answer["line"].as_u64() else {
        return;
    };
    let file = fs::read_to_string(answer["file"].as_str().unwrap()).unwrap();
    let number = usize::try_from(number).unwrap();
    let line = file.lines().nth(number - 1).unwrap();
    let key = line.split(" = ").next().unwrap();
    let is_rule = line.starts_with("unenrolled = ") && reason.contains(line)
        || reason.contains(&format!("exempt.{key}"));
    let is_entry = line.trim_matches('"').starts_with(round.user);
    assert!(is_rule || is_entry, "{line}: {context}");
}

#[test]
fn explain_says_of_random_configurations_what_a_login_then_does() {
    with_each_provider(|provider| {
        let host = provider.host("");
        let config = fs::read_to_string(&host.config).unwrap();
        let mut numbers = Numbers(20_261_126);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        check_rows(0..rounds(100), |number| {
            // A new person each time, since some providers accept few codes of one in a row.
            let person = Person::new(provider, &host, "root", number.into());
            let round = random_round(&mut numbers, &host, &config, &person);
            let (user, service, rhost) = (round.user, round.service, round.rhost);

            let explain = ["explain", user, "--service", service, "--rhost", rhost];
            let (status, answer) = run_json(&host.sim, &explain, "");
            let (code, items) = (person.code(), [(Item::RHost, rhost)]);
            let login = host.login_as(service, user, &[code.as_str(); 3], &items);
            let login = (login.code, login.prompts() > 0);

            assert_eq!(status, 0, "{answer}");
            compare(&answer, login, &person, &round);
            let by_rule = answer["reason"].to_string().contains("exempt.");
            *kinds.entry(format!("{login:?} {by_rule}")).or_default() += 1;
        });
        assert!(
            kinds.len() == 5 && kinds.values().all(|count| *count > 2),
            "{kinds:?}"
        );
    });
}
