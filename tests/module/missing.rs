//! `authyctl list --missing` and doctor with real accounts and real sshd: who can log in and has no
//! factor.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::doctor::{checks, host, said};
use crate::authyctl::run_json;
use crate::common::product;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;

fn shell(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

/// The accounts that are missing, of those that these tests make: password, key, reason.
fn missing(sim: &Sim) -> BTreeMap<String, Value> {
    let (status, answer) = run_json(sim, &["list", "--missing"], "");
    assert_eq!(status, 0, "{answer}");
    let all = answer["missing"].as_array().unwrap().iter();
    let row = |one: &Value| {
        let user = one["user"].as_str().unwrap().to_owned();
        (user, json!([one["password"], one["key"], one["reason"]]))
    };
    all.map(row)
        .filter(|(user, _)| user.starts_with("u-"))
        .collect()
}

fn expected(rows: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let rows = rows.iter();
    rows.map(|(user, row)| ((*user).to_owned(), row.clone()))
        .collect()
}

/// Accounts of each kind; the name says which.
const ACCOUNTS: &str = "
    for name in password key both none locked nologin denied exempt group enrolled skipped invalid shared; do
        useradd -m -s /bin/sh u-$name
    done
    groupadd robots && usermod -a -G robots u-group
    for name in password both nologin denied exempt group enrolled skipped invalid shared; do
        echo u-$name:secret | chpasswd
    done
    for name in key both locked; do
        mkdir -p /home/u-$name/.ssh
    done
    usermod -s /usr/sbin/nologin u-nologin
    echo 'ssh-ed25519 AAAA' >/home/u-key/.ssh/authorized_keys
    echo 'ssh-ed25519 AAAA' >/home/u-both/.ssh/authorized_keys
    echo '# none' >/home/u-locked/.ssh/authorized_keys
    echo u-locked:secret | chpasswd && passwd -l u-locked
";

fn prepare(rules: &str) -> Sim {
    shell(ACCOUNTS);
    let sim = host("DenyUsers u-denied\n");
    let shared = "{ keys = { \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" = 1635 } }";
    let users = format!(
        "[users]\nroot = 1635\nu-enrolled = 1635\nu-skipped = {{ phone = \"+15551234567\" }}\n\
         u-invalid = 0\nu-shared = {shared}\n"
    );
    fs::write(sim.path("users.toml"), users).unwrap();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let exempt = "[exempt]\nusers = [\"u-exempt\"]\ngroups = [\"robots\"]\n";
    fs::write(
        sim.path("config.toml"),
        format!("{config}\n{rules}{exempt}"),
    )
    .unwrap();
    sim
}

#[test]
#[ignore = "needs root"]
fn list_missing_names_the_accounts_that_can_log_in_and_have_no_factor() {
    sandboxed!();
    let sim = prepare("");
    let not = "is not enrolled";
    let over_ssh = [
        ("u-password", json!([true, false, not])),
        ("u-key", json!([false, true, not])),
        ("u-both", json!([true, true, not])),
        (
            "u-skipped",
            json!([true, false, "sshd can check no factor of its entry"]),
        ),
        (
            "u-invalid",
            json!([
                true,
                false,
                "its entry cannot be used: u-invalid: authy_id must be an integer from 1 to 9223372036854775807"
            ]),
        ),
    ];
    let found = missing(&sim);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        ["u-both", "u-invalid", "u-key", "u-password", "u-skipped"]
    );
    for (user, row) in expected(&over_ssh) {
        // How the reader of users.toml words a bad value is not the subject here.
        if user == "u-invalid" {
            let reason = found[&user][2].as_str().unwrap();
            assert!(reason.starts_with("its entry cannot be used: "), "{reason}");
        } else {
            assert_eq!(found[&user], row, "{user}");
        }
    }
    // A password still opens another service than sshd.
    let line = format!("auth required {}\n", product().display());
    fs::write(
        "/etc/pam.d/login",
        format!("auth requisite pam_unix.so\n{line}"),
    )
    .unwrap();
    let found = missing(&sim);
    assert_eq!(found["u-denied"], json!([true, false, not]));
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
#[ignore = "needs root"]
fn list_missing_says_whom_enroll_by_does_not_help() {
    sandboxed!();
    let sim = prepare("");
    let not = "is not enrolled";
    // As `pam enable sshd` sets it: the day does not help an account with a key alone.
    let settings = fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let methods = "AuthenticationMethods keyboard-interactive\n";
    fs::write("/etc/ssh/sshd_config", format!("{methods}{settings}")).unwrap();
    let found = missing(&sim);
    let reason = "is not enrolled, and sshd asks for a password that it does not have";
    assert_eq!(found["u-key"], json!([false, true, reason]));
    assert_eq!(found["u-both"], json!([true, true, not]));
    // A day is not for an account that had an entry.
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let day = config.replace("[exempt]", "[login]\nenroll_by = 9999-12-30\n[exempt]");
    fs::write(sim.path("config.toml"), day).unwrap();
    for arguments in [
        &["enroll", "u-both", "--authy-id", "1635"][..],
        &["unenroll", "u-both"],
    ] {
        let (status, answer) = run_json(&sim, arguments, "");
        assert_eq!(status, 0, "{answer}");
    }
    let found = missing(&sim);
    let reason = "was enrolled before, so enroll_by is not for it";
    assert_eq!(found["u-both"], json!([true, true, reason]));
    assert_eq!(found["u-password"], json!([true, false, not]));
}

/// The commands of docs/rollout.md on a host whose configuration is where the page has it; what
/// `pam enable sshd` writes is the subject of packaging::enable.
#[test]
#[ignore = "needs root"]
fn the_page_leads_through_a_roll_out_by_date() {
    sandboxed!();
    let sim = prepare("");
    let page = fs::read_to_string("docs/rollout.md").unwrap();
    let block = page.split("```toml\n").nth(1).unwrap();
    let block = block
        .split("```")
        .next()
        .unwrap()
        .replace("2027-01-31", "9999-12-30");
    let lines = page.lines().map(str::trim);
    let lines: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("sudo authyctl "))
        .collect();
    assert_eq!(lines, ["list --missing", "pam enable sshd", "doctor"]);
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let unindented: Vec<_> = block.lines().map(str::trim).collect();
    fs::create_dir_all("/etc/pam_authy").unwrap();
    fs::write(
        "/etc/pam_authy/config.toml",
        config + &unindented.join("\n") + "\n",
    )
    .unwrap();
    fs::copy(sim.path("users.toml"), "/etc/pam_authy/users.toml").unwrap();
    fs::set_permissions(
        "/etc/pam_authy/config.toml",
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::write(
        "/etc/pam.d/sshd",
        "auth requisite pam_unix.so\nauth required pam_permit.so\n",
    )
    .unwrap();
    let run = |line: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
        let output = command.args(line.split(' ')).args(more).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code(),
            text + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (status, said) = run(lines[0], &[]);
    assert_eq!(status, Some(0), "{said}");
    let last = "can log in until 9999-12-30 (UTC; days left: 29";
    assert!(said.contains("u-key ") && said.contains(last), "{said}");
    let (_, said) = run(lines[2], &[]);
    assert!(
        said.contains("5 accounts without a factor will be refused"),
        "{said}"
    );
}

#[test]
#[ignore = "needs root"]
fn doctor_says_whom_enroll_by_lets_in_and_whom_its_end_locks_out() {
    sandboxed!();
    for (rules, level, part) in [
        (
            "[login]\nenroll_by = 9999-12-30\n",
            "warning",
            "5 accounts without a factor will be refused: u-both, u-invalid, u-key and 2 more",
        ),
        (
            "[login]\nenroll_by = 2026-01-31\n",
            "warning",
            "enroll_by = 2026-01-31 is over; 5 accounts without a factor are refused",
        ),
        (
            "[login]\nenroll_by = 9999-12-30\nunenrolled = \"ignore\"\n",
            "warning",
            "sshd: enroll_by has no effect",
        ),
    ] {
        shell(
            "for user in $(grep ^u- /etc/passwd | cut -d: -f1); do userdel -rf $user; done; groupdel -f robots || :",
        );
        let sim = prepare(rules);
        let all = checks(&sim, &[]);
        let of_day = said(&all, "enroll_by");
        let wanted = of_day
            .lines()
            .any(|line| line.starts_with(&format!("\"{level}\"")) && line.contains(part));
        assert!(wanted, "{of_day}");
        let lets_in = said(&all, "pam sshd").contains("enroll_by lets accounts");
        assert_eq!(
            lets_in,
            rules.contains("9999") && !rules.contains("ignore"),
            "{rules}"
        );
    }
}
