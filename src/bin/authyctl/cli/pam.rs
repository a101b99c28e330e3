//! `pam …`: the arguments of the commands that change this host's stacks.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

/// The commands of `pam`.
#[derive(Debug, Subcommand)]
pub(crate) enum PamCommand {
    /// Show the change of a service's stack as a diff, check it, and make it
    ///
    /// On a terminal the change is rolled back after 300 s unless "yes" is typed; without one,
    /// --now or --rollback-after must say what is wanted.
    Enable(PamEnableArgs),
    /// Remove the module from a service's stack
    Disable(PamDisableArgs),
    /// Take over again the files of the distribution that have changed since
    Refresh(PamRefreshArgs),
    /// Keep a change that was made with --rollback-after
    Confirm,
    /// Roll back every change that is not confirmed, now
    Rollback(PamRollbackArgs),
}

/// Arguments of `pam enable`.
#[derive(Debug, Args)]
pub(crate) struct PamEnableArgs {
    /// The service, such as sshd, sudo or su; `all` is every one, through pam-auth-update
    pub(crate) service: Target,
    /// Show and check the change, but do not make it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the new files to standard output, and change nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) print: bool,
    /// Require a key instead of the password (sshd only)
    #[arg(long)]
    pub(crate) with_key: bool,
    /// Keep the change
    #[arg(long, conflicts_with_all = ["rollback_after", "dry_run", "print"])]
    pub(crate) now: bool,
    /// Roll the change back after this time, unless `pam confirm` is called
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=86_400))]
    pub(crate) rollback_after: Option<u32>,
    /// Make the change even when doctor finds a problem
    #[arg(long)]
    pub(crate) force: bool,
    /// Change the system whose root folder this is, such as an image, and keep the change; doctor
    /// is not asked
    #[arg(long, value_name = "DIR", conflicts_with = "rollback_after")]
    pub(crate) root: Option<PathBuf>,
}

/// Arguments of `pam disable`.
#[derive(Debug, Args)]
pub(crate) struct PamDisableArgs {
    /// The service; by default every one that `pam enable` changed
    pub(crate) service: Option<Target>,
    /// Show the change, but do not make it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change the system whose root folder this is
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}

/// Arguments of `pam refresh`.
#[derive(Debug, Args)]
pub(crate) struct PamRefreshArgs {
    /// Show the change, but do not make it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change the system whose root folder this is
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The stack of a service. With `sshd` sshd's settings too, with `sudo` and `su` the stacks of
    /// `sudo -i` and `su -l`.
    Service(String),
    /// The profile of pam-auth-update
    All,
}

impl Target {
    /// Returns the name in files and messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Service(name) => name,
            Self::All => "all",
        }
    }

    /// Whether this is sshd.
    pub(crate) fn is_sshd(&self) -> bool {
        self.name() == "sshd"
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.+@".contains(c);
        if name == "all" {
            return Ok(Self::All);
        }
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_allowed) {
            return Err(
                "not the name of a PAM service, which has lower-case letters only".to_owned(),
            );
        }
        Ok(Self::Service(name.to_owned()))
    }
}
