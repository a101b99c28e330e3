//! The one line that the module itself writes into the system's log: no engine took part in the
//! login, so that no engine can write it. Called by `module`.

use std::path::Path;

use crate::base::attempt::{Attempt, Outcome};
use crate::base::{audit_line, text};
use crate::host::journal::{DEFAULT_LOG, ERROR, Journal};

/// Writes the detail of `outcome` and its audit line. Blocks up to 200 ms where the log is full.
pub(super) fn record(attempt: &Attempt, outcome: &Outcome) {
    let journal = Journal::open(&attempt.service, Path::new(DEFAULT_LOG));
    if let Some(detail) = &outcome.detail {
        journal.write(ERROR, &text::sanitize_to(detail, 1000));
    }
    journal.write(ERROR, &audit_line::format(attempt, outcome));
}
