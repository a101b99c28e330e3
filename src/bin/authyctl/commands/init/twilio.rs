//! `init twilio`: writes the table `[twilio]`, once Twilio accepts the key. A host's key should be a
//! restricted one, so that a thief of the host can neither enrol nor approve anyone.

use std::io::{self, IsTerminal};
use std::path::Path;

use pam_authy::base::secret::Secret;
use pam_authy::client::twilio::Error;
use pam_authy::client::twilio::services::Service;
use pam_authy::store::config::Config;
use serde_json::json;
use toml_edit::DocumentMut;

use super::super::twilio::{AtTwilio, lacks_permission};
use super::{
    not_written, present, read_key, sample_without_authy, set, set_server, table_of, write,
};
use crate::cli::InitArgs;
use crate::error::{CommandError, ErrorKind};
use crate::hint::with_sudo;
use crate::output::{Output, argument_or_prompt};

/// Where the values are found, and which permissions a host needs.
const WHERE: [&str; 8] = [
    "service   console.twilio.com > Verify > Services: its SID, VA…",
    "key       console.twilio.com > Settings > Account settings > API keys & auth tokens > Create API key:",
    "          region US, type Restricted, with these permissions of Verify and no others:",
    "          Verifications create, Verification checks create, Challenges create and read.",
    "          Its SID is SK…, its secret is shown once. The Account SID (AC…) is not needed.",
    "          A main or standard key works too, but a thief of it can log in as",
    "          anyone: it can approve verifications and enrol apps.",
    "costs     Twilio charges for each successful verification, and for each SMS and call.",
];

pub(super) fn init(path: &Path, args: &InitArgs) -> Result<Output, CommandError> {
    let old = present(path, "twilio", args.force)?;
    if io::stdin().is_terminal() {
        WHERE.iter().for_each(|line| eprintln!("{line}"));
    }
    let service = match &args.service {
        Some(service) => service.clone(),
        None => asked("--service", "Verify service (VA…): ")?,
    };
    let key_sid = match &args.key_sid {
        Some(key) => key.clone(),
        None => asked("--key-sid", "API key (SK…): ")?,
    };
    let secret = read_key("Secret of the API key: ", args.key_file.as_deref())?;
    let sample = sample_without_authy();
    let old = old.as_ref().map_or(sample.as_str(), Secret::expose);
    let values = [
        ("service", service.to_string()),
        ("key_sid", key_sid.to_string()),
    ];
    let text = with_twilio(old, &values, &secret, args);
    let text = Secret::new(text.map_err(|why| {
        CommandError::local(format!("{}: {why}", path.display())).hint("correct it by hand")
    })?);
    let config = Config::parse(text.expose(), path)?;
    let found = match &config.twilio {
        Some(twilio) => {
            probe(&AtTwilio::new(twilio)).map_err(|error| not_written(error, &twilio.url))?
        }
        None => None,
    };
    write(path, &text).map_err(|error| CommandError::file(path, &error))?;
    // A file that cannot be used is reported now, and not at the first login.
    Config::load(path)?;
    let restricted = found.is_none();
    let first = match &found {
        Some(service) => format!("the key is accepted, for the service {}", service.name),
        None => {
            "the key is accepted; it may not read the service, as is right on a host: the first SMS \
             shows whether that exists"
                .to_owned()
        }
    };
    let lines = vec![
        first,
        format!("{} is written", path.display()),
        with_sudo("next: authyctl enroll USER --phone +E164"),
    ];
    let warning = (!restricted).then(|| {
        "this key can do more than log people in: use a restricted key on a host".to_owned()
    });
    let members = json!({"path": path, "service": service.to_string(), "restricted": restricted,
        "changed": true});
    Ok(Output {
        warning,
        ..Output::new(lines, members)
    })
}

/// Asks for a value on a terminal.
fn asked<T>(option: &str, prompt: &str) -> Result<T, CommandError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if io::stdin().is_terminal() {
        return argument_or_prompt(prompt, None);
    }
    let message = format!("{option} is required");
    Err(CommandError::new(ErrorKind::Usage, message))
}

/// Asks Twilio for the service. Returns `None` where the key is accepted and may not read it.
fn probe(twilio: &AtTwilio) -> Result<Option<Service>, CommandError> {
    match twilio.client.services().fetch(twilio.deadline()) {
        Ok(service) => Ok(Some(service)),
        Err(error) if lacks_permission(&error) => Ok(None),
        Err(error @ Error::NotFound(_)) => Err(CommandError::from(error)
            .hint("nothing was written; the account of the key has no such service")),
        Err(error @ Error::KeyRefused(_)) => Err(CommandError::from(error)
            .hint("nothing was written; check the SID of the key and its secret")),
        Err(error) => Err(error.into()),
    }
}

/// Returns the configuration `text` with the table in it. Comments, order and everything else stay.
fn with_twilio(
    text: &str,
    values: &[(&str, String)],
    secret: &Secret,
    args: &InitArgs,
) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|_| "not TOML")?;
    let table = table_of(&mut document, "twilio")?;
    for (key, value) in values {
        set(table, key, value);
    }
    table.remove("key_secret_file");
    set(table, "key_secret", secret.expose());
    set_server(table, args)?;
    Ok(document.to_string())
}
