//! `enroll`, `unenroll`, `import`, `list`, `migrate`: the arguments of the commands that change the
//! mapping.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pam_authy::base::factor::Phone;
use pam_authy::client::authy::types::{AuthyId, CountryCode};
use pam_authy::host::ssh_key::Fingerprint;

use super::value::user_name;

/// Arguments of `enroll`.
#[derive(Debug, Args)]
#[command(
    override_usage = "authyctl enroll USER --totp\n       authyctl enroll USER --phone +E164\n       authyctl enroll USER --twilio-app\n       authyctl enroll USER --security-key FILE.pub\n       authyctl enroll USER --authy-id N\n       authyctl enroll USER --email E --cellphone P"
)]
pub(crate) struct EnrollArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// An authenticator app whose codes this host checks: shows a new secret, and asks for the
    /// first code
    #[arg(long, conflicts_with_all = ["authy_id", "email", "ssh_key", "phone", "twilio_app", "security_key"])]
    pub(crate) totp: bool,
    /// The person's number, such as +15551234567, to which Twilio Verify sends codes
    #[arg(long, value_name = "+E164", conflicts_with_all = ["authy_id", "email", "ssh_key", "twilio_app", "security_key"])]
    pub(crate) phone: Option<Phone>,
    /// An authenticator app whose codes Twilio Verify checks: shows a new secret, and asks for the
    /// first code
    #[arg(long, conflicts_with_all = ["authy_id", "email", "ssh_key", "security_key"])]
    pub(crate) twilio_app: bool,
    /// An SSH security key that proves the person in sshd: the file of its public key, or its
    /// fingerprint
    #[arg(long, value_name = "FILE.pub|FINGERPRINT", conflicts_with_all = ["authy_id", "email", "ssh_key"])]
    pub(crate) security_key: Option<String>,
    /// Take the app's secret from standard input instead (-), in base 32 or as an otpauth://
    /// address; the first code follows on the second line
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) secret: Option<String>,
    /// Do not ask for the first code of the app
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Write the app's QR code to a file, readable by its owner only, instead of drawing it
    #[arg(long, value_name = "FILE.png")]
    pub(crate) output: Option<PathBuf>,
    /// The person's number at Authy, for a person who exists there
    #[arg(long, value_name = "N", required_unless_present_any = ["email", "totp", "phone", "twilio_app", "security_key"], conflicts_with_all = ["email", "cellphone"])]
    pub(crate) authy_id: Option<AuthyId>,
    /// The person's e-mail address
    #[arg(long, value_name = "E", requires = "cellphone")]
    pub(crate) email: Option<String>,
    #[command(flatten)]
    pub(crate) number: OptionalNumber,
    /// Have Authy send an SMS with a link to its app
    #[arg(long, requires = "email")]
    pub(crate) install_link: bool,
    /// The fingerprint of the person's SSH key, as ssh-keygen -lf shows it, where several people
    /// share the account
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) ssh_key: Option<Fingerprint>,
    /// Replace an id, a number or a secret that differs
    #[arg(long)]
    pub(crate) replace: bool,
}

/// The cellphone of a person to create.
#[derive(Debug, Args)]
pub(crate) struct OptionalNumber {
    /// The person's cellphone
    #[arg(long, value_name = "P", requires = "email")]
    pub(crate) cellphone: Option<String>,
    /// The country's calling code; 1 unless the number begins with + or 00
    #[arg(long, value_name = "N", requires = "cellphone")]
    pub(crate) country_code: Option<CountryCode>,
}

/// Arguments of `unenroll`.
#[derive(Debug, Args)]
pub(crate) struct UnenrollArgs {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// Have Authy or Twilio remove the person too
    #[arg(long, conflicts_with = "ssh_key")]
    pub(crate) remote: bool,
    /// Remove one SSH security key of the person: the file of its public key, or its fingerprint
    #[arg(long, value_name = "FILE.pub|FINGERPRINT", conflicts_with_all = ["ssh_key", "remote"])]
    pub(crate) security_key: Option<String>,
    /// Remove one person of a shared account, by the fingerprint of an SSH key
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) ssh_key: Option<Fingerprint>,
}

/// The commands of `migrate`.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Show who has which factors, who would be asked where with each `login.provider`, and who
    /// would be locked out without Authy or Twilio
    Status,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Show the accounts of this host that can log in and have no factor
    #[arg(long)]
    pub(crate) missing: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file: CSV, whose first line names the columns: user, and authy_id, phone, totp_secret, or
    /// email and cellphone; an authy-ssh configuration; oath's users.oath; or otpauth:// addresses
    #[arg(required_unless_present_any = ["google_authenticator", "homes"])]
    pub(crate) file: Option<PathBuf>,
    /// A file of google-authenticator, for the user who owns it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "homes"])]
    pub(crate) google_authenticator: Option<PathBuf>,
    /// The files of google-authenticator in the homes of all users
    #[arg(long, conflicts_with = "file")]
    pub(crate) homes: bool,
    /// Check every row, but change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace ids, numbers and secrets that differ
    #[arg(long)]
    pub(crate) replace: bool,
}
