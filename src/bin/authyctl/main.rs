//! authyctl: everything that an administrator of pam_authy does.
//!
//! `run` parses the command line, runs the command and prints the outcome. `cli` declares the
//! command line, and each family of commands is a file below `commands`. Exit status: 0 done, 1
//! refused, 2 usage, 3 unavailable, 4 local.

mod cli;
mod commands;
mod directory;
mod error;
mod hint;
mod otpauth;
mod output;
mod phone_number;
mod qr_code;
mod replace_file;

use std::process::ExitCode;

use clap::error::ErrorKind as ClapError;
use cli::Cli;
use error::{CommandError, ErrorKind};

fn main() -> ExitCode {
    ExitCode::from(run())
}

fn run() -> u8 {
    if std::env::args_os().len() < 2 {
        return output::page(&commands::first_steps());
    }
    let cli = match Cli::parse_arguments() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let global = &cli.global;
    if global.verbose {
        eprintln!("authyctl: configuration {}", global.config.display());
        eprintln!("authyctl: mapping {}", global.users.display());
    }
    let outcome = commands::run(global, &cli.command);
    output::report(outcome, global.json, global.quiet)
}

/// Handles a command line that clap refuses, and help and version, which clap reports the same way.
fn usage(error: &clap::Error) -> u8 {
    let is_help = matches!(
        error.kind(),
        ClapError::DisplayHelp | ClapError::DisplayVersion
    );
    // The command line could not be parsed, so --json is searched for by hand.
    let as_json = std::env::args_os()
        .skip(1)
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    if is_help {
        return output::printed(error.print(), 0);
    }
    if !as_json {
        // Where standard error is closed, the exit status says it alone.
        let _ = error.print();
        return ErrorKind::Usage.exit_status();
    }
    let error = CommandError::new(ErrorKind::Usage, message(error))
        .hint("authyctl help COMMAND shows the options of a command, with examples");
    output::report(Err(error), true, false)
}

/// Returns what clap says before it shows the usage, on one line.
fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraph = text.lines().take_while(|line| !line.trim().is_empty());
    let words: Vec<_> = paragraph.map(str::trim).collect();
    match words.join(" ").trim_start_matches("error: ") {
        "" => "wrong usage".to_owned(),
        words => pam_authy::base::text::sanitize_to(words, 500),
    }
}
