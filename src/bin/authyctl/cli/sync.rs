//! `sync`: the arguments of the command that reads a directory.

use clap::Args;

use super::value::user_name;

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take over a change that is held, or a name that has come back; can be repeated
    #[arg(long, value_name = "USER", value_parser = user_name)]
    pub(crate) accept: Vec<String>,
    /// Forget a name, as if the directory had never had it; can be repeated
    #[arg(long, value_name = "USER", value_parser = user_name)]
    pub(crate) forget: Vec<String>,
}
