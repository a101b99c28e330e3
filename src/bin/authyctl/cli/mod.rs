//! The command line: declarations and help, nothing else.
//!
//! The help text of a command is the doc comment of its variant, and that of an argument the doc
//! comment of its field. The arguments of each command are a struct in the file of its family, and
//! `commands` passes that struct to the function that runs the command. `authyctl man` and
//! `authyctl completions` are generated from these declarations.

mod at_authy;
mod enrollment;
mod examples;
mod login;
mod pam;
mod person;
mod phone;
mod setup;
mod sync;
mod totp;
mod value;
mod watch;

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use at_authy::{
    ActivityArgs, ActivityKind, DeleteDeviceArgs, EventsArgs, PersonCommand, RegistrationArgs,
    UpdateArgs,
};
pub(crate) use enrollment::{EnrollArgs, ImportArgs, ListArgs, MigrateCommand, UnenrollArgs};
pub(crate) use examples::all as examples;
pub(crate) use login::{
    DoctorArgs, ExplainArgs, RecoveryCommand, RecoveryGenerateArgs, TestArgs, UserArg,
};
pub(crate) use pam::{
    PamCommand, PamDisableArgs, PamEnableArgs, PamRefreshArgs, PamRollbackArgs, Target,
};
pub(crate) use person::{ApprovalArgs, PersonArg, PushArgs, QrArgs, SendArgs, VerifyArgs};
pub(crate) use phone::{Number, PhoneCheckArgs, PhoneCommand, PhoneStartArgs, Via};
pub(crate) use setup::{CompletionsArgs, InitArgs, InitFactor, KeyCommand, KeyRotateArgs};
pub(crate) use sync::SyncArgs;
pub(crate) use totp::{TotpCheckArgs, TotpCommand};
pub(crate) use watch::{AuditArgs, EventFormat, MetricsArgs, VerdictWord};

/// Administers pam_authy, a second factor for logins: sets it up, enrolls people, explains logins
#[derive(Debug, Parser)]
#[command(
    name = "authyctl",
    version,
    max_term_width = 100,
    after_help = "authyctl help COMMAND shows the options of a command, with examples. authyctl alone shows how to \
                  begin."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Parses the arguments of this process.
    ///
    /// # Errors
    /// They are wrong, or ask for help or the version.
    pub(crate) fn parse_arguments() -> Result<Self, clap::Error> {
        Self::from_arg_matches(&command().try_get_matches()?)
    }
}

/// Returns the declarations, with the examples of each command.
pub(crate) fn command() -> clap::Command {
    examples::add(Cli::command(), "")
}

/// The options of every command, before or after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Configuration file
    #[arg(long, global = true, value_name = "PATH", value_parser = value::absolute(), default_value = pam_authy::store::config::DEFAULT_PATH)]
    pub(crate) config: PathBuf,
    /// Mapping file
    #[arg(long, global = true, value_name = "PATH", value_parser = value::absolute(), default_value = pam_authy::store::users::DEFAULT_PATH)]
    pub(crate) users: PathBuf,
    /// Print one JSON object, for failures too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing on success
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show which files and which service are used
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write config.toml for a second factor; for Authy and Twilio, ask for the API key and check
    /// it
    Init(InitArgs),
    /// Give a local user a factor: an app on this host, or one at Twilio or Authy
    Enroll(EnrollArgs),
    /// Remove a local user from the mapping
    Unenroll(UnenrollArgs),
    /// Enroll many people from a CSV file, or from the files of another program
    Import(ImportArgs),
    /// Show the mapping, or the accounts that are missing in it
    List(ListArgs),
    /// Show who depends on which provider, and who would be locked out without it
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Check mapping and secrets, and write the look-up index of each
    Index,
    /// Read the people of the directory, for the logins of this host
    Sync(SyncArgs),
    /// Ask Authy or Twilio what it knows about a person
    Status(PersonArg),
    /// Ask Authy or Twilio whether a code is valid
    Verify(VerifyArgs),
    /// Have Authy or Twilio send a code by SMS
    Sms(SendArgs),
    /// Have Authy or Twilio send a code by a call
    Call(SendArgs),
    /// Have Authy send a token by e-mail
    Email(PersonArg),
    /// Ask the person's phone to approve something, and wait for the answer
    Push(PushArgs),
    /// Show the state of an approval request
    Approval(ApprovalArgs),
    /// Draw a QR code for another authenticator app
    Qr(QrArgs),
    /// Show the application that the key belongs to
    App,
    /// Show how much the application was used
    Stats,
    /// Show what happened at the application
    Events(EventsArgs),
    /// Change what Authy has about a person, and report what happened to them
    #[command(subcommand)]
    Person(PersonCommand),
    /// Verify phone numbers, and look them up
    #[command(subcommand)]
    Phone(PhoneCommand),
    /// Check config.toml and users.toml before they are put in place
    Check,
    /// Check everything that a login needs, and whether anyone would be locked out
    Doctor(DoctorArgs),
    /// Show what a login would require of a user, and why
    Explain(ExplainArgs),
    /// Rehearse a login through libpam and the real module
    Test(TestArgs),
    /// Show the logins of this host as events, from the journal or from a log file
    Audit(AuditArgs),
    /// Print figures about this host for Prometheus
    Metrics(MetricsArgs),
    /// Show what was sent in the last hour, refused codes, and pauses
    Limits,
    /// Reset the counts of a user: refused codes, and what was sent
    Unlock(UserArg),
    /// Forget the remembered logins of a user
    Forget(UserArg),
    /// Manage recovery codes, for when the phone or the provider is not available
    #[command(subcommand)]
    Recovery(RecoveryCommand),
    /// Manage apps whose codes this host checks
    #[command(subcommand)]
    Totp(TotpCommand),
    /// Add the module to a stack, or remove it
    #[command(subcommand)]
    Pam(PamCommand),
    /// Manage the API key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print what the people who log in should know, for them to read
    Guide,
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page of this program
    Man,
}
