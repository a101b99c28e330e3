//! The commands `completions` and `man`.

use super::{run, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

#[test]
fn completions_and_manual_know_every_command() {
    let sim = Sim::start();
    let man = text(&run(&sim, &["man"], "").stdout);
    let table = [
        "INIT",
        "ENROLL",
        "IMPORT",
        "PUSH",
        "QR",
        "PHONE START",
        "DOCTOR",
        "EXPLAIN",
    ];
    check_rows(table, |command| {
        assert!(man.contains(&format!("AUTHYCTL {command}")), "{command}");
    });
    check_rows(["bash", "zsh", "fish"], |shell| {
        let script = text(&run(&sim, &["completions", shell], "").stdout);
        assert!(
            script.contains("doctor") && script.contains("hidden-detail"),
            "{shell}"
        );
    });
}

#[test]
fn bash_completes_users_and_services_where_the_command_takes_one() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("authyctl.bash");
    std::fs::write(&script, run(&sim, &["completions", "bash"], "").stdout).unwrap();
    let services = std::fs::read_dir("/etc/pam.d").unwrap();
    let service = services
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .min()
        .unwrap();
    let table = [
        ("authyctl enroll roo", "root"),
        ("authyctl recovery generate roo", "root"),
        ("authyctl enroll --totp roo", "root"),
        ("authyctl sync --dry-run --accept roo", "root"),
        ("authyctl audit --user roo", "root"),
        ("authyctl explain root --service {}", &service),
        ("authyctl pam enable --now {}", &service),
        ("authyctl pam disable {}", &service),
        ("authyctl enroll --to", "--totp"),
        ("authyctl pam en", "enable"),
    ];
    check_rows(table, |(line, expected)| {
        let words = line.replace("{}", &service);
        let code = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _authyctl_names authyctl \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = std::process::Command::new("bash")
            .args(["-c", &code])
            .output();
        let words = text(&output.unwrap().stdout);
        assert!(words.lines().any(|word| word == expected), "{words}");
        assert!(!words.contains("<USER>"), "{words}");
    });
}
