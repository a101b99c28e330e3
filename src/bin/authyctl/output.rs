//! What a command prints: lines for people, one JSON object for scripts. Also reads an argument
//! that may be left out from the terminal or standard input.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};
use std::str::FromStr;

use pam_authy::base::secret::Secret;
use pam_authy::base::text;
use serde_json::{Map, Value};

use crate::error::{CommandError, ErrorKind, without_numbers};
use crate::hint::with_sudo;

/// The colour of a word on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Yellow,
    Green,
}

/// Whether `stream` is a terminal that may show colours.
pub(crate) fn has_colours(stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !unwanted && stream.is_terminal()
}

/// Returns `text` in a colour, or unchanged where `stream` is not a terminal, NO_COLOR is set, or
/// TERM is `dumb`.
pub(crate) fn paint(stream: &impl IsTerminal, colour: Colour, text: &str) -> String {
    if !has_colours(stream) {
        return text.to_owned();
    }
    let number = match colour {
        Colour::Red => 31,
        Colour::Yellow => 33,
        Colour::Green => 32,
    };
    format!("\x1b[{number}m{text}\x1b[0m")
}

/// Returns `name` for a message: without control characters, and at most 64 characters long.
pub(crate) fn shown_name(name: &str) -> String {
    text::sanitize_to(name, 64)
}

/// Returns the first few of these names, and how many more there are.
pub(crate) fn shorten(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// What a command did.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The lines for people.
    pub(crate) lines: Vec<String>,
    /// A warning, printed to standard error.
    pub(crate) warning: Option<String>,
    /// The members of the JSON object, besides `ok`.
    pub(crate) members: Map<String, Value>,
    /// Whether standard output has it already.
    pub(crate) is_printed: bool,
}

impl Output {
    pub(crate) fn new(lines: Vec<String>, members: Value) -> Self {
        let members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            lines,
            warning: None,
            members,
            is_printed: false,
        }
    }

    /// Prints to standard output what the command prints at its end otherwise.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn print_now(mut self, as_json: bool) -> io::Result<Self> {
        self.is_printed = true;
        if as_json {
            print(&[json_line(&self.as_json())])?;
        } else {
            print(&self.lines)?;
        }
        Ok(self)
    }

    fn as_json(&self) -> Value {
        let mut object = self.members.clone();
        object.insert("ok".into(), Value::Bool(true));
        if let Some(warning) = &self.warning {
            object
                .entry("warning")
                .or_insert_with(|| warning.as_str().into());
        }
        Value::Object(object)
    }
}

/// Prints the outcome, and returns the exit status.
pub(crate) fn report(outcome: Result<Output, CommandError>, as_json: bool, quiet: bool) -> u8 {
    let status = outcome
        .as_ref()
        .map_or_else(|error| error.kind.exit_status(), |_| 0);
    let printed = match (&outcome, as_json) {
        (Ok(output), true) if output.is_printed => Ok(()),
        (Ok(output), true) => print(&[json_line(&output.as_json())]),
        (Err(error), true) if !error.is_after_output => print(&[json_line(&error.as_json())]),
        (Ok(output), false) => {
            if let Some(warning) = &output.warning {
                let word = paint(&io::stderr(), Colour::Yellow, "warning:");
                eprintln!("authyctl: {word} {}", with_sudo(warning));
            }
            let is_silent = quiet || output.is_printed;
            print(if is_silent { &[] } else { &output.lines })
        }
        (Err(error), _) => {
            let printed = if error.is_after_output {
                Ok(())
            } else {
                print(&error.lines)
            };
            let name = paint(&io::stderr(), Colour::Red, "authyctl:");
            eprintln!("{name} {}", error.message);
            if let Some(hint) = error.hint.as_deref().or_else(|| for_plain_user(error)) {
                eprintln!("hint: {}", with_sudo(hint));
            }
            printed
        }
    };
    self::printed(printed, status)
}

/// What a plain user can do about a file that is closed to them.
fn for_plain_user(error: &CommandError) -> Option<&'static str> {
    let is_closed = error.message.contains("Permission denied");
    (is_closed && !nix::unistd::Uid::effective().is_root())
        .then_some("only root can do this: use sudo")
}

/// Returns the exit status after something was printed to standard output: `status`, or 4 where
/// that failed. A closed one is not an error, since who reads it has seen enough.
pub(crate) fn printed(outcome: io::Result<()>, status: u8) -> u8 {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = without_numbers(&error.to_string());
            eprintln!("authyctl: standard output: {error}");
            ErrorKind::Local.exit_status()
        }
        _ => status,
    }
}

/// Prints what authyctl says without arguments; returns the exit status of wrong usage.
pub(crate) fn page(lines: &[String]) -> u8 {
    printed(print(lines), ErrorKind::Usage.exit_status())
}

/// Returns a value as one line of JSON that is safe on a terminal: what JSON allows in a text and a
/// terminal obeys, such as U+009B, is escaped.
pub(crate) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if text::is_unsafe(c) {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            line.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            line.push(c);
        }
    }
    line
}

/// Prints lines to standard output.
pub(crate) fn print(lines: &[String]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    (lines.iter()).try_for_each(|line| writeln!(stdout, "{line}"))?;
    stdout.flush()
}

/// Returns rows with their columns aligned.
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

/// Returns an argument that works once, such as a token. Reads one line from the terminal or
/// standard input when it was left out or is `-`.
///
/// # Errors
/// Standard input cannot be read, or the text is malformed.
pub(crate) fn argument_or_prompt<T>(prompt: &str, given: Option<&str>) -> Result<T, CommandError>
where
    T: FromStr<Err: Display>,
{
    let line = match given {
        Some(word) if word != "-" => Secret::new(word.to_owned()),
        _ => read_line(prompt)?,
    };
    let text = line.expose().trim();
    text.parse()
        .map_err(|error: T::Err| CommandError::new(ErrorKind::Usage, error.to_string()))
}

fn read_line(prompt: &str) -> Result<Secret, CommandError> {
    if io::stdin().is_terminal() {
        eprint!("{prompt}");
        let _ = io::stderr().flush();
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| CommandError::new(ErrorKind::Local, format!("standard input: {error}")))?;
    Ok(Secret::new(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["é", "1"], ["abc", "2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), ["é    1", "abc  2"]);
    }

    #[test]
    fn json_has_nothing_that_a_terminal_obeys_and_says_the_same() {
        let value = serde_json::json!({"user": "é\u{9b}31m\u{202e}\u{2028}\u{7f}\u{e0041}\n\"\\"});
        let line = json_line(&value);
        assert!(
            !line.chars().any(text::is_unsafe) && line.contains('é'),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
