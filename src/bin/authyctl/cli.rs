//! The command line: declarations and help, nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use pam_authy::client::types::AuthyId;

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
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::config::DEFAULT_PATH)]
    pub(crate) config: PathBuf,
    /// Mapping file
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::users::DEFAULT_PATH)]
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
    /// Map a local user to an authy id
    Enroll {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
        /// The person's number at Authy
        #[arg(long, value_name = "N")]
        authy_id: AuthyId,
        /// Put another id in the place of the present one
        #[arg(long)]
        replace: bool,
    },
    /// Take a local user out of the mapping
    Unenroll {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
    },
    /// Show the mapping
    List,
    /// Ask Authy what it knows of a person
    Status {
        #[command(flatten)]
        who: Who,
    },
    /// Ask Authy whether a token is right
    Verify {
        #[command(flatten)]
        who: Who,
        /// The token; left out or -, it is read from a prompt or standard input
        #[arg(value_name = "TOKEN")]
        token: Option<String>,
        /// Let Authy accept any token of a person who has not finished registration
        #[arg(long)]
        no_force: bool,
    },
    /// Have Authy send a token by SMS
    Sms {
        #[command(flatten)]
        who: Who,
        /// Send it even when the person has the app
        #[arg(long)]
        force: bool,
    },
    /// Rehearse a login through libpam and the real module
    Test {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
        /// PAM service whose rules apply
        #[arg(long, value_name = "S", default_value = "authyctl", value_parser = service_name)]
        service: String,
        /// The module; by default the installed one
        #[arg(long, value_name = "PATH")]
        module: Option<PathBuf>,
    },
}

/// A person: a local user, or an authy id.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Local user name
    #[arg(value_parser = user_name, required_unless_present = "authy_id")]
    pub(crate) user: Option<String>,
    /// The person's number at Authy, in place of USER
    #[arg(long, value_name = "N")]
    pub(crate) authy_id: Option<AuthyId>,
}

fn user_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("no account can have this name".to_owned());
    }
    Ok(text.to_owned())
}

/// A service names a file in a folder of stacks, so it is one plain name.
fn service_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(plain) {
        return Err("a service is up to 64 letters, digits and -_.@".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}
