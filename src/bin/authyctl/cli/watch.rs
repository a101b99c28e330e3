//! `audit`, `metrics`: the arguments of the commands for those who watch a host.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::value::{absolute, absolute_or_standard_input, user_name};

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only what came at this time or later: 2h (also s, m, d, w), today, yesterday, a day or an RFC 3339 time
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only logins of this user name
    #[arg(long, value_name = "USER", value_parser = user_name)]
    pub(crate) user: Option<String>,
    /// Only this verdict
    #[arg(long, value_name = "V")]
    pub(crate) verdict: Option<VerdictWord>,
    /// A file that a syslog daemon writes, or - for standard input, instead of the journal
    #[arg(long, value_name = "LOG", value_parser = absolute_or_standard_input())]
    pub(crate) file: Option<PathBuf>,
    /// How each event is written, one a line; text by default
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<EventFormat>,
}

/// The verdicts of the audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictWord {
    Accepted,
    Ignored,
    Refused,
    Unavailable,
    Error,
}

impl VerdictWord {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Error => "error",
        }
    }
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// Time, host, service and the audit line
    Text,
    /// A JSON object with the fields of the audit line
    Json,
    /// Authentication of the Open Cybersecurity Schema Framework, as a JSON object
    Ocsf,
}

/// Arguments of `metrics`.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Replace this file, for the textfile collector of node_exporter, instead of printing
    #[arg(long, value_name = "FILE", value_parser = absolute())]
    pub(crate) output: Option<PathBuf>,
}
