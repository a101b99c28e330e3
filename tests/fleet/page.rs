//! docs/fleet.md, typed from top to bottom on a host with a real slapd, whose rules and schema are
//! those of the page.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output, Stdio};

use super::slapd::{BASE, PASSWORD, Slapd, change_of, free_port, people, person};
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;
use crate::packaging::docs::section;
use crate::packaging::text_of;

const HEADING: &str = "People from a directory";

/// The code blocks of the section: the language, and the text.
fn blocks() -> Vec<(String, String)> {
    let page = text_of("docs/fleet.md");
    let mut blocks = Vec::new();
    let mut inside: Option<(String, String)> = None;
    for line in section(&page, HEADING) {
        match (line.strip_prefix("```"), &mut inside) {
            (Some(language), None) => inside = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Types a line as root, with `input`.
fn type_line(line: &str, input: &str) -> Output {
    fs::write("/tmp/input", input).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line.strip_prefix("sudo ").unwrap()]);
    shell.stdin(Stdio::from(fs::File::open("/tmp/input").unwrap()));
    shell.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A slapd with the rules of the page, and the host on which it is typed.
fn prepare(rules: &str) -> (Slapd, Sim) {
    let (schema, rules) = rules.split_once("\n\n").unwrap();
    assert!(schema.ends_with("/pam_authy.schema"), "{schema}");
    let all = people(20)
        + &person("alice", "pamAuthyId: 1635\nmobile: +1 405 342 5699")
        + &person("bob", "pamAuthyId: 1636");
    let slapd = Slapd::configured(&all, rules);
    let sim = Sim::start();
    fs::create_dir_all("/etc/pam_authy").unwrap();
    fs::copy(sim.path("config.toml"), "/etc/pam_authy/config.toml").unwrap();
    fs::set_permissions(
        "/etc/pam_authy/config.toml",
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::write("/etc/pam_authy/users.toml", "[users]\nadmin = 1640\n").unwrap();
    symlink(env!("CARGO_BIN_EXE_authyctl"), "/usr/local/sbin/authyctl").unwrap();
    let hosts = fs::read_to_string("/etc/hosts").unwrap();
    let names = "127.0.0.1 ldap1.example.com ldap2.example.com\n";
    fs::write("/etc/hosts", hosts + names).unwrap();
    std::env::set_current_dir(slapd.path("")).unwrap();
    (slapd, sim)
}

#[test]
#[ignore = "needs root"]
fn the_page_of_the_fleet_leads_from_a_directory_to_its_death() {
    sandboxed!();
    let blocks = blocks();
    let (mut slapd, _sim) = prepare(&blocks[0].1);
    let (_, tls_port) = slapd.ports();
    let mut typed = Vec::new();
    for (language, text) in &blocks[1..] {
        if language == "toml" {
            // The first server is down, and neither has its usual port here.
            let text = text
                .replace(
                    "ldap1.example.com",
                    &format!("ldap1.example.com:{}", free_port()),
                )
                .replace(
                    "ldap2.example.com",
                    &format!("ldap2.example.com:{tls_port}"),
                );
            let path = "/etc/pam_authy/config.toml";
            let config = fs::read_to_string(path).unwrap();
            fs::write(path, format!("{config}\n{text}")).unwrap();
            continue;
        }
        for line in text.lines() {
            typed.push(line.to_owned());
            follow(line, &slapd);
        }
    }
    let commands = typed
        .iter()
        .filter(|line| line.contains("authyctl"))
        .count();
    assert_eq!((commands, typed.len()), (7, 10), "{typed:?}");
    slapd.stop();
    let output = type_line("sudo authyctl sync", "");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let listed = said(&type_line("sudo authyctl list", ""));
    assert!(
        listed.contains("alice") && !listed.contains("bob"),
        "{listed}"
    );
}

/// Types one line of the page, and checks that it does what the page says.
fn follow(line: &str, slapd: &Slapd) {
    match line {
        // systemd does not run here; service::unit checks the units.
        "sudo systemctl enable --now pam_authy-sync.timer" => return,
        "sudo authyctl sync --accept alice" => {
            slapd.set("alice", "pamAuthyId", &["1650"]);
            let said = said(&type_line("sudo authyctl sync", ""));
            assert!(
                said.contains("held: alice: authy_id 1635 → authy_id 1650"),
                "{said}"
            );
        }
        "sudo authyctl sync --forget bob" => {
            slapd.remove("bob");
            let said = said(&type_line("sudo authyctl sync", ""));
            assert!(said.contains("removed: bob"), "{said}");
        }
        "sudo authyctl sync --dry-run" => {
            // By the rules of the page alice cannot write it herself.
            let dn = format!("uid=alice,ou=people,{BASE}");
            let own = slapd.change_as(&dn, "own", &change_of("alice", "pamAuthyId", &["1"]));
            assert!(said(&own).contains("Insufficient access"), "{own:?}");
        }
        _ => {}
    }
    let output = type_line(line, &format!("{PASSWORD}\n"));
    let said = said(&output);
    // On this host doctor finds more than the directory to complain about.
    assert!(
        output.status.success() || line.contains("doctor"),
        "{line}\n{said}"
    );
    let expected = [
        ("sync --dry-run", "22 people from ldaps://ldap2.example.com"),
        ("sync --dry-run", "not used: ldaps://ldap1.example.com"),
        ("check", "config.toml is valid"),
        ("list", "alice  1635"),
        ("doctor", "has 22 people; the last pass was 0 min ago"),
        (
            "--accept alice",
            "accepted: alice: authy_id 1635 → authy_id 1650",
        ),
        ("--forget bob", "forgotten: bob"),
    ];
    for (_, part) in expected.iter().filter(|(end, _)| line.ends_with(end)) {
        assert!(said.contains(part), "{line}: {said}");
    }
}
