//! `phone …`: the arguments of the commands that verify phone numbers.

use clap::{Args, Subcommand, ValueEnum};
use pam_authy::client::authy::types::CountryCode;

use super::value::locale;

/// The commands of `phone`.
#[derive(Debug, Subcommand)]
pub(crate) enum PhoneCommand {
    /// Send a code to a number
    Start(PhoneStartArgs),
    /// Ask whether a code is the one that was sent
    Check(PhoneCheckArgs),
    /// Show how far a verification has come
    Status(Number),
    /// Show what kind of phone a number belongs to
    Info(Number),
}

/// A cellphone.
#[derive(Debug, Args)]
pub(crate) struct Number {
    /// The number
    pub(crate) cellphone: String,
    /// The country's calling code; 1 unless the number begins with + or 00
    #[arg(long, value_name = "N")]
    pub(crate) country_code: Option<CountryCode>,
}

/// Arguments of `phone start`.
#[derive(Debug, Args)]
pub(crate) struct PhoneStartArgs {
    #[command(flatten)]
    pub(crate) number: Number,
    /// How the code is sent
    #[arg(long, value_enum, default_value_t = Via::Sms)]
    pub(crate) via: Via,
    /// The language, such as en or pt-BR
    #[arg(long, value_name = "L", value_parser = locale)]
    pub(crate) locale: Option<String>,
    /// The number of digits of the code
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=10))]
    pub(crate) code_length: u8,
}

/// How a code is sent.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Via {
    /// By text message
    Sms,
    /// By a call
    Call,
}

/// Arguments of `phone check`.
#[derive(Debug, Args)]
pub(crate) struct PhoneCheckArgs {
    /// The number
    pub(crate) cellphone: String,
    /// The code; without it or with -, it is read from a prompt or standard input
    pub(crate) code: Option<String>,
    /// The country's calling code; 1 unless the number begins with + or 00
    #[arg(long, value_name = "N")]
    pub(crate) country_code: Option<CountryCode>,
}
