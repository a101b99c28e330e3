//! `init`, `key`, `completions`: the arguments of the commands that set authyctl up.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pam_authy::base::factor::twilio::{KeySid, ServiceSid};

use super::value::service_url;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The second factor; without it, it is asked for on a terminal
    pub(crate) factor: Option<InitFactor>,
    /// File that contains the key; without it, the key is asked for or read from standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
    /// The Verify service at Twilio
    #[arg(long, value_name = "VA…")]
    pub(crate) service: Option<ServiceSid>,
    /// The API key at Twilio; its secret is read as the key of Authy is
    #[arg(long, value_name = "SK…")]
    pub(crate) key_sid: Option<KeySid>,
    /// URL of the service, if it is not Authy's or Twilio's own
    #[arg(long, value_name = "URL", value_parser = service_url)]
    pub(crate) url: Option<String>,
    /// CA certificates to trust instead of those of the system
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Replace the key of a config.toml that has one; everything else in it stays
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `init` can set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InitFactor {
    /// An app whose codes this host checks; needs no account and no network
    Totp,
    /// The Authy service; needs the API key of an application there
    Authy,
    /// Twilio Verify: SMS, calls and apps; needs a Verify service and an API key
    Twilio,
}

/// The commands of `key`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Replace the API key of Authy, once Authy accepts the new one
    Rotate(KeyRotateArgs),
}

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct KeyRotateArgs {
    /// File that contains the new key; without it, the key is asked for or read from standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
