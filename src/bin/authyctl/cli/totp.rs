//! `totp …`: the arguments of the commands about apps whose codes this host checks.

use clap::{Args, Subcommand};

use super::login::UserArg;
use super::value::user_name;

/// The commands of `totp`.
#[derive(Debug, Subcommand)]
pub(crate) enum TotpCommand {
    /// Show whether a code is right, and how far the clocks differ; the code is not used up
    Check(TotpCheckArgs),
    /// Forget the last code that was used, after a wrong clock
    Reset(UserArg),
    /// Take the app away from a user who has another factor
    Remove(UserArg),
    /// Show who has a secret, and where it is
    List,
}

/// Arguments of `totp check`.
#[derive(Debug, Args)]
pub(crate) struct TotpCheckArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// The code; without it or with -, it is read from a prompt or standard input
    pub(crate) code: Option<String>,
}
