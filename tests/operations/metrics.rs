//! `authyctl metrics`: what it prints after real logins, of which files, and by promtool.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use pam_authy::base::attempt::{Outcome, Reason, Verdict};
use pam_authy::base::factor::AuthyId;
use pam_authy::engine::shared_words;
use pam_authy::store::config::{Changes, Config};
use pam_authy::store::directory::{Directory, Listed, Options, compare, note_pass};
use pam_authy::store::verdicts;

use super::{authyctl, json};
use crate::common::host::Host;
use crate::common::mount;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;

/// promtool of Debian's package; scripts/peers.sh unpacks it.
pub(super) fn promtool() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(root.join("target/peers/prometheus/usr/bin/promtool"))
}

/// The command for this host.
fn command(host: &Host, more: &[&str]) -> Command {
    let config = host.sim.path("config.toml").display().to_string();
    let users = host.users.display().to_string();
    let arguments = ["metrics", "--config", &config, "--users", &users];
    authyctl(&[&arguments, more].concat())
}

/// A host with people of each kind, after logins: two refused codes, then an accepted one, an unenrolled
/// name, and one whose provider refuses the key.
pub(super) fn busy_host() -> Host {
    let host = Host::with("[login]\nrefusal_seconds = 0\n[service.cockpit]\nattempts = 1\n");
    host.append(
        &host.users,
        "carol = { phone = \"+15551234567\" }\n\"no one\" = \"?\"\n\
         deploy = { keys = { \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" = 1640 } }\n",
    );
    let token = host.sim.token(1635);
    host.login("alice", &["1111111", "2222222", &token]);
    let host = host.service("cockpit");
    host.login("mallory", &["1111111"]);
    let host = host.service("anything");
    host.login("alice", &["1111111", "2222222", "3333333"]);
    host
}

/// A host of a fleet: two people of the directory, one of whom has a change that is held, and one who
/// was removed.
pub(super) fn fleet_host() -> Host {
    let host = Host::with(
        "[directory]\nurl = \"ldapi:///run/slapd/ldapi\"\nbase = \"dc=example\"\n\
         preset = \"inetorgperson\"\nattributes = { authy_id = \"authyId\" }\n",
    );
    let state = host.sim.path("state");
    let mut known = Directory::default();
    let now = UNIX_EPOCH + Duration::from_secs(1_795_780_800);
    let passes = [
        vec![("bob", 2_u64), ("carol", 3), ("dave", 4)],
        vec![("bob", 2), ("carol", 5)],
    ];
    for pass in passes {
        let listed = pass.into_iter().map(|(name, id)| Listed {
            name: name.to_owned(),
            person: Ok(AuthyId::try_from(id).unwrap().into()),
        });
        let options = Options {
            changes: Changes::Hold,
            max_removed_percent: 50,
            accept: Vec::new(),
            forget: Vec::new(),
            now,
        };
        known = compare(&known, listed.collect(), &options).unwrap().next;
        known.write(&state).unwrap();
        note_pass(&state, now).unwrap();
    }
    host
}

/// The text for a host.
pub(super) fn printed(host: &Host) -> String {
    let output = command(host, &[]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the families.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .collect()
}

#[test]
fn figures_say_what_happened_and_who_is_enrolled() {
    let host = busy_host();
    let text = printed(&host);
    let expected = [
        "pam_authy_build_info{version=\"0.1.0\"} 1",
        "pam_authy_rolled_back_services 0",
        "pam_authy_config_valid 1",
        "pam_authy_users_valid 1",
        "pam_authy_entries{kind=\"shared\"} 1",
        "pam_authy_entries{kind=\"invalid\"} 1",
        "pam_authy_people{factor=\"phone\"} 1",
        "pam_authy_people{factor=\"totp\"} 0",
        "pam_authy_state_unreadable_files 0",
        "pam_authy_paused_users{what=\"codes\"} 0",
        "pam_authy_limit_used{limit=\"sms_per_host\"} 0",
        "pam_authy_limit_set{limit=\"sms_per_host\"} 100",
        "pam_authy_verdicts_total{service=\"cockpit\",verdict=\"refused\",reason=\"unenrolled\",factor=\"none\"} 1",
        "pam_authy_verdicts_total{service=\"other\",verdict=\"refused\",reason=\"wrong_code\",factor=\"token\"} 3",
    ];
    let lines: BTreeSet<&str> = text.lines().collect();
    check_rows(expected, |line| {
        assert!(lines.contains(line), "{line} in {text}")
    });
    // The stack of the first login has another name in each run.
    assert!(
        text.contains("pam_authy_ca_end_timestamp_seconds{provider=\"authy\"} "),
        "{text}"
    );
    let total: u64 = (text.lines())
        .filter(|line| line.starts_with("pam_authy_verdicts_total{"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum();
    assert_eq!(
        total,
        host.audit().len() as u64,
        "{text}\n{:#?}",
        host.audit()
    );
}

#[test]
fn figures_of_a_fleet_say_how_old_the_directory_is_and_what_is_held() {
    let host = fleet_host();
    let expected = [
        "pam_authy_directory_valid 1",
        "pam_authy_directory_last_pass_timestamp_seconds 1795780800",
        "pam_authy_directory_entries{kind=\"person\"} 2",
        "pam_authy_directory_entries{kind=\"removed\"} 1",
        "pam_authy_directory_entries{kind=\"invalid\"} 0",
        "pam_authy_directory_held 1",
        "pam_authy_people{factor=\"authy\"} 3",
    ];
    let text = printed(&host);
    check_rows(expected, |line| {
        assert!(
            text.lines().any(|printed| printed == line),
            "{line} in {text}"
        );
    });

    fs::write(host.sim.path("state/directory.toml"), "[users\n").unwrap();
    let output = command(&host, &[]).output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("directory.toml:1: "), "{said}");
    assert!(text.contains("pam_authy_directory_valid 0\n"), "{text}");
    assert!(
        text.contains("pam_authy_people{factor=\"authy\"} 1\n"),
        "{text}"
    );
    assert!(!text.contains("pam_authy_directory_held"), "{text}");
    // The time of the last good pass stays, so that its age can be seen.
    assert!(
        text.contains("last_pass_timestamp_seconds 1795780800\n"),
        "{text}"
    );
}

/// Each thread is a login of its own: the words are those of one file.
#[test]
fn verdicts_that_many_logins_count_at_once_are_all_counted() {
    let host = busy_host();
    let config = Config::load(&host.sim.path("config.toml")).unwrap();
    let reasons = [Reason::Exempt, Reason::Unenrolled, Reason::Outage];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..300 {
                    let outcome = Outcome::new(Verdict::Ignored, reasons[number % 3]);
                    verdicts::count(&config, "sshd", &outcome, shared_words::map).unwrap();
                }
            });
        }
    });
    let text = printed(&host);
    let figure = |reason| {
        format!(
            "pam_authy_verdicts_total{{service=\"sshd\",verdict=\"ignored\",reason=\"{reason}\",factor=\"none\"}} 800\n"
        )
    };
    check_rows(["exempt", "unenrolled", "outage"], |reason| {
        assert!(text.contains(&figure(reason)), "{reason}: {text}");
    });
}

#[test]
#[ignore = "needs root"]
fn a_verdict_that_a_full_disk_cannot_count_decides_no_login() {
    sandboxed!();
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    let state = host.sim.path("state");
    fs::create_dir_all(&state).unwrap();
    mount(
        &[
            "-t",
            "tmpfs",
            "-o",
            "size=256k,nr_inodes=40,mode=0700",
            "tmpfs",
        ],
        &state,
    );
    assert_eq!(host.login("alice", &["0000000"]).code, "PAM_MAXTRIES");
    let verdicts = state.join("verdicts");
    assert_eq!(fs::read_dir(&verdicts).unwrap().count(), 1);
    fs::remove_dir_all(&verdicts).unwrap();
    let made = (0..100).take_while(|number| File::create(state.join(number.to_string())).is_ok());
    assert!(made.count() < 50, "there are inodes left");

    let refused = host.login("alice", &["0000000"]).code;
    let token = host.sim.token(1635);
    let accepted = host.login("alice", &[&token]).code;

    assert_eq!((refused, accepted), ("PAM_MAXTRIES", "PAM_SUCCESS"));
    assert!(!verdicts.exists());
}

#[test]
#[ignore = "needs promtool: scripts/peers.sh prometheus"]
fn promtool_finds_nothing_to_complain_about() {
    for host in [busy_host(), fleet_host()] {
        check_by_promtool(&printed(&host));
    }
}

fn check_by_promtool(text: &str) {
    let mut command = promtool();
    let mut child = (command.args(["check", "metrics"]).stdin(Stdio::piped()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&said).as_ref()
        ),
        (Some(0), "")
    );
}

#[test]
fn a_file_is_replaced_as_a_whole_and_everyone_can_read_it() {
    let host = busy_host();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pam_authy.prom");
    fs::write(&path, "old").unwrap();
    let shown = path.display().to_string();
    let output = command(&host, &["--output", &shown]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{shown} is written\n")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), printed(&host));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );

    let all = json(&command(&host, &["--json"]).output().unwrap());
    assert_eq!(all["metrics"], printed(&host));
    let missing = command(&host, &["--output", "/nonexistent/x.prom"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(4));
}

#[test]
fn what_cannot_be_read_is_missing_and_the_rest_is_printed() {
    let host = busy_host();
    let state = host.sim.path("state");
    fs::write(state.join("verdicts/other"), "damaged").unwrap();
    let output = command(&host, &[]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(
        text.contains("pam_authy_state_unreadable_files 1\n"),
        "{text}"
    );
    assert!(
        text.contains("service=\"cockpit\"") && !text.contains("service=\"other\""),
        "{text}"
    );

    host.replace("refusal_seconds = 0", "refusal_seconds = \"x\"");
    host.append(&host.users, "[");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.prom");
    let output = command(&host, &["--output", path.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("pam_authy_config_valid 0\n"), "{text}");
    assert!(text.contains("pam_authy_users_valid 0\n"), "{text}");
    assert_eq!(names(&text).len(), 4, "{text}");
}
