//! README and manual pages against the code: named tests exist, keys and options are explained, and
//! the command lines that the README shows are ones that the programs take.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{AUTHY_SIM, AUTHYCTL, root, stdout_of, text_of};

/// Names of all functions marked `#[test]` below `folder`.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for path in fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let marked = text.split("#[test]").skip(1);
            let names = marked.filter_map(|after| after.split_once("fn ")?.1.split_once('('));
            found.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
}

/// The lines of a Markdown section, without its heading.
fn section<'a>(markdown: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("## {heading}");
    let after = markdown
        .lines()
        .skip_while(move |line| *line != heading)
        .skip(1);
    after.take_while(|line| !line.starts_with("## "))
}

#[test]
fn each_row_of_what_happens_when_names_tests_that_exist() {
    let readme = text_of("README.md");
    let mut tests = BTreeSet::new();
    tests_below(&root().join("src"), &mut tests);
    tests_below(&root().join("tests"), &mut tests);

    let rows: Vec<&str> = section(&readme, "What happens when")
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();

    assert!(rows.len() >= 10, "the table is missing");
    for row in rows {
        let cell = row
            .trim_end_matches(['|', ' '])
            .rsplit('|')
            .next()
            .expect("a cell");
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named in: {row}");
        for name in named {
            assert!(
                tests.contains(name),
                "there is no test {name}, named in: {row}"
            );
        }
    }
}

/// The keys that the sample sets or shows in a comment.
fn sample_keys() -> BTreeSet<String> {
    let is_name = |key: &&str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let sample = text_of("etc/config.toml");
    let lines = sample
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']));
    lines
        .filter_map(|line| line.split_once(" = ").map(|(key, _)| key))
        .filter(is_name)
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_key_of_the_sample_is_explained_in_readme_and_manual() {
    let manual = text_of("packaging/man/pam_authy.8");
    let readme = text_of("README.md");
    let keys = sample_keys();

    assert!(
        keys.contains("when_unavailable") && keys.contains("timeout_seconds"),
        "{keys:?}"
    );
    for key in keys {
        assert!(
            readme.contains(&format!("`{key}`")),
            "{key} is missing in README.md"
        );
        assert!(
            manual.contains(&format!(".B {key}\n")),
            "{key} is missing in pam_authy.8"
        );
    }
}

/// The long options that a program's help shows, of its subcommands too.
fn long_options(program: &str, subcommands: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for subcommand in [None].into_iter().chain(subcommands.iter().map(Some)) {
        let help = stdout_of(Command::new(program).args(subcommand).arg("--help"));
        let words = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        found.extend(
            words
                .filter(|word| word.len() > 2 && word.starts_with("--"))
                .map(str::to_owned),
        );
    }
    found
}

#[test]
fn each_option_of_the_programs_is_in_its_manual() {
    let subcommands = [
        "enroll", "unenroll", "list", "status", "verify", "sms", "test",
    ];
    for (program, subcommands, manual) in [
        (AUTHYCTL, subcommands.as_slice(), "packaging/man/authyctl.8"),
        (AUTHY_SIM, &[], "packaging/man/authy-sim.1"),
    ] {
        let text = text_of(manual).replace('\\', "");
        for option in long_options(program, subcommands) {
            assert!(text.contains(&option), "{option} is missing in {manual}");
        }
        for subcommand in subcommands {
            assert!(
                text.contains(&format!("\n.BI \"{subcommand} "))
                    || text.contains(&format!("\n.B {subcommand}\n")),
                "{subcommand} is missing in {manual}"
            );
        }
    }
}

/// The lines of the README that start with `command`, without sudo, comment and what follows `&&`.
fn command_lines(command: &str) -> Vec<Vec<String>> {
    let readme = text_of("README.md");
    let parts = readme
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or("").split("&&"));
    parts
        .map(|part| part.trim().trim_start_matches("sudo "))
        .filter_map(|part| part.strip_prefix(command)?.strip_prefix(' '))
        .map(|rest| rest.replace("\"$USER\"", "alice"))
        .map(|rest| rest.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn each_authyctl_line_of_the_readme_is_one_that_authyctl_takes() {
    let folder = tempfile::tempdir().unwrap();
    let lines = command_lines("authyctl");

    assert!(lines.len() >= 7, "{lines:?}");
    for line in lines {
        let status = Command::new(AUTHYCTL)
            .args(&line)
            .arg("--config")
            .arg(folder.path().join("config.toml"))
            .arg("--users")
            .arg(folder.path().join("users.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("authyctl starts");
        assert!(
            matches!(status.code(), Some(0 | 3 | 4)),
            "authyctl {line:?}: {status}"
        );
    }
}

#[test]
fn each_make_line_of_the_readme_names_a_target() {
    let makefile = text_of("Makefile");
    let lines = command_lines("make");

    assert!(lines.len() >= 5, "{lines:?}");
    for target in lines.iter().filter_map(|line| line.first()) {
        assert!(
            makefile.contains(&format!("\n{target}:")),
            "there is no target {target}"
        );
    }
}
