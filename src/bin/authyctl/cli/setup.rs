//! `init`, `key`, `completions`: the arguments of the commands that set authyctl up.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// A file that holds the key; left out, it is asked for, or read from standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
    /// The service, when it is not Authy's own
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// CA certificates to trust, when they are not the system's
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Write over a config.toml that exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// `key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Put a new API key in the place of the old one, once Authy takes it
    Rotate(KeyRotateArgs),
}

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct KeyRotateArgs {
    /// A file that holds the new key; left out, it is asked for, or read from standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
