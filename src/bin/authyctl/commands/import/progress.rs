//! What is seen of an import while it goes on.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{RowError, RowOutcome};
use crate::cli::Global;
use crate::output::shown_name;

/// A bar on a terminal, a line for each row elsewhere; with `--quiet` the rows that fail, and nothing
/// for scripts.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    failures: bool,
    rows: bool,
    done: &'static str,
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
            failures: !global.json,
            rows: !global.json && !global.quiet && bar.is_none(),
            bar,
            done: if dry_run {
                "would be enrolled"
            } else {
                "enrolled"
            },
        }
    }

    pub(super) fn row(&self, line: usize, user: &str, outcome: &Result<RowOutcome, RowError>) {
        let user = shown_name(user);
        match outcome {
            Err(error) if self.failures => self.say(&format!("line {line}: {}", error.message)),
            Ok(RowOutcome::Enrolled) if self.rows => {
                self.say(&format!("line {line}: {user}: {}", self.done))
            }
            Ok(RowOutcome::Skipped) if self.rows => {
                self.say(&format!("line {line}: {user}: enrolled already"))
            }
            _ => {}
        }
        if let Some(bar) = &self.bar {
            bar.set_message(user);
            bar.inc(1);
        }
    }

    /// A line on standard error, above the bar.
    fn say(&self, line: &str) {
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
