//! The command line: declarations and help, nothing else.
//!
//! The help text of a command is the doc comment of its variant, and that of an argument the doc
//! comment of its field. The arguments of each command are a struct in the file of its family, and
//! `commands` passes that struct to the function that runs the command. `authyctl man` and
//! `authyctl completions` are generated from these declarations.

mod enrollment;
mod login;
mod pam;
mod person;
mod phone;
mod setup;
mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use enrollment::{EnrollArgs, ImportArgs, UnenrollArgs};
pub(crate) use login::{
    DoctorArgs, ExplainArgs, RecoveryCommand, RecoveryGenerateArgs, TestArgs, UserArg,
};
pub(crate) use pam::{PamCommand, PamDisableArgs, PamEnableArgs, PamRollbackArgs, Target};
pub(crate) use person::{ApprovalArgs, PersonArg, PushArgs, QrArgs, SendArgs, VerifyArgs};
pub(crate) use phone::{Number, PhoneCheckArgs, PhoneCommand, PhoneStartArgs, Via};
pub(crate) use setup::{CompletionsArgs, InitArgs, KeyCommand, KeyRotateArgs};

/// Administers pam_authy: enrolls people, asks Authy about them, rehearses a login.
#[derive(Debug, Parser)]
#[command(name = "authyctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Configuration file
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::store::config::DEFAULT_PATH)]
    pub(crate) config: PathBuf,
    /// Mapping file
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::store::users::DEFAULT_PATH)]
    pub(crate) users: PathBuf,
    /// Print one JSON object, for failures too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing on success
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say which files and which service are used
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for the API key, check it, and write config.toml
    Init(InitArgs),
    /// Map a local user to a person at Authy, who is created when there is no authy id
    Enroll(EnrollArgs),
    /// Take a local user out of the mapping
    Unenroll(UnenrollArgs),
    /// Enroll many people: CSV, or an authy-ssh configuration
    Import(ImportArgs),
    /// Show the mapping
    List,
    /// Check the mapping and write its look-up index, which every other change writes too
    Index,
    /// Ask Authy what it knows of a person
    Status(PersonArg),
    /// Ask Authy whether a token is right
    Verify(VerifyArgs),
    /// Have Authy send a token by SMS
    Sms(SendArgs),
    /// Have Authy call and say a token
    Call(SendArgs),
    /// Ask the person's phone to approve something, and wait for the answer
    Push(PushArgs),
    /// Show what became of an approval request
    Approval(ApprovalArgs),
    /// Draw the code for another authenticator app
    Qr(QrArgs),
    /// Show the application that the key belongs to
    App,
    /// Show how much the application was used
    Stats,
    /// Verify phone numbers, and learn about them
    #[command(subcommand)]
    Phone(PhoneCommand),
    /// Check everything that a login needs, and what would lock somebody out
    Doctor(DoctorArgs),
    /// Say what a login would ask of a person, and why
    Explain(ExplainArgs),
    /// Rehearse a login through libpam and the real module
    Test(TestArgs),
    /// Show what was sent within the hour, refused tokens, and pauses
    Limits,
    /// Forget what was counted for a user: refused tokens, and what was sent
    Unlock(UserArg),
    /// Forget the remembered logins of a user
    Forget(UserArg),
    /// Recovery codes, for the day the phone or Authy is gone
    #[command(subcommand)]
    Recovery(RecoveryCommand),
    /// Put the module into a stack, and take it out again
    #[command(subcommand)]
    Pam(PamCommand),
    /// Care for the API key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print this program's manual page
    Man,
}
