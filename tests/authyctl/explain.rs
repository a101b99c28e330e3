//! The command `explain`, compared with what a login through libpam then does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pam_authy::pam_app::{Item, Style, Transaction, write_stack};
use serde_json::json;

use super::{enrolled, run, run_json};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::{install_product, rounds};

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

/// Logs in through libpam and the product in `folder`; returns the PAM code, and whether a code was asked for.
fn log_in(
    sim: &Sim,
    folder: &Path,
    service: &str,
    user: &str,
    rhost: &str,
) -> (&'static str, bool) {
    let (config, users) = (sim.path("config.toml"), sim.path("users.toml"));
    let line = format!(
        "auth required {} config={} users={} engine={}",
        folder.join("pam_authy.so").display(),
        config.display(),
        users.display(),
        folder.join("pam_authyd").display()
    );
    write_stack(folder, service, &[line]).unwrap();
    let mut asked = false;
    let mut answer = |_: Style, prompt: &str| {
        asked |= prompt.contains("code");
        Some(sim.token(1635))
    };
    let code = {
        let mut pam = Transaction::start(service, user, folder, &mut answer).unwrap();
        pam.set(Item::RHost, rhost).unwrap();
        pam.authenticate().name()
    };
    (code, asked)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one round of a random test")]
fn explain_says_of_random_configurations_what_a_login_then_does() {
    let (sim, folder) = (Sim::start(), tempfile::tempdir().unwrap());
    install_product(folder.path());
    let base = fs::read_to_string(sim.path("config.toml")).unwrap();
    let mut numbers = Numbers(20_261_126);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    check_rows(0..rounds(200), |_| {
        let mut config = base.clone() + "\n" + &random_rules(&mut numbers, "login");
        if numbers.pick(&["own", "none"]) == "own" {
            config += &random_rules(&mut numbers, "service.sudo");
        }
        config += &random_exemptions(&mut numbers);
        let root = numbers.pick(&[
            "",
            "root = 1635\n",
            "root = 0\n",
            "root = { authy_id = 1635 }\n",
        ]);
        let other = numbers.pick(&["", "\"nobody.here\" = 1635\n", "other = 1\n"]);
        let mapping = format!("# people\n[users]\n{other}{root}");
        fs::write(sim.path("config.toml"), &config).unwrap();
        fs::write(sim.path("users.toml"), &mapping).unwrap();
        let user = numbers.pick(&["root", "nobody.here", "bob"]);
        let service = numbers.pick(&["sshd", "sudo"]);
        let rhost = numbers.pick(&["192.0.2.7", "198.51.100.7"]);

        let (status, answer) = run_json(
            &sim,
            &["explain", user, "--service", service, "--rhost", rhost],
            "",
        );
        let login = log_in(&sim, folder.path(), service, user, rhost);

        let context = format!("{user} {service}\n{config}{mapping}{answer}\n{login:?}");
        let reason = answer["reason"].as_str().unwrap();
        let expected = match login {
            // libpam denies where every module answers IGNORE.
            ("PAM_PERM_DENIED", false) if reason.contains("exempt.") => (false, "exempt."),
            ("PAM_PERM_DENIED", false) => (false, "unenrolled = \"ignore\" allows that"),
            ("PAM_SUCCESS", true) => (true, "is enrolled with authy id 1635"),
            ("PAM_MAXTRIES", true) => (true, "unenrolled = \"deny\" refuses whatever is typed"),
            ("PAM_SERVICE_ERR", false) => (true, "cannot be used, so every login is refused"),
            other => panic!("{other:?}: {context}"),
        };
        assert_eq!(
            (status, &answer["required"]),
            (0, &json!(expected.0)),
            "{context}"
        );
        assert!(reason.contains(expected.1), "{context}");
        // The named line must be the one that decides.
        if let Some(line) = answer["line"].as_u64() {
            let file = fs::read_to_string(answer["file"].as_str().unwrap()).unwrap();
            let line = file
                .lines()
                .nth(usize::try_from(line).unwrap() - 1)
                .unwrap();
            let rule = line.starts_with("unenrolled = ") && reason.contains(line)
                || line
                    .split(" = ")
                    .next()
                    .is_some_and(|key| reason.contains(&format!("exempt.{key}")));
            assert!(
                rule || line.trim_matches('"').starts_with(user),
                "{line}: {context}"
            );
        }
        let by_rule = reason.contains("exempt.");
        *kinds.entry(format!("{login:?} {by_rule}")).or_default() += 1;
    });
    assert!(
        kinds.len() == 5 && kinds.values().all(|count| *count > 4),
        "{kinds:?}"
    );
}
