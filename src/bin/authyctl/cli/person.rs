//! `status`, `verify`, `sms`, `call`, `push`, `approval`, `qr`: the arguments of the commands that
//! ask Authy about one person.

use std::path::PathBuf;

use clap::Args;
use pam_authy::client::authy::types::{AuthyId, Uuid};

use super::value::{locale, pair, user_name};

/// A person: a local user, or an authy id.
#[derive(Debug, Args)]
pub(crate) struct PersonArg {
    /// Local user name
    #[arg(value_parser = user_name, required_unless_present = "authy_id")]
    pub(crate) user: Option<String>,
    /// The person's number at Authy, instead of USER
    #[arg(long, value_name = "N")]
    pub(crate) authy_id: Option<AuthyId>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// The token; without it or with -, it is read from a prompt or standard input
    #[arg(value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Let Authy accept any token of a person who has not finished registration
    #[arg(long)]
    pub(crate) no_force: bool,
    /// The action for which the token was sent
    #[arg(long, value_name = "A")]
    pub(crate) action: Option<String>,
}

/// Arguments of `sms` and `call`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// Send it even when the person has the app
    #[arg(long)]
    pub(crate) force: bool,
    /// Bind the token to an action; verify must name the same
    #[arg(long, value_name = "A")]
    pub(crate) action: Option<String>,
    /// The text that describes the action to the person
    #[arg(long, value_name = "TEXT", requires = "action")]
    pub(crate) action_message: Option<String>,
    /// The language, such as en or pt-BR
    #[arg(long, value_name = "L", value_parser = locale)]
    pub(crate) locale: Option<String>,
}

/// Arguments of `push`.
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// What the person is asked to approve
    #[arg(long, value_name = "M")]
    pub(crate) message: String,
    /// A detail to show with it; can be repeated
    #[arg(long = "detail", value_name = "K=V", value_parser = pair)]
    pub(crate) details: Vec<(String, String)>,
    /// A detail to keep with the request but not show; can be repeated
    #[arg(long = "hidden-detail", value_name = "K=V", value_parser = pair)]
    pub(crate) hidden_details: Vec<(String, String)>,
    /// How long it can be answered
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) expires: u32,
    /// Do not wait for the answer
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Arguments of `approval`.
#[derive(Debug, Args)]
pub(crate) struct ApprovalArgs {
    /// The request, as push printed it
    pub(crate) uuid: Uuid,
}

/// Arguments of `qr`.
#[derive(Debug, Args)]
pub(crate) struct QrArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// The text that the app shows
    #[arg(long, value_name = "L")]
    pub(crate) label: Option<String>,
    /// Width and height of the image in pixels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=2000))]
    pub(crate) size: Option<u32>,
    /// Write the image to a file, readable by its owner only
    #[arg(long, value_name = "FILE.png")]
    pub(crate) output: Option<PathBuf>,
}
