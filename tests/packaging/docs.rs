//! Checks the pages and manual pages against the code: named tests exist, keys and options are
//! explained, and the `make` lines name targets of the Makefile. `guides` checks commands and
//! links.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

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
pub(crate) fn section<'a>(markdown: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("## {heading}");
    let after = markdown
        .lines()
        .skip_while(move |line| *line != heading)
        .skip(1);
    after.take_while(|line| !line.starts_with("## "))
}

/// Every row of a table of this section names tests in its last cell, and all of them exist.
fn rows_name_tests(file: &str, heading: &str, least: usize) {
    let text = text_of(file);
    let mut tests = BTreeSet::new();
    tests_below(&root().join("src"), &mut tests);
    tests_below(&root().join("tests"), &mut tests);

    let rows: Vec<&str> = section(&text, heading)
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();

    assert!(rows.len() >= least, "{file}: the table is missing");
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

#[test]
fn each_row_of_what_happens_when_names_tests_that_exist() {
    rows_name_tests("docs/behaviour.md", "What happens when", 40);
}

/// The first cells of the table in the section "What happens when".
fn what_happens(file: &str) -> Vec<String> {
    let text = text_of(file);
    section(&text, "What happens when")
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .map(|(when, _)| when.to_owned())
        .collect()
}

#[test]
fn each_case_of_the_readme_is_one_of_the_page_that_proves_it() {
    let proven = what_happens("docs/behaviour.md");
    let shown = what_happens("README.md");
    assert!(shown.len() >= 8, "{shown:?}");
    for when in shown {
        assert!(proven.contains(&when), "{when}");
    }
    let lines = text_of("README.md").lines().count();
    assert!(lines <= 160, "{lines} lines");
}

#[test]
fn each_call_of_the_api_names_tests_that_exist() {
    rows_name_tests("docs/api.md", "Calls", 20);
    rows_name_tests("docs/api.md", "Calls of Twilio Verify", 20);
}

#[test]
fn each_requirement_of_security_md_names_tests_that_exist() {
    rows_name_tests("SECURITY.md", "Requirements and their tests", 29);
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
fn each_key_of_the_sample_is_explained_in_docs_and_manual() {
    let manual = text_of("packaging/man/pam_authy.toml.5");
    let page = text_of("docs/configuration.md");
    let keys = sample_keys();

    assert!(
        keys.contains("when_unavailable") && keys.contains("timeout_seconds"),
        "{keys:?}"
    );
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")),
            "{key} is missing in docs/configuration.md"
        );
        assert!(
            manual.contains(&format!(".B {key}\n")),
            "{key} is missing in pam_authy.toml.5"
        );
    }
}

/// The long options that a program's help shows.
fn long_options(program: &str) -> BTreeSet<String> {
    let help = stdout_of(Command::new(program).arg("--help"));
    help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.len() > 2 && word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_option_of_authy_sim_is_in_its_manual() {
    let manual = "packaging/man/authy-sim.1";
    let text = text_of(manual).replace('\\', "");
    for option in long_options(AUTHY_SIM) {
        assert!(text.contains(&option), "{option} is missing in {manual}");
    }
}

#[test]
fn the_manual_and_completions_of_authyctl_are_the_ones_that_it_prints() {
    for (arguments, file) in [
        (&["man"][..], "man/authyctl.8"),
        (&["completions", "bash"], "completions/authyctl.bash"),
        (&["completions", "zsh"], "completions/_authyctl"),
        (&["completions", "fish"], "completions/authyctl.fish"),
    ] {
        let printed = stdout_of(Command::new(AUTHYCTL).args(arguments));
        assert!(
            printed == text_of(&format!("packaging/{file}")),
            "run: authyctl {} > packaging/{file}",
            arguments.join(" ")
        );
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
