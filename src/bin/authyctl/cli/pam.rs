//! `pam …`: the arguments of the commands that change this host's stacks.

use clap::{Args, Subcommand, ValueEnum};

/// The commands of `pam`.
#[derive(Debug, Subcommand)]
pub(crate) enum PamCommand {
    /// Show the change of a service's stack as a diff, check it, and make it
    Enable(PamEnableArgs),
    /// Remove the module from a service's stack
    Disable(PamDisableArgs),
    /// Keep a change that was made with --rollback-after
    Confirm,
    /// Roll back every change that is not confirmed, now
    Rollback(PamRollbackArgs),
}

/// Arguments of `pam enable`.
#[derive(Debug, Args)]
pub(crate) struct PamEnableArgs {
    /// The service; `all` is every one, through pam-auth-update
    pub(crate) service: Target,
    /// Show and check the change, but do not make it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Require a key instead of the password (sshd only)
    #[arg(long)]
    pub(crate) with_key: bool,
    /// Roll the change back after this time, unless `pam confirm` is called
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=86_400))]
    pub(crate) rollback_after: Option<u32>,
    /// Make the change even when doctor finds a problem
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `pam disable`.
#[derive(Debug, Args)]
pub(crate) struct PamDisableArgs {
    /// The service; by default every one that `pam enable` changed
    pub(crate) service: Option<Target>,
    /// Show the change, but do not make it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `pam rollback`.
#[derive(Debug, Args)]
pub(crate) struct PamRollbackArgs {
    /// Roll back only changes that are overdue
    #[arg(long)]
    pub(crate) overdue: bool,
    /// Wait until they are
    #[arg(long, hide = true, requires = "overdue")]
    pub(crate) wait: bool,
}

/// What `pam` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// /etc/pam.d/sshd and sshd's settings
    Sshd,
    /// /etc/pam.d/sudo and sudo-i
    Sudo,
    /// The profile of pam-auth-update
    All,
}
