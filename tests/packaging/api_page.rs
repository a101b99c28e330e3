//! The tables of docs/api.md against the code: each names the functions of the client, all of them,
//! and commands that `authyctl` has. `docs` checks that the tests exist which they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::docs::section;
use super::{AUTHYCTL, root, text_of};
use crate::common::rows::check_rows;

/// Returns the cells of each row: the call, the functions, the command, the tests.
fn rows(heading: &str) -> Vec<[String; 4]> {
    let page = text_of("docs/api.md");
    let rows =
        section(&page, heading).filter(|line| line.starts_with("| `") || line.starts_with("| the"));
    let cells = rows.map(|row| {
        let cells: Vec<_> = row
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        cells.try_into().expect("four cells")
    });
    cells.collect()
}

/// Returns what is in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the text of all source files below a folder.
fn sources(folder: &Path, text: &mut String) {
    for path in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &fs::read_to_string(path).unwrap();
        }
    }
}

/// Returns `users().create` for each public function of a resource of a client.
fn functions(client: &str) -> BTreeSet<String> {
    let mut text = String::new();
    sources(&root().join("src/client").join(client), &mut text);
    let mut found = BTreeSet::new();
    for part in text.split("impl<T: Transport> ").skip(1) {
        let resource = part.split_once("<'_, T> {").map_or("", |(name, _)| name);
        if resource.is_empty() || !resource.chars().all(char::is_alphabetic) {
            continue;
        }
        let body = part.split_once("\n}\n").expect("the end of the block").0;
        let names = body.split("    pub fn ").skip(1);
        let names = names.map(|after| after.split(['(', '<']).next().unwrap());
        found.extend(names.map(|name| format!("{}().{name}", resource.to_lowercase())));
    }
    found
}

#[test]
fn the_tables_of_calls_name_each_function_of_the_clients_and_no_other() {
    let mut wrong = Vec::new();
    for (client, heading) in [("authy", "Calls"), ("twilio", "Calls of Twilio Verify")] {
        let rows = rows(heading);
        let named: BTreeSet<_> = rows.iter().flat_map(|[_, cell, ..]| quoted(cell)).collect();
        let named: BTreeSet<_> = named
            .into_iter()
            .filter(|name| !name.contains("::"))
            .map(str::to_owned)
            .collect();
        let functions = functions(client);
        assert!(functions.len() >= 20, "{functions:?}");
        wrong.extend(named.symmetric_difference(&functions).cloned());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let callback = text_of("src/client/authy/callback/mod.rs");
    assert!(callback.contains("impl Callback<'_> {") && callback.contains("    pub fn verify("));
}

#[test]
fn each_call_has_a_command_that_exists_or_a_reason_for_none() {
    let rows = [rows("Calls"), rows("Calls of Twilio Verify")].concat();
    assert!(rows.len() >= 43, "{}", rows.len());
    check_rows(&rows, |[call, _, cell, _]| {
        let commands = quoted(cell);
        let is_explained = cell.starts_with("none: ") || *cell == "a login";
        assert!(is_explained == commands.is_empty(), "{call}: {cell}");
        for line in commands {
            let words: Vec<_> = line.split(' ').collect();
            let (options, names): (Vec<&str>, Vec<&str>) =
                words.iter().partition(|word| word.starts_with("--"));
            let output = Command::new(AUTHYCTL)
                .args(names)
                .arg("--help")
                .output()
                .unwrap();
            let help = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{call}: {line}");
            for option in options {
                assert!(help.contains(option), "{call}: {option}");
            }
        }
    });
}
