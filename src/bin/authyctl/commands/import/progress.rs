//! What is shown of an import while it runs.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{RowError, RowOutcome};
use crate::cli::Global;
use crate::output::shown_name;

/// A bar on a terminal and a line for each row elsewhere; only the rows that fail with `--quiet`,
/// and nothing with `--json`.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    shows_failures: bool,
    shows_rows: bool,
    enrolled: &'static str,
}

impl Progress {
    pub(super) fn start(global: &Global, rows: usize, dry_run: bool) -> Self {
        let on_terminal = io::stderr().is_terminal();
        let bar = (!global.json && !global.quiet && on_terminal).then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(rows as u64).with_style(style)
        });
        Self {
            shows_failures: !global.json,
            shows_rows: !global.json && !global.quiet && bar.is_none(),
            bar,
            enrolled: if dry_run {
                "would be enrolled"
            } else {
                "enrolled"
            },
        }
    }

    pub(super) fn row(&self, line: usize, user: &str, outcome: &Result<RowOutcome, RowError>) {
        let user = shown_name(user);
        match outcome {
            Err(error) if self.shows_failures => {
                self.print(&format!("line {line}: {}", error.message))
            }
            Ok(RowOutcome::Enrolled) if self.shows_rows => {
                self.print(&format!("line {line}: {user}: {}", self.enrolled))
            }
            Ok(RowOutcome::Skipped) if self.shows_rows => {
                self.print(&format!("line {line}: {user}: already enrolled"))
            }
            _ => {}
        }
        if let Some(bar) = &self.bar {
            bar.set_message(user);
            bar.inc(1);
        }
    }

    /// A line on standard error, above the bar.
    fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
