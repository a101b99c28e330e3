//! The command line: declarations and help, nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pam_authy::client::authy::types::{AuthyId, CountryCode, Uuid};
use pam_authy::host::ssh_key::Fingerprint;

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
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::store::config::DEFAULT_PATH)]
    pub(crate) config: PathBuf,
    /// Mapping file
    #[arg(long, global = true, value_name = "PATH", default_value = pam_authy::store::users::DEFAULT_PATH)]
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
    /// Ask for the API key, check it, and write config.toml
    Init {
        /// A file that holds the key; left out, it is asked for, or read from standard input
        #[arg(long, value_name = "PATH")]
        key_file: Option<PathBuf>,
        /// The service, when it is not Authy's own
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// CA certificates to trust, when they are not the system's
        #[arg(long, value_name = "PATH")]
        ca_file: Option<PathBuf>,
        /// Write over a config.toml that exists
        #[arg(long)]
        force: bool,
    },
    /// Map a local user to a person at Authy, who is created when there is no authy id
    Enroll(Enroll),
    /// Take a local user out of the mapping
    Unenroll {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
        /// Have Authy remove the person from the application too
        #[arg(long, conflicts_with = "ssh_key")]
        remote: bool,
        /// Take out one person of a shared account, by the fingerprint of an SSH key
        #[arg(long, value_name = "FINGERPRINT")]
        ssh_key: Option<Fingerprint>,
    },
    /// Enroll many people: CSV, or an authy-ssh configuration
    Import {
        /// The file; its first line tells which kind it is
        file: PathBuf,
        /// Check every row and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Put other ids in the place of present ones
        #[arg(long)]
        replace: bool,
    },
    /// Show the mapping
    List,
    /// Check the mapping and write its look-up index, which every other change writes too
    Index,
    /// Ask Authy what it knows of a person
    Status {
        #[command(flatten)]
        who: PersonArg,
    },
    /// Ask Authy whether a token is right
    Verify {
        #[command(flatten)]
        who: PersonArg,
        /// The token; left out or -, it is read from a prompt or standard input
        #[arg(value_name = "TOKEN")]
        token: Option<String>,
        /// Let Authy accept any token of a person who has not finished registration
        #[arg(long)]
        no_force: bool,
        /// The action that the token was sent for
        #[arg(long, value_name = "A")]
        action: Option<String>,
    },
    /// Have Authy send a token by SMS
    Sms {
        #[command(flatten)]
        who: PersonArg,
        #[command(flatten)]
        how: Sending,
    },
    /// Have Authy call and say a token
    Call {
        #[command(flatten)]
        who: PersonArg,
        #[command(flatten)]
        how: Sending,
    },
    /// Ask the person's phone to approve something, and wait for the answer
    Push(Push),
    /// Show what became of an approval request
    Approval {
        /// The request, as push printed it
        uuid: Uuid,
    },
    /// Draw the code for another authenticator app
    Qr {
        #[command(flatten)]
        who: PersonArg,
        /// The text that the app shows
        #[arg(long, value_name = "L")]
        label: Option<String>,
        /// Width and height of the image in pixels
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=2000))]
        size: Option<u32>,
        /// Write the image to a file, readable by its owner only
        #[arg(long, value_name = "FILE.png")]
        output: Option<PathBuf>,
    },
    /// Show the application that the key belongs to
    App,
    /// Show how much the application was used
    Stats,
    /// Verify phone numbers, and learn about them
    #[command(subcommand)]
    Phone(Phone),
    /// Check everything that a login needs, and what would lock somebody out
    Doctor {
        /// The folder of the PAM stacks
        #[arg(long, value_name = "DIR", default_value = "/etc/pam.d")]
        pam_dir: PathBuf,
    },
    /// Say what a login would ask of a person, and why
    Explain {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
        /// PAM service whose rules apply
        #[arg(long, value_name = "S", default_value = "sshd", value_parser = service_name)]
        service: String,
        /// The address from which the person comes
        #[arg(long, value_name = "IP")]
        rhost: Option<std::net::IpAddr>,
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
    /// Show what was sent within the hour, refused tokens, and pauses
    Limits,
    /// Forget what was counted for a user: refused tokens, and what was sent
    Unlock {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
    },
    /// Forget the remembered logins of a user
    Forget {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
    },
    /// Recovery codes, for the day the phone or Authy is gone
    #[command(subcommand)]
    Recovery(Recovery),
    /// Put the module into a stack, and take it out again
    #[command(subcommand)]
    Pam(Pam),
    /// Care for the API key
    #[command(subcommand)]
    Key(Key),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print this program's manual page
    Man,
}

/// `pam …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Pam {
    /// Show the change of a service's stack as a diff, check it, and make it
    Enable {
        /// The service; all: every one, through pam-auth-update
        service: Target,
        /// Show the change and check it, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Ask for a key in place of the password (sshd only)
        #[arg(long)]
        with_key: bool,
        /// Put everything back after this time unless `pam confirm` is called
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=86_400))]
        rollback_after: Option<u32>,
        /// Make the change although doctor finds a problem
        #[arg(long)]
        force: bool,
    },
    /// Take the module out of a service's stack
    Disable {
        /// The service; left out, every one that `pam enable` changed
        service: Option<Target>,
        /// Show the change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep a change that was made with --rollback-after
    Confirm,
    /// Put back what is not confirmed, now
    Rollback {
        /// Only what is overdue
        #[arg(long)]
        overdue: bool,
        /// Wait until it is
        #[arg(long, hide = true, requires = "overdue")]
        wait: bool,
    },
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

/// `key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Put a new API key in the place of the old one, once Authy takes it
    Rotate {
        /// A file that holds the new key; left out, it is asked for, or read from standard input
        #[arg(long, value_name = "PATH")]
        key_file: Option<PathBuf>,
    },
}

/// `enroll`.
#[derive(Debug, Args)]
#[command(
    override_usage = "authyctl enroll USER --authy-id N\n       authyctl enroll USER --email E --cellphone P"
)]
pub(crate) struct Enroll {
    /// Local user name
    #[arg(value_parser = user_name)]
    pub(crate) user: String,
    /// The person's number at Authy, for somebody who exists there
    #[arg(long, value_name = "N", required_unless_present = "email", conflicts_with_all = ["email", "cellphone"])]
    pub(crate) authy_id: Option<AuthyId>,
    /// The person's e-mail address
    #[arg(long, value_name = "E", requires = "cellphone")]
    pub(crate) email: Option<String>,
    #[command(flatten)]
    pub(crate) number: OptionalNumber,
    /// Have Authy send an SMS with a link to its app
    #[arg(long, requires = "email")]
    pub(crate) install_link: bool,
    /// The fingerprint of the person's SSH key, as ssh-keygen -lf shows it, where several people share
    /// the account
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) ssh_key: Option<Fingerprint>,
    /// Put another id in the place of the present one
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

/// A cellphone.
#[derive(Debug, Args)]
pub(crate) struct Number {
    /// The number
    pub(crate) cellphone: String,
    /// The country's calling code; 1 unless the number begins with + or 00
    #[arg(long, value_name = "N")]
    pub(crate) country_code: Option<CountryCode>,
}

/// How a token is sent.
#[derive(Debug, Args)]
pub(crate) struct Sending {
    /// Send it even when the person has the app
    #[arg(long)]
    pub(crate) force: bool,
    /// Bind the token to an action; verify must name the same
    #[arg(long, value_name = "A")]
    pub(crate) action: Option<String>,
    /// What the person is told of the action
    #[arg(long, value_name = "TEXT", requires = "action")]
    pub(crate) action_message: Option<String>,
    /// The language, such as en or pt-BR
    #[arg(long, value_name = "L", value_parser = locale)]
    pub(crate) locale: Option<String>,
}

/// `push`.
#[derive(Debug, Args)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) who: PersonArg,
    /// What is to be approved
    #[arg(long, value_name = "M")]
    pub(crate) message: String,
    /// Something to show beside it; may be given again
    #[arg(long = "detail", value_name = "K=V", value_parser = pair)]
    pub(crate) details: Vec<(String, String)>,
    /// Something to keep with the request and not to show; may be given again
    #[arg(long = "hidden-detail", value_name = "K=V", value_parser = pair)]
    pub(crate) hidden_details: Vec<(String, String)>,
    /// How long it can be answered
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) expires: u32,
    /// Do not wait for the answer
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `phone …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Phone {
    /// Send a code to a number
    Start {
        #[command(flatten)]
        number: Number,
        /// How the code is sent
        #[arg(long, value_enum, default_value_t = Via::Sms)]
        via: Via,
        /// The language, such as en or pt-BR
        #[arg(long, value_name = "L", value_parser = locale)]
        locale: Option<String>,
        /// Digits of the code
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=10))]
        code_length: u8,
    },
    /// Ask whether a code is the one that was sent
    Check {
        /// The number
        cellphone: String,
        /// The code; left out or -, it is read from a prompt or standard input
        code: Option<String>,
        /// The country's calling code; 1 unless the number begins with + or 00
        #[arg(long, value_name = "N")]
        country_code: Option<CountryCode>,
    },
    /// Show how far a verification has come
    Status {
        #[command(flatten)]
        number: Number,
    },
    /// Show what kind of phone has a number
    Info {
        #[command(flatten)]
        number: Number,
    },
}

/// `recovery …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Recovery {
    /// Make ten codes and show them, now and never again
    Generate {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
        /// Put them in the place of codes that are left
        #[arg(long)]
        replace: bool,
    },
    /// Say how many are left
    Left {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
    },
    /// Take all of them away
    Remove {
        /// Local user name
        #[arg(value_parser = user_name)]
        user: String,
    },
}

/// How a code is sent.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Via {
    /// By text message
    Sms,
    /// Said in a call
    Call,
}

/// A person: a local user, or an authy id.
#[derive(Debug, Args)]
pub(crate) struct PersonArg {
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

/// A language as the web writes it: letters, digits and dashes.
fn locale(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if (2..=16).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("a language is written like en or pt-BR".to_owned())
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is written NAME=VALUE".to_owned()),
    }
}
