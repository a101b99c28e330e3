//! authyctl: everything that an administrator of pam_authy does.
//!
//! `run` parses, dispatches and reports; a command is one file below `commands`. Exit status: 0 done,
//! 1 refused, 2 usage, 3 unavailable, 4 local.

mod cli;
mod commands;
mod failure;
mod number;
mod output;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use cli::Cli;
use failure::{Failure, Kind};

fn main() -> ExitCode {
    ExitCode::from(run())
}

fn run() -> u8 {
    let cli = match Cli::try_parse() {
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

/// A command line that clap refuses, or help and version, which it reports the same way.
fn usage(error: &clap::Error) -> u8 {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    // The command line could not be read, so whether JSON is wanted is looked for by hand.
    let as_json = std::env::args_os()
        .skip(1)
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    if is_help || !as_json {
        let _ = error.print();
        return if is_help {
            0
        } else {
            Kind::Usage.exit_status()
        };
    }
    let text = error.to_string();
    let first = text
        .lines()
        .next()
        .unwrap_or("wrong usage")
        .trim_start_matches("error: ");
    output::report(Err(Failure::new(Kind::Usage, first)), true, false)
}
