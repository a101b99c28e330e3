//! What a command prints: lines for people, one object for scripts.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};
use std::str::FromStr;

use pam_authy::secret::Secret;
use serde_json::{Map, Value};

use crate::failure::{Failure, Kind};

/// What a command has done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// For people.
    pub(crate) lines: Vec<String>,
    /// Something worth knowing, on standard error.
    pub(crate) warning: Option<String>,
    /// For scripts, beside `ok`.
    pub(crate) members: Map<String, Value>,
}

impl Done {
    pub(crate) fn new(lines: Vec<String>, members: Value) -> Self {
        let members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            lines,
            warning: None,
            members,
        }
    }
}

/// Prints the outcome; gives back the exit status. A reader that has gone away is no error.
pub(crate) fn report(outcome: Result<Done, Failure>, as_json: bool, quiet: bool) -> u8 {
    let status = outcome
        .as_ref()
        .map_or_else(|failure| failure.kind.exit_status(), |_| 0);
    let mut stdout = io::stdout().lock();
    let _ = match (&outcome, as_json) {
        (Ok(done), true) => {
            let mut object = done.members.clone();
            object.insert("ok".into(), Value::Bool(true));
            if let Some(warning) = &done.warning {
                object
                    .entry("warning")
                    .or_insert_with(|| warning.as_str().into());
            }
            writeln!(stdout, "{}", Value::Object(object))
        }
        (Err(failure), true) => writeln!(stdout, "{}", failure.as_json()),
        (Ok(done), false) => {
            if let Some(warning) = &done.warning {
                eprintln!("authyctl: warning: {warning}");
            }
            if quiet {
                Ok(())
            } else {
                done.lines
                    .iter()
                    .try_for_each(|line| writeln!(stdout, "{line}"))
            }
        }
        (Err(failure), false) => {
            for line in &failure.lines {
                let _ = writeln!(stdout, "{line}");
            }
            eprintln!("authyctl: {}", failure.message);
            if let Some(hint) = &failure.hint {
                eprintln!("hint: {hint}");
            }
            Ok(())
        }
    };
    status
}

/// Rows with their columns aligned.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

/// Something that works once, such as a token: the word of the command line, or one line of the prompt
/// or standard input.
pub(crate) fn read_once<T>(prompt: &str, given: Option<&str>) -> Result<T, Failure>
where
    T: FromStr<Err: Display>,
{
    let line = match given {
        Some(word) if word != "-" => Secret::new(word.to_owned()),
        _ => read_line(prompt)?,
    };
    let text = line.expose().trim_end_matches(['\r', '\n']);
    text.parse()
        .map_err(|error: T::Err| Failure::new(Kind::Usage, error.to_string()))
}

fn read_line(prompt: &str) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        eprint!("{prompt}");
        let _ = io::stderr().flush();
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(Kind::Local, format!("standard input: {error}")))?;
    Ok(Secret::new(line))
}
