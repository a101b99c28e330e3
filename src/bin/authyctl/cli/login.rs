//! `doctor`, `explain`, `test`, `unlock`, `forget`, `recovery …`: the arguments of the commands
//! about logins on this host.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::value::{absolute, service_name, user_name};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The folder of the PAM stacks
    #[arg(long, value_name = "DIR", default_value = "/etc/pam.d", value_parser = absolute())]
    pub(crate) pam_dir: PathBuf,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// PAM service whose rules apply
    #[arg(long, value_name = "S", default_value = "sshd", value_parser = service_name)]
    pub(crate) service: String,
    /// The address from which the user logs in
    #[arg(long, value_name = "IP")]
    pub(crate) rhost: Option<IpAddr>,
    /// The folder of the PAM stacks; with another one, sshd and sudo are not asked
    #[arg(long, value_name = "DIR", default_value = "/etc/pam.d", value_parser = absolute())]
    pub(crate) pam_dir: PathBuf,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// PAM service whose rules apply
    #[arg(long, value_name = "S", default_value = "authyctl", value_parser = service_name)]
    pub(crate) service: String,
    /// The module; by default the installed one
    #[arg(long, value_name = "PATH")]
    pub(crate) module: Option<PathBuf>,
    /// The engine that the module starts; by default the installed one
    #[arg(long, value_name = "PATH")]
    pub(crate) engine: Option<PathBuf>,
}

/// The one argument of commands about a local user.
#[derive(Debug, Args)]
pub(crate) struct UserArg {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
}

/// The commands of `recovery`.
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Make ten codes, and show them this once
    Generate(RecoveryGenerateArgs),
    /// Show how many are left
    Left(UserArg),
    /// Remove all of them
    Remove(UserArg),
}

/// Arguments of `recovery generate`.
#[derive(Debug, Args)]
pub(crate) struct RecoveryGenerateArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// Replace codes that are left
    #[arg(long)]
    pub(crate) replace: bool,
}
