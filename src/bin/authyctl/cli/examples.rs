//! The examples of each command, for `--help` and the manual page.
//!
//! `examples.txt` has them in the order of the manual page: the words after `authyctl`, and below
//! them what the command does. A test types each of them into a shell, and compares what it does
//! with its text.

/// The examples, in pairs of lines.
const TEXT: &str = include_str!("examples.txt");
/// Commands that print a text and need no root.
const OF_PLAIN_USERS: [&str; 3] = ["completions", "guide", "man"];

/// A command line, and what it does.
pub(crate) struct Example {
    /// The words after `authyctl`.
    words: &'static str,
    pub(crate) text: &'static str,
}

impl Example {
    /// Returns the line to type. Most commands need root, and the folder of this program is not in
    /// the PATH of a plain user everywhere.
    pub(crate) fn line(&self) -> String {
        let is_plain = OF_PLAIN_USERS.iter().any(|name| self.is_of(name));
        let sudo = if is_plain { "" } else { "sudo " };
        format!("{sudo}authyctl {}", self.words)
    }

    /// Whether this is an example of a command, such as `pam enable`, or of one below it.
    fn is_of(&self, command: &str) -> bool {
        let rest = self.words.strip_prefix(command);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }
}

/// Returns all examples, in the order of the manual page.
pub(crate) fn all() -> impl Iterator<Item = Example> {
    let mut lines = TEXT.lines();
    std::iter::from_fn(move || {
        let (words, text) = (lines.next()?, lines.next()?.trim_start());
        Some(Example { words, text })
    })
}

/// Returns the examples of a command, such as `pam enable`, and of the commands below it.
fn of(command: &str) -> impl Iterator<Item = Example> {
    all().filter(move |example| example.is_of(command))
}

/// Adds to each command below `command`, whose full name is `name`, the examples of it.
pub(super) fn add(command: clap::Command, name: &str) -> clap::Command {
    let below: Vec<String> = (command.get_subcommands())
        .map(|inner| inner.get_name().to_owned())
        .collect();
    let command = below.iter().fold(command, |command, inner| {
        let full = format!("{name} {inner}");
        command.mut_subcommand(inner, |inner| add(inner, full.trim_start()))
    });
    let style = *command.get_styles().get_header();
    let lines: Vec<_> = of(name)
        .map(|example| format!("\n  {}\n      {}", example.line(), example.text))
        .collect();
    if lines.is_empty() {
        return command;
    }
    command.after_help(format!("{style}Examples:{style:#}{}", lines.concat()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::{Cli, command};
    use super::*;

    /// Returns the full names of the commands that have none below them.
    fn leaves(command: &clap::Command, name: &str) -> Vec<String> {
        let mut inner = command.get_subcommands().filter(|c| c.get_name() != "help");
        let mut found: Vec<_> = inner
            .by_ref()
            .flat_map(|inner| leaves(inner, format!("{name} {}", inner.get_name()).trim_start()))
            .collect();
        if found.is_empty() {
            found.push(name.to_owned());
        }
        found
    }

    #[test]
    fn each_command_has_an_example_that_it_accepts() {
        let without: Vec<_> = (leaves(&Cli::command(), "").into_iter())
            .filter(|name| of(name).next().is_none())
            .collect();
        assert!(without.is_empty(), "{without:?}");
        for example in all() {
            let line = example
                .line()
                .replace("\"$UUID\"", "00000000-0000-0000-0000-000000000001");
            let words = line.split_once("authyctl ").unwrap().1;
            let words = words.split('"').enumerate().flat_map(|(part, text)| {
                let is_quoted = part % 2 == 1;
                let pieces: Vec<_> = if is_quoted {
                    vec![text]
                } else {
                    text.split_whitespace().collect()
                };
                pieces
            });
            let parsed = command().try_get_matches_from(std::iter::once("authyctl").chain(words));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }

    #[test]
    fn help_shows_the_examples_of_a_command() {
        let mut command = command();
        command.build();
        let pam = command.find_subcommand_mut("pam").unwrap();
        let enable = pam.find_subcommand_mut("enable").unwrap();
        let help = enable.render_help().to_string();
        assert!(
            help.contains("\n  sudo authyctl pam enable sshd\n      makes the change"),
            "{help}"
        );
        assert!(
            help.contains("\nGlobal options:\n      --config <PATH>"),
            "{help}"
        );
    }
}
