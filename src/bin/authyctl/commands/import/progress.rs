//! What is shown of an import while it runs.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{RowError, RowOutcome, Source, line};
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
    /// Nothing is shown of files of other programs, whose report names what was left out.
    pub(super) fn start(global: &Global, source: Source<'_>, rows: usize, dry_run: bool) -> Self {
        let on_terminal = io::stderr().is_terminal();
        let shows = !global.json && matches!(source, Source::People(_));
        let bar = (shows && !global.quiet && on_terminal).then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(rows as u64).with_style(style)
        });
        Self {
            shows_failures: shows,
            shows_rows: shows && !global.quiet && bar.is_none(),
            bar,
            enrolled: if dry_run {
                "would be enrolled"
            } else {
                "enrolled"
            },
        }
    }

    pub(super) fn row(
        &self,
        number: Option<usize>,
        user: &str,
        outcome: &Result<RowOutcome, RowError>,
    ) {
        match outcome {
            Err(error) if self.shows_failures => self.print(&line(number, user, &error.message)),
            Ok(RowOutcome::Enrolled) if self.shows_rows => {
                self.print(&line(number, user, self.enrolled));
            }
            Ok(RowOutcome::Skipped) if self.shows_rows => {
                self.print(&line(number, user, "already enrolled"));
            }
            _ => {}
        }
        if let Some(bar) = &self.bar {
            bar.set_message(shown_name(user));
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
