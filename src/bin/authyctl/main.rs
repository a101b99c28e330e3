//! authyctl: everything that an administrator of pam_authy does.
//!
//! `run` parses, dispatches and reports; a command is one file below `commands`. Exit status: 0 done,
//! 1 refused, 2 usage, 3 unavailable, 4 local.

mod cli;
mod commands;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use cli::{Cli, Command};
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
    let outcome = match &cli.command {
        Command::Enroll {
            user,
            authy_id,
            replace,
        } => commands::mapping::enroll(global, user, *authy_id, *replace),
        Command::Unenroll { user } => commands::mapping::unenroll(global, user),
        Command::List => commands::mapping::list(global),
        Command::Status { who } => commands::people::status(global, who),
        Command::Verify {
            who,
            token,
            no_force,
        } => commands::tokens::verify(global, who, token.as_deref(), !no_force),
        Command::Sms { who, force } => commands::tokens::sms(global, who, *force),
        Command::Test {
            user,
            service,
            module,
        } => commands::test::test(global, user, service, module.as_deref()),
    };
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
